package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;
import dev.dalang.bus.memory.MemoryRegion;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The buffers of one request: first those that the device reads, then those that it writes. What
 * the driver's descriptors said is copied here, so that a driver which changes them later changes
 * nothing; the bytes in the buffers it may change at any time, so a device copies what it checks.
 *
 * <p>The readable bytes are one stream and the writable bytes another, each with a cursor. Values
 * are little-endian, and may lie across buffers. An access that cannot be done moves no cursor and
 * copies nothing: where too few bytes are left it throws {@link ChainException}, and where a buffer
 * is not in memory {@link GuestMemoryException}. Neither is made by anything but the driver.
 *
 * <p>Belongs to whoever popped it until it is completed, one thread at a time; the queue then uses
 * the object again.
 */
public final class DescriptorChain {
    /** Descriptors for which a chain has room from the start. */
    static final int INITIAL_ROOM = 16;

    private static final int MAX_LENGTH_BITS = 32;

    // What the queue keeps with a chain.
    final AbstractQueue owner;
    GuestMemory memory;

    /** The index of the first descriptor, or the buffer id. */
    int id;

    /** Where it was found in the ring, and how many slots it took. */
    int position;

    int slots;

    /** Chains popped before it. */
    long sequence;

    boolean inFlight;

    /** Complete, and held back for those before it. */
    boolean isDone;

    long doneBytes;

    private long[] addresses = new long[INITIAL_ROOM];
    private int[] lengths = new int[INITIAL_ROOM];
    private int buffers;
    private int firstWritable;
    private long readableBytes;
    private long writableBytes;

    private final Cursor reader = new Cursor("readable");
    private final Cursor writer = new Cursor("writable");

    DescriptorChain(AbstractQueue owner, GuestMemory memory) {
        this.owner = owner;
        this.memory = memory;
    }

    // ---------------------------------------------------------------- for the queue

    void begin(GuestMemory from) {
        memory = from;
        buffers = 0;
        firstWritable = -1;
        readableBytes = 0;
        writableBytes = 0;
    }

    int room() {
        return lengths.length;
    }

    void grow(int newRoom) {
        addresses = Arrays.copyOf(addresses, newRoom);
        lengths = Arrays.copyOf(lengths, newRoom);
    }

    void shrink() {
        addresses = new long[INITIAL_ROOM];
        lengths = new int[INITIAL_ROOM];
    }

    /** Adds a buffer, for which there is room; null, or what is wrong with it. */
    @Nullable QueueError add(long address, int length, boolean isWritable) {
        long bytes = Integer.toUnsignedLong(length);
        if (bytes != 0 && Long.compareUnsigned(address + (bytes - 1), address) < 0) {
            return QueueError.BUFFER_WRAPS;
        }
        if (isWritable) {
            if (firstWritable < 0) {
                firstWritable = buffers;
            }
            writableBytes += bytes;
        } else {
            if (firstWritable >= 0) {
                return QueueError.READABLE_AFTER_WRITABLE;
            }
            readableBytes += bytes;
        }
        if ((readableBytes + writableBytes) >>> MAX_LENGTH_BITS != 0) {
            return QueueError.CHAIN_TOO_LARGE;
        }
        addresses[buffers] = address;
        lengths[buffers] = length;
        buffers++;
        return null;
    }

    void end() {
        if (firstWritable < 0) {
            firstWritable = buffers;
        }
        inFlight = true;
        isDone = false;
        rewind();
    }

    // ---------------------------------------------------------------- what it is

    /**
     * What names the request to the driver.
     *
     * @return the index of the first descriptor in a split ring, the buffer id in a packed one
     */
    public int id() {
        return id;
    }

    /**
     * How many buffers there are, empty ones too.
     *
     * @return at least 1
     */
    public int buffers() {
        return buffers;
    }

    /**
     * How many of the buffers the device reads: the first ones.
     *
     * @return 0 to {@link #buffers}
     */
    public int readableBuffers() {
        return firstWritable;
    }

    /**
     * Tells whether the device writes a buffer; if not, it reads it.
     *
     * @param buffer 0 to {@link #buffers} - 1
     * @return true if it is writable
     */
    public boolean isWritable(int buffer) {
        return Objects.checkIndex(buffer, buffers) >= firstWritable;
    }

