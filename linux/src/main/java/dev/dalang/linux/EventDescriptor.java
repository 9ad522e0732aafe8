package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An event that one process signals and another waits for (eventfd): an interrupt or a doorbell
 * that crosses processes. Any thread.
 */
public final class EventDescriptor implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x8_0000;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final int POLLFD_BYTES = 8;
    private static final int POLLFD_EVENTS = 4;
    private static final int POLLFD_FOUND = 6;

    private final Descriptor descriptor;

    private EventDescriptor(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Makes an event that nobody has signalled.
     *
     * @param subject what it is, for messages
     * @return the event
     * @throws HostIoException if the host has no descriptors left
     */
    public static EventDescriptor create(String subject) throws HostIoException {
        int number = SocketCalls.eventfd(0, EFD_CLOEXEC);
        if (number < 0) {
            throw new HostIoException("eventfd", subject, Calls.errno());
        }
        return new EventDescriptor(Descriptor.of(number, subject));
    }

    /**
     * Takes over the event of another process.
     *
     * @param received what came; it may turn out to be something else, which then cannot be
     *     signalled, or is signalled to no effect
     * @return the event
     */
    public static EventDescriptor of(Descriptor received) {
        return new EventDescriptor(received);
    }

    /** {@return what is sent to another process} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Signals it. Never waits: an event that has been signalled 2^64-2 times and not been taken
     * stays as it is, and so does a pipe that is full.
     *
     * @return true if it is signalled now; false if what was received is no event, or closed
     */
    public boolean signal() {
        int number;
        try {
            number = descriptor.acquire();
        } catch (HostIoException closed) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(JAVA_LONG);
            one.set(JAVA_LONG, 0, 1);
            return poll(number, POLLOUT, 0, arena) > 0
                    && SocketCalls.write(number, one, Long.BYTES) == Long.BYTES;
        } finally {
            descriptor.release();
        }
    }

    /**
     * Waits until it is signalled, and takes the signals.
     *
     * @param milliseconds to wait at the most; negative to wait as long as it takes
     * @return how often it was signalled since it was taken last; 0 if the time has passed
     * @throws HostIoException if it is no event, or closed
     */
    public long await(int milliseconds) throws HostIoException {
        int number = descriptor.acquire();
        try (Arena arena = Arena.ofConfined()) {
            int found = poll(number, POLLIN, milliseconds, arena);
            if (found == 0) {
                return 0;
            }
            MemorySegment count = arena.allocate(JAVA_LONG);
            if (found < 0 || SocketCalls.read(number, count, Long.BYTES) != Long.BYTES) {
                throw new HostIoException("read", descriptor.subject(), Calls.errno());
            }
            return count.get(JAVA_LONG, 0);
        } finally {
            descriptor.release();
        }
    }

    /** What poll gave: 1 if it is ready, 0 if the time has passed, negative on an error. */
    private static int poll(int number, short events, int milliseconds, Arena arena) {
        MemorySegment entry = arena.allocate(POLLFD_BYTES, Integer.BYTES);
        entry.set(JAVA_INT, 0, number);
        entry.set(JAVA_SHORT, POLLFD_EVENTS, events);
        int found = SocketCalls.poll(entry, 1, milliseconds);
        return found > 0 && (entry.get(JAVA_SHORT, POLLFD_FOUND) & events) == 0 ? -1 : found;
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
