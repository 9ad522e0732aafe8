package dev.dalang.virtio.console;

import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_CONSOLE_PORT;
import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_DEVICE_ADD;
import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_DEVICE_REMOVE;
import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_PORT_OPEN;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

/**
 * One port: what the driver has been told of it and what it has told, and what has still to be
 * said. What is to be said is a few bits, whatever happens how often meanwhile. Guarded by its
 * device's lock, but for what says otherwise.
 */
final class Port {
    /** What is to be said once, in this order, and of which each needs those before it. */
    private static final int SAY_ADDED = 1;

    private static final int SAY_CONSOLE = 2;
    private static final int SAY_NAME = 4;
    private static final int SAY_SIZE = 8;
    private static final int SAY_REMOVED = 16;
    private static final int SAY_ALL = 31;

    private static final String TYPE = "virtio-console-port";
    private static final int VERSION = 1;

    /** Enough for what drivers send at once; more goes in several parts. */
    private static final int CHUNK_BYTES = 32 * 1024;

    final int id;
    final String name;
    final PortBackend backend;
    final boolean isConsole;

    /** Of the handler that sends. */
    final byte[] outgoing = new byte[CHUNK_BYTES];

    /** Of the handler that receives. */
    final byte[] incoming = new byte[CHUNK_BYTES];

    /** Written with the lock, read by handlers. */
    volatile boolean isGuestOpen;

    /**
     * How much of the chain that the driver made available first was taken already. Of the handler
     * that sends, and of who has ended it.
     */
    long sent;

    ConsoleSize size = ConsoleSize.UNKNOWN;
    boolean isRemoved;

    private int toSay;

    /** Whether the driver has been told that the port is there. */
    private boolean isKnown;

    /** Whether the driver knows the port well enough to be told of what happens to it. */
    private boolean isReady;

    private boolean isHostOpen;

    /** What the driver believes of that. */
    private boolean isToldOpen;

    /** Somebody has gone since the driver was told of an opening, and may be back. */
    private boolean hasClosed;

    Port(int id, String name, boolean isConsole, PortBackend backend) {
        this.id = id;
        this.name = name;
        this.isConsole = isConsole;
        this.backend = backend;
    }

    // ---------------------------------------------------------------- what happens

    /** The driver begins, or the port is new to one that has begun. */
    void announce() {
        forget();
        toSay = isRemoved ? 0 : SAY_ADDED;
    }

    /** The driver is gone, or has none of this. */
    void forget() {
        toSay = 0;
        isKnown = false;
        isReady = false;
        isToldOpen = false;
        hasClosed = false;
        isGuestOpen = false;
    }

    /** The driver has set up the port; one that it has not been told of it does not have. */
    void driverReady() {
        if (!isKnown || isRemoved) {
            return;
        }
        isReady = true;
        isToldOpen = false;
        hasClosed = false;
        toSay = isConsole ? SAY_CONSOLE : 0;
        toSay |= name.isEmpty() ? 0 : SAY_NAME;
        toSay |= hasSize() ? SAY_SIZE : 0;
    }

    private boolean hasSize() {
        return isConsole && !size.equals(ConsoleSize.UNKNOWN);
    }

    void resized(ConsoleSize now) {
        size = now;
        if (isReady && hasSize()) {
            toSay |= SAY_SIZE;
        }
    }

    void hostOpened(boolean isOpen) {
        if (isHostOpen && !isOpen && isToldOpen) {
            hasClosed = true;
        }
        isHostOpen = isOpen;
    }

    boolean isHostOpen() {
        return isHostOpen;
    }

    void removed() {
        isRemoved = true;
        isGuestOpen = false;
        toSay = isKnown ? SAY_REMOVED : 0;
        isReady = false;
    }

    // ---------------------------------------------------------------- what is to be said

    /** The message that comes next; null if there is none. */
    byte @Nullable [] message() {
        if ((toSay & SAY_ADDED) != 0) {
            return ControlMessages.message(id, VIRTIO_CONSOLE_DEVICE_ADD, 0);
        }
        if ((toSay & SAY_CONSOLE) != 0) {
            return ControlMessages.message(id, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
        }
        if ((toSay & SAY_NAME) != 0) {
            return ControlMessages.name(id, name);
        }
        if ((toSay & SAY_SIZE) != 0) {
            return ControlMessages.size(id, size);
        }
        if ((toSay & SAY_REMOVED) != 0) {
            return ControlMessages.message(id, VIRTIO_CONSOLE_DEVICE_REMOVE, 0);
        }
        if (isReady && (hasClosed || isToldOpen != isHostOpen)) {
            return ControlMessages.message(id, VIRTIO_CONSOLE_PORT_OPEN, isToldOpen ? 0 : 1);
        }
        return null;
    }

    /** The driver has what {@link #message} gave. */
    void said() {
        if (toSay != 0) {
            isKnown |= (toSay & SAY_ADDED) != 0;
            toSay &= toSay - 1;
        } else if (isToldOpen) {
            isToldOpen = false;
            hasClosed = false;
        } else {
            isToldOpen = true;
        }
    }

    /** True if the driver has heard of everything, the removal included. */
    boolean isGone() {
        return isRemoved && toSay == 0;
    }

    // ---------------------------------------------------------------- saving

    Snapshot save() {
        return Snapshot.builder(TYPE, VERSION)
                .put("id", id)
                .put("name", name)
                .put("console", isConsole)
                .put("columns", size.columns())
                .put("rows", size.rows())
                .put("removed", isRemoved)
                .put("guest-open", isGuestOpen)
                .put("known", isKnown)
                .put("ready", isReady)
                .put("told-open", isToldOpen)
                .put("has-closed", hasClosed)
                .put("to-say", toSay)
                .put("sent", sent)
                .build();
    }

    /** Reads a state; the runnable takes it, and does not fail. */
    Runnable parse(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        snapshot.getInt("id", id, id);
        String savedName = snapshot.getString("name");
        if (!savedName.equals(name) || snapshot.getBoolean("console") != isConsole) {
            throw new SnapshotException(
                    "%s: expected port %d to be %s, got %s".formatted(TYPE, id, name, savedName));
        }
        ConsoleSize savedSize =
                new ConsoleSize(
                        snapshot.getInt("columns", 0, 0xffff), snapshot.getInt("rows", 0, 0xffff));
        boolean wasRemoved = snapshot.getBoolean("removed");
        boolean wasGuestOpen = snapshot.getBoolean("guest-open");
        boolean wasKnown = snapshot.getBoolean("known");
        boolean wasReady = snapshot.getBoolean("ready");
        boolean wasToldOpen = snapshot.getBoolean("told-open");
        boolean hadClosed = snapshot.getBoolean("has-closed");
        int left = snapshot.getInt("to-say", 0, SAY_ALL);
        long taken = snapshot.getLong("sent");
        if (taken < 0) {
            throw new SnapshotException(TYPE + ".sent: expected 0 or more, got " + taken);
        }
        return () -> {
            size = savedSize;
            isRemoved = wasRemoved;
            isGuestOpen = wasGuestOpen;
            isKnown = wasKnown;
            isReady = wasReady;
            isToldOpen = wasToldOpen;
            hasClosed = hadClosed;
            toSay = left;
            sent = taken;
        };
    }
}
