package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.devices.EduDevice;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** An unmodified Linux finds what is on the PCI buses, places it, and uses it. */
@Tag("boot")
class PciGuestTest {
    private static final String EDU = "0000:00:01.0";
    private static final String SCRATCH = "0000:00:02.0";
    private static final String SECOND = "0000:00:02.1";
    private static final String EIGHTH = "0000:00:02.7";
    private static final String PORT = "0000:00:03.0";
    private static final String BEHIND = "0000:01:00.0";
    private static final String WAKING_PORT = "0000:00:04.0";
    private static final String WAKING = "0000:02:00.0";

    @TempDir Path directory;
    private final ScratchDevice scratch = new ScratchDevice();
    private final ScratchDevice waking = new ScratchDevice();
    private boolean hasDriver;
    private Vm vm;
    private PciGuest guest;

    @BeforeEach
    void collectFiles() throws IOException {
        hasDriver = PciGuest.putInto(directory);
    }

    private VmBuilder builder() {
        return Vm.builder()
                .guest(Guests.debian())
                .initrdAdd(directory)
                .device(new EduDevice())
                .device(scratch)
                .device("edu,addr=2.1")
                .device("edu,addr=2.7")
                .device("root-port,id=port,addr=3")
                .device("root-port,id=other,addr=4");
    }

    private void boot(Vm machine, Map<String, Long> alignments) throws InterruptedException {
        vm = machine;
        vm.pci().function("port").orElseThrow().behind().orElseThrow().add(new EduDevice());
        vm.pci().function("other").orElseThrow().behind().orElseThrow().add(waking);
        vm.start();
        guest = PciGuest.await(vm, alignments);
    }

    private PciFunction function(String address) {
        return vm.pci().function(PciAddress.parse(address)).orElseThrow();
    }

    private void powerOff() throws InterruptedException {
        guest.powerOff();
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }

    @Test
    void linuxFindsPlacesAndUsesTheDevices() throws InterruptedException {
        try (Vm machine = builder().cpus(2).build()) {
            boot(machine, Map.of());

            guest.requireEachFunctionAsConfigured();
            assertThat(guest.command("grep PME /proc/interrupts")).contains("PCI-MSIX-" + PORT);
            guest.requireAlive(EDU);
            guest.requireAlive(SECOND);
            guest.requireAlive(EIGHTH);
            guest.requireAlive(BEHIND);
            guest.requireBarsOfEachKind(SCRATCH);
            requireVirtualConfiguration();
            requireThatRescanFindsAndPlaces();
            requireThatAnEventWakes();
            if (hasDriver) {
                requireInterruptsOfEachKind();
            }
            assertThat(vm.statistics().devices())
                    .anySatisfy(
                            device -> {
                                assertThat(device.label()).isEqualTo("00:01.0");
                                assertThat(device.exits()).isPositive();
                            })
                    .anySatisfy(device -> assertThat(device.label()).isEqualTo("port"));
            powerOff();
        }
    }

    /** Rows V: a page that traps, and one that guest and device share without an exit. */
    private void requireVirtualConfiguration() throws InterruptedException {
        String octets =
                guest.command("od -An -tx1 -N8 /proc/device-tree/soc/virtual-config@*/reg")
                        .lines()
                        .filter(line -> line.matches(" *[0-9a-f]{2}( [0-9a-f]{2}){7} *"))
                        .findFirst()
                        .orElseThrow();
        long base = Long.parseUnsignedLong(octets.replace(" ", "").strip(), 16);
        PciAddress address = function(SCRATCH).address();
        long registers = base + (long) address.requesterId() * PciVirtualConfigMmio.FUNCTION_BYTES;
        long shared = PciVirtualConfigMmio.sharedPageAddress(base, address);
        MemorySegment page = scratch.virtualConfigSharedPage().orElseThrow();

        long before = virtualExits();
        guest.store(registers + 12, 0x700);
        assertThat(guest.load(registers + 12)).isEqualTo(0x703);
        assertThat(virtualExits() - before).isEqualTo(2);

        guest.store(shared + 8, 0x5ead_beef);
        assertThat(page.get(ValueLayout.JAVA_INT, 8)).isEqualTo(0x5ead_beef);
        page.set(ValueLayout.JAVA_INT, 4092, 0x4a61_7661);
        assertThat(guest.load(shared + 4092)).isEqualTo(0x4a61_7661);
        assertThat(virtualExits() - before).as("exits, none for what is shared").isEqualTo(2);
    }

    private long virtualExits() {
        return vm.statistics().devices().stream()
                .filter(device -> device.label().equals("pci virtual config mmio"))
                .mapToLong(DeviceStatistics::exits)
                .sum();
    }

    private void requireThatRescanFindsAndPlaces() throws InterruptedException {
        // An address where memory is: when Linux finds the device anew, it must give it another.
        String config = "/sys/bus/pci/devices/" + EDU + "/config";
        guest.command("echo 0 > /sys/bus/pci/devices/" + EDU + "/enable");
        guest.command("printf '\\000\\000\\020\\200' | dd bs=4 seek=4 conv=notrunc of=" + config);
        assertThat(function(EDU).configuration().barAddress(0)).isEqualTo(0x8010_0000L);
        Set<String> all = guest.functions().keySet();
        // Both ports: Linux numbers buses anew, in the order in which it knows the bridges, and one
        // that stayed would get a number that its bus does not have.
        guest.remove(EDU, PORT, WAKING_PORT, SECOND);
        Set<String> left = guest.functions().keySet();
        assertThat(left)
                .doesNotContain(EDU, PORT, BEHIND, WAKING_PORT, WAKING, SECOND)
                .hasSize(all.size() - 6);
        guest.rescan();

        guest.requireEachFunctionAsConfigured();
        assertThat(guest.start(EDU, 0)).isBetween(0x4000_0000L, 0x7fff_ffffL);
        guest.requireAlive(EDU);
        guest.requireAlive(SECOND);
        guest.requireAlive(BEHIND);
    }

