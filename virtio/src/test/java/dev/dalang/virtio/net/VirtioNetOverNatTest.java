package dev.dalang.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.net.NetworkEvent;
import dev.dalang.net.UserNetwork;
import dev.dalang.testkit.net.GuestFrame;
import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.GuestTcp;
import dev.dalang.testkit.net.Impairment;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** A guest's stack over the card, its queues, the network, and a real server on loopback. */
final class VirtioNetOverNatTest {
    private static final long WITHOUT_MQ = -1L & ~VirtioNetFeatures.VIRTIO_NET_F_MQ;
    private static final long PACKED = 1L << 34;
    private static final long OFFLOADS =
            VirtioNetFeatures.VIRTIO_NET_F_CSUM
                    | VirtioNetFeatures.VIRTIO_NET_F_GUEST_CSUM
                    | VirtioNetFeatures.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS
                    | VirtioNetFeatures.VIRTIO_NET_F_GUEST_TSO4
                    | VirtioNetFeatures.VIRTIO_NET_F_GUEST_TSO6
                    | VirtioNetFeatures.VIRTIO_NET_F_GUEST_ECN
                    | VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO4
                    | VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO6
                    | VirtioNetFeatures.VIRTIO_NET_F_HOST_ECN
                    | VirtioNetFeatures.VIRTIO_NET_F_HOST_USO;
    private static final InetAddress GATEWAY = GuestStack.literal("10.0.2.2");

    /** Everything between the stack and the server. */
    private static final class Machine implements AutoCloseable {
        final SystemVirtualClock clock = SystemVirtualClock.running();
        final DeviceExecutor executor = DeviceExecutor.workers(2);
        final UserNetwork network = UserNetwork.builder().hostLoopback(true).outside(false).build();
        final VirtioNetDevice device = VirtioNetDevice.builder(network).build();
        final DriverCard card;
        final GuestStack stack;
        private final ByteBuffer sending =
                ByteBuffer.allocate(12 + GuestFrame.MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        private final GuestFrame received = new GuestFrame();
        private final Thread poller;
        private volatile boolean stopped;

        Machine(long features) {
            card = new DriverCard(device, clock, executor, features);
            card.post(0, 200, 4096);
            stack = new GuestStack(0x5254_0012_3456L, this::transmit, Impairment.NONE);
            stack.offload((features & VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO4) != 0);
            poller = Thread.ofPlatform().daemon().start(this::poll);
        }

        private boolean transmit(GuestFrame frame) {
            int kind = frame.segmentBytes == 0 ? 0 : frame.data.getShort(12) == 0x0800 ? 1 : 4;
            sending.put(0, (byte) (frame.needsChecksum ? 1 : 0)).put(1, (byte) kind);
            sending.putShort(2, (short) frame.headerBytes);
            sending.putShort(4, (short) frame.segmentBytes);
            sending.putShort(6, (short) frame.checksumStart);
            sending.putShort(8, (short) frame.checksumOffset).putShort(10, (short) 0);
            sending.put(12, frame.data, 0, frame.length);
            return card.trySend(sending, 12 + frame.length);
        }

        private void poll() {
            while (!stopped) {
                DriverCard.Received frame = card.poll(0);
                if (frame == null) {
                    stack.readyToSend();
                    LockSupport.parkNanos(20_000);
                    continue;
                }
                received.clear();
                received.length = frame.frame().length;
                received.data.put(0, frame.frame());
                received.needsChecksum = (frame.flags() & 1) != 0;
                received.segmentBytes = frame.segmentBytes();
                stack.input(received);
            }
        }

        @Override
        public void close() {
            stopped = true;
            LockSupport.unpark(poller);
            stack.close();
            card.driver.reset();
            device.detach();
            executor.close();
            clock.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"false, true", "true, true", "false, false"})
    void bytesGoThereAndBack(boolean packed, boolean offloads) throws Exception {
        long features = WITHOUT_MQ & ~(packed ? 0 : PACKED) & ~(offloads ? 0 : OFFLOADS);
        try (ServerSocket listener = new ServerSocket(0, 8, InetAddress.ofLiteral("127.0.0.1"));
                Machine machine = new Machine(features)) {
            Thread.ofPlatform().daemon().start(() -> echo(listener));
            assertThat(machine.stack.dhcp().address()).isEqualTo(GuestStack.literal("10.0.2.15"));
            GuestTcp connection = machine.stack.connect(GATEWAY, listener.getLocalPort());
            byte[] sent = new byte[4 << 20];
            new SplittableRandom(1).nextBytes(sent);
            Thread writer =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            connection.write(sent);
                                            connection.shutdownOutput();
                                        } catch (IOException failed) {
                                            throw new AssertionError(failed);
                                        }
                                    });
            assertThat(Arrays.equals(connection.readFully(sent.length), sent)).isTrue();
            assertThat(connection.read(new byte[1])).isEqualTo(-1);
            writer.join();
            assertThat(machine.network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
            assertThat(machine.device.count(VirtioNetEvent.SEND_MALFORMED)).isZero();
            assertThat(machine.stack.badChecksums()).isZero();
        }
    }

    private static void echo(ServerSocket listener) {
        try (Socket socket = listener.accept()) {
            socket.getInputStream().transferTo(socket.getOutputStream());
            socket.shutdownOutput();
        } catch (IOException closed) {
            return;
        }
    }
}
