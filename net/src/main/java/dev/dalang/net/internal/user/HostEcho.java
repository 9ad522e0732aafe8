package dev.dalang.net.internal.user;

import dev.dalang.linux.EchoSocket;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.Waiter;
import dev.dalang.net.EchoForwarder;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Echo requests through the host's sockets for datagrams of ICMP. The kernel gives all requests of
 * a socket its own identifier: which of the guest's one was, the sequence number tells, which is
 * ours.
 */
public final class HostEcho implements EchoForwarder {
    private static final System.Logger LOG = System.getLogger(HostEcho.class.getName());
    private static final int HEADER_BYTES = 8;
    private static final int MESSAGE_BYTES = 1 << 16;
    private static final int OUTSTANDING = 256;
    private static final byte ECHO_REQUEST4 = 8;
    private static final byte ECHO_REPLY4 = 0;
    private static final byte ECHO_REQUEST6 = (byte) 128;
    private static final byte ECHO_REPLY6 = (byte) 129;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** A request that is on its way, under our number. */
    private record Request(int number, InetAddress peer, int identifier, int sequence) {}

    private final @Nullable EchoSocket v4;
    private final @Nullable EchoSocket v6;
    private final Waiter waiter;
    private final Thread thread =
            Thread.ofPlatform().daemon().name("dalang-echo").unstarted(this::run);
    private final MemorySegment out = Arena.ofAuto().allocate(MESSAGE_BYTES, 8);
    private final MemorySegment in = Arena.ofAuto().allocate(MESSAGE_BYTES, 8);
    private @Nullable Consumer<Echo> taker;

    /** Guards what follows. */
    private final Object lock = new Object();

    private final @Nullable Request[] requests = new Request[OUTSTANDING];
    private int nextNumber;
    private volatile boolean closed;

    private HostEcho(@Nullable EchoSocket v4, @Nullable EchoSocket v6, Waiter waiter) {
        this.v4 = v4;
        this.v6 = v6;
        this.waiter = waiter;
    }

    /** Opens the sockets; empty where the host has none for this user. */
    public static Optional<EchoForwarder> open() {
        if (!Linux.isAvailable()) {
            return Optional.empty();
        }
        EchoSocket v4 = socket(false);
        EchoSocket v6 = socket(true);
        try {
            if (v4 != null && v6 != null) {
                Waiter both = Waiter.of(v4.descriptor(), v6.descriptor());
                return Optional.of(new HostEcho(v4, v6, both));
            }
            if (v4 != null) {
                return Optional.of(new HostEcho(v4, null, Waiter.of(v4.descriptor())));
            }
            if (v6 != null) {
                return Optional.of(new HostEcho(null, v6, Waiter.of(v6.descriptor())));
            }
        } catch (HostIoException noMore) {
            LOG.log(System.Logger.Level.DEBUG, "no echo requests to the outside", noMore);
            close(v4);
            close(v6);
        }
        return Optional.empty();
    }

    private static @Nullable EchoSocket socket(boolean isV6) {
        try {
            return EchoSocket.open(isV6);
        } catch (HostIoException notAllowed) {
            LOG.log(System.Logger.Level.DEBUG, "no echo requests to the outside", notAllowed);
            return null;
        }
    }

    private static void close(@Nullable EchoSocket socket) {
        if (socket != null) {
            socket.close();
        }
    }

    @Override
    public void start(Consumer<Echo> replies) {
        taker = replies;
        thread.start();
    }

    @Override
    public boolean send(Echo request) {
        boolean isV4 = request.peer() instanceof Inet4Address;
        EchoSocket socket = isV4 ? v4 : v6;
        int bytes = request.payload().remaining();
        if (socket == null || bytes > MESSAGE_BYTES - HEADER_BYTES) {
            return false;
        }
        int number;
        synchronized (lock) {
            number = nextNumber;
            nextNumber = nextNumber + 1 & 0xffff;
            requests[number % OUTSTANDING] =
                    new Request(number, request.peer(), request.identifier(), request.sequence());
        }
        out.asSlice(0, HEADER_BYTES).fill((byte) 0);
        out.set(ValueLayout.JAVA_BYTE, 0, isV4 ? ECHO_REQUEST4 : ECHO_REQUEST6);
        out.set(SHORT, 6, (short) number);
        MemorySegment.copy(MemorySegment.ofBuffer(request.payload()), 0, out, HEADER_BYTES, bytes);
        try {
            return socket.send(
                    request.peer().getAddress(), out.asSlice(0, HEADER_BYTES + (long) bytes));
        } catch (HostIoException ended) {
            return false;
        }
    }

    private void run() {
        int sockets = v4 != null && v6 != null ? 2 : 1;
        for (int i = 0; i < sockets; i++) {
            waiter.interest(i, true, false);
        }
        try {
            while (!closed) {
                waiter.await(-1);
                drain(v4, ECHO_REPLY4, new byte[4]);
                drain(v6, ECHO_REPLY6, new byte[16]);
            }
        } catch (IOException ended) {
            if (!closed) {
                LOG.log(System.Logger.Level.WARNING, "no more echo replies from outside", ended);
            }
        }
    }

    private void drain(@Nullable EchoSocket socket, byte type, byte[] source)
            throws HostIoException {
        if (socket == null) {
            return;
        }
        int bytes = socket.receive(in, source);
        while (bytes >= 0 && !closed) {
            if (bytes >= HEADER_BYTES && in.get(ValueLayout.JAVA_BYTE, 0) == type) {
                take(bytes, source);
            }
            bytes = socket.receive(in, source);
        }
    }

    private void take(int bytes, byte[] source) {
        int number = in.get(SHORT, 6) & 0xffff;
        Request request;
        synchronized (lock) {
            request = requests[number % OUTSTANDING];
            if (request == null || request.number != number || !isFrom(request, source)) {
                return;
            }
            requests[number % OUTSTANDING] = null;
        }
        byte[] payload = new byte[bytes - HEADER_BYTES];
        MemorySegment.copy(in, ValueLayout.JAVA_BYTE, HEADER_BYTES, payload, 0, payload.length);
        Consumer<Echo> to = taker;
        if (to != null) {
            to.accept(
                    new Echo(
                            request.peer,
                            request.identifier,
                            request.sequence,
                            ByteBuffer.wrap(payload)));
        }
    }

    private static boolean isFrom(Request request, byte[] source) {
        try {
            return InetAddress.getByAddress(source).equals(request.peer);
        } catch (UnknownHostException impossible) {
            return false;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        waiter.wakeUp();
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        waiter.close();
        close(v4);
        close(v6);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
