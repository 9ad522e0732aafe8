package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;
import static dev.dalang.remote.internal.wire.Layout.rest;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * The first message of both sides. The reply has the same layout.
 *
 * @param major 0
 * @param minor what is spoken of it
 * @param capabilities what its sender can do; empty if nothing was said
 */
public record Version(int major, int minor, Optional<Capabilities> capabilities)
        implements Request {
    /** What this code speaks. */
    public static final int MAJOR = 0;

    public static final int MINOR = 1;

    private static final int BYTES = 4;

    public static Version parse(byte[] payload) {
        ByteBuffer from = reader(payload, BYTES, "VERSION");
        int major = Short.toUnsignedInt(from.getShort());
        int minor = Short.toUnsignedInt(from.getShort());
        byte[] text = rest(from).array();
        if (text.length == 0) {
            return new Version(major, minor, Optional.empty());
        }
        Refusal.unless(text[text.length - 1] == 0, "VERSION: a text without an end");
        byte[] json = Arrays.copyOf(text, text.length - 1);
        return new Version(major, minor, Optional.of(Capabilities.parse(json)));
    }

    @Override
    public Command command() {
        return Command.VERSION;
    }

    @Override
    public byte[] payload() {
        byte[] json = capabilities.map(Capabilities::json).orElse(new byte[0]);
        int terminator = capabilities.isPresent() ? 1 : 0;
        Writer to = Writer.of(BYTES + json.length + terminator);
        return to.putShort((short) major).putShort((short) minor).put(json).bytes();
    }
}
