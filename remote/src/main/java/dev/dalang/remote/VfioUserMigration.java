package dev.dalang.remote;

import dev.dalang.remote.internal.client.Channel;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Feature;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request.MigrationRead;
import dev.dalang.remote.internal.wire.Request.MigrationWrite;
import dev.dalang.remote.internal.wire.Writer;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * A device's ability to give its state away and to take one, and to note what memory it writes:
 * VFIO's migration, version 2, whose numbers these are. It ends with the connection. One thread at
 * a time.
 */
public final class VfioUserMigration {
    /** It failed; only a reset leads out. */
    public static final int ERROR = 0;

    /** It does nothing by itself. */
    public static final int STOP = 1;

    /** It works. */
    public static final int RUNNING = 2;

    /** It is stopped, and its state is read. */
    public static final int STOP_COPY = 3;

    /** It is stopped, and a state is written. */
    public static final int RESUMING = 4;

    /** It works, and its state is read. */
    public static final int PRE_COPY = 6;

    private static final int P2P_FLAG = 2;
    private static final int PRE_COPY_FLAG = 4;
    private static final int MAX_STATE = 7;
    private static final int MAX_RANGES = 4096;

    /** Bytes of a log's bits that are asked for at a time. */
    private static final int MAX_LOG_BYTES = 1 << 19;

    private final Channel channel;
    private final long flags;

    private VfioUserMigration(Channel channel, long flags) {
        this.channel = channel;
        this.flags = flags;
    }

    static Optional<VfioUserMigration> of(Channel channel) throws VfioUserException {
        try {
            ByteBuffer answer = get(channel, Feature.MIGRATION, new byte[0], Long.BYTES);
            return Optional.of(new VfioUserMigration(channel, answer.getLong()));
        } catch (VfioUserException refused) {
            if (refused.isLost()) {
                throw refused;
            }
            return Optional.empty();
        }
    }

    /** {@return true if its state can be read while it works} */
    public boolean hasPreCopy() {
        return (flags & PRE_COPY_FLAG) != 0;
    }

    /** {@return true if it can be kept from other devices first} */
    public boolean hasPeerToPeer() {
        return (flags & P2P_FLAG) != 0;
    }

    // ---------------------------------------------------------------- features

    /** Gets a feature; the answer is as long as it should be, or the connection ends. */
    private static ByteBuffer get(Channel channel, int feature, byte[] question, int bytes)
            throws VfioUserException {
        int room = Feature.BYTES + Math.max(question.length, bytes);
        byte[] answer = channel.ask(new Feature(room, feature | Feature.GET, Bytes.of(question)));
        try {
            Feature came = Feature.parse(answer);
            Refusal.unless(
                    came.number() == feature && came.data().length() == bytes,
                    "DEVICE_FEATURE %d: expected %d bytes, got %d of feature %d"
                            .formatted(feature, bytes, came.data().length(), came.number()));
            return ByteBuffer.wrap(came.data().array()).order(ByteOrder.LITTLE_ENDIAN);
        } catch (Refusal wrong) {
            throw channel.lose(String.valueOf(wrong.getMessage()));
        }
    }

    private void set(int feature, byte[] data) throws VfioUserException {
        int bytes = Feature.BYTES + data.length;
        byte[] answer = channel.ask(new Feature(bytes, feature | Feature.SET, Bytes.of(data)));
        try {
            Refusal.unless(
                    Feature.parse(answer).number() == feature,
                    "DEVICE_FEATURE %d: an answer about another".formatted(feature));
        } catch (Refusal wrong) {
            throw channel.lose(String.valueOf(wrong.getMessage()));
        }
    }

    // ---------------------------------------------------------------- states

    /**
     * Asks what the device is doing.
     *
     * @return its state, 0 to 7
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public int state() throws VfioUserException {
        int state = get(channel, Feature.MIG_DEVICE_STATE, new byte[0], 8).getInt();
        if (state < 0 || state > MAX_STATE) {
            throw channel.lose("a migration state " + Integer.toUnsignedString(state));
        }
        return state;
    }

    /**
     * Moves the device to another state, through those that lie between.
     *
     * @param next the state
     * @throws VfioUserException if it does not come there, or the device is gone
     */
    public void enter(int next) throws VfioUserException {
        set(Feature.MIG_DEVICE_STATE, Writer.of(8).putInt(next).putInt(-1).bytes());
    }

