package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Waits for the next signal of many events (epoll, edge-triggered). The events' counts are never
 * taken: so a wait ends also if another process that has the event takes its count, and a signal
 * that comes while nobody waits ends the next wait. Signals of one event that come between two
 * waits are told once.
 *
 * <p>One platform thread waits; any thread adds, removes and wakes it up.
 */
public final class EventPoll implements AutoCloseable {
    private static final int EPOLL_CLOEXEC = 0x8_0000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;

    /** The structure is packed on x86-64, and there alone. */
    private static final int DATA =
            System.getProperty("os.arch").equals("amd64") ? Integer.BYTES : Long.BYTES;

    private static final int ENTRY_BYTES = DATA + Long.BYTES;
    private static final int MAX_FOUND = 64;

    /** The token of the event that wakes the thread up; no caller's. */
    private static final long WAKE_UP = -1;

    private final Descriptor poll;
    private final EventDescriptor wakeUp;

    /** What is added, by token. Guarded by itself. */
    private final Map<Long, EventDescriptor> added = new HashMap<>();

    private EventPoll(Descriptor poll, EventDescriptor wakeUp) {
        this.poll = poll;
        this.wakeUp = wakeUp;
    }

    /**
     * Makes one that waits for nothing yet.
     *
     * @param subject what it is for, for messages
     * @return it
     * @throws HostIoException if the host has no descriptors left
     */
    public static EventPoll create(String subject) throws HostIoException {
        int number = SocketCalls.epollCreate(EPOLL_CLOEXEC);
        if (number < 0) {
            throw new HostIoException("epoll_create1", subject, Calls.errno());
        }
        Descriptor poll = Descriptor.of(number, subject);
        EventDescriptor wakeUp;
        try {
            wakeUp = EventDescriptor.create(subject);
        } catch (HostIoException | RuntimeException | Error failed) {
            poll.close();
            throw failed;
        }
        EventPoll made = new EventPoll(poll, wakeUp);
        try {
            made.control(EPOLL_CTL_ADD, wakeUp, WAKE_UP);
        } catch (HostIoException | RuntimeException | Error failed) {
            made.close();
            throw failed;
        }
        return made;
    }

    /**
     * Waits for an event from now on. If it has been signalled and its count was not taken, the
     * next wait tells of it.
     *
     * @param token what {@link #await} tells it by; at least 0, and no other's
     * @param event the event; it stays the caller's, and is to be removed before it is closed
     * @throws HostIoException if it is nothing that can be waited for, or this is closed
     */
    public void add(long token, EventDescriptor event) throws HostIoException {
        synchronized (added) {
            if (token < 0 || added.containsKey(token)) {
                throw new IllegalArgumentException(
                        "expected a token of at least 0 that is free, got " + token);
            }
            control(EPOLL_CTL_ADD, event, token);
            added.put(token, event);
        }
    }

    /**
     * Waits for an event no more. A wait that has begun may still tell of it.
     *
     * @param token the event's; nothing happens if it has none
     */
    public void remove(long token) {
        synchronized (added) {
            EventDescriptor event = added.remove(token);
            if (event != null) {
                try {
                    control(EPOLL_CTL_DEL, event, token);
                } catch (HostIoException closed) {
                    return; // with the event itself, or with this
                }
            }
        }
    }

    private void control(int operation, EventDescriptor event, long token) throws HostIoException {
        int number = poll.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(ENTRY_BYTES, Long.BYTES);
            entry.set(JAVA_INT, 0, EPOLLIN | EPOLLET);
            entry.set(JAVA_LONG_UNALIGNED, DATA, token);
            int watched = event.descriptor().acquire();
            try {
                if (SocketCalls.epollControl(number, operation, watched, entry) < 0) {
                    throw new HostIoException(
                            "epoll_ctl", event.descriptor().subject(), Calls.errno());
                }
            } finally {
                event.descriptor().release();
            }
        } finally {
            poll.release();
        }
    }

    /**
     * Waits until an event is signalled, or {@link #wakeUp} was called since the last wait.
     *
     * @param milliseconds to wait at the most; negative to wait as long as it takes
     * @return the tokens of events that were signalled; none if it was woken up, or the time passed
     * @throws HostIoException if it is closed
     */
    public long[] await(int milliseconds) throws HostIoException {
        // Its own event stays open meanwhile, or a wait that just begins would not be told.
        wakeUp.descriptor().acquire();
        try {
            return awaitHeld(milliseconds);
        } finally {
            wakeUp.descriptor().release();
        }
    }

    private long[] awaitHeld(int milliseconds) throws HostIoException {
        int number = poll.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = arena.allocate((long) ENTRY_BYTES * MAX_FOUND, Long.BYTES);
            int found = SocketCalls.epollWait(number, entries, MAX_FOUND, milliseconds);
            if (found < 0) {
                if (Calls.errno() != Errno.EINTR.number()) {
                    throw new HostIoException("epoll_wait", poll.subject(), Calls.errno());
                }
                found = 0;
            }
            long[] tokens = new long[found];
            int kept = 0;
            for (int n = 0; n < found; n++) {
                long token = entries.get(JAVA_LONG_UNALIGNED, (long) ENTRY_BYTES * n + DATA);
                if (token != WAKE_UP) {
                    tokens[kept++] = token;
                }
            }
            return kept == found ? tokens : Arrays.copyOf(tokens, kept);
        } finally {
            poll.release();
        }
    }

    /** Ends the current wait, or the next. Any thread; after {@link #close} it does nothing. */
    public void wakeUp() {
        wakeUp.signal();
    }

    /**
     * Ends all waits, and gives its own descriptors back. The events stay open. Closing twice does
     * nothing.
     */
    @Override
    public void close() {
        poll.close();
        wakeUp.signal();
        wakeUp.close();
        synchronized (added) {
            added.clear();
        }
    }
}
