package dev.dalang.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

class BlockRequestTest {
    private final List<BlockStatus> ends = new ArrayList<>();
    private final BlockRequest.Completion completion = (_, status) -> ends.add(status);
    private final List<MemorySegment> buffers =
            List.of(MemorySegment.ofArray(new byte[512]), MemorySegment.ofArray(new byte[1024]));

    private static void asks(
            BlockRequest request,
            BlockOperation operation,
            long offset,
            long length,
            boolean mayUnmap,
            boolean isDurable) {
        assertThat(request.operation()).isEqualTo(operation);
        assertThat(request.offset()).isEqualTo(offset);
        assertThat(request.length()).isEqualTo(length);
        assertThat(request.mayUnmap()).isEqualTo(mayUnmap);
        assertThat(request.isDurable()).isEqualTo(isDurable);
        assertThat(request.isDone()).isFalse();
        assertThat(request.isCancelled()).isFalse();
        request.complete(BlockStatus.OK);
    }

    @Test
    void itAsksForWhatItWasMadeFor() {
        asks(BlockRequest.read(7, buffers, completion), BlockOperation.READ, 7, 1536, false, false);
        asks(
                BlockRequest.write(8, buffers, true, completion),
                BlockOperation.WRITE,
                8,
                1536,
                false,
                true);
        asks(BlockRequest.flush(completion), BlockOperation.FLUSH, 0, 0, false, false);
        asks(
                BlockRequest.discard(9, 10, false, completion),
                BlockOperation.DISCARD,
                9,
                10,
                true,
                false);
        asks(
                BlockRequest.writeZeroes(11, 12, false, true, completion),
                BlockOperation.WRITE_ZEROES,
                11,
                12,
                false,
                true);
        assertThat(ends).hasSize(5);
    }

    @Test
    void aReusableOneIsMadeAnewAfterEachEnd() {
        BlockRequest request = BlockRequest.reusable(completion);
        asks(
                request.asWriteZeroes(1, 2, true, true),
                BlockOperation.WRITE_ZEROES,
                1,
                2,
                true,
                true);
        asks(request.asFlush(), BlockOperation.FLUSH, 0, 0, false, false);
        assertThat(request.asWrite(3, buffers, true).buffers()).isSameAs(buffers);
        asks(request, BlockOperation.WRITE, 3, 1536, false, true);
        assertThat(request.asRead(4, buffers).buffers()).isSameAs(buffers);
        asks(request, BlockOperation.READ, 4, 1536, false, false);
        request.cancel();
        asks(request.asDiscard(5, 6, true), BlockOperation.DISCARD, 5, 6, true, true);
        assertThat(request.buffers()).isEmpty();
        assertThat(ends).hasSize(5);
    }

    @Test
    void oneThatIsUnderWayIsNotMadeAnew() {
        BlockRequest request = BlockRequest.reusable(completion).asFlush();
        assertThatThrownBy(() -> request.asRead(0, buffers))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has not ended");
        assertThat(request.operation()).isEqualTo(BlockOperation.FLUSH);
    }

    @Test
    void oneForOneUseIsNotMadeAnew() {
        BlockRequest request = BlockRequest.flush(completion);
        request.complete(BlockStatus.OK);
        assertThatThrownBy(request::asFlush)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("one use");
    }

    @Test
    void eachUseEndsOnce() {
        BlockRequest request = BlockRequest.reusable(completion);
        assertThatThrownBy(() -> request.complete(BlockStatus.OK))
                .isInstanceOf(IllegalStateException.class);
        request.asFlush().complete(BlockStatus.IO_ERROR);
        assertThatThrownBy(() -> request.complete(BlockStatus.OK))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ends).containsExactly(BlockStatus.IO_ERROR);
    }
}
