package dev.dalang.passthrough;

import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.EventPoll;
import dev.dalang.linux.HostIoException;
import dev.dalang.remote.VfioUserException;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Interrupts of a device as events, and a thread that waits for them and tells of each. When one is
 * disarmed, nobody is inside its sink, unless it is disarmed from there. Any thread.
 */
final class EventSignals implements AutoCloseable {
    /** An interrupt, by kind and number. */
    private record Place(int kind, int vector) {}

    /** An interrupt that is armed. */
    private record Armed(long token, EventDescriptor event, int vector, InterruptSink sink) {}

    /** Gives the device events. */
    interface Giver {
        void give(List<EventDescriptor> events) throws VfioUserException;
    }

    private final EventPoll poll;
    private final Thread waiting;

    /** Held by whoever arms and disarms, while the device is told. */
    private final ReentrantLock arming = new ReentrantLock();

    /** Held while a sink is told. */
    private final ReentrantLock telling = new ReentrantLock();

    // Guarded by telling.
    private final Map<Place, Armed> armed = new HashMap<>();
    private final Map<Long, Armed> byToken = new HashMap<>();
    private long nextToken;
    private boolean isClosed;

    private EventSignals(EventPoll poll, String name) {
        this.poll = poll;
        waiting = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    /**
     * Starts to wait.
     *
     * @param name of the thread
     * @return what waits
     * @throws HostIoException if the host has no descriptors left
     */
    static EventSignals start(String name) throws HostIoException {
        EventSignals made = new EventSignals(EventPoll.create(name), name);
        made.waiting.start();
        return made;
    }

    private void run() {
        try {
            while (true) {
                for (long token : poll.await(-1)) {
                    tell(token);
                }
            }
        } catch (HostIoException closed) {
            return; // nobody waits for anything any more
        }
    }

    private void tell(long token) {
        telling.lock();
        try {
            Armed found = byToken.get(token);
            if (found != null) {
                found.sink.signal(found.vector);
            }
        } finally {
            telling.unlock();
        }
    }

    /**
     * Arms interrupts.
     *
     * @param giver gives the device the events; what it throws goes to the caller, and then none of
     *     the interrupts is armed
     */
    void arm(int kind, int start, int count, InterruptSink sink, Giver giver)
            throws VfioUserException, HostIoException {
        arming.lock();
        try {
            List<EventDescriptor> events = new ArrayList<>();
            boolean isGiven = false;
            try {
                for (int n = 0; n < count; n++) {
                    events.add(EventDescriptor.create("interrupt " + (start + n)));
                }
                giver.give(events);
                disarm(kind, start, count);
                for (int n = 0; n < count; n++) {
                    listen(new Place(kind, start + n), events.get(n), sink);
                }
                isGiven = true;
            } finally {
                if (!isGiven) {
                    disarm(kind, start, count);
                    events.forEach(EventDescriptor::close);
                }
            }
        } finally {
            arming.unlock();
        }
    }

    /** What was signalled since the device had the event is told as soon as it is waited for. */
    private void listen(Place place, EventDescriptor event, InterruptSink sink)
            throws HostIoException {
        telling.lock();
        try {
            long token = nextToken++;
            Armed made = new Armed(token, event, place.vector, sink);
            poll.add(token, event);
            byToken.put(token, made);
            armed.put(place, made);
        } finally {
            telling.unlock();
        }
    }

    /** Tells of some interrupts no more; of those that are not armed there is nothing to do. */
    void disarm(int kind, int start, int count) {
        telling.lock();
        try {
            armed.entrySet()
                    .removeIf(
                            entry -> {
                                Place place = entry.getKey();
                                boolean isOne =
                                        place.kind == kind
                                                && place.vector >= start
                                                && place.vector - start < count;
                                if (isOne) {
                                    forget(entry.getValue());
                                }
                                return isOne;
                            });
        } finally {
            telling.unlock();
        }
    }

    private void forget(Armed gone) {
        byToken.remove(gone.token);
        poll.remove(gone.token);
        gone.event.close();
    }

    /** True if any interrupt of a kind is armed. */
    boolean isArmed(int kind) {
        telling.lock();
        try {
            return armed.keySet().stream().anyMatch(place -> place.kind == kind);
        } finally {
            telling.unlock();
        }
    }

    /** Tells of nothing more; twice is fine. */
    @Override
    public void close() {
        telling.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            armed.values().forEach(this::forget);
            armed.clear();
        } finally {
            telling.unlock();
        }
        poll.close();
        if (Thread.currentThread() == waiting) {
            return; // a sink may give up
        }
        boolean isInterrupted = false;
        while (waiting.isAlive()) {
            try {
                waiting.join();
            } catch (InterruptedException told) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