    /**
     * Where a buffer lies; not checked to be memory.
     *
     * @param buffer 0 to {@link #buffers} - 1
     * @return guest physical address, unsigned
     */
    public long address(int buffer) {
        return addresses[Objects.checkIndex(buffer, buffers)];
    }

    /**
     * The length of a buffer.
     *
     * @param buffer 0 to {@link #buffers} - 1
     * @return bytes, 0 to 2^32 - 1
     */
    public long length(int buffer) {
        return Integer.toUnsignedLong(lengths[Objects.checkIndex(buffer, buffers)]);
    }

    /**
     * Bytes of all readable buffers.
     *
     * @return 0 to 2^32 - 1, with those of the writable ones
     */
    public long readableBytes() {
        return readableBytes;
    }

    /**
     * Bytes of all writable buffers.
     *
     * @return 0 to 2^32 - 1, with those of the readable ones
     */
    public long writableBytes() {
        return writableBytes;
    }

    /**
     * The memory that the buffers lie in, if they do.
     *
     * @return the memory
     */
    public GuestMemory memory() {
        return memory;
    }

    // ---------------------------------------------------------------- reading

    /**
     * Readable bytes after the cursor.
     *
     * @return 0 to {@link #readableBytes}
     */
    public long readableLeft() {
        return reader.left;
    }

    /**
     * Reads a byte.
     *
     * @return the value
     */
    public byte readByte() {
        byte value = memory.readByte(reader.at(Byte.BYTES));
        reader.move(Byte.BYTES);
        return value;
    }

    /**
     * Reads two bytes.
     *
     * @return the value
     */
    public short readShort() {
        if (!reader.isWhole(Short.BYTES)) {
            return (short) readSplit(Short.BYTES);
        }
        short value = memory.readShort(reader.at(Short.BYTES));
        reader.move(Short.BYTES);
        return value;
    }

    /**
     * Reads four bytes.
     *
     * @return the value
     */
    public int readInt() {
        if (!reader.isWhole(Integer.BYTES)) {
            return (int) readSplit(Integer.BYTES);
        }
        int value = memory.readInt(reader.at(Integer.BYTES));
        reader.move(Integer.BYTES);
        return value;
    }

    /**
     * Reads eight bytes.
     *
     * @return the value
     */
    public long readLong() {
        if (!reader.isWhole(Long.BYTES)) {
            return readSplit(Long.BYTES);
        }
        long value = memory.readLong(reader.at(Long.BYTES));
        reader.move(Long.BYTES);
        return value;
    }

    /**
     * Fills an array.
     *
     * @param target where the bytes go
     */
    public void read(byte[] target) {
        read(target, 0, target.length);
    }

    /**
     * Fills a part of an array.
     *
     * @param target where the bytes go
     * @param offset first byte to use of the array
     * @param length bytes
     */
    public void read(byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        reader.require(length);
        for (int done = 0; done < length; ) {
            int step = (int) Math.min(reader.here(), length - done);
            memory.copyOut(reader.address(), target, offset + done, step);
            reader.move(step);
            done += step;
        }
    }

    /**
     * Fills a segment.
     *
     * @param target where the bytes go
     */
    public void read(MemorySegment target) {
        long length = target.byteSize();
        reader.require(length);
        for (long done = 0; done < length; ) {
            long step = Math.min(reader.here(), length - done);
            memory.copyOut(reader.address(), step == length ? target : target.asSlice(done, step));
            reader.move(step);
            done += step;
        }
    }

    /**
     * Moves the cursor of the readable bytes on.
     *
     * @param length bytes, at least 0
     */
    public void skipReadable(long length) {
        reader.skip(length);
    }

    /**
     * Shows the readable buffers from the cursor on, without moving it; empty ones are left out.
     *
     * @param limit bytes to show at most, at least 0
     * @param visitor takes them
     */
    public void visitReadable(long limit, BufferVisitor visitor) {
        reader.visit(limit, visitor);
    }

    /**
     * Gives the readable bytes from the cursor on as they lie in memory, for I/O that gathers them,
     * without moving the cursor. All of them are looked up before the first is given. The driver
     * may change the bytes at any time.
     *
     * @param length bytes, at least 0
     * @param sink takes the pieces in order, none of them empty; they live as long as the memory
     */
    public void readableSegments(long length, Consumer<MemorySegment> sink) {
        reader.segments(length, sink);
    }

