package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A socket that sends echo requests and gets the replies to them (datagram ICMP): no rights are
 * needed where {@code net.ipv4.ping_group_range} has one of the user's groups. The kernel puts an
 * identifier of its own into requests, and gives each socket only the replies to its own.
 *
 * <p>Messages begin with the header of ICMP: type, code, checksum, identifier, sequence number. The
 * checksum is the kernel's work. One thread at a time; never waits.
 */
public final class EchoSocket implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x8_0000;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int SOCKADDR_BYTES = 28;
    private static final int SOCKADDR_IN_BYTES = 16;

    private final Descriptor descriptor;
    private final boolean isV6;
    private final MemorySegment address = Arena.ofAuto().allocate(SOCKADDR_BYTES, 8);
    private final MemorySegment length = Arena.ofAuto().allocate(JAVA_INT);

    private EchoSocket(Descriptor descriptor, boolean isV6) {
        this.descriptor = descriptor;
        this.isV6 = isV6;
    }

    /**
     * Opens a socket.
     *
     * @param isV6 whether it is for IPv6
     * @return the socket
     * @throws HostIoException if there is none to be had; {@link Errno#EACCES} or {@link
     *     Errno#EPERM}: the user may not
     */
    public static EchoSocket open(boolean isV6) throws HostIoException {
        int number =
                SocketCalls.socket(
                        isV6 ? AF_INET6 : AF_INET,
                        SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        isV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
        String subject = isV6 ? "ICMPv6" : "ICMP";
        if (number < 0) {
            throw new HostIoException("socket", subject, Calls.errno());
        }
        return new EchoSocket(Descriptor.of(number, subject), isV6);
    }

    /** {@return the descriptor, to wait for} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Sends a message.
     *
     * @param target the address, 4 or 16 bytes as the socket is for
     * @param message the message, with its header
     * @return false if it was not sent: there is no room, no way, or no right
     * @throws HostIoException if the socket is closed
     */
    public boolean send(byte[] target, MemorySegment message) throws HostIoException {
        if (target.length != (isV6 ? 16 : 4)) {
            throw new IllegalArgumentException("an address of " + target.length + " bytes");
        }
        address.fill((byte) 0);
        address.set(JAVA_SHORT, 0, (short) (isV6 ? AF_INET6 : AF_INET));
        MemorySegment.copy(target, 0, address, JAVA_BYTE, isV6 ? 8 : 4, target.length);
        int number = descriptor.acquire();
        try {
            int bytes = isV6 ? SOCKADDR_BYTES : SOCKADDR_IN_BYTES;
            return SocketCalls.sendto(number, message, message.byteSize(), address, bytes) >= 0;
        } finally {
            descriptor.release();
        }
    }

    /**
     * Takes a message that came.
     *
     * @param target where it goes, from the start; what does not fit is lost
     * @param source gets the sender's address; 4 or 16 bytes as the socket is for
     * @return its length, or -1 if none is there
     * @throws HostIoException if the socket is closed
     */
    public int receive(MemorySegment target, byte[] source) throws HostIoException {
        length.set(JAVA_INT, 0, SOCKADDR_BYTES);
        int number = descriptor.acquire();
        try {
            // An error is that of an earlier request, such as a network without a way: it is over.
            long bytes = SocketCalls.recvfrom(number, target, target.byteSize(), address, length);
            if (bytes < 0) {
                return -1;
            }
            MemorySegment.copy(address, JAVA_BYTE, isV6 ? 8 : 4, source, 0, isV6 ? 16 : 4);
            return (int) bytes;
        } finally {
            descriptor.release();
        }
    }

    /** Closes it. Closing twice does nothing. */
    @Override
    public void close() {
        descriptor.close();
    }
}
