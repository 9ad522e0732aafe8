package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Waits until one of a few descriptors can be read or written. One platform thread waits and asks;
 * any thread wakes it up.
 */
public final class Waiter implements AutoCloseable {
    private static final int POLLFD_BYTES = 8;
    private static final int POLLIN = 1;
    private static final int POLLOUT = 4;
    private static final int POLLERR = 8;
    private static final int POLLHUP = 0x10;
    private static final int POLLNVAL = 0x20;
    private static final int EFD_CLOEXEC = 0x8_0000;
    private static final int EFD_NONBLOCK = 0x800;

    private final Descriptor event;
    private final Descriptor[] descriptors;
    private final MemorySegment polled;
    private final MemorySegment counter;
    private final MemorySegment one;

    private Waiter(Descriptor event, Descriptor[] descriptors) {
        this.event = event;
        this.descriptors = descriptors;
        // Not ended by close: a wake-up that is under way may still read what it writes.
        Arena arena = Arena.ofAuto();
        polled = arena.allocate((long) POLLFD_BYTES * (descriptors.length + 1), 8);
        counter = arena.allocate(JAVA_LONG);
        one = arena.allocate(JAVA_LONG);
        one.set(JAVA_LONG, 0, 1);
    }

    /**
     * Makes one.
     *
     * @param descriptors what it waits for; they stay the caller's, and open until it is closed
     * @return the waiter, which is interested in nothing yet
     * @throws HostIoException if the kernel has no more descriptors
     */
    public static Waiter of(Descriptor... descriptors) throws HostIoException {
        int number = SocketCalls.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (number < 0) {
            throw new HostIoException("eventfd", "a waiter", Calls.errno());
        }
        return new Waiter(
                Descriptor.of(number, "a waiter"), Arrays.copyOf(descriptors, descriptors.length));
    }

    private MemorySegment entry(int place) {
        return polled.asSlice((long) POLLFD_BYTES * place, POLLFD_BYTES);
    }

    /**
     * Says what to wait for from now on. The waiting thread only.
     *
     * @param which the place of the descriptor, from 0
     * @param reads whether it waits until there is something to read
     * @param writes whether it waits until there is room to write
     */
    public void interest(int which, boolean reads, boolean writes) {
        entry(which + 1)
                .set(JAVA_SHORT, 4, (short) ((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)));
    }

    /**
     * Waits until there is something to do, {@link #wakeUp} was called since the last wait, or the
     * time is over.
     *
     * @param timeoutMillis how long at most; negative: for ever; 0: only looks
     * @throws HostIoException if a descriptor is closed, or the call fails
     */
    public void await(int timeoutMillis) throws HostIoException {
        int held = 0;
        int own = event.acquire();
        try {
            entry(0).set(JAVA_INT, 0, own);
            entry(0).set(JAVA_SHORT, 4, (short) POLLIN);
            for (; held < descriptors.length; held++) {
                entry(held + 1).set(JAVA_INT, 0, descriptors[held].acquire());
            }
            int ready = SocketCalls.poll(polled, descriptors.length + 1L, timeoutMillis);
            if (ready < 0 && Calls.errno() != Errno.EINTR.number()) {
                throw new HostIoException("poll", "a waiter", Calls.errno());
            }
            if (ready <= 0) {
                for (int i = 0; i <= descriptors.length; i++) {
                    entry(i).set(JAVA_SHORT, 6, (short) 0);
                }
            } else if (has(-1, POLLIN)) {
                SocketCalls.read(own, counter, JAVA_LONG.byteSize());
            }
        } finally {
            for (int i = 0; i < held; i++) {
                descriptors[i].release();
            }
            event.release();
        }
    }

    private boolean has(int which, int events) {
        return (entry(which + 1).get(JAVA_SHORT, 6) & events) != 0;
    }

    /**
     * Tells what the last wait found.
     *
     * @param which the place of the descriptor
     * @return true if a read gives something, or says what is wrong
     */
    public boolean isReadable(int which) {
        return has(which, POLLIN | POLLERR | POLLHUP | POLLNVAL);
    }

    /**
     * Tells what the last wait found.
     *
     * @param which the place of the descriptor
     * @return true if a write finds room, or says what is wrong
     */
    public boolean isWritable(int which) {
        return has(which, POLLOUT | POLLERR | POLLHUP | POLLNVAL);
    }

    /** Ends the current wait, or the next. Any thread; after {@link #close} it does nothing. */
    public void wakeUp() {
        try {
            int number = event.acquire();
            try {
                SocketCalls.write(number, one, JAVA_LONG.byteSize());
            } finally {
                event.release();
            }
        } catch (HostIoException closed) {
            return; // nobody waits any more
        }
    }

    /** Gives its own descriptor back. Nobody may wait; closing twice does nothing. */
    @Override
    public void close() {
        event.close();
    }
}
