package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection between two processes of this host, a stream of bytes with which descriptors ride.
 * One thread may send while another receives. Calls that wait belong on platform threads: they keep
 * the one they are on. {@link #shutdown} ends all waiting.
 */
public final class UnixSocket implements AutoCloseable {
    /** The greatest number of descriptors that the kernel takes with one message. */
    public static final int MAX_DESCRIPTORS = 253;

    static final int SOCK_CLOEXEC = 0x8_0000;

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int ADDRESS_BYTES = 110;
    private static final int MAX_PATH_BYTES = 107;
    private static final int SHUT_RDWR = 2;

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    private static final int POLLIN = 1;
    private static final int POLLOUT = 4;
    private static final int POLLNVAL = 0x20;
    private static final int POLLFD_BYTES = 8;
    private static final int POLLFD_EVENTS = 4;
    private static final int POLLFD_FOUND = 6;

    private static final int IOVEC_BYTES = 16;
    private static final int MESSAGE_BYTES = 56;
    private static final long MSG_IOV = 16;
    private static final long MSG_IOVLEN = 24;
    private static final long MSG_CONTROL = 32;
    private static final long MSG_CONTROLLEN = 40;
    private static final long MSG_FLAGS = 48;
    private static final int CONTROL_HEADER_BYTES = 16;

    private final Descriptor descriptor;

    UnixSocket(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Connects to who listens at a path.
     *
     * @param path of the socket
     * @return the connection
     * @throws HostIoException if nobody listens there, or it cannot be reached
     */
    public static UnixSocket connect(Path path) throws HostIoException {
        Descriptor made = create(path.toString());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(path, "connect", arena);
            int number = made.acquire();
            try {
                while (SocketCalls.connect(number, address, ADDRESS_BYTES) < 0) {
                    if (Calls.errno() != Errno.EINTR.number()) {
                        throw new HostIoException("connect", made.subject(), Calls.errno());
                    }
                }
            } finally {
                made.release();
            }
        } catch (HostIoException | RuntimeException | Error failed) {
            made.close();
            throw failed;
        }
        return new UnixSocket(made);
    }

    /**
     * Makes two sockets that are connected to each other.
     *
     * @return both
     * @throws HostIoException if the host has no descriptors left
     */
    public static List<UnixSocket> pair() throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment both = arena.allocate(JAVA_INT, 2);
            if (SocketCalls.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) < 0) {
                throw new HostIoException("socketpair", "a pair of sockets", Calls.errno());
            }
            return List.of(
                    new UnixSocket(Descriptor.of(both.getAtIndex(JAVA_INT, 0), "one of a pair")),
                    new UnixSocket(Descriptor.of(both.getAtIndex(JAVA_INT, 1), "one of a pair")));
        }
    }

    /**
     * Takes over a connection of another process.
     *
     * @param received what came; it may turn out to be something else, on which every call fails
     * @return the connection
     */
    public static UnixSocket of(Descriptor received) {
        return new UnixSocket(received);
    }

    /** {@return what is sent to another process} */
    public Descriptor descriptor() {
        return descriptor;
    }

    static Descriptor create(String subject) throws HostIoException {
        int number = SocketCalls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (number < 0) {
            throw new HostIoException("socket", subject, Calls.errno());
        }
        return Descriptor.of(number, subject);
    }

    /** A path as the kernel wants it, {@link #ADDRESS_BYTES} long. */
    static MemorySegment address(Path path, String call, Arena arena) throws HostIoException {
        byte[] name =
                path.toString()
                        .getBytes(Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8")));
        if (name.length > MAX_PATH_BYTES) {
            throw new HostIoException(call, path.toString(), Errno.ENAMETOOLONG.number());
        }
        MemorySegment address = arena.allocate(ADDRESS_BYTES, Long.BYTES);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
        return address;
    }

    /** The bytes of an {@link #address}. */
    static int addressBytes() {
        return ADDRESS_BYTES;
    }

    /**
     * Sends all of some bytes, and descriptors with the first of them. Waits while the other end
     * does not read.
     *
     * @param bytes what is sent, native memory of at least one byte if descriptors ride with it
     * @param with the descriptors, at most {@link #MAX_DESCRIPTORS}; they stay open here
     * @throws HostIoException if the other end is closed ({@link Errno#EPIPE})
     */
    public void send(MemorySegment bytes, List<Descriptor> with) throws HostIoException {
        send(bytes, with, -1);
    }

    /**
     * Sends all of some bytes, and descriptors with the first of them, if the other end reads them
     * in time.
     *
     * @param bytes what is sent, native memory of at least one byte if descriptors ride with it
     * @param with the descriptors, at most {@link #MAX_DESCRIPTORS}; they stay open here
     * @param milliseconds to wait at the most, for all of it; negative to wait as long as it takes
     * @throws HostIoException if the other end is closed ({@link Errno#EPIPE}), or takes too long
     *     ({@link Errno#ETIMEDOUT}): nobody knows then how much of it was sent
     */
    public void send(MemorySegment bytes, List<Descriptor> with, int milliseconds)
            throws HostIoException {
        if (with.size() > MAX_DESCRIPTORS || !with.isEmpty() && bytes.byteSize() == 0) {
            throw new IllegalArgumentException(
                    "expected at most %d descriptors, and a byte for them, got %d with %d bytes"
                            .formatted(MAX_DESCRIPTORS, with.size(), bytes.byteSize()));
        }
        int number = descriptor.acquire();
        List<Descriptor> held = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = message(bytes, arena);
            if (!with.isEmpty()) {
                MemorySegment control = control(with.size(), arena);
                for (Descriptor rider : with) {
                    int rides = rider.acquire();
                    control.set(
                            JAVA_INT,
                            CONTROL_HEADER_BYTES + JAVA_INT.byteSize() * held.size(),
                            rides);
                    held.add(rider);
                }
                message.set(ADDRESS, MSG_CONTROL, control);
                message.set(JAVA_LONG, MSG_CONTROLLEN, control.byteSize());
            }
            long deadline = deadline(milliseconds);
            int flags = milliseconds < 0 ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT;
            long sent = 0;
            while (sent < bytes.byteSize()) {
                long count = SocketCalls.sendmsg(number, message, flags);
                if (count >= 0) {
                    sent += count;
                    message = message(bytes.asSlice(sent), arena);
                } else {
                    retry("sendmsg", POLLOUT, milliseconds, deadline);
                }
            }
        } finally {
            Reference.reachabilityFence(bytes); // the message has no more than its address
            held.forEach(Descriptor::release);
            descriptor.release();
        }
    }

    /**
     * Waits for bytes, and takes as many as there are and fit. Descriptors that ride with one of
     * them come with it; no bytes behind them are taken.
     *
     * @param target native memory of at least one byte
     * @param received takes the descriptors, which are open and the caller's
     * @param most descriptors that the caller wants; all beyond are closed, and counted
     * @return the bytes taken, and the descriptors closed; 0 bytes at the end of the stream
     * @throws HostIoException if the connection fails
     */
    public Received receive(MemorySegment target, List<Descriptor> received, int most)
            throws HostIoException {
        return receive(target, received, most, -1);
    }

    /**
     * As {@link #receive(MemorySegment, List, int)}, for some time only.
     *
     * @param target native memory of at least one byte
     * @param received takes the descriptors, which are open and the caller's
     * @param most descriptors that the caller wants; all beyond are closed, and counted
     * @param milliseconds to wait at the most; negative to wait as long as it takes
     * @return the bytes taken, and the descriptors closed; 0 bytes at the end of the stream
     * @throws HostIoException if the connection fails, or nothing comes in time ({@link
     *     Errno#ETIMEDOUT})
     */
    public Received receive(
            MemorySegment target, List<Descriptor> received, int most, int milliseconds)
            throws HostIoException {
        if (target.byteSize() == 0) {
            throw new IllegalArgumentException("expected room for at least a byte, got none");
        }
        int number = descriptor.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = message(target, arena);
            MemorySegment control = control(MAX_DESCRIPTORS, arena);
            long deadline = deadline(milliseconds);
            int flags = milliseconds < 0 ? MSG_CMSG_CLOEXEC : MSG_CMSG_CLOEXEC | MSG_DONTWAIT;
            while (true) {
                message.set(ADDRESS, MSG_CONTROL, control);
                message.set(JAVA_LONG, MSG_CONTROLLEN, control.byteSize());
                long count = SocketCalls.recvmsg(number, message, flags);
                if (count >= 0) {
                    int dropped = take(message, control, received, most);
                    return new Received((int) count, dropped);
                }
                retry("recvmsg", POLLIN, milliseconds, deadline);
            }
        } finally {
            Reference.reachabilityFence(target);
            descriptor.release();
        }
    }

    private static long deadline(int milliseconds) {
        return milliseconds < 0 ? 0 : System.nanoTime() + milliseconds * 1_000_000L;
    }

    /** After a call that failed: waits until it is worth another try, or throws. */
    private void retry(String call, int events, int milliseconds, long deadline)
            throws HostIoException {
        int errno = Calls.errno();
        if (errno == Errno.EAGAIN.number() && milliseconds >= 0) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new HostIoException(call, descriptor.subject(), Errno.ETIMEDOUT.number());
            }
            poll(events, (int) (left / 1_000_000) + 1);
        } else if (errno != Errno.EINTR.number()) {
            throw new HostIoException(call, descriptor.subject(), errno);
        }
    }

    /**
     * What a call took.
     *
     * @param bytes how many; 0 at the end of the stream
     * @param dropped descriptors that came beyond what the caller wanted, and were closed
     */
    public record Received(int bytes, int dropped) {}

    private int take(
            MemorySegment message, MemorySegment control, List<Descriptor> received, int most) {
        long length = message.get(JAVA_LONG, MSG_CONTROLLEN);
        int dropped = (message.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0 ? 1 : 0;
        long at = 0;
        while (at + CONTROL_HEADER_BYTES <= length) {
            long size = control.get(JAVA_LONG, at);
            if (size < CONTROL_HEADER_BYTES || size > length - at) {
                break;
            }
            if (control.get(JAVA_INT, at + 8) == SOL_SOCKET
                    && control.get(JAVA_INT, at + 12) == SCM_RIGHTS) {
                for (long place = at + CONTROL_HEADER_BYTES;
                        place + Integer.BYTES <= at + size;
                        place += Integer.BYTES) {
                    int came = control.get(JAVA_INT, place);
                    if (received.size() < most) {
                        received.add(Descriptor.of(came, "received from " + descriptor.subject()));
                    } else {
                        Calls.close(came);
                        dropped++;
                    }
                }
            }
            at += size + 7 & -8;
        }
        return dropped;
    }

    /** A message with one piece of memory and no descriptors. */
    private static MemorySegment message(MemorySegment bytes, Arena arena) {
        MemorySegment vector = arena.allocate(IOVEC_BYTES, Long.BYTES);
        vector.set(ADDRESS, 0, bytes);
        vector.set(JAVA_LONG, Long.BYTES, bytes.byteSize());
        MemorySegment message = arena.allocate(MESSAGE_BYTES, Long.BYTES);
        message.set(ADDRESS, MSG_IOV, vector);
        message.set(JAVA_LONG, MSG_IOVLEN, 1);
        return message;
    }

    /** Room for so many descriptors, with its header. */
    private static MemorySegment control(int descriptors, Arena arena) {
        long length = CONTROL_HEADER_BYTES + (long) Integer.BYTES * descriptors;
        MemorySegment control = arena.allocate(length + 7 & -8, Long.BYTES);
        control.set(JAVA_LONG, 0, length);
        control.set(JAVA_INT, 8, SOL_SOCKET);
        control.set(JAVA_INT, 12, SCM_RIGHTS);
        return control;
    }

    /**
     * Waits until there is something to receive: bytes, or that the connection has ended.
     *
     * @param milliseconds to wait at the most; negative to wait as long as it takes
     * @return false if the time has passed
     * @throws HostIoException if it is closed here
     */
    public boolean await(int milliseconds) throws HostIoException {
        return (poll(POLLIN, milliseconds) & ~POLLNVAL) != 0;
    }

    /**
     * Tells whether the other end is closed. What was sent before can still be received.
     *
     * @return true if it is, or this end
     */
    public boolean isHungUp() {
        try {
            return poll(0, 0) != 0;
        } catch (HostIoException closed) {
            return true;
        }
    }

    /** What poll found; an interrupted wait found nothing. */
    private int poll(int events, int milliseconds) throws HostIoException {
        int number = descriptor.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(POLLFD_BYTES, Integer.BYTES);
            entry.set(JAVA_INT, 0, number);
            entry.set(JAVA_SHORT, POLLFD_EVENTS, (short) events);
            return SocketCalls.poll(entry, 1, milliseconds) > 0
                    ? entry.get(JAVA_SHORT, POLLFD_FOUND)
                    : 0;
        } finally {
            descriptor.release();
        }
    }

    /** Ends the connection in both directions: who waits here or at the other end goes on. */
    public void shutdown() {
        shutdown(descriptor);
    }

    static void shutdown(Descriptor socket) {
        try {
            int number = socket.acquire();
            try {
                SocketCalls.shutdown(number, SHUT_RDWR); // that it was not connected is fine
            } finally {
                socket.release();
            }
        } catch (HostIoException _) {
            // It is closed: nobody waits.
        }
    }

    /** Ends the connection, and closes the socket when the last call on it returns. */
    @Override
    public void close() {
        shutdown();
        descriptor.close();
    }

    @Override
    public String toString() {
        return descriptor.toString();
    }
}
