package dev.dalang.net;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.net.internal.user.Engine;
import dev.dalang.net.internal.user.EngineConfig;
import dev.dalang.net.internal.user.HostEcho;

import org.jspecify.annotations.Nullable;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A network of the guest's own that needs no rights on the host: connections and datagrams of the
 * guest's become sockets of the host's process. It is the one that QEMU's users know:
 *
 * <table>
 * <caption>Addresses</caption>
 * <tr><th></th><th>IPv4</th><th>IPv6</th></tr>
 * <tr><td>network</td><td>10.0.2.0/24</td><td>fec0::/64</td></tr>
 * <tr><td>gateway, the host's loopback where it is open</td><td>10.0.2.2</td><td>fec0::2</td></tr>
 * <tr><td>name server</td><td>10.0.2.3</td><td>fec0::3</td></tr>
 * <tr><td>first lease of DHCP</td><td>10.0.2.15</td><td>(advertised prefix)</td></tr>
 * </table>
 *
 * <p>The name server stands for the host's resolvers, wherever they are. The host's loopback cannot
 * be reached, neither by its own addresses nor by any other address of the host's, unless {@link
 * Builder#hostLoopback} opens it; then the gateway's address stands for it. Groups, link-local
 * addresses and 127.0.0.0/8 go nowhere in any case.
 *
 * <p>One thread does all work; the card's threads only fill a ring. Memory is bounded by {@link
 * Builder#bufferBytes} and by the limits of connections and flows. Made awake. While it sleeps,
 * sockets stay open and their peers wait. A snapshot has the leases, but no connection: after a
 * restore the guest gets a reset for each that there was.
 *
 * <p>Any thread.
 */
public final class UserNetwork implements NetworkBackend {
    private static final Set<Offload> SEND = Set.copyOf(EnumSet.allOf(Offload.class));
    private static final Set<Offload> RECEIVE =
            Set.of(Offload.CHECKSUM, Offload.TCP4, Offload.TCP6);

    private final Engine engine;
    private final int mtu;
    private final List<HostForward> forwards;
    private final Optional<EchoForwarder> ownEcho;

    private UserNetwork(
            Engine engine, int mtu, List<HostForward> forwards, Optional<EchoForwarder> ownEcho) {
        this.ownEcho = ownEcho;
        this.engine = engine;
        this.mtu = mtu;
        this.forwards = List.copyOf(forwards);
    }

    /**
     * Begins a network.
     *
     * @return its options
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return the forwards, with the ports that the host chose where it was asked to} */
    public List<HostForward> hostForwards() {
        return forwards;
    }

    /**
     * Tells how often something happened.
     *
     * @param event what happened
     * @return how often
     */
    public long count(NetworkEvent event) {
        return engine.counters().get(event);
    }

    /** {@return the memory that was allocated for streams so far; it is used again} */
    public long streamBytes() {
        return engine.bufferBytes();
    }

    @Override
    public void start(VirtualClock clock, FrameSink sink) {
        engine.start(clock, sink);
    }

    @Override
    public boolean send(Frame frame) {
        return engine.send(frame);
    }

    @Override
    public void readyToReceive() {
        engine.readyToReceive();
    }

    @Override
    public Set<Offload> sendOffloads() {
        return SEND;
    }

    @Override
    public Set<Offload> receiveOffloads() {
        return RECEIVE;
    }