    // ---------------------------------------------------------------- writing

    /**
     * Writable bytes after the cursor.
     *
     * @return 0 to {@link #writableBytes}
     */
    public long writableLeft() {
        return writer.left;
    }

    /**
     * Writable bytes before the cursor: what to complete the chain with, as a rule.
     *
     * @return 0 to {@link #writableBytes}
     */
    public long bytesWritten() {
        return writableBytes - writer.left;
    }

    /**
     * Writes a byte.
     *
     * @param value the value
     */
    public void writeByte(byte value) {
        memory.writeByte(writer.at(Byte.BYTES), value);
        writer.move(Byte.BYTES);
    }

    /**
     * Writes two bytes.
     *
     * @param value the value
     */
    public void writeShort(short value) {
        if (writer.isWhole(Short.BYTES)) {
            memory.writeShort(writer.at(Short.BYTES), value);
            writer.move(Short.BYTES);
        } else {
            writeSplit(value, Short.BYTES);
        }
    }

    /**
     * Writes four bytes.
     *
     * @param value the value
     */
    public void writeInt(int value) {
        if (writer.isWhole(Integer.BYTES)) {
            memory.writeInt(writer.at(Integer.BYTES), value);
            writer.move(Integer.BYTES);
        } else {
            writeSplit(value, Integer.BYTES);
        }
    }

    /**
     * Writes eight bytes.
     *
     * @param value the value
     */
    public void writeLong(long value) {
        if (writer.isWhole(Long.BYTES)) {
            memory.writeLong(writer.at(Long.BYTES), value);
            writer.move(Long.BYTES);
        } else {
            writeSplit(value, Long.BYTES);
        }
    }

    /**
     * Writes a whole array.
     *
     * @param source where the bytes come from
     */
    public void write(byte[] source) {
        write(source, 0, source.length);
    }

    /**
     * Writes a part of an array.
     *
     * @param source where the bytes come from
     * @param offset first byte to use of the array
     * @param length bytes
     */
    public void write(byte[] source, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        writer.require(length);
        for (int done = 0; done < length; ) {
            int step = (int) Math.min(writer.here(), length - done);
            memory.copyIn(writer.address(), source, offset + done, step);
            writer.move(step);
            done += step;
        }
    }

    /**
     * Writes a whole segment.
     *
     * @param source where the bytes come from
     */
    public void write(MemorySegment source) {
        long length = source.byteSize();
        writer.require(length);
        for (long done = 0; done < length; ) {
            long step = Math.min(writer.here(), length - done);
            memory.copyIn(writer.address(), step == length ? source : source.asSlice(done, step));
            writer.move(step);
            done += step;
        }
    }

    /**
     * Writes one value many times.
     *
     * @param length bytes, at least 0
     * @param value the value of each
     */
    public void fill(long length, byte value) {
        writer.require(length);
        for (long left = length; left > 0; ) {
            long step = Math.min(writer.here(), left);
            memory.fill(writer.address(), step, value);
            writer.move(step);
            left -= step;
        }
    }

    /**
     * Moves the cursor of the writable bytes on without writing any.
     *
     * @param length bytes, at least 0
     */
    public void skipWritable(long length) {
        writer.skip(length);
    }

    /**
     * Shows the writable buffers from the cursor on, without moving it; empty ones are left out.
     * Who writes to them by other means than this chain's then says so with {@link #written}.
     *
     * @param limit bytes to show at most, at least 0
     * @param visitor takes them
     */
    public void visitWritable(long limit, BufferVisitor visitor) {
        writer.visit(limit, visitor);
    }

    /**
     * Gives the writable bytes from the cursor on as they lie in memory, for I/O that scatters into
     * them, without moving the cursor. All of them are looked up before the first is given. What
     * was written is then said with {@link #written}.
     *
     * @param length bytes, at least 0
     * @param sink takes the pieces in order, none of them empty; they live as long as the memory
     */
    public void writableSegments(long length, Consumer<MemorySegment> sink) {
        writer.segments(length, sink);
    }

