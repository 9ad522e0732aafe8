package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.linux.Linux;
import dev.dalang.passthrough.BackendException;
import dev.dalang.passthrough.VfioUserBackend;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An unmodified Linux on our machine uses a device of libvfio-user, the reference implementation,
 * in another process: its card of sixteen pins, which behaves as the ACCES PCI-IDIO-16.
 */
@Tag("boot")
class LibvfioUserGuestTest {
    private static final String GPIO = "0000:00:01.0";
    private static final String SYSFS = "/sys/bus/pci/devices/" + GPIO + "/";
    private static final long PIO = 0x300_0000;
    private static final Pattern VALUE = Pattern.compile("(?m)^0x[0-9A-F]{2}(?=\\s*$)");
    private static final int PAUSE_MILLIS = 20;

    // Its ports.
    private static final int OUT_LOW = 0;
    private static final int IN_LOW = 1;
    private static final int OUT_HIGH = 4;
    private static final int IN_HIGH = 5;

    @TempDir Path files;
    @TempDir Path sockets;

    private static Path sample() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path directory =
                (cache != null && Path.of(cache).isAbsolute()
                                ? Path.of(cache)
                                : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("dalang/tools/libvfio-user");
        if (!Files.exists(directory.resolve("commit"))) {
            abort("no libvfio-user; build/libvfio-user builds it in " + directory);
        }
        return directory.resolve("samples/gpio-pci-idio-16");
    }

    /** Waits until the sample has its socket and listens there. */
    private static void awaitListening(Process sample, Path socket) throws InterruptedException {
        while (true) {
            try {
                VfioUserBackend.connect(socket).close();
                return;
            } catch (BackendException early) {
                assertThat(sample.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS))
                        .as("the sample has ended: %s", early.getMessage())
                        .isFalse();
            }
        }
    }

    private static int port(PciGuest guest, long ports, int port) throws InterruptedException {
        String answer = guest.command("devmem 0x%x 8".formatted(PIO + ports + port));
        Matcher value = VALUE.matcher(answer);
        assertThat(value.find()).as(answer).isTrue();
        return Integer.decode(value.group());
    }

    private static void setPort(PciGuest guest, long ports, int port, int value)
            throws InterruptedException {
        guest.command("devmem 0x%x 8 %d".formatted(PIO + ports + port, value));
    }

    /** A card, and a machine that it is passed through to. */
    private interface Use {
        void of(Process sample, Path socket) throws IOException, InterruptedException;
    }

    /** What the card has complained of, by the time that its process is killed. */
    private String withCard(Use use) throws IOException, InterruptedException {
        assumeTrue(Linux.isAvailable());
        Path program = sample();
        Path socket = sockets.resolve("gpio.sock");
        Path log = sockets.resolve("gpio.log");
        Process sample =
                new ProcessBuilder(program.toString(), socket.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        try {
            awaitListening(sample, socket);
            use.of(sample, socket);
        } finally {
            sample.destroyForcibly().onExit().join();
        }
        return Files.readString(log);
    }

    private Vm machine(Path socket) throws IOException {
        return Vm.builder()
                .guest(Guests.debian())
                .initrdAdd(files)
                .passthrough("vfio-user:" + socket)
                .build();
    }

    @Test
    void aMachineThatEndsLeavesTheCardToTheNext() throws IOException, InterruptedException {
        PciGuest.putInto(files);
        String complaints =
                withCard(
                        (sample, socket) -> {
                            for (int life = 0; life < 3; life++) {
                                try (Vm machine = machine(socket)) {
                                    machine.start();
                                }
                                assertThat(sample.isAlive()).isTrue();
                            }
                        });
        assertThat(complaints).isEmpty();
    }

    @Test
    void linuxSetsThePinsOfACardUntilItsProcessIsKilled() throws IOException, InterruptedException {
        PciGuest.putInto(files);
        String complaints =
                withCard(
                        (sample, socket) -> {
                            try (Vm machine = machine(socket)) {
                                machine.start();
                                setPins(PciGuest.await(machine), sample);
                            }
                        });
        assertThat(complaints).isEmpty();
    }

    private static void setPins(PciGuest guest, Process sample) throws InterruptedException {
        guest.requireEachFunctionAsConfigured();
        assertThat(guest.command("cat " + SYSFS + "vendor " + SYSFS + "device"))
                .contains("0x494f\n0x0dc8\n");
        guest.command("echo 1 > " + SYSFS + "enable");
        long ports = guest.start(GPIO, 2);

        // An input is high after every third write of its output.
        assertThat(port(guest, ports, IN_LOW)).isEqualTo(0xff);
        setPort(guest, ports, OUT_LOW, 0x0f);
        setPort(guest, ports, OUT_HIGH, 0x81);
        assertThat(port(guest, ports, IN_LOW)).isEqualTo(0xf0);
        assertThat(port(guest, ports, IN_HIGH)).isEqualTo(0x7e);
        setPort(guest, ports, OUT_LOW, 0x03);
        setPort(guest, ports, OUT_LOW, 0x03);
        assertThat(port(guest, ports, IN_LOW)).isEqualTo(0xf3);

        sample.destroyForcibly().onExit().join();
        while (port(guest, ports, IN_LOW) != 0xff) {
            Thread.onSpinWait(); // the end of its connection is on its way
        }
        guest.remove(GPIO);
        assertThat(guest.functions()).doesNotContainKey(GPIO);
        guest.powerOff();
    }
}
