package dev.dalang.passthrough;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The registers that a device has in the virtual configuration space, as crosvm's has them: power
 * ({@code PFPM}), a method of the host's firmware ({@code PDSM}, which there is none of here), and
 * the host's notifications ({@code NOTY}). Any thread.
 */
final class VirtualRegisters {
    /** Written 0 to let the device use little power, else to wake it. */
    static final int PFPM = 0;

    /** Runs a method of the host's firmware. */
    static final int PDSM = 1;

    /** Reads the oldest notification; 0 if there is none. */
    static final int NOTY = 2;

    /** More are not kept: the guest does not read them. */
    static final int MAX_NOTIFICATIONS = 64;

    private static final int ALL_ONES = -1;

    private final PassthroughDevice device;
    private final Queue<Integer> notifications = new ArrayDeque<>();

    VirtualRegisters(PassthroughDevice device) {
        this.device = device;
    }

    synchronized boolean post(int notification) {
        return notifications.size() < MAX_NOTIFICATIONS && notifications.add(notification);
    }

    int read(int register) {
        if (register == NOTY) {
            synchronized (this) {
                Integer oldest = notifications.poll();
                return oldest == null ? 0 : oldest;
            }
        }
        device.counters().refusedRegisters.increment();
        return ALL_ONES;
    }

    void write(int register, int value) {
        if (register != PFPM) {
            device.counters().refusedRegisters.increment();
            return;
        }
        if (device.isLost()) {
            device.counters().lostAccesses.increment();
            return;
        }
        try {
            device.backend().lowPower(value == 0);
        } catch (BackendException failure) {
            device.note(failure);
        }
    }

    synchronized void reset() {
        notifications.clear();
    }
}