    /**
     * Reads some of the state, in {@link #STOP_COPY} or {@link #PRE_COPY}.
     *
     * @param target where the bytes go
     * @return how many came; 0 at the end
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public int readData(MemorySegment target) throws VfioUserException {
        int most = (int) Math.min(target.byteSize(), channel.limits().transferBytes());
        byte[] answer = channel.ask(new MigrationRead(8 + most, most));
        try {
            byte[] data = MigrationRead.parseReply(answer).array();
            Refusal.unless(
                    data.length <= most,
                    "MIG_DATA_READ: expected %d bytes at the most, got %d"
                            .formatted(most, data.length));
            MemorySegment.copy(data, 0, target, ValueLayout.JAVA_BYTE, 0, data.length);
            return data.length;
        } catch (Refusal wrong) {
            throw channel.lose(String.valueOf(wrong.getMessage()));
        }
    }

    /**
     * Writes some of a state, in {@link #RESUMING}.
     *
     * @param source the bytes; all of them are taken
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void writeData(MemorySegment source) throws VfioUserException {
        for (long done = 0; done < source.byteSize(); ) {
            long step = Math.min(source.byteSize() - done, channel.limits().transferBytes());
            byte[] part = source.asSlice(done, step).toArray(ValueLayout.JAVA_BYTE);
            byte[] answer = channel.ask(new MigrationWrite(Bytes.of(part)));
            if (answer.length != 0) {
                throw channel.lose("%d bytes in answer to MIG_DATA_WRITE".formatted(answer.length));
            }
            done += step;
        }
    }

    // ---------------------------------------------------------------- the log

    /**
     * A range of addresses as the device uses them.
     *
     * @param address the first, unsigned
     * @param bytes how many
     */
    public record Range(long address, long bytes) {}

    /**
     * Asks whether the device can note what memory it writes.
     *
     * @return true if it says so; false also if it is gone
     */
    public boolean hasLog() {
        int start = Feature.DMA_LOGGING_START | Feature.SET | Feature.PROBE;
        try {
            channel.ask(new Feature(Feature.BYTES, start, Bytes.NONE));
            return true;
        } catch (VfioUserException refused) {
            return false;
        }
    }

    /**
     * Has the device note what memory it writes.
     *
     * @param pageBytes what is noted as a whole, a power of two
     * @param ranges what shall be noted, at most 4096 of them
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void startLog(long pageBytes, List<Range> ranges) throws VfioUserException {
        if (ranges.size() > MAX_RANGES) {
            throw new IllegalArgumentException(
                    "expected at most %d ranges, got %d".formatted(MAX_RANGES, ranges.size()));
        }
        Writer data = Writer.of(16 + 16 * ranges.size());
        data.putLong(pageBytes).putInt(ranges.size()).putInt(0);
        ranges.forEach(range -> data.putLong(range.address).putLong(range.bytes));
        set(Feature.DMA_LOGGING_START, data.bytes());
    }

    /**
     * Ends what {@link #startLog} began.
     *
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void stopLog() throws VfioUserException {
        set(Feature.DMA_LOGGING_STOP, new byte[0]);
    }

    /**
     * Takes what was noted since this was asked last.
     *
     * @param address about which memory, a multiple of the page size
     * @param bytes of it, a multiple of the page size
     * @param pageBytes the size of a page, a power of two
     * @return a bit for each page, from bit 0 of the first word on
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public long[] takeLog(long address, long bytes, long pageBytes) throws VfioUserException {
        if (bytes < 1
                || Long.bitCount(pageBytes) != 1
                || pageBytes < 0
                || ((address | bytes) & pageBytes - 1) != 0
                || bytes / pageBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "expected whole pages of 0x%x, got 0x%x bytes at 0x%x"
                            .formatted(pageBytes, bytes, address));
        }
        long pages = bytes / pageBytes;
        long[] log = new long[(int) ((pages + 63) / 64)];
        for (long done = 0; done < pages; ) {
            long step = Math.min(pages - done, 8L * MAX_LOG_BYTES);
            int words = (int) ((step + 63) / 64);
            long from = address + done * pageBytes;
            Writer question = Writer.of(24);
            question.putLong(from).putLong(step * pageBytes).putLong(pageBytes);
            ByteBuffer answer =
                    get(
                            channel,
                            Feature.DMA_LOGGING_REPORT,
                            question.bytes(),
                            24 + words * Long.BYTES);
            if (answer.getLong() != from) {
                throw channel.lose("a log of other memory");
            }
            answer.position(24);
            for (int word = 0; word < words; word++) {
                log[(int) (done / 64) + word] = answer.getLong();
            }
            done += step;
        }
        return log;
    }
}