    @Override
    public void acceptOffloads(Set<Offload> accepted) {
        if (!RECEIVE.containsAll(accepted)) {
            throw new IllegalArgumentException("expected some of " + RECEIVE + ", got " + accepted);
        }
        engine.acceptOffloads(accepted);
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public void sleep() {
        engine.sleep();
    }

    @Override
    public Snapshot snapshot() {
        return engine.snapshot();
    }

    @Override
    public void restore(Snapshot snapshot) {
        engine.restore(snapshot);
    }

    @Override
    public void wake() {
        engine.wake();
    }

    @Override
    public void close() {
        engine.close();
        ownEcho.ifPresent(EchoForwarder::close);
    }

    /** The options of a network. */
    public static final class Builder {
        private final List<HostForward> forwards = new ArrayList<>();
        private final List<InetSocketAddress> resolvers = new ArrayList<>();
        private boolean hostLoopback;
        private boolean restrict;
        private boolean outside = true;
        private int mtu = 1500;
        private int maxConnections = 1024;
        private int maxUdpFlows = 512;
        private long bufferBytes = 256L << 20;
        private @Nullable EchoForwarder echo;
        private boolean hostEcho = true;

        private Builder() {}

        /**
         * Opens the host's loopback: the gateway's address stands for it.
         *
         * @param open whether; false by default
         * @return this
         */
        public Builder hostLoopback(boolean open) {
            hostLoopback = open;
            return this;
        }

        /**
         * Closes everything but forwards. Addresses are still given and asked for, and the gateway
         * answers echo requests.
         *
         * @param closed whether; false by default
         * @return this
         */
        public Builder restrict(boolean closed) {
            restrict = closed;
            return this;
        }

        /**
         * Opens what is neither this network nor the host. Without it, and with the host's loopback
         * open, the guest reaches servers on the host and nothing else.
         *
         * @param open whether; true by default
         * @return this
         */
        public Builder outside(boolean open) {
            outside = open;
            return this;
        }

        /**
         * Adds a port of the host's behind which a port of the guest's is.
         *
         * @param forward the forward
         * @return this
         */
        public Builder hostForward(HostForward forward) {
            forwards.add(forward);
            return this;
        }

        /**
         * Sets the resolvers behind the name server, instead of the host's.
         *
         * @param addresses the resolvers; none: the host's
         * @return this
         */
        public Builder resolvers(List<InetSocketAddress> addresses) {
            resolvers.clear();
            resolvers.addAll(addresses);
            return this;
        }

        /**
         * Sets the longest IP packet of the link.
         *
         * @param bytes 1280..65535; 1500 by default
         * @return this
         */
        public Builder mtu(int bytes) {
            mtu = within("mtu", bytes, 1280, 65_535);
            return this;
        }

        /**
         * Sets how many TCP connections there may be.
         *
         * @param limit 1..16384; 1024 by default
         * @return this
         */
        public Builder maxConnections(int limit) {
            maxConnections = within("maxConnections", limit, 1, 16_384);
            return this;
        }

        /**
         * Sets how many flows of UDP there may be; the oldest makes way for a new one.
         *
         * @param limit 1..16384; 512 by default
         * @return this
         */
        public Builder maxUdpFlows(int limit) {
            maxUdpFlows = within("maxUdpFlows", limit, 1, 16_384);
            return this;
        }

        /**
         * Sets how much memory all streams together may take. A connection needs at least 128 KiB
         * while it has bytes to keep in both directions, and uses up to 2 MiB.
         *
         * @param bytes at least 1 MiB; 256 MiB by default
         * @return this
         */
        public Builder bufferBytes(long bytes) {
            if (bytes < 1 << 20) {
                throw new IllegalArgumentException(
                        "bufferBytes: expected at least 1048576, got " + bytes);
            }
            bufferBytes = bytes;
            return this;
        }

        /**
         * Sends echo requests to the outside through the host's sockets for datagrams of ICMP,
         * where there are such and the user may have them. Without, and with no {@link
         * #echoForwarder}, they are answered by "administratively prohibited".
         *
         * @param on whether; true by default
         * @return this
         */
        public Builder hostEcho(boolean on) {
            hostEcho = on;
            return this;
        }

        /**
         * Sends echo requests to the outside, in the place of the host's sockets.
         *
         * @param forwarder who does it; whoever made it closes it
         * @return this
         */
        public Builder echoForwarder(EchoForwarder forwarder) {
            echo = forwarder;
            return this;
        }

        private static int within(String option, int value, int least, int most) {
            if (value < least || value > most) {
                throw new IllegalArgumentException(
                        option + ": expected " + least + ".." + most + ", got " + value);
            }
            return value;
        }

        /**
         * Makes the network and opens the ports of its forwards; all or none.
         *
         * @return the network, awake, without a card
         * @throws UncheckedIOException if a port cannot be opened; the message names the forward
         */
        public UserNetwork build() {
            Optional<EchoForwarder> own =
                    hostEcho && echo == null && outside && !restrict
                            ? HostEcho.open()
                            : Optional.empty();
            EngineConfig config =
                    new EngineConfig(
                            hostLoopback,
                            restrict,
                            outside,
                            mtu,
                            maxConnections,
                            maxUdpFlows,
                            bufferBytes,
                            List.copyOf(resolvers),
                            own.isPresent() ? own.get() : echo);
            Engine engine;
            try {
                engine = new Engine(config);
            } catch (IOException noSelector) {
                own.ifPresent(EchoForwarder::close);
                throw new UncheckedIOException("the host has no selector for it", noSelector);
            }
            List<HostForward> opened = new ArrayList<>();
            for (HostForward forward : forwards) {
                try {
                    opened.add(open(engine, forward));
                } catch (IOException failed) {
                    engine.close();
                    own.ifPresent(EchoForwarder::close);
                    throw new UncheckedIOException(
                            "hostfwd=" + forward + ": " + failed.getMessage(), failed);
                }
            }
            return new UserNetwork(engine, mtu, opened, own);
        }

        private static HostForward open(Engine engine, HostForward forward) throws IOException {
            boolean tcp = forward.protocol() == HostForward.Protocol.TCP;
            Closeable opened = null;
            try {
                InetSocketAddress bound;
                if (tcp) {
                    ServerSocketChannel channel = ServerSocketChannel.open();
                    opened = channel;
                    channel.bind(forward.host(), 128);
                    bound = (InetSocketAddress) channel.getLocalAddress();
                    engine.forward(forward, channel);
                } else {
                    boolean v4 = forward.host().getAddress() instanceof java.net.Inet4Address;
                    DatagramChannel channel =
                            DatagramChannel.open(
                                    v4
                                            ? StandardProtocolFamily.INET
                                            : StandardProtocolFamily.INET6);
                    opened = channel;
                    channel.setOption(StandardSocketOptions.SO_REUSEADDR, false);
                    channel.bind(forward.host());
                    bound = (InetSocketAddress) channel.getLocalAddress();
                    engine.forward(forward, channel);
                }
                return new HostForward(
                        forward.protocol(),
                        new InetSocketAddress(forward.host().getAddress(), bound.getPort()),
                        forward.guestAddress(),
                        forward.guestPort());
            } catch (IOException | RuntimeException failed) {
                if (opened != null) {
                    opened.close();
                }
                throw failed instanceof IOException broken ? broken : new IOException(failed);
            }
        }
    }
}
