package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;
import static dev.dalang.remote.internal.wire.Layout.requireArgsz;

import java.nio.ByteBuffer;

/**
 * What shall happen with some interrupts of one kind: who is signalled, and whether they are
 * masked. {@link Data#NONE} says it of all of them, {@link Data#BOOL} of those with a byte that is
 * not 0, {@link Data#EVENTFD} brings a descriptor for each, or takes those away that were brought.
 *
 * @param argsz bytes of this structure; with those that a kernel would want for descriptors, if
 *     whoever asks counts so
 * @param data which of them it is about
 * @param action what is done with them
 * @param index the kind
 * @param start the first
 * @param count how many; 0 of {@link Data#NONE} to disable all of the kind
 * @param flags a byte for each, of {@link Data#BOOL}; else nothing
 */
public record SetIrqs(
        int argsz, Data data, Action action, int index, int start, int count, Bytes flags)
        implements Request {
    /** Bytes without the flags. */
    public static final int BYTES = 20;

    /** Which interrupts it is about. */
    public enum Data {
        NONE(1),
        BOOL(1 << 1),
        EVENTFD(1 << 2);

        private final int bit;

        Data(int bit) {
            this.bit = bit;
        }
    }

    /** What is done with them; its descriptors bring it about each time they are signalled. */
    public enum Action {
        MASK(1 << 3),
        UNMASK(1 << 4),
        TRIGGER(1 << 5);

        private final int bit;

        Action(int bit) {
            this.bit = bit;
        }
    }

    private static final int DATA_BITS = 0x7;
    private static final int ACTION_BITS = 0x38;

    public SetIrqs(Data data, Action action, int index, int start, int count) {
        this(BYTES, data, action, index, start, count, Bytes.NONE);
    }

    static SetIrqs parse(byte[] payload, int descriptors) {
        ByteBuffer from = reader(payload, BYTES, "DEVICE_SET_IRQS");
        int argsz = from.getInt();
        int bits = from.getInt();
        requireArgsz(argsz, BYTES, "DEVICE_SET_IRQS");
        Refusal.unless(
                (bits & ~(DATA_BITS | ACTION_BITS)) == 0
                        && Integer.bitCount(bits & DATA_BITS) == 1
                        && Integer.bitCount(bits & ACTION_BITS) == 1,
                "DEVICE_SET_IRQS: flags 0x" + Integer.toHexString(bits));
        Data data =
                (bits & Data.NONE.bit) != 0
                        ? Data.NONE
                        : (bits & Data.BOOL.bit) != 0 ? Data.BOOL : Data.EVENTFD;
        Action action =
                (bits & Action.MASK.bit) != 0
                        ? Action.MASK
                        : (bits & Action.UNMASK.bit) != 0 ? Action.UNMASK : Action.TRIGGER;
        int index = from.getInt();
        int start = from.getInt();
        int count = from.getInt();
        if (count == 0) {
            Refusal.unless(
                    data == Data.NONE && action == Action.TRIGGER && start == 0,
                    "DEVICE_SET_IRQS: none of them, but not to disable all");
        }
        Bytes flags = Bytes.NONE;
        if (data == Data.BOOL) {
            Refusal.unless(
                    count > 0 && count <= from.remaining(),
                    "DEVICE_SET_IRQS: %s flags are announced, %d came"
                            .formatted(Integer.toUnsignedString(count), from.remaining()));
            byte[] each = new byte[count];
            from.get(each);
            flags = Bytes.of(each);
        }
        Refusal.unless(
                descriptors == 0 || data == Data.EVENTFD && descriptors == count,
                "DEVICE_SET_IRQS: %d descriptors for %s interrupts"
                        .formatted(descriptors, Integer.toUnsignedString(count)));
        return new SetIrqs(argsz, data, action, index, start, count, flags);
    }

    @Override
    public Command command() {
        return Command.DEVICE_SET_IRQS;
    }

    @Override
    public byte[] payload() {
        Writer to = Writer.of(BYTES + flags.length()).putInt(argsz);
        to.putInt(data.bit | action.bit);
        return to.putInt(index).putInt(start).putInt(count).put(flags.array()).bytes();
    }
}
