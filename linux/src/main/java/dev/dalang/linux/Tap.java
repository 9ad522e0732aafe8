package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * An interface of the host's whose other end is this process: what the host sends over it is read
 * here, and what is written here the host receives. Each frame has a header of {@link
 * #HEADER_BYTES} before it, the one of virtio (virtio 1.3 §5.1.6), which says what is left to be
 * done with it.
 *
 * <p>Reads belong to one thread, writes to another; neither waits.
 */
public final class Tap implements AutoCloseable {
    /** The length of the header before each frame. */
    public static final int HEADER_BYTES = 12;

    /** The longest name of an interface. */
    public static final int MAX_NAME_BYTES = 15;

    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x8_0000;

    private static final long TUNSETIFF = 0x4004_54caL;
    private static final long TUNSETOFFLOAD = 0x4004_54d0L;
    private static final long TUNGETIFF = 0x8004_54d2L;
    private static final long TUNSETVNETHDRSZ = 0x4004_54d8L;
    private static final long TUNSETVNETLE = 0x4004_54dcL;
    private static final short IFF_TAP = 2;
    private static final short IFF_NO_PI = 0x1000;
    private static final short IFF_VNET_HDR = 0x4000;
    private static final int IFREQ_BYTES = 40;
    private static final int IFNAMSIZ = 16;

    private static final int TUN_F_CSUM = 1;
    private static final int TUN_F_TSO4 = 2;
    private static final int TUN_F_TSO6 = 4;
    private static final int TUN_F_TSO_ECN = 8;

    private static final long SIOCGIFMTU = 0x8921;
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM_CLOEXEC = 0x8_0002;

    private final Descriptor descriptor;
    private final String name;

    private Tap(Descriptor descriptor, String name) {
        this.descriptor = descriptor;
        this.name = name;
    }

    /**
     * Opens an interface, or makes it where the user may and there is none of that name.
     *
     * @param name its name, 1 to {@link #MAX_NAME_BYTES} characters
     * @return the interface
     * @throws HostIoException if it cannot be had: {@link Errno#EBUSY} if another process has it,
     *     {@link Errno#EPERM} if it is not the user's
     */
    public static Tap open(String name) throws HostIoException {
        byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length < 1 || bytes.length > MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "expected a name of 1.." + MAX_NAME_BYTES + " characters, got " + name);
        }
        Descriptor descriptor = open();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, bytes);
            request.set(JAVA_SHORT, IFNAMSIZ, (short) (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
            ioctl(descriptor, name, "TUNSETIFF", TUNSETIFF, request);
            MemorySegment value = arena.allocate(JAVA_INT);
            value.set(JAVA_INT, 0, HEADER_BYTES);
            ioctl(descriptor, name, "TUNSETVNETHDRSZ", TUNSETVNETHDRSZ, value);
            value.set(JAVA_INT, 0, 1);
            ioctl(descriptor, name, "TUNSETVNETLE", TUNSETVNETLE, value);
            return new Tap(descriptor, name);
        } catch (HostIoException | RuntimeException | Error failed) {
            descriptor.close();
            throw failed;
        }
    }

    private static Descriptor open() throws HostIoException {
        String device = "/dev/net/tun";
        int number;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom(device);
            do {
                number = Calls.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
            } while (number < 0 && Calls.errno() == Errno.EINTR.number());
        }
        if (number < 0) {
            throw new HostIoException("open", device, Calls.errno());
        }
        return Descriptor.of(number, device);
    }

    private static MemorySegment request(Arena arena, byte[] name) {
        MemorySegment request = arena.allocate(IFREQ_BYTES, Long.BYTES);
        MemorySegment.copy(name, 0, request, JAVA_BYTE, 0, name.length);
        return request;
    }

    private static void ioctl(
            Descriptor descriptor, String name, String call, long request, MemorySegment argument)
            throws HostIoException {
        int number = descriptor.acquire();
        try {
            if (Calls.ioctl(number, request, argument) < 0) {
                throw new HostIoException(call, name, Calls.errno());
            }
        } finally {
            descriptor.release();
        }
    }

    /** {@return its name} */
    public String name() {
        return name;
    }

    /** {@return the descriptor, to wait for} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Says how long a packet may be.
     *
     * @return bytes, without the header of Ethernet
     * @throws HostIoException if the interface is gone
     */
    public int mtu() throws HostIoException {
        int number = SocketCalls.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
        if (number < 0) {
            throw new HostIoException("socket", name, Calls.errno());
        }
        try (Descriptor socket = Descriptor.of(number, name);
                Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name.getBytes(StandardCharsets.ISO_8859_1));
            ioctl(socket, name, "SIOCGIFMTU", SIOCGIFMTU, request);
            return request.get(JAVA_INT, IFNAMSIZ);
        }
    }

    /**
     * Looks whether it is still there.
     *
     * @throws HostIoException if the interface is gone
     */
    public void check() throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ_BYTES, Long.BYTES);
            ioctl(descriptor, name, "TUNGETIFF", TUNGETIFF, request);
        }
    }

    /**
     * Says what the host may leave to be done in frames that are read.
     *
     * @param checksum whether checksums may be left
     * @param tcp4 whether long segments of TCP over IPv4 may come; needs the checksum, as what
     *     follows does
     * @param tcp6 whether long segments of TCP over IPv6 may come
     * @param ecn whether those may have bits of congestion
     * @throws HostIoException if the kernel does not know of it
     */
    public void acceptOffloads(boolean checksum, boolean tcp4, boolean tcp6, boolean ecn)
            throws HostIoException {
        long flags =
                (checksum ? TUN_F_CSUM : 0)
                        | (tcp4 ? TUN_F_TSO4 : 0)
                        | (tcp6 ? TUN_F_TSO6 : 0)
                        | (ecn ? TUN_F_TSO_ECN : 0);
        // The flags are the argument, not what it points to.
        ioctl(descriptor, name, "TUNSETOFFLOAD", TUNSETOFFLOAD, MemorySegment.ofAddress(flags));
    }

    /**
     * Reads a frame.
     *
     * @param target where header and frame go
     * @return how many bytes they are, or -1 if there is none now
     * @throws HostIoException if the interface is gone
     */
    public int read(MemorySegment target) throws HostIoException {
        int number = descriptor.acquire();
        try {
            long bytes = SocketCalls.read(number, target, target.byteSize());
            if (bytes < 0) {
                int errno = Calls.errno();
                if (errno == Errno.EAGAIN.number() || errno == Errno.EINTR.number()) {
                    return -1;
                }
                throw new HostIoException("read", name, errno);
            }
            return (int) bytes;
        } finally {
            descriptor.release();
        }
    }

    /** What became of a frame that was written. */
    public enum Written {
        /** The host has it. */
        TAKEN,
        /** There is no room now. */
        NO_ROOM,
        /** The host does not want it: the interface is down, or the frame makes no sense to it. */
        REFUSED
    }

    /**
     * Writes a frame.
     *
     * @param source header and frame
     * @param bytes how many they are
     * @return what became of it
     * @throws HostIoException if the interface is gone
     */
    public Written write(MemorySegment source, long bytes) throws HostIoException {
        int number = descriptor.acquire();
        try {
            if (SocketCalls.write(number, source, bytes) >= 0) {
                return Written.TAKEN;
            }
            int errno = Calls.errno();
            if (errno == Errno.EAGAIN.number() || errno == Errno.EINTR.number()) {
                return Written.NO_ROOM;
            }
            if (errno == Errno.EBADFD.number() || errno == Errno.EBADF.number()) {
                throw new HostIoException("write", name, errno);
            }
            return Written.REFUSED;
        } finally {
            descriptor.release();
        }
    }

    /** Gives the interface back; one that was made for this goes away. Twice does nothing. */
    @Override
    public void close() {
        descriptor.close();
    }
}
