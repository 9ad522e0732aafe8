package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.testkit.virtio.DriverBuffer;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The streams of a chain; virtqueue rows 36, 39 to 41 and the rules for readers and writers. */
class DescriptorChainTest {
    private final QueueMachine m = new QueueMachine(64, QueueMachine.NOTHING);

    private DescriptorChain chain(DriverBuffer... buffers) {
        m.driver.add(buffers);
        return m.pop();
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (i + 1);
        }
        return bytes;
    }

    @Test
    void valuesAreReadOneAfterTheOther() {
        DescriptorChain chain = chain(m.heap.readable(bytes(15)), m.heap.writable(4));
        assertThat(chain.readByte()).isEqualTo((byte) 1);
        assertThat(chain.readShort()).isEqualTo((short) 0x0302);
        assertThat(chain.readInt()).isEqualTo(0x07060504);
        assertThat(chain.readableLeft()).isEqualTo(8);
        assertThat(chain.readLong()).isEqualTo(0x0f0e0d0c0b0a0908L);
        assertThat(chain.readableLeft()).isZero();
        assertThat(chain.writableLeft()).isEqualTo(4);
    }

    @Test
    void valuesAreReadAcrossBuffers() {
        DescriptorChain chain =
                chain(
                        m.heap.readable((byte) 1, (byte) 2),
                        DriverBuffer.readable(0, 0),
                        m.heap.readable((byte) 3),
                        m.heap.readable((byte) 4, (byte) 5, (byte) 6),
                        m.heap.readable((byte) 7, (byte) 8, (byte) 9),
                        m.heap.readable(bytes(5)));
        assertThat(chain.readByte()).isEqualTo((byte) 1);
        assertThat(chain.readShort()).isEqualTo((short) 0x0302);
        assertThat(chain.readInt()).isEqualTo(0x07060504);
        assertThat(chain.readInt()).isEqualTo(0x02010908);
        chain.rewind();
        assertThat(chain.readLong()).isEqualTo(0x0807060504030201L);
        assertThat(chain.readableLeft()).isEqualTo(6);
    }

    @Test
    void valuesAreWrittenAcrossBuffers() {
        DriverBuffer[] buffers = {
            m.heap.writable(1),
            m.heap.writable(3),
            DriverBuffer.writable(0, 0),
            m.heap.writable(2),
            m.heap.writable(9)
        };
        DescriptorChain chain = chain(buffers);
        chain.writeShort((short) 0x0201);
        chain.writeInt(0x06050403);
        chain.writeLong(0x0e0d0c0b0a090807L);
        chain.writeByte((byte) 15);
        assertThat(chain.bytesWritten()).isEqualTo(15);
        assertThat(chain.writableLeft()).isZero();
        byte[] all = new byte[15];
        int at = 0;
        for (DriverBuffer buffer : buffers) {
            if (buffer.length() > 0) {
                m.memory.copyOut(buffer.address(), all, at, buffer.length());
                at += buffer.length();
            }
        }
        assertThat(all).isEqualTo(bytes(15));
    }

    @Test
    void wholeValuesAreWrittenWithinABuffer() {
        DriverBuffer buffer = m.heap.writable(15);
        DescriptorChain chain = chain(buffer);
        chain.writeByte((byte) 1);
        chain.writeShort((short) 0x0302);
        chain.writeInt(0x07060504);
        chain.writeLong(0x0f0e0d0c0b0a0908L);
        byte[] all = new byte[15];
        m.memory.copyOut(buffer.address(), all);
        assertThat(all).isEqualTo(bytes(15));
    }

    /** Arrays and segments of every length, at every place of a chain with buffers of all sizes. */
    @Test
    void arraysAndSegmentsAreCopiedAcrossBuffers() {
        Random random = new Random(7);
        byte[] content = new byte[200];
        random.nextBytes(content);
        try (Arena arena = Arena.ofConfined()) {
            for (int round = 0; round < 500; round++) {
                List<DriverBuffer> buffers = new ArrayList<>();
                for (int isWrite = 0; isWrite < 2; isWrite++) {
                    int left = content.length;
                    for (int i = 0; i < 20; i++) {
                        int length = i == 19 ? left : Math.min(left, random.nextInt(20));
                        long address = QueueMachine.NEIGHBOUR + 1000L * isWrite + 200 - left;
                        buffers.add(new DriverBuffer(address, length, isWrite == 1));
                        left -= length;
                    }
                }
                m.memory.copyIn(QueueMachine.NEIGHBOUR, content);
                m.memory.fill(QueueMachine.NEIGHBOUR + 1000, 200, (byte) 0);
                DescriptorChain chain = chain(buffers.toArray(DriverBuffer[]::new));
                int start = random.nextInt(100);
                int length = random.nextInt(101);
                chain.skipReadable(start);
                chain.skipWritable(start);
                byte[] array = new byte[length + 2];
                MemorySegment segment = arena.allocate(length);
                if (round % 2 == 0) {
                    chain.read(array, 1, length);
                    chain.write(array, 1, length);
                } else {
                    chain.read(segment);
                    chain.write(segment);
                    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, array, 1, length);
                }
                for (int i = 0; i < length; i++) {
                    assertThat(array[1 + i]).isEqualTo(content[start + i]);
                }
                assertThat(chain.readableLeft()).isEqualTo(200 - start - length);
                assertThat(chain.bytesWritten()).isEqualTo(start + length);
                byte[] written = new byte[200];
                m.memory.copyOut(QueueMachine.NEIGHBOUR + 1000, written);
                for (int i = 0; i < 200; i++) {
                    boolean isInside = i >= start && i < start + length;
                    assertThat(written[i]).isEqualTo(isInside ? content[i] : 0);
                }
                m.queue.complete(chain, chain.bytesWritten());
                assertThat(m.driver.poll()).isTrue();
            }
        }
    }

    @Test
    void oneValueFillsAcrossBuffers() {
        DriverBuffer a = m.heap.writable(3);
        DriverBuffer b = m.heap.writable(3);
        DescriptorChain chain = chain(a, b);
        chain.skipWritable(1);
        chain.fill(4, (byte) 9);
        assertThat(m.memory.readInt(a.address())).isEqualTo(0x090900);
        assertThat(m.memory.readInt(b.address())).isEqualTo(0x0909);
        assertThat(chain.writableLeft()).isEqualTo(1);
    }

    // ---------------------------------------------------------------- what cannot be done

    private void assertTooShort(Runnable access) {
        assertThatExceptionOfType(ChainException.class).isThrownBy(access::run);
    }

    @Test
    void aReadPastTheEndFailsAndMovesNothing() {
        DescriptorChain chain = chain(m.heap.readable(bytes(7)), m.heap.writable(100));
        assertTooShort(chain::readLong);
        assertTooShort(() -> chain.read(new byte[8]));
        assertTooShort(() -> chain.read(MemorySegment.ofArray(new byte[8])));
        assertTooShort(() -> chain.skipReadable(8));
        assertTooShort(() -> chain.skipReadable(-1));
        assertThat(chain.readableLeft()).isEqualTo(7);
        chain.skipReadable(7);
        assertTooShort(chain::readByte);
        assertTooShort(chain::readShort);
        assertTooShort(chain::readInt);
        assertTooShort(chain::readLong);
        chain.read(new byte[0]);
        assertThatThrownBy(chain::readByte)
                .hasMessage("expected at least 1 readable bytes in a chain, got 0");
    }

    @Test
    void aWritePastTheEndFailsAndWritesNothing() {
        DriverBuffer buffer = m.heap.writable(7);
        DescriptorChain chain = chain(m.heap.readable(bytes(100)), buffer);
        assertTooShort(() -> chain.writeLong(-1));
        assertTooShort(() -> chain.write(bytes(8)));
        assertTooShort(() -> chain.write(MemorySegment.ofArray(bytes(8))));
        assertTooShort(() -> chain.fill(8, (byte) 1));
        assertTooShort(() -> chain.fill(-1, (byte) 1));
        assertTooShort(() -> chain.skipWritable(8));
        assertTooShort(() -> chain.written(8));
        assertThat(m.memory.readLong(buffer.address())).isZero();
        assertThat(chain.bytesWritten()).isZero();
        chain.skipWritable(7);
        assertTooShort(() -> chain.writeByte((byte) 1));
        assertTooShort(() -> chain.writeShort((short) 1));
        assertTooShort(() -> chain.writeInt(1));
        chain.write(new byte[0]);
    }

    /** Row 36's end: a chain of empty buffers has nothing to read or to write. */
    @Test
    void emptyBuffersHoldNothing() {
        DescriptorChain chain = chain(DriverBuffer.readable(0, 0), DriverBuffer.writable(0, 0));
        assertTooShort(chain::readByte);
        assertTooShort(() -> chain.writeByte((byte) 0));
        chain.rewind();
        assertThat(chain.readableLeft() + chain.writableLeft()).isZero();
    }

    /** Rows 39, 40 and 41: nothing is copied, and no cursor moves. */
    @Test
    void anAccessToABufferThatIsNotMemoryFailsWhole() {
        DriverBuffer good = m.heap.writable(4);
        long[] bad = {0, QueueMachine.HOLE, QueueMachine.HOLE - 2, -4, QueueMachine.READ_ONLY};
        for (long address : bad) {
            DescriptorChain chain = chain(good, DriverBuffer.writable(address, 4));
            chain.skipWritable(2);
            assertThatExceptionOfType(GuestMemoryException.class)
                    .as("0x" + Long.toHexString(address))
                    .isThrownBy(() -> chain.write(bytes(6)));
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.write(MemorySegment.ofArray(bytes(6))));
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.fill(6, (byte) 1));
            assertThat(chain.bytesWritten()).isEqualTo(2);
            chain.skipWritable(2);
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.writeInt(-1));
            assertThat(chain.bytesWritten()).isEqualTo(4);
            assertThat(m.memory.readInt(good.address())).isZero();
            m.queue.complete(chain, 0);
            assertThat(m.driver.poll()).isTrue();
        }
    }

    @Test
    void aReadFromABufferThatIsNotMemoryFailsWhole() {
        for (long address : new long[] {0, QueueMachine.HOLE, QueueMachine.HOLE - 2, -4}) {
            DescriptorChain chain =
                    chain(m.heap.readable(bytes(4)), DriverBuffer.readable(address, 4));
            byte[] target = new byte[8];
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.read(target));
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.read(MemorySegment.ofArray(target)));
            assertThatExceptionOfType(GuestMemoryException.class).isThrownBy(chain::readLong);
            assertThat(target).containsOnly(0);
            assertThat(chain.readableLeft()).isEqualTo(8);
            m.queue.complete(chain, 0);
            assertThat(m.driver.poll()).isTrue();
        }
    }

    @Test
    void aReadOnlyPageIsReadAndNotWritten() {
        DescriptorChain chain =
                chain(
                        DriverBuffer.readable(QueueMachine.READ_ONLY, 4),
                        DriverBuffer.writable(QueueMachine.READ_ONLY, 4));
        assertThat(chain.readInt()).isZero();
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> chain.writeInt(1))
                .satisfies(
                        thrown ->
                                assertThat(thrown.kind())
                                        .isEqualTo(GuestMemoryException.Kind.READ_ONLY));
    }

    /** Row 40's other half: regions side by side are one memory. */
    @Test
    void aBufferMayLieInTwoRegions() {
        DescriptorChain chain =
                chain(
                        DriverBuffer.readable(QueueMachine.NEIGHBOUR - 3, 8),
                        DriverBuffer.writable(QueueMachine.NEIGHBOUR - 7, 14));
        m.memory.copyIn(QueueMachine.NEIGHBOUR - 3, bytes(8));
        assertThat(chain.readLong()).isEqualTo(0x0807060504030201L);
        chain.write(bytes(14));
        byte[] back = new byte[14];
        m.memory.copyOut(QueueMachine.NEIGHBOUR - 7, back);
        assertThat(back).isEqualTo(bytes(14));
    }

    // ---------------------------------------------------------------- buffers one by one

    @Test
    void buffersAreShownFromTheCursorOnUpToALimit() {
        DescriptorChain chain =
                chain(
                        DriverBuffer.readable(0x1000, 16),
                        DriverBuffer.readable(0x2000, 0),
                        DriverBuffer.readable(0x3000, 100),
                        DriverBuffer.writable(0x4000, 512),
                        DriverBuffer.writable(0x5000, 512),
                        DriverBuffer.writable(0x6000, 1));
        chain.skipReadable(4);
        List<String> seen = new ArrayList<>();
        BufferVisitor visitor =
                (address, length) -> seen.add(Long.toHexString(address) + "+" + length);
        chain.visitReadable(Long.MAX_VALUE, visitor);
        assertThat(seen).containsExactly("1004+12", "3000+100");
        seen.clear();
        chain.visitWritable(chain.writableLeft() - 1, visitor);
        assertThat(seen).containsExactly("4000+512", "5000+512");
        seen.clear();
        chain.skipWritable(512);
        chain.visitWritable(100, visitor);
        assertThat(seen).containsExactly("5000+100");
        seen.clear();
        chain.visitWritable(0, visitor);
        chain.skipWritable(513);
        chain.visitWritable(1, visitor);
        assertThat(seen).isEmpty();
        assertThat(chain.readableLeft()).isEqualTo(112);
    }

    @Test
    void bytesAreGivenAsTheyLieInMemory() {
        DescriptorChain chain =
                chain(
                        m.heap.readable(bytes(16)),
                        DriverBuffer.readable(0, 0),
                        DriverBuffer.readable(QueueMachine.NEIGHBOUR - 3, 8),
                        DriverBuffer.readable(QueueMachine.READ_ONLY, 4),
                        DriverBuffer.writable(QueueMachine.NEIGHBOUR - 3, 8),
                        DriverBuffer.writable(QueueMachine.NEIGHBOUR + 64, 4));
        m.memory.copyIn(QueueMachine.NEIGHBOUR - 3, bytes(8));
        chain.skipReadable(14);
        List<byte[]> read = new ArrayList<>();
        chain.readableSegments(
                chain.readableLeft(), piece -> read.add(piece.toArray(ValueLayout.JAVA_BYTE)));
        assertThat(read)
                .containsExactly(
                        new byte[] {15, 16},
                        new byte[] {1, 2, 3},
                        new byte[] {4, 5, 6, 7, 8},
                        new byte[4]);
        List<Long> lengths = new ArrayList<>();
        chain.writableSegments(
                10,
                piece -> {
                    lengths.add(piece.byteSize());
                    piece.fill((byte) 9);
                });
        chain.written(10);
        assertThat(lengths).containsExactly(3L, 5L, 2L);
        assertThat(m.memory.readLong(QueueMachine.NEIGHBOUR - 3)).isEqualTo(0x0909090909090909L);
        assertThat(m.memory.readInt(QueueMachine.NEIGHBOUR + 64)).isEqualTo(0x0909);
        assertThat(chain.writableLeft()).isEqualTo(2);
        chain.readableSegments(0, _ -> read.clear());
        assertThat(read).isNotEmpty();
    }

    /** Rows 39 to 41: no piece is given if one is not memory. */
    @Test
    void nothingIsGivenOfWhatIsNotAllMemory() {
        List<MemorySegment> given = new ArrayList<>();
        for (long address : new long[] {0, QueueMachine.HOLE, QueueMachine.HOLE - 2, -4}) {
            DescriptorChain chain =
                    chain(
                            m.heap.readable(bytes(4)),
                            DriverBuffer.readable(address, 4),
                            DriverBuffer.writable(address, 4));
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.readableSegments(8, given::add));
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> chain.writableSegments(4, given::add));
            assertTooShort(() -> chain.readableSegments(9, given::add));
            assertTooShort(() -> chain.writableSegments(-1, given::add));
            m.queue.complete(chain, 0);
            assertThat(m.driver.poll()).isTrue();
        }
        DescriptorChain chain = chain(DriverBuffer.writable(QueueMachine.READ_ONLY, 4));
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> chain.writableSegments(4, given::add))
                .satisfies(
                        thrown ->
                                assertThat(thrown.kind())
                                        .isEqualTo(GuestMemoryException.Kind.READ_ONLY));
        assertThat(given).isEmpty();
    }

    @Test
    void whatIsWrittenByOtherMeansIsReported() {
        DriverBuffer a = DriverBuffer.writable(QueueMachine.RAM + 0x80000, 0x1800);
        DriverBuffer b = DriverBuffer.writable(QueueMachine.RAM + 0x90000, 0x1000);
        DescriptorChain chain = chain(a, b);
        m.memory.startDirtyTracking();
        chain.written(0x1900);
        List<Long> dirty = new ArrayList<>();
        m.memory.harvestDirtyPages(dirty::add);
        assertThat(dirty).containsExactly(a.address(), a.address() + 0x1000, b.address());
        assertThat(chain.writableLeft()).isEqualTo(0xf00);
    }

    @Test
    void whatTheDriverChangesLaterChangesNothing() {
        DriverBuffer buffer = m.heap.readable(bytes(8));
        DescriptorChain chain = chain(buffer);
        m.split().writeDescriptor(chain.id(), 0, -1, 3, 0xffff);
        assertThat(chain.address(0)).isEqualTo(buffer.address());
        assertThat(chain.readLong()).isEqualTo(0x0807060504030201L);
    }
}