    /** PME: from the device through its port to the kernel's service, which clears the status. */
    private void requireThatAnEventWakes() throws InterruptedException {
        String config = "/sys/bus/pci/devices/" + WAKING + "/config";
        int control = guest.functions().get(WAKING).capabilities().get(0x01) + 4;
        guest.command(
                "printf '\\000\\001' | dd bs=1 seek=%d conv=notrunc of=%s"
                        .formatted(control, config));
        assertThat(guest.messages(WAKING_PORT)).isZero();

        waking.host().signalWake();

        String look = "od -An -tx1 -j%d -N2 %s".formatted(control, config);
        String status = guest.command(look);
        while (!status.contains(" 08 00") && !status.contains(" 08 01")) {
            status = guest.command(look);
        }
        assertThat(guest.messages(WAKING_PORT)).isEqualTo(1);
        assertThat(guest.command("dmesg | grep -i pme")).doesNotContain("spurious");
    }

    private void requireInterruptsOfEachKind() throws InterruptedException {
        String msix = guest.drive("msix", EDU);
        assertThat(msix).contains("interrupts: msix 3: 1 2 2", "PCI-MSIX-" + EDU);
        assertThat(EduDriver.count(msix, EDU, "edu-factorial")).contains(1L);
        assertThat(EduDriver.count(msix, EDU, "edu-raise")).contains(2L);
        assertThat(EduDriver.count(msix, EDU, "edu-dma")).contains(2L);

        requireMsi();

        assertThat(guest.drive("intx", EDU)).contains("interrupts: intx 1: 5", "aplic");
        assertThat(guest.drive("msix", BEHIND)).contains("interrupts: msix 3: 1 2 2", "-" + BEHIND);
        assertThat(guest.drive("intx", BEHIND)).contains("interrupts: intx 1: 5");
        assertThat(guest.drive("msix", EIGHTH)).contains("interrupts: msix 3: 1 2 2", "-" + EIGHTH);
        requireWiresOfSeveralFunctions();
    }

    private void requireMsi() throws InterruptedException {
        String msi = guest.drive("msi", EDU);
        assertThat(msi).contains("interrupts: msi 1: 5", "PCI-MSI-" + EDU);
        assertThat(EduDriver.count(msi, EDU, "edu")).contains(5L);
    }

    /** Function 1 has pin B and function 7 pin D: other wires, but for other devices' pins. */
    private void requireWiresOfSeveralFunctions() throws InterruptedException {
        assertThat(guest.drive("intx", SECOND)).contains("interrupts: intx 1: 5");
        assertThat(guest.drive("intx", EIGHTH)).contains("interrupts: intx 1: 5");
    }

    /** A firmware of its own in M-mode, and addresses that Linux makes all anew. */
    @Test
    void linuxMovesTheDevicesAndUsesThem() throws InterruptedException {
        try (Vm machine =
                builder()
                        .bios(Guests.firmware("opensbi").files().get("fw_dynamic.bin"))
                        .append("pci=realloc,resource_alignment=24@" + EDU + ";26@" + SCRATCH)
                        .build()) {
            boot(machine, Map.of(EDU, 1L << 24, SCRATCH, 1L << 26));

            guest.requireEachFunctionAsConfigured();
            assertThat(guest.start(EDU, 0) % (1 << 24)).isZero();
            assertThat(guest.start(SCRATCH, 0) % (1 << 26)).isZero();
            assertThat(guest.command("grep PME /proc/interrupts")).contains("PCI-MSIX-" + PORT);
            guest.requireAlive(EDU);
            guest.requireAlive(BEHIND);
            guest.requireBarsOfEachKind(SCRATCH);
            requireVirtualConfiguration();
            requireThatRescanFindsAndPlaces();
            if (hasDriver) {
                assertThat(guest.drive("auto", EDU)).contains("interrupts: msix 3: 1 2 2");
                requireMsi();
                assertThat(guest.drive("intx", BEHIND)).contains("interrupts: intx 1: 5");
            }
            powerOff();
        }
    }

    /** Without AIA there is nobody to take messages: wires are what there is. */
    @Test
    void linuxTakesInterruptsByWiresOfThePlic() throws InterruptedException {
        try (Vm machine = builder().aia(InterruptArchitecture.NONE).build()) {
            boot(machine, Map.of());

            guest.requireEachFunctionAsConfigured();
            assertThat(guest.command("grep PME /proc/interrupts")).contains("PLIC");
            if (hasDriver) {
                assertThat(guest.drive("auto", EDU)).contains("interrupts: intx 1: 5", "PLIC");
                assertThat(guest.drive("auto", BEHIND)).contains("interrupts: intx 1: 5", "PLIC");
                requireWiresOfSeveralFunctions();
            }
            powerOff();
        }
    }
}
