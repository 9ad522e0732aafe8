package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.vm.guest.Firmware;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The distribution's UEFI firmware takes the tables from {@code fw_cfg} and starts the
 * distribution's kernel, which then runs in ACPI mode without being told to.
 */
@Tag("boot")
class AcpiBootTest {
    private static final String EDU = "0000:00:01.0";
    private static final String SCRATCH = "0000:00:03.0";
    private static final String SECOND = "0000:00:03.1";

    private static Guest debian;
    private static Firmware edk2;

    @BeforeAll
    static void fetch() {
        debian = Guests.debian();
        edk2 = Guests.firmware("edk2");
    }

    @Test
    void linuxFindsItsDevicesThroughTheTables(@TempDir Path directory) throws Exception {
        boolean hasDriver = PciGuest.putInto(directory);
        try (Vm vm =
                Vm.builder()
                        .guest(debian)
                        .firmware(edk2)
                        .cpus(2)
                        .initrdAdd(directory)
                        .device("edu")
                        .device("root-port")
                        .device(new ScratchDevice())
                        .device("edu,addr=3.1")
                        .device("inspect,addr=4")
                        .build()) {
            vm.start();
            vm.console().await("EDK2 firmware version", PciGuest.BOOT);
            PciGuest guest = PciGuest.await(vm);

            assertThat(guest.command("dmesg"))
                    .contains("ACPI: RSDP")
                    .doesNotContain("ACPI Error", "ACPI BIOS Error");
            requireTables(guest);
            requireWhatIsNotPci(guest);
            requireFunctions(guest, hasDriver);
            guest.powerOff();
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }

    private static void requireTables(PciGuest guest) throws InterruptedException {
        assertThat(guest.command("ls /sys/firmware/acpi/tables"))
                .contains("APIC", "DSDT", "FACP", "MCFG", "RHCT", "SPCR", "SSDT");
        assertThat(guest.command("ls /proc/device-tree 2>&1")).contains("No such file");
        assertThat(guest.command("cd /sys/firmware/acpi/tables; grep -l VCFG DSDT SSDT*; cd"))
                .as("the space, and the page that a device has in it")
                .contains("DSDT", "SSDT");
    }

    private static void requireWhatIsNotPci(PciGuest guest) throws InterruptedException {
        assertThat(guest.command("nproc")).contains("2");
        assertThat(guest.command("grep -c '^isa' /proc/cpuinfo")).contains("2");
        assertThat(guest.command("grep ttyS0 /proc/interrupts")).contains("APLIC-MSI");
        assertThat(guest.command("cat /sys/class/rtc/rtc0/name")).contains("goldfish_rtc");
        assertThat(guest.command("ls /sys/bus/acpi/devices"))
                .contains("RSCV0003:00", "RSCV0002:00", "ACPI0007:01", "QEMU0002:00");
    }

    private static void requireFunctions(PciGuest guest, boolean hasDriver)
            throws InterruptedException {
        assertThat(guest.command("dmesg | grep -e ECAM -e _OSC"))
                .contains("ECAM area [mem 0x30000000-0x3fffffff] reserved by PNP0C02:01")
                .doesNotContain("can't claim")
                .contains("platform does not support [AER LTR]")
                .contains("OS now controls [PME PCIeCapability]");
        guest.requireEachFunctionAsConfigured();
        assertThat(guest.command("grep PME /proc/interrupts")).contains("PCI-MSIX-0000:00:02.0");
        assertThat(guest.command("cat /sys/bus/pci/devices/" + EDU + "/firmware_node/path"))
                .contains("\\_SB_.PC00.PE08");
        // Device 1, pin A: the second line, level-triggered and active high.
        guest.requireAlive(EDU);
        assertThat(guest.command("dmesg | grep L00B")).contains("configured for IRQ 33");
        guest.requireAlive(SECOND);
        guest.requireBarsOfEachKind(SCRATCH);

        guest.remove(EDU, SECOND);
        assertThat(guest.functions()).doesNotContainKeys(EDU, SECOND);
        guest.rescan();
        guest.requireEachFunctionAsConfigured();
        guest.requireAlive(EDU);
        guest.requireAlive(SECOND);
        if (hasDriver) {
            assertThat(guest.drive("msix", EDU))
                    .contains("interrupts: msix 3: 1 2 2", "PCI-MSIX-" + EDU);
            assertThat(guest.drive("msi", EDU)).contains("interrupts: msi 1: 5", "PCI-MSI-" + EDU);
            assertThat(guest.drive("intx", EDU)).contains("interrupts: intx 1: 5");
            assertThat(guest.drive("intx", SECOND)).contains("interrupts: intx 1: 5");
        }
    }

    @Test
    void linuxFindsThePlicThroughTheTables(@TempDir Path directory) throws Exception {
        boolean hasDriver = PciGuest.putInto(directory);
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
            PciGuest guest = PciGuest.await(vm);

            assertThat(guest.command("ls /sys/bus/acpi/devices")).contains("RSCV0001:00");
            assertThat(guest.command("grep ttyS0 /proc/interrupts")).contains("PLIC");
            assertThat(guest.command("grep PME /proc/interrupts")).contains("PLIC");
            assertThat(guest.command("nproc")).contains("2");
            if (hasDriver) {
                // Without a controller for messages, wires are what there is.
                assertThat(guest.drive("auto", "0000:00:02.0"))
                        .contains("interrupts: intx 1: 5", "PLIC");
            }
            guest.powerOff();
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
                vm.console().await("failed to load", PciGuest.BOOT);
                assertThat(vm.console().await("/NVMe(0x1,", PciGuest.BOOT))
                        .contains("/Pci(0x%x,0x0)".formatted(device));
            }
        }
    }
}
