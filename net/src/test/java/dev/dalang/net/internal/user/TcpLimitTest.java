package dev.dalang.net.internal.user;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.util.List;

/** What becomes of connections when there are too many, by hand and at leisure. */
final class TcpLimitTest {
    private static final long MAC = 0x5254_0012_3456L;
    private static final long SECOND = 1_000_000_000L;

    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final Frame frame = new Frame();
    private ServerSocketChannel listener;
    private Engine engine;

    @BeforeEach
    void listen() throws IOException {
        listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 256);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
        listener.close();
    }

    private void network(int maxConnections, long bufferBytes) throws IOException {
        engine =
                new Engine(
                        new EngineConfig(
                                true,
                                false,
                                false,
                                1500,
                                maxConnections,
                                16,
                                bufferBytes,
                                List.of(),
                                null));
        engine.connect(
                clock,
                new FrameSink() {
                    @Override
                    public boolean receive(Frame arrived) {
                        return true;
                    }

                    @Override
                    public void readyToSend() {}
                });
    }

    private void send(int port, int flags, int sequence, int acknowledgment) throws IOException {
        frame.begin(54);
        ByteBuffer data = frame.data();
        Ip.putMac(data, 0, Ip.GATEWAY_MAC);
        Ip.putMac(data, 6, MAC);
        data.putShort(12, (short) Ip.ETHERTYPE_IPV4);
        data.putInt(14, 0x4500_0028).putInt(18, 0).putInt(22, 64 << 24 | Ip.TCP << 16);
        data.putInt(26, Ip.FIRST_LEASE).putInt(30, Ip.GATEWAY);
        data.putShort(24, (short) Checksums.finish(Checksums.sum(data, 14, 20)));
        data.putShort(34, (short) port).putShort(36, (short) listener.socket().getLocalPort());
        data.putInt(38, sequence).putInt(42, acknowledgment);
        data.putInt(46, 0x5000_ffff | flags << 16).putInt(50, 0);
        frame.leaveChecksum(34, 16);
        assertThat(engine.send(frame)).isTrue();
        for (int i = 0; i < 4; i++) {
            engine.turn(false);
        }
    }

    private void connect(int port) throws IOException {
        send(port, TcpHeader.SYN, 0, 0);
    }

    private void pass(long nanos) throws IOException {
        clock.advance(nanos);
        engine.turn(false);
    }

    private long count(NetworkEvent event) {
        return engine.counters().get(event);
    }

    /** By number, and by memory: a mebibyte has room for eight of the small ones. */
    @ParameterizedTest
    @CsvSource({"8, 8388608", "1000, 1048576"})
    void whatWasNotHeardOfForAMinuteMakesWay(int maxConnections, long bufferBytes)
            throws IOException {
        network(maxConnections, bufferBytes);
        for (int port = 1000; port < 1008; port++) {
            connect(port);
        }
        assertThat(count(NetworkEvent.TCP_OPENED)).isEqualTo(8);
        for (int i = 0; i < 10; i++) {
            connect(2000 + i);
        }
        assertThat(count(NetworkEvent.TCP_LIMIT)).isEqualTo(10);
        pass(59 * SECOND);
        connect(3000);
        assertThat(count(NetworkEvent.TCP_LIMIT)).isEqualTo(11);
        pass(2 * SECOND);
        connect(4000);
        connect(4001);
        assertThat(count(NetworkEvent.TCP_LIMIT)).isEqualTo(11);
        assertThat(count(NetworkEvent.TCP_OPENED)).isEqualTo(10);
    }

    @Test
    void whatWasHeardOfStays() throws IOException {
        network(4, 8 << 20);
        for (int port = 1000; port < 1004; port++) {
            connect(port);
        }
        pass(59 * SECOND);
        for (int port = 1000; port < 1004; port++) {
            send(port, TcpHeader.ACK, 1, 0);
        }
        pass(2 * SECOND);
        connect(2000);
        assertThat(count(NetworkEvent.TCP_LIMIT)).isEqualTo(1);
        assertThat(count(NetworkEvent.TCP_OPENED)).isEqualTo(4);
    }
}
