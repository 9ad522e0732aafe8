package dev.dalang.remote.internal.server;

import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.linux.Errno;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request.MigrationRead;
import dev.dalang.remote.internal.wire.Request.MigrationWrite;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * A device's state on its way to or from another server: the states and arcs of VFIO's migration,
 * version 2. What is moved is a snapshot. One thread.
 */
final class Migration {
    static final int ERROR = 0;
    static final int STOP = 1;
    static final int RUNNING = 2;
    static final int STOP_COPY = 3;
    static final int RESUMING = 4;
    static final int PRE_COPY = 6;

    /** Stop and copy, and copying before that. */
    static final long FLAGS = 1 | 4;

    /** The longest state that is taken. */
    private static final int MAX_BYTES = 64 << 20;

    private final ServedDevice device;
    private int state = RUNNING;

    /** What goes out, and how much has gone. */
    private byte[] outgoing = {};

    private int gone;
    private ByteArrayOutputStream incoming = new ByteArrayOutputStream();

    Migration(ServedDevice device) {
        this.device = device;
    }

    int state() {
        return state;
    }

    /** True if a command may be done in this state. */
    boolean allows(Command command) {
        return switch (command) {
            case REGION_READ, REGION_WRITE, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE -> true;
            default -> state != STOP && state != STOP_COPY;
        };
    }

    /** The device was reset: it runs. */
    void reset() {
        state = RUNNING;
        drop();
    }

    /** Who migrated it is gone. A device whose new state is only half there begins anew. */
    void abandon() {
        if (state == RESUMING || state == ERROR) {
            device.reset();
        }
        device.wake();
        reset();
    }

    private void drop() {
        outgoing = new byte[0];
        gone = 0;
        incoming = new ByteArrayOutputStream();
    }

    /**
     * Goes to a state, by the shortest way that does not lead through one in which state is saved.
     *
     * @throws Refusal if there is no way, or the new state of the device cannot be
     */
    void change(int wanted) {
        boolean isState =
                switch (wanted) {
                    case STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY -> true;
                    default -> false;
                };
        if (!isState || state == ERROR || state == STOP_COPY && wanted == PRE_COPY) {
            throw Refusal.invalid(
                    "no way from migration state %d to %s"
                            .formatted(state, Integer.toUnsignedString(wanted)));
        }
        while (state != wanted) {
            step(next(wanted));
        }
    }

    private int next(int wanted) {
        return switch (state) {
            case RUNNING -> wanted == PRE_COPY ? PRE_COPY : STOP;
            case PRE_COPY -> wanted == STOP_COPY ? STOP_COPY : RUNNING;
            case STOP -> wanted == PRE_COPY ? RUNNING : wanted;
            default -> STOP;
        };
    }

    private void step(int to) {
        switch (to) {
            case STOP -> {
                if (state == RESUMING) {
                    resume();
                }
                device.sleep();
                drop();
            }
            case STOP_COPY -> {
                device.sleep();
                outgoing = SnapshotBytes.write(device.snapshot());
                gone = 0;
            }
            case RESUMING -> drop();
            default -> device.wake();
        }
        state = to;
    }

    private void resume() {
        try {
            device.restore(SnapshotBytes.read(incoming.toByteArray()));
        } catch (SnapshotException refused) {
            drop();
            state = ERROR;
            throw Refusal.invalid("the state cannot be resumed: " + refused.getMessage());
        }
    }

    /** The next piece of the state; none when all is gone. */
    byte[] read(MigrationRead request) {
        Refusal.unless(
                state == STOP_COPY || state == PRE_COPY,
                "MIG_DATA_READ in migration state " + state);
        long room = Integer.toUnsignedLong(request.argsz()) - MigrationRead.BYTES;
        long wanted = Math.min(Integer.toUnsignedLong(request.size()), room);
        int bytes =
                (int)
                        Math.min(
                                Math.min(wanted, Connection.MAX_TRANSFER_BYTES),
                                outgoing.length - gone);
        byte[] piece = Arrays.copyOfRange(outgoing, gone, gone + bytes);
        gone += bytes;
        return new MigrationWrite(Bytes.of(piece)).payload();
    }

    /** Takes a piece of the state. */
    void write(byte[] piece) {
        Refusal.unless(state == RESUMING, "MIG_DATA_WRITE in migration state " + state);
        if (piece.length > MAX_BYTES - incoming.size()) {
            throw new Refusal(Errno.EFBIG, "MIG_DATA_WRITE: more than " + MAX_BYTES + " bytes");
        }
        incoming.writeBytes(piece);
    }
}
