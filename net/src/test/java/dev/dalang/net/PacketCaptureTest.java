package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.time.ManualVirtualClock;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

final class PacketCaptureTest {
    private static final long WALL = 1_700_000_000_123_456_789L;

    @TempDir Path directory;

    private final ManualVirtualClock clock = new ManualVirtualClock(WALL);

    /** A block that holds a packet. */
    private record Packet(long time, int captured, int length, ByteBuffer bytes, int flags) {}

    private PacketCapture capture(Path path, long limit) {
        UserNetwork network = UserNetwork.builder().build();
        return PacketCapture.of(network, path, limit);
    }

    private static Frame frame(int bytes) {
        Frame frame = new Frame();
        frame.begin(bytes);
        for (int i = 0; i < bytes; i++) {
            frame.data().put(i, (byte) i);
        }
        return frame;
    }

    /** Reads a file as the format's draft has it; every length is compared with its copy. */
    private static List<Packet> read(Path path) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        List<Packet> packets = new ArrayList<>();
        int blocks = 0;
        while (file.hasRemaining()) {
            int at = file.position();
            int type = file.getInt(at);
            int length = file.getInt(at + 4);
            assertThat(length % 4).isZero();
            assertThat(file.getInt(at + length - 4)).isEqualTo(length);
            if (blocks == 0) {
                assertThat(type).isEqualTo(0x0a0d0d0a);
                assertThat(file.getInt(at + 8)).isEqualTo(0x1a2b3c4d);
            } else if (blocks == 1) {
                assertThat(type).isEqualTo(1);
                assertThat(file.getShort(at + 8)).isEqualTo((short) 1);
            } else {
                assertThat(type).isEqualTo(6);
                int captured = file.getInt(at + 20);
                byte[] bytes = new byte[captured];
                file.get(at + 28, bytes);
                int options = at + 28 + (captured + 3 & ~3);
                assertThat(file.getShort(options)).isEqualTo((short) 2);
                packets.add(
                        new Packet(
                                (long) file.getInt(at + 12) << 32
                                        | file.getInt(at + 16) & 0xffff_ffffL,
                                captured,
                                file.getInt(at + 24),
                                ByteBuffer.wrap(bytes),
                                file.getInt(options + 4)));
            }
            blocks++;
            file.position(at + length);
        }
        return packets;
    }

    @Test
    void bothDirectionsAreInTheFileWithTheirTimes() throws Exception {
        Path path = directory.resolve("x.pcapng");
        List<byte[]> received = new ArrayList<>();
        try (PacketCapture capture = capture(path, 1 << 20)) {
            capture.start(
                    clock,
                    new FrameSink() {
                        @Override
                        public boolean receive(Frame frame) {
                            byte[] copy = new byte[frame.length()];
                            frame.data().get(0, copy);
                            synchronized (received) {
                                received.add(copy);
                                received.notifyAll();
                            }
                            return true;
                        }

                        @Override
                        public void readyToSend() {}
                    });
            clock.advance(5);
            Frame request = frame(42);
            ByteBuffer data = request.data();
            data.putShort(12, (short) 0x0806).putLong(14, 0x0001_0800_0604_0001L);
            data.putInt(22, 0x5254_0012).putShort(26, (short) 0x3456).putInt(28, 0x0a00_020f);
            data.putInt(38, 0x0a00_0202);
            assertThat(capture.send(request)).isTrue();
            synchronized (received) {
                while (received.isEmpty()) {
                    received.wait(10_000);
                }
            }
            capture.sleep();
            assertThat(capture.captured()).isEqualTo(2);
        }
        List<Packet> packets = read(path);
        assertThat(packets).hasSize(2);
        for (Packet packet : packets) {
            assertThat(packet.time()).isEqualTo(WALL + 5);
            assertThat(packet.captured()).isEqualTo(42);
            assertThat(packet.length()).isEqualTo(42);
        }
        assertThat(packets).extracting(Packet::flags).containsExactlyInAnyOrder(1, 2);
        assertThat(packets)
                .filteredOn(packet -> packet.flags() == 1)
                .singleElement()
                .extracting(Packet::bytes)
                .isEqualTo(ByteBuffer.wrap(received.getFirst()));
    }

    @Test
    void framesOfAnyLengthArePadded() throws Exception {
        Path path = directory.resolve("x.pcapng");
        try (PacketCapture capture = capture(path, 1 << 20)) {
            for (int bytes : new int[] {14, 15, 16, 17, 65_600}) {
                assertThat(capture.send(frame(bytes))).isTrue();
            }
        }
        assertThat(read(path)).extracting(Packet::captured).containsExactly(14, 15, 16, 17, 65_600);
    }

    @Test
    void theFileNeverGrowsPastItsLimit() throws Exception {
        Path path = directory.resolve("x.pcapng");
        long captured;
        try (PacketCapture capture = capture(path, 1 << 20)) {
            for (int i = 0; i < 30; i++) {
                capture.send(frame(60_000));
            }
            captured = capture.captured();
            assertThat(capture.skipped()).isEqualTo(30 - captured);
        }
        assertThat(Files.size(path)).isLessThanOrEqualTo(1 << 20);
        assertThat(read(path)).hasSize((int) captured).hasSizeBetween(10, 17);
    }

    @Test
    void aFileThatCannotBeWrittenIsAnErrorThatNamesIt() {
        Path path = directory.resolve("none").resolve("x.pcapng");
        assertThatThrownBy(() -> capture(path, 1 << 20))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("pcap=" + path);
    }
}
