package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.devices.EduDevice;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;

/** An unmodified Linux finds what is on the PCI bus, places it, and uses it. */
@Tag("boot")
class PciGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";
    private static final String EDU = "/sys/bus/pci/devices/0000:00:01.0/";

    private Vm vm;

    private String command(String command) throws InterruptedException {
        // The marker is not what the terminal echoes.
        vm.console().write(command + "; echo 'end''-of-command'\n");
        String answer = vm.console().await("end-of-command", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().skip(1).reduce("", (a, b) -> a + b + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"aplic-imsic", "none"})
    void linuxFindsPlacesAndUsesTheDevices(String aia) throws InterruptedException {
        try (Vm machine =
                Vm.builder()
                        .guest(Guests.debian())
                        .aia(InterruptArchitecture.of(aia))
                        .device(new EduDevice())
                        .device("root-port,id=port")
                        .build()) {
            vm = machine;
            vm.start();
            vm.console().await(PROMPT, BOOT);

            assertThat(command("ls /sys/bus/pci/devices"))
                    .contains("0000:00:00.0", "0000:00:01.0", "0000:00:02.0");
            assertThat(command("cat " + EDU + "vendor " + EDU + "device " + EDU + "class"))
                    .contains("0x1234", "0x11e8", "0x00ff00");
            command("echo 1 > " + EDU + "enable");
            String base = command("head -1 " + EDU + "resource").split(" ")[0].strip();
            assertThat(command("devmem " + base + " 32")).contains("0x010000ED");
            long liveness = Long.decode(base) + 4;
            assertThat(
                            command(
                                    "devmem 0x%x 32 0x12345678; devmem 0x%x 32"
                                            .formatted(liveness, liveness)))
                    .contains("0xEDCBA987");
            assertThat(command("grep PME /proc/interrupts"))
                    .contains(aia.equals("none") ? "PLIC" : "PCI-MSIX-0000:00:02.0");
            command("echo 1 > " + EDU + "remove");
            assertThat(command("ls /sys/bus/pci/devices")).doesNotContain("0000:00:01.0");
            command("echo 1 > /sys/bus/pci/rescan");
            assertThat(command("cat " + EDU + "device")).contains("0x11e8");
            vm.console().write("poweroff -f\n");
            assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
            assertThat(vm.statistics().devices())
                    .anySatisfy(
                            device -> {
                                assertThat(device.label()).isEqualTo("00:01.0");
                                assertThat(device.exits()).isPositive();
                            })
                    .anySatisfy(device -> assertThat(device.label()).isEqualTo("port"));
        }
    }
}
