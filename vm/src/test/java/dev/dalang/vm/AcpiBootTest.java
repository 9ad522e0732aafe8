package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.pci.PciFunction;
import dev.dalang.vm.guest.Firmware;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The distribution's UEFI firmware takes the tables from {@code fw_cfg} and starts the
 * distribution's kernel, which then runs in ACPI mode without being told to.
 */
@Tag("boot")
class AcpiBootTest {
    private static final Duration BOOT = Duration.ofMinutes(5);
    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";

    private static Guest debian;
    private static Firmware edk2;

    @BeforeAll
    static void fetch() {
        debian = Guests.debian();
        edk2 = Guests.firmware("edk2");
    }

    private static String command(Vm vm, String command) throws InterruptedException {
        // The marker is not what the terminal echoes.
        vm.console().write(command + "; echo 'end''-of-command'\n");
        String answer = vm.console().await("end-of-command", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().skip(1).reduce("", (a, b) -> a + b + "\n");
    }

    private static void powerOff(Vm vm) throws InterruptedException {
        vm.console().write("poweroff -f\n");
        assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
    }

    @Test
    void linuxFindsItsDevicesThroughTheTables(@TempDir Path directory) throws Exception {
        boolean hasDriver = EduDriver.putInto(directory);
        EduDriver.script(directory, "functions", GuestPciFunction.SCRIPT);
        try (Vm vm =
                Vm.builder()
                        .guest(debian)
                        .firmware(edk2)
                        .cpus(2)
                        .initrdAdd(directory)
                        .device("edu")
                        .device("root-port")
                        .build()) {
            vm.start();
            vm.console().await("EDK2 firmware version", BOOT);
            String log = vm.console().await(PROMPT, BOOT);

            assertThat(log).contains("ACPI: RSDP").doesNotContain("ACPI Error");
            assertThat(command(vm, "ls /sys/firmware/acpi/tables"))
                    .contains("APIC", "DSDT", "FACP", "MCFG", "RHCT", "SPCR");
            assertThat(command(vm, "ls /proc/device-tree 2>&1")).contains("No such file");
            assertThat(command(vm, "nproc")).contains("2");
            assertThat(command(vm, "grep -c '^isa' /proc/cpuinfo")).contains("2");
            assertThat(command(vm, "grep ttyS0 /proc/interrupts")).contains("APLIC-MSI");
            assertThat(command(vm, "cat /sys/class/rtc/rtc0/name")).contains("goldfish_rtc");
            assertThat(command(vm, "ls /sys/bus/acpi/devices"))
                    .contains("RSCV0003:00", "RSCV0002:00", "ACPI0007:01", "QEMU0002:00");

            assertThat(command(vm, "dmesg | grep -e ECAM -e _OSC"))
                    .contains("ECAM area [mem 0x30000000-0x3fffffff] reserved by PNP0C02:01")
                    .doesNotContain("can't claim")
                    .contains("platform does not support [AER LTR]")
                    .contains("OS now controls [PME PCIeCapability]");
            var functions = GuestPciFunction.parse(command(vm, "/host/functions"));
            assertThat(functions).containsOnlyKeys("0000:00:00.0", "0000:00:01.0", "0000:00:02.0");
            for (PciFunction function : vm.pci().functions()) {
                functions.get(function.address().toString()).requireAsConfigured(function, 0);
            }
            assertThat(command(vm, "grep PME /proc/interrupts")).contains("PCI-MSIX-0000:00:02.0");
            assertThat(command(vm, "cat /sys/bus/pci/devices/0000:00:01.0/firmware_node/path"))
                    .contains("\\_SB_.PC00.PE08");
            assertThat(command(vm, "grep -q VCFG /sys/firmware/acpi/tables/DSDT && echo is-there"))
                    .contains("is-there");
            // Device 1, pin A: the second line, level-triggered and active high.
            command(vm, "echo 1 > /sys/bus/pci/devices/0000:00:01.0/enable");
            assertThat(command(vm, "dmesg | grep L00B")).contains("configured for IRQ 33");
            if (hasDriver) {
                assertThat(command(vm, "/host/drive-edu msix 0000:00:01.0"))
                        .contains("interrupts: msix 3: 1 2 2", "PCI-MSIX-0000:00:01.0")
                        .contains("factorial: 3628800", "received: what was sent");
                assertThat(command(vm, "/host/drive-edu intx 0000:00:01.0"))
                        .contains("interrupts: intx 1: 5");
            }
            powerOff(vm);
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }

    @Test
    void linuxFindsThePlicThroughTheTables(@TempDir Path directory) throws Exception {
        boolean hasDriver = EduDriver.putInto(directory);
        try (Vm vm =
                Vm.builder()
                        .guest(debian)
                        .firmware(edk2)
                        .cpus(2)
                        .aia(InterruptArchitecture.NONE)
                        .initrdAdd(directory)
                        .device("root-port")
                        .device("edu")
                        .build()) {
            vm.start();
            vm.console().await(PROMPT, BOOT);

            assertThat(command(vm, "ls /sys/bus/acpi/devices")).contains("RSCV0001:00");
            assertThat(command(vm, "grep ttyS0 /proc/interrupts")).contains("PLIC");
            assertThat(command(vm, "grep PME /proc/interrupts")).contains("PLIC");
            assertThat(command(vm, "nproc")).contains("2");
            if (hasDriver) {
                // Without a controller for messages, wires are what there is.
                assertThat(command(vm, "/host/drive-edu auto 0000:00:02.0"))
                        .contains("interrupts: intx 1: 5", "PLIC")
                        .contains("factorial: 3628800", "received: what was sent");
            }
            powerOff(vm);
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }

    @Test
    void firmwareTriesDevicesInTheOrderGiven() throws InterruptedException {
        VmBuilder builder = Vm.builder().firmware(edk2);
        int[] indexes = {2, 0, 1};
        for (int index : indexes) {
            builder.device(
                    new PciPlacement(
                            new EmptyNvmeDisk(),
                            Optional.empty(),
                            Optional.empty(),
                            OptionalInt.of(index)));
        }
        try (Vm vm = builder.build()) {
            vm.start();
            // They are empty: each is told to have failed, and the next one is tried.
            for (int device : new int[] {2, 3, 1}) {
                vm.console().await("failed to load", BOOT);
                assertThat(vm.console().await("/NVMe(0x1,", BOOT))
                        .contains("/Pci(0x%x,0x0)".formatted(device));
            }
        }
    }
}
