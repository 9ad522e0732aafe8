package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.virtio.console.ConsoleSize;
import dev.dalang.virtio.console.VirtioConsoleDevice;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** The unmodified driver of Linux drives the console device, over either transport. */
@Tag("boot")
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VirtioConsoleGuestTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int BYTES = 1 << 20;

    @TempDir private Path directory;

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private VmBuilder machine(Console hvc) {
        return Vm.builder()
                .guest(Guests.debian())
                .consolePort(ConsolePort.of(ConsolePort.CONSOLE, hvc))
                .consolePort(ConsolePort.parse("data=socket:" + directory.resolve("data")))
                .consolePort(ConsolePort.parse("log=file:" + directory.resolve("log")));
    }

    @Test
    void overPci() throws Exception {
        try (Console hvc = Console.create();
                Vm vm = machine(hvc).build()) {
            requireEverything(vm, hvc);
        }
    }

    @Test
    void overMmioWithPackedQueues() throws Exception {
        try (Console hvc = Console.create();
                Vm vm = machine(hvc).transport(VirtioTransportType.MMIO).packed(true).build()) {
            requireEverything(vm, hvc);
        }
    }

    private void requireEverything(Vm vm, Console hvc) throws Exception {
        vm.start();
        PciGuest guest = PciGuest.await(vm);
        assertThat(guest.command("coldplug; ls /dev/virtio-ports")).contains("data", "log");
        requireStreams(guest);
        requireConsole(vm, guest, hvc);
        guest.command("echo to the log > /dev/virtio-ports/log");
        awaitLog("to the log\n");
        assertThat(directory.resolve("log")).hasContent("to the log\n");
        guest.powerOff();
        vm.close();
        assertThat(directory.resolve("data")).doesNotExist();
    }

    /** Both ways through a socket, each with a checksum. */
    private void requireStreams(PciGuest guest) throws IOException, InterruptedException {
        byte[] sent = new byte[BYTES];
        new Random(1).nextBytes(sent);
        try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.connect(UnixDomainSocketAddress.of(directory.resolve("data")));
            // Until Linux knows that somebody is connected, it reads nothing but the end.
            guest.command(
                    "until head -c %d /dev/virtio-ports/data > /tmp/got; [ -s /tmp/got ];"
                                    .formatted(BYTES)
                            + " do usleep 10000; done & true");
            ByteBuffer out = ByteBuffer.wrap(sent);
            while (out.hasRemaining()) {
                socket.write(out);
            }
            assertThat(guest.command("wait; sha256sum /tmp/got")).contains(sha256(sent));
            guest.command("cat /tmp/got /tmp/got > /dev/virtio-ports/data & true");
            ByteBuffer in = ByteBuffer.allocate(2 * BYTES);
            while (in.hasRemaining() && socket.read(in) >= 0) {
                // On to the rest.
            }
            byte[] twice = new byte[2 * BYTES];
            System.arraycopy(sent, 0, twice, 0, BYTES);
            System.arraycopy(sent, 0, twice, BYTES, BYTES);
            assertThat(sha256(in.array())).isEqualTo(sha256(twice));
        }
    }

    /** The port writes what it took on a thread of its own. */
    private void awaitLog(String end) throws IOException, InterruptedException {
        long limit = System.nanoTime() + PATIENCE.toNanos();
        while (!logsEnd(end.length()).equals(end) && System.nanoTime() < limit) {
            Thread.sleep(10);
        }
        assertThat(logsEnd(end.length())).isEqualTo(end);
    }

    private String logsEnd(int length) throws IOException {
        try (RandomAccessFile log = new RandomAccessFile(directory.resolve("log").toFile(), "r")) {
            byte[] end = new byte[length];
            log.seek(Math.max(0, log.length() - length));
            log.read(end);
            return new String(end, StandardCharsets.UTF_8);
        }
    }

    /** A shell on hvc0, and a size that it sees. */
    private static void requireConsole(Vm vm, PciGuest guest, Console hvc)
            throws InterruptedException {
        VirtioConsoleDevice device = vm.consoleDevice().orElseThrow();
        guest.command("setsid sh -i </dev/hvc0 >/dev/hvc0 2>&1 & true");
        hvc.await("# ", PATIENCE);
        hvc.write("echo $((6 * 7))\n");
        hvc.await("42", PATIENCE);
        device.resize(new ConsoleSize(111, 37));
        hvc.await("# ", PATIENCE);
        hvc.write("while [ \"$(stty size)\" != '37 111' ]; do usleep 10000; done; stty size\n");
        hvc.await("\n37 111", PATIENCE);
        device.resize(new ConsoleSize(80, 25));
        hvc.write(
                "while [ \"$(stty size)\" != '25 80' ]; do usleep 10000; done; stty size; exit\n");
        hvc.await("\n25 80", PATIENCE);
    }

    /** The driver is taken from the device under load and given back, again and again. */
    @Test
    void theDriverIsUnboundAndBoundUnderLoad() throws Exception {
        try (Console hvc = Console.create();
                Vm vm = machine(hvc).build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            String driver = "/sys/bus/virtio/drivers/virtio_console";
            for (int round = 0; round < 5; round++) {
                // Writers and a reader, which end when their port is gone.
                guest.command("cat /dev/zero > /dev/vport0p2 2>/dev/null & true");
                guest.command("cat /dev/vport0p1 > /dev/null 2>&1 & true");
                guest.command("cat /dev/zero > /dev/hvc0 2>/dev/null & true");
                assertThat(guest.command("echo virtio0 > %1$s/unbind; ls %1$s".formatted(driver)))
                        .doesNotContain("virtio0");
                assertThat(guest.command("echo virtio0 > %1$s/bind; ls %1$s".formatted(driver)))
                        .contains("virtio0");
                guest.command(
                        "until [ -e /sys/class/virtio-ports/vport*p2 ]; do usleep 1000; done");
            }
            guest.command("coldplug");
            guest.command("echo after all > /dev/virtio-ports/log");
            awaitLog("after all\n");
            guest.powerOff();
        }
    }
}
