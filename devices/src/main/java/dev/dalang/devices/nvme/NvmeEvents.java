package dev.dalang.devices.nvme;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;

/**
 * Asynchronous events (NVMe base 2.0 §5.2): the driver leaves requests here, each of which is
 * answered with an event. After one, others of its type wait until the driver has read the log page
 * that it names. Any thread.
 */
final class NvmeEvents {
    /** How many requests the driver may leave. */
    static final int MAX_REQUESTS = 4;

    // Type, information and log page, as the completion has them (§5.2.1).
    static final int INVALID_REGISTER = 0x01_00_00;
    static final int INVALID_VALUE = 0x01_01_00;
    static final int TEMPERATURE = 0x02_01_01;
    static final int NAMESPACE_CHANGED = 0x04_00_02;

    private static final int[] ALL = {
        INVALID_REGISTER, INVALID_VALUE, TEMPERATURE, NAMESPACE_CHANGED
    };

    // Bits of the feature that lets events happen.
    private static final int WANTS_TEMPERATURE = 1;
    private static final int WANTS_NAMESPACES = 8;

    private final NvmeFeatures features;

    // Guarded by this object's lock.
    private final ArrayDeque<NvmeCommand> requests = new ArrayDeque<>(MAX_REQUESTS);

    /** Events that have happened, as bits by their place in {@link #ALL}. */
    private int pending;

    /** Types that the driver was told of, as bits. */
    private int masked;

    NvmeEvents(NvmeFeatures features) {
        this.features = features;
    }

    /** An event has happened; dropped if the driver does not want it. */
    void raise(int event) {
        boolean isWanted =
                switch (event) {
                    case TEMPERATURE -> features.wantsEvent(WANTS_TEMPERATURE);
                    case NAMESPACE_CHANGED -> features.wantsEvent(WANTS_NAMESPACES);
                    default -> true;
                };
        if (isWanted) {
            synchronized (this) {
                pending |= bit(event);
            }
        }
    }

    private static int bit(int event) {
        for (int n = 0; n < ALL.length; n++) {
            if (ALL[n] == event) {
                return 1 << n;
            }
        }
        throw new AssertionError(event);
    }

    /** The driver may have drawn the lines anew. */
    void checkTemperature() {
        if (features.isTemperatureOutside()) {
            raise(TEMPERATURE);
        }
    }

    /** Leaves a request; false if there are too many. */
    synchronized boolean park(NvmeCommand request) {
        if (requests.size() == MAX_REQUESTS) {
            return false;
        }
        request.queue.park(request);
        requests.add(request);
        return true;
    }

    /** Takes a request back; false if it has been answered meanwhile. */
    synchronized boolean remove(NvmeCommand request) {
        return requests.remove(request);
    }

    synchronized boolean hasWork() {
        return !requests.isEmpty() && nextEvent() != 0;
    }

    private int nextEvent() {
        for (int event : ALL) {
            if ((pending & bit(event)) != 0 && (masked >>> (event & 7) & 1) == 0) {
                return event;
            }
        }
        return 0;
    }

    /** A request, with the event that answers it; null if there are not both. */
    synchronized @Nullable NvmeCommand next() {
        int event = nextEvent();
        NvmeCommand request = event == 0 ? null : requests.poll();
        if (request != null) {
            pending &= ~bit(event);
            masked |= 1 << (event & 7);
            request.result = event;
        }
        return request;
    }

    /** The driver reads a log page: what it says of, may be told of again. */
    synchronized void read(int page) {
        for (int event : ALL) {
            if (event >>> 16 == page) {
                masked &= ~(1 << (event & 7));
                pending &= ~bit(event);
            }
        }
    }

    /** The controller is reset. */
    synchronized void reset() {
        requests.clear();
        pending = 0;
        masked = 0;
    }

    /** What is told in the log of health. */
    int warnings() {
        return features.isTemperatureOutside() ? 1 << WANTS_TEMPERATURE : 0;
    }

    /** Requests that have not been answered; a copy. */
    synchronized NvmeCommand[] requests() {
        return requests.toArray(NvmeCommand[]::new);
    }

    synchronized int pending() {
        return pending;
    }

    synchronized int masked() {
        return masked;
    }

    synchronized void restore(int newPending, int newMasked) {
        pending = newPending & (1 << ALL.length) - 1;
        masked = newMasked & 0xff;
    }
}