    /**
     * Says that bytes after the cursor were written by other means, as through {@link
     * #writableSegments}: reports them to watches and to dirty tracking, and moves the cursor on.
     *
     * @param length bytes, at least 0
     */
    public void written(long length) {
        writer.require(length);
        for (long left = length; left > 0; ) {
            int step = (int) Math.min(Math.min(writer.here(), left), Integer.MAX_VALUE);
            memory.written(writer.address(), step);
            writer.move(step);
            left -= step;
        }
    }

    /** Moves both cursors to the beginning. */
    public void rewind() {
        reader.reset(0, readableBytes);
        writer.reset(firstWritable, writableBytes);
    }

    // ---------------------------------------------------------------- helpers

    private long readSplit(int size) {
        reader.require(size);
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (memory.readByte(reader.address()) & 0xffL) << (8 * i);
            reader.move(1);
        }
        return value;
    }

    private void writeSplit(long value, int size) {
        writer.require(size);
        for (int i = 0; i < size; i++) {
            memory.writeByte(writer.address(), (byte) (value >>> (8 * i)));
            writer.move(1);
        }
    }

    /** A place in one of the two streams; never in an empty buffer or at the end of one. */
    private final class Cursor {
        private final String what;
        private int buffer;
        private long offset;
        private long left;

        Cursor(String what) {
            this.what = what;
        }

        void reset(int first, long bytes) {
            buffer = first;
            offset = 0;
            left = bytes;
            settle();
        }

        private void settle() {
            while (left != 0 && offset == Integer.toUnsignedLong(lengths[buffer])) {
                buffer++;
                offset = 0;
            }
        }

        long address() {
            return addresses[buffer] + offset;
        }

        /** Bytes up to the end of the buffer; there is one. */
        long here() {
            return Integer.toUnsignedLong(lengths[buffer]) - offset;
        }

        boolean isWhole(int size) {
            return left >= size && here() >= size;
        }

        long at(int size) {
            if (left < size) {
                throw tooShort(size);
            }
            return address();
        }

        void move(long length) {
            offset += length;
            left -= length;
            settle();
        }

        void skip(long length) {
            if (length < 0 || length > left) {
                throw tooShort(length);
            }
            for (long rest = length; rest > 0; ) {
                long step = Math.min(here(), rest);
                move(step);
                rest -= step;
            }
        }

        /** So many bytes are there, and in memory: then a copy does all or nothing. */
        void require(long length) {
            if (length < 0 || length > left) {
                throw tooShort(length);
            }
            if (length != 0 && length > here()) {
                requireMemory(length); // the access itself checks one buffer
            }
        }

        private void requireMemory(long length) {
            boolean isWrite = this == writer;
            long rest = length;
            for (int i = buffer; rest > 0; i++) {
                long start = i == buffer ? offset : 0;
                long step = Math.min(Integer.toUnsignedLong(lengths[i]) - start, rest);
                long address = addresses[i] + start;
                if (isWrite ? !memory.isWritable(address, step) : !memory.contains(address, step)) {
                    boolean isReadOnly = isWrite && memory.contains(address, step);
                    throw new GuestMemoryException(
                            isReadOnly ? Kind.READ_ONLY : Kind.UNMAPPED, address, step);
                }
                rest -= step;
            }
        }

        void segments(long length, Consumer<MemorySegment> sink) {
            if (length < 0 || length > left) {
                throw tooShort(length);
            }
            requireMemory(length);
            visit(length, (address, bytes) -> pieces(address, bytes, sink));
        }

        /** A buffer may lie in regions side by side. */
        private void pieces(long address, long bytes, Consumer<MemorySegment> sink) {
            for (long done = 0; done < bytes; ) {
                MemoryRegion region = memory.regions().get(memory.regionIndex(address + done));
                long offset = address + done - region.base();
                long step = Math.min(bytes - done, region.size() - offset);
                sink.accept(region.segment().asSlice(offset, step));
                done += step;
            }
        }

        void visit(long limit, BufferVisitor visitor) {
            long rest = Math.min(limit, left);
            for (int i = buffer; rest > 0; i++) {
                long start = i == buffer ? offset : 0;
                long step = Math.min(Integer.toUnsignedLong(lengths[i]) - start, rest);
                if (step > 0) {
                    visitor.buffer(addresses[i] + start, step);
                    rest -= step;
                }
            }
        }

        private ChainException tooShort(long wanted) {
            return new ChainException(what, wanted, left);
        }
    }
}
