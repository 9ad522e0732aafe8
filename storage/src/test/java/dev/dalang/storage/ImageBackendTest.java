package dev.dalang.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

@Timeout(60)
final class ImageBackendTest {
    private static final int BYTES = 1 << 20;

    @TempDir Path directory;
    private final List<ImageBackend> opened = new ArrayList<>();
    private final List<Slow> held = new ArrayList<>();
    private final BlockingQueue<BlockStatus> ended = new LinkedBlockingQueue<>();
    private final BlockRequest.Completion completion = (_, status) -> ended.add(status);

    @AfterEach
    void close() {
        held.forEach(Slow::release);
        opened.forEach(ImageBackend::close);
    }

    private Path disk() throws IOException {
        return Files.write(directory.resolve("disk"), new byte[BYTES]);
    }

    private ImageBackend backend(DiskImage image, int threads) {
        ImageBackend backend =
                threads == 0 ? ImageBackend.inline(image) : ImageBackend.threaded(image, threads);
        opened.add(backend);
        return backend;
    }

    private BlockStatus run(ImageBackend backend, BlockRequest request) throws Exception {
        backend.submit(request);
        BlockStatus status = ended.take();
        assertThat(request.isDone()).isTrue();
        return status;
    }

    private static MemorySegment filled(int bytes, int value) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes);
        memory.fill((byte) value);
        return memory;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4})
    void allThatADiskDoes(int threads) throws Exception {
        Path path = disk();
        ImageBackend backend = backend(DiskFormat.RAW.open(path, false), threads);
        List<MemorySegment> source = List.of(filled(512, 1), filled(1024, 2));
        assertThat(run(backend, BlockRequest.write(512, source, false, completion)))
                .isEqualTo(BlockStatus.OK);
        assertThat(run(backend, BlockRequest.flush(completion))).isEqualTo(BlockStatus.OK);
        MemorySegment back = filled(1536, 9);
        assertThat(run(backend, BlockRequest.read(512, List.of(back), completion)))
                .isEqualTo(BlockStatus.OK);
        assertThat(back.asSlice(0, 512).mismatch(source.get(0))).isEqualTo(-1);
        assertThat(back.asSlice(512).mismatch(source.get(1))).isEqualTo(-1);
        assertThat(run(backend, BlockRequest.writeZeroes(1024, 512, true, true, completion)))
                .isEqualTo(BlockStatus.OK);
        assertThat(run(backend, BlockRequest.discard(512, 512, false, completion)))
                .isEqualTo(BlockStatus.OK);
        byte[] now = Files.readAllBytes(path);
        assertThat(now[1024]).isZero();
        assertThat(now[1536]).isEqualTo((byte) 2);
        assertThat(backend.count(StorageEvent.READ)).isEqualTo(1);
        assertThat(backend.count(StorageEvent.WRITE)).isEqualTo(1);
        assertThat(backend.count(StorageEvent.FLUSH)).isEqualTo(1);
        assertThat(backend.count(StorageEvent.ZEROED) + backend.count(StorageEvent.ZEROES_WRITTEN))
                .isEqualTo(1);
        assertThat(
                        backend.count(StorageEvent.DISCARD)
                                + backend.count(StorageEvent.DISCARD_IGNORED))
                .isEqualTo(1);
    }

    @Test
    void whatIsOutsideTheDiskIsRefused() throws Exception {
        ImageBackend backend = backend(DiskFormat.RAW.open(disk(), false), 1);
        List<MemorySegment> sector = List.of(filled(512, 1));
        for (long offset : new long[] {BYTES, BYTES - 511, -512, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertThat(run(backend, BlockRequest.write(offset, sector, false, completion)))
                    .isEqualTo(BlockStatus.OUT_OF_RANGE);
        }
        assertThat(run(backend, BlockRequest.discard(0, -1, false, completion)))
                .isEqualTo(BlockStatus.OUT_OF_RANGE);
        assertThat(run(backend, BlockRequest.discard(512, Long.MAX_VALUE, false, completion)))
                .isEqualTo(BlockStatus.OUT_OF_RANGE);
        assertThat(run(backend, BlockRequest.read(BYTES, List.of(), completion)))
                .as("nothing at the end")
                .isEqualTo(BlockStatus.OK);
        assertThat(backend.count(StorageEvent.OUT_OF_RANGE)).isEqualTo(7);
    }

    @Test
    void aDiskThatIsOnlyReadIsNotChanged() throws Exception {
        ImageBackend backend = backend(DiskFormat.RAW.open(disk(), true), 1);
        List<MemorySegment> sector = List.of(filled(512, 1));
        assertThat(run(backend, BlockRequest.write(0, sector, false, completion)))
                .isEqualTo(BlockStatus.READ_ONLY);
        assertThat(run(backend, BlockRequest.discard(0, 512, false, completion)))
                .isEqualTo(BlockStatus.READ_ONLY);
        assertThat(run(backend, BlockRequest.flush(completion))).isEqualTo(BlockStatus.OK);
        assertThatThrownBy(() -> backend.resize(2 * BYTES)).hasMessage("the disk is read-only");
        assertThat(backend.count(StorageEvent.READ_ONLY)).isEqualTo(2);
    }

    /** An image that waits until it is told to go on, or throws. */
    private final class Slow implements DiskImage {
        final CountDownLatch go = new CountDownLatch(1);
        final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger transfers = new AtomicInteger();
        final CountDownLatch entered;
        RuntimeException failure;
        boolean isClosed;
        int flushes;

        Slow(int entrants) {
            entered = new CountDownLatch(entrants);
            held.add(this);
        }

        /** What fails before it lets go would otherwise wait for its end. */
        void release() {
            go.countDown();
        }

        @Override
        public long sizeBytes() {
            return 1L << 40;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public BlockTopology topology() {
            return new BlockTopology(512, 512, 0, 512);
        }

        private void transfer() throws IOException {
            transfers.incrementAndGet();
            inside.incrementAndGet();
            entered.countDown();
            try {
                go.await();
            } catch (InterruptedException interrupted) {
                throw new IOException(interrupted);
            }
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public void read(long offset, List<MemorySegment> buffers) throws IOException {
            transfer();
        }

        @Override
        public void write(long offset, List<MemorySegment> buffers) throws IOException {
            transfer();
        }

        @Override
        public void flush() {
            flushes++;
        }

        @Override
        public boolean discard(long offset, long length) throws IOException {
            throw new DiskException(StorageEvent.UNSUPPORTED, "no");
        }

        @Override
        public boolean writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
            transfer();
            return false;
        }

        @Override
        public void resize(long bytes) {}

        @Override
        public void close() {
            isClosed = true;
        }
    }

    /** Serves at once what its host has in memory, and says who came. */
    private static final class Cached implements DiskImage {
        final List<Thread> readers = new ArrayList<>();
        final List<Thread> writers = new ArrayList<>();
        final AtomicLong now = new AtomicLong();
        boolean isCached = true;
        boolean isBuffered = true;
        long writeNanos;
        IOException failure;

        @Override
        public long sizeBytes() {
            return 1L << 30;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public BlockTopology topology() {
            return new BlockTopology(512, 512, 0, 512);
        }

        @Override
        public boolean readNow(long offset, List<MemorySegment> buffers) throws IOException {
            if (failure != null) {
                throw failure;
            }
            return isCached && readers.add(Thread.currentThread());
        }

        @Override
        public synchronized void read(long offset, List<MemorySegment> buffers) throws IOException {
            readers.add(Thread.currentThread());
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public boolean isBuffered() {
            return isBuffered;
        }

        @Override
        public synchronized void write(long offset, List<MemorySegment> buffers) {
            writers.add(Thread.currentThread());
            now.addAndGet(writeNanos);
        }

        @Override
        public void flush() {}

        @Override
        public boolean discard(long offset, long length) {
            return true;
        }

        @Override
        public boolean writeZeroes(long offset, long length, boolean mayUnmap) {
            return true;
        }

        @Override
        public void resize(long bytes) {}

        @Override
        public void close() {}
    }

    private ImageBackend backend(Cached image) {
        ImageBackend backend = ImageBackend.threaded(image, 1, image.now::get);
        opened.add(backend);
        return backend;
    }

    @Test
    void whatTheHostHasInMemoryIsReadWhereItIsSubmitted() throws Exception {
        Cached image = new Cached();
        ImageBackend backend = backend(image);
        List<MemorySegment> sector = List.of(filled(512, 0));
        backend.submit(BlockRequest.read(0, sector, completion));
        assertThat(ended.poll()).as("before the submission returns").isEqualTo(BlockStatus.OK);
        assertThat(image.readers).containsExactly(Thread.currentThread());
        image.isCached = false;
        assertThat(run(backend, BlockRequest.read(0, sector, completion)))
                .isEqualTo(BlockStatus.OK);
        assertThat(image.readers.getLast()).isNotEqualTo(Thread.currentThread());
        assertThat(backend.count(StorageEvent.READ)).isEqualTo(2);
    }

    @Test
    void aReadThatFailsAtOnceIsToldOnce() throws Exception {
        Cached image = new Cached();
        image.failure = new IOException("broken");
        ImageBackend backend = backend(image);
        List<MemorySegment> sector = List.of(filled(512, 0));
        assertThat(run(backend, BlockRequest.read(0, sector, completion)))
                .isEqualTo(BlockStatus.IO_ERROR);
        assertThat(backend.count(StorageEvent.IO_ERROR)).isEqualTo(1);
        assertThat(ended).isEmpty();
    }

    @Test
    void writesAreDoneWhereTheyAreSubmittedWhileTheyAreQuick() throws Exception {
        Cached image = new Cached();
        ImageBackend backend = backend(image);
        List<MemorySegment> sector = List.of(filled(512, 0));
        backend.submit(BlockRequest.write(0, sector, false, completion));
        assertThat(ended.poll()).isEqualTo(BlockStatus.OK);
        image.writeNanos = 100_000_000;
        backend.submit(BlockRequest.write(0, sector, false, completion));
        assertThat(ended.poll()).isEqualTo(BlockStatus.OK);
        assertThat(run(backend, BlockRequest.write(0, sector, false, completion)))
                .isEqualTo(BlockStatus.OK);
        Thread here = Thread.currentThread();
        assertThat(image.writers).hasSize(3).startsWith(here, here);
        assertThat(image.writers.getLast()).isNotEqualTo(here);
    }

    @Test
    void whatMayTakeLongIsLeftToTheThreads() throws Exception {
        Cached image = new Cached();
        ImageBackend backend = backend(image);
        List<MemorySegment> sector = List.of(filled(512, 0));
        List<MemorySegment> large = List.of(filled(ImageBackend.PIECE_BYTES + 512, 0));
        run(backend, BlockRequest.write(0, sector, true, completion));
        run(backend, BlockRequest.write(0, large, false, completion));
        run(backend, BlockRequest.read(0, large, completion));
        image.isBuffered = false;
        run(backend, BlockRequest.write(0, sector, false, completion));
        assertThat(image.writers).doesNotContain(Thread.currentThread());
        assertThat(image.readers).doesNotContain(Thread.currentThread());
    }

    @Test
    void manyRequestsAreInFlight() throws Exception {
        Slow image = new Slow(3);
        ImageBackend backend = backend(image, 3);
        for (int i = 0; i < 5; i++) {
            backend.submit(BlockRequest.read(0, List.of(filled(512, 0)), completion));
        }
        image.entered.await();
        assertThat(image.inside).hasValue(3);
        assertThat(ended).isEmpty();
        image.go.countDown();
        for (int i = 0; i < 5; i++) {
            assertThat(ended.take()).isEqualTo(BlockStatus.OK);
        }
    }

    @Test
    void requestsThatHaveNotBegunAreCancelledAtOnceAndOthersAtTheNextPiece() throws Exception {
        Slow image = new Slow(1);
        ImageBackend backend = backend(image, 1);
        MemorySegment large = filled(3 * ImageBackend.PIECE_BYTES, 0);
        BlockRequest begun = BlockRequest.read(0, List.of(large), completion);
        BlockRequest waiting = BlockRequest.read(0, List.of(large), completion);
        backend.submit(begun);
        backend.submit(waiting);
        image.entered.await();
        begun.cancel();
        waiting.cancel();
        image.go.countDown();
        assertThat(ended.take()).isEqualTo(BlockStatus.CANCELLED);
        assertThat(ended.take()).isEqualTo(BlockStatus.CANCELLED);
        assertThat(image.transfers).hasValue(1);
        assertThat(backend.count(StorageEvent.CANCELLED)).isEqualTo(2);
    }

    @Test
    void writingManyZerosCanBeCancelled() throws Exception {
        Slow image = new Slow(1);
        ImageBackend backend = backend(image, 1);
        BlockRequest request = BlockRequest.writeZeroes(0, 1L << 39, true, false, completion);
        backend.submit(request);
        image.entered.await();
        request.cancel();
        image.go.countDown();
        assertThat(ended.take()).isEqualTo(BlockStatus.CANCELLED);
        assertThat(image.transfers).hasValue(1);
    }

    @Test
    void whatAnImageThrowsIsAnErrorOfTheRequestAlone() throws Exception {
        Slow image = new Slow(1);
        image.go.countDown();
        image.failure = new IllegalStateException("broken");
        ImageBackend backend = backend(image, 1);
        List<MemorySegment> sector = List.of(filled(512, 0));
        assertThat(run(backend, BlockRequest.read(0, sector, completion)))
                .isEqualTo(BlockStatus.IO_ERROR);
        assertThat(run(backend, BlockRequest.discard(0, 512, false, completion)))
                .isEqualTo(BlockStatus.UNSUPPORTED);
        image.failure = null;
        assertThat(run(backend, BlockRequest.read(0, sector, completion)))
                .isEqualTo(BlockStatus.OK);
        assertThat(backend.count(StorageEvent.IO_ERROR)).isEqualTo(1);
    }

    @Test
    void aDurableChangeIsFlushedBeforeItEnds() throws Exception {
        Slow image = new Slow(1);
        image.go.countDown();
        ImageBackend backend = backend(image, 0);
        List<MemorySegment> sector = List.of(filled(512, 0));
        run(backend, BlockRequest.write(0, sector, false, completion));
        assertThat(image.flushes).isZero();
        run(backend, BlockRequest.write(0, sector, true, completion));
        assertThat(image.flushes).isEqualTo(1);
        run(backend, BlockRequest.writeZeroes(0, 512, false, true, completion));
        assertThat(image.flushes).isEqualTo(2);
    }

    @Test
    void closingWaitsForWhatIsInFlightAndRefusesMore() throws Exception {
        Slow image = new Slow(1);
        ImageBackend backend = backend(image, 1);
        List<MemorySegment> sector = List.of(filled(512, 0));
        backend.submit(BlockRequest.read(0, sector, completion));
        image.entered.await();
        Thread closer = Thread.ofPlatform().start(backend::close);
        image.go.countDown();
        closer.join();
        assertThat(ended.take()).isEqualTo(BlockStatus.OK);
        assertThat(image.isClosed).isTrue();
        assertThat(run(backend, BlockRequest.read(0, sector, completion)))
                .isEqualTo(BlockStatus.CANCELLED);
        backend.close();
    }

    @Test
    void aDiskGrowsAndItsListenerHears() throws Exception {
        Path path = disk();
        ImageBackend backend = backend(DiskFormat.RAW.open(path, false), 1);
        AtomicInteger heard = new AtomicInteger();
        backend.onResize(heard::incrementAndGet);
        assertThatThrownBy(() -> backend.resize(BYTES - 512))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least 1048576 bytes");
        assertThatThrownBy(() -> backend.resize(BYTES + 1))
                .isInstanceOf(IllegalArgumentException.class);
        backend.resize(2 * BYTES);
        assertThat(heard).hasValue(1);
        assertThat(backend.sizeBytes()).isEqualTo(2 * BYTES);
        assertThat(Files.size(path)).isEqualTo(2 * BYTES);
        MemorySegment sector = filled(512, 9);
        run(backend, BlockRequest.read(2 * BYTES - 512, List.of(sector), completion));
        assertThat(sector.mismatch(filled(512, 0))).isEqualTo(-1);
    }

    @Test
    void aRequestEndsOnce() {
        BlockRequest request = BlockRequest.flush(completion);
        request.complete(BlockStatus.OK);
        assertThatThrownBy(() -> request.complete(BlockStatus.IO_ERROR))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ended).hasSize(1);
    }

    @Test
    void blocksThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new BlockTopology(256, 512, 0, 512))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new BlockTopology(1024, 512, 0, 1024))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new BlockTopology(512, 3000, 0, 512))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ImageBackend.threaded(new Slow(1), 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ImageBackend.threaded(new Slow(1), 65))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
