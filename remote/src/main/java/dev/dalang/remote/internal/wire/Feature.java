package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;
import static dev.dalang.remote.internal.wire.Layout.requireArgsz;
import static dev.dalang.remote.internal.wire.Layout.rest;

import java.nio.ByteBuffer;

/**
 * Asks for, or sets, something that only some devices have. The reply has the same layout.
 *
 * @param argsz bytes that the reply may have, unsigned
 * @param flags the feature, and what is done with it
 * @param data what the feature says
 */
public record Feature(int argsz, int flags, Bytes data) implements Request {
    /** Bytes without the data. */
    public static final int BYTES = 8;

    public static final int GET = 1 << 16;
    public static final int SET = 1 << 17;
    public static final int PROBE = 1 << 18;

    public static final int MIGRATION = 1;
    public static final int MIG_DEVICE_STATE = 2;
    public static final int DMA_LOGGING_START = 6;
    public static final int DMA_LOGGING_STOP = 7;
    public static final int DMA_LOGGING_REPORT = 8;

    private static final int NUMBER = 0xffff;

    public static Feature parse(byte[] payload) {
        ByteBuffer from = reader(payload, BYTES, "DEVICE_FEATURE");
        Feature feature = new Feature(from.getInt(), from.getInt(), rest(from));
        requireArgsz(feature.argsz, BYTES, "DEVICE_FEATURE");
        int what = feature.flags & ~NUMBER;
        Refusal.unless(
                (what & ~(GET | SET | PROBE)) == 0
                        && (what == GET || what == SET || feature.isProbe()),
                "DEVICE_FEATURE: flags 0x" + Integer.toHexString(feature.flags));
        return feature;
    }

    /** The feature. */
    public int number() {
        return flags & NUMBER;
    }

    /** True if it only asks whether the rest could be done. */
    public boolean isProbe() {
        return (flags & PROBE) != 0;
    }

    public boolean isGet() {
        return (flags & GET) != 0;
    }

    public boolean isSet() {
        return (flags & SET) != 0;
    }

    @Override
    public Command command() {
        return Command.DEVICE_FEATURE;
    }

    @Override
    public byte[] payload() {
        return Writer.of(BYTES + data.length())
                .putInt(argsz)
                .putInt(flags)
                .put(data.array())
                .bytes();
    }
}
