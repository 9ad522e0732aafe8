package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.devices.EduDevice;
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
import java.time.Duration;
import java.util.Map;

/** An unmodified Linux finds what is on the PCI buses, places it, and uses it. */
@Tag("boot")
class PciGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";
    private static final String DEVICES = "/sys/bus/pci/devices/";
    private static final String EDU = "0000:00:01.0";
    private static final String SCRATCH = "0000:00:02.0";
    private static final String PORT = "0000:00:03.0";
    private static final String BEHIND = "0000:01:00.0";
    private static final long PIO = 0x300_0000;

    @TempDir Path directory;
    private final ScratchDevice scratch = new ScratchDevice();
    private boolean hasDriver;
    private Map<String, Long> alignments = Map.of();
    private Vm vm;

    @BeforeEach
    void collectFiles() throws IOException {
        hasDriver = EduDriver.putInto(directory);
        EduDriver.script(directory, "functions", GuestPciFunction.SCRIPT);
    }

    private VmBuilder builder() {
        return Vm.builder()
                .guest(Guests.debian())
                .initrdAdd(directory)
                .device(new EduDevice())
                .device(scratch)
                .device("root-port,id=port");
    }

    private void boot(Vm machine) throws InterruptedException {
        vm = machine;
        vm.pci().function("port").orElseThrow().behind().orElseThrow().add(new EduDevice());
        vm.start();
        vm.console().await(PROMPT, BOOT);
    }

    private String command(String command) throws InterruptedException {
        // The marker is not what the terminal echoes.
        vm.console().write(command + "; echo 'end''-of-command'\n");
        String answer = vm.console().await("end-of-command", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().skip(1).reduce("", (a, b) -> a + b + "\n");
    }

    private void powerOff() throws InterruptedException {
        vm.console().write("poweroff -f\n");
        assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
    }

    private long load(long address) throws InterruptedException {
        String answer = command("devmem 0x%x 32".formatted(address)).lines().findFirst().orElse("");
        return Long.decode(answer.strip());
    }

    private void store(long address, long value) throws InterruptedException {
        assertThat(command("devmem 0x%x 32 0x%x".formatted(address, value)))
                .isEqualToIgnoringWhitespace("end-of-command");
    }

    private Map<String, GuestPciFunction> functions() throws InterruptedException {
        return GuestPciFunction.parse(command("/host/functions"));
    }

    private void requireEachFunctionAsConfigured() throws InterruptedException {
        Map<String, GuestPciFunction> seen = functions();
        assertThat(seen).containsOnlyKeys("0000:00:00.0", EDU, SCRATCH, PORT, BEHIND);
        for (PciFunction function : vm.pci().functions()) {
            String address = function.address().toString();
            GuestPciFunction found = seen.get(address);
            assertThat(found).as("%s", function).isNotNull();
            found.requireAsConfigured(function, alignments.getOrDefault(address, 0L));
        }
    }

    private long start(String function, int bar) throws InterruptedException {
        return functions().get(function).resources().get(bar)[0];
    }

    private void requireAlive(String edu) throws InterruptedException {
        command("echo 1 > " + DEVICES + edu + "/enable");
        long base = start(edu, 0);
        assertThat(load(base)).isEqualTo(0x0100_00ed);
        store(base + 4, 0x1234_5678);
        assertThat(load(base + 4)).isEqualTo(0xedcb_a987L);
    }

    private String drive(String interrupts, String edu) throws InterruptedException {
        String answer = command("/host/drive-edu " + interrupts + " " + edu);
        assertThat(answer).contains("factorial: 3628800", "received: what was sent");
        return answer;
    }

    @Test
    void linuxFindsPlacesAndUsesTheDevices() throws InterruptedException {
        try (Vm machine = builder().cpus(2).build()) {
            boot(machine);

            requireEachFunctionAsConfigured();
            assertThat(command("grep PME /proc/interrupts")).contains("PCI-MSIX-" + PORT);
            requireAlive(EDU);
            requireAlive(BEHIND);
            requireBarsOfEachKind();
            requireVirtualConfiguration();
            requireThatRescanFindsAndPlaces();
            if (hasDriver) {
                requireInterruptsOfEachKind();
            }
            powerOff();
            assertThat(vm.statistics().devices())
                    .anySatisfy(
                            device -> {
                                assertThat(device.label()).isEqualTo("00:01.0");
                                assertThat(device.exits()).isPositive();
                            })
                    .anySatisfy(device -> assertThat(device.label()).isEqualTo("port"));
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }

    private void requireBarsOfEachKind() throws InterruptedException {
        command("echo 1 > " + DEVICES + SCRATCH + "/enable");
        Map<String, GuestPciFunction> seen = functions();
        long memory64 = seen.get(SCRATCH).resources().get(0)[0];
        long ports = seen.get(SCRATCH).resources().get(2)[0];
        long memory = seen.get(SCRATCH).resources().get(3)[0];

        store(memory64 + 0x1f_fff0, 0x6400_0000);
        assertThat(load(memory64 + 0x10_0000)).isEqualTo(0x6410_0000);
        store(PIO + ports, 0x10_0000);
        assertThat(load(PIO + ports + 28)).isEqualTo(0x10_001c);
        store(memory, 0x3200_0000);
        assertThat(load(memory + 0x7fc)).isEqualTo(0x3200_07fc);
        // In the same BAR, but none of the device's: a vector's control, masked since power-on.
        assertThat(load(memory + 0x80c)).isEqualTo(1);
        assertThat(load(memory)).as("untouched by it").isEqualTo(0x3200_0000);
    }

    /** Rows V: a page that traps, and one that guest and device share without an exit. */
    private void requireVirtualConfiguration() throws InterruptedException {
        String octets =
                command("od -An -tx1 -N8 /proc/device-tree/soc/virtual-config@*/reg")
                        .lines()
                        .filter(line -> line.matches(" *[0-9a-f]{2}( [0-9a-f]{2}){7} *"))
                        .findFirst()
                        .orElseThrow();
        long base = Long.parseUnsignedLong(octets.replace(" ", "").strip(), 16);
        PciFunction function = vm.pci().functions().get(2);
        assertThat(function.device()).isSameAs(scratch);
        long registers = base + (2L << 3) * PciVirtualConfigMmio.FUNCTION_BYTES;
        long shared = PciVirtualConfigMmio.sharedPageAddress(base, function.address());
        MemorySegment page = scratch.virtualConfigSharedPage().orElseThrow();

        long before = virtualExits();
        store(registers + 12, 0x700);
        assertThat(load(registers + 12)).isEqualTo(0x703);
        assertThat(virtualExits() - before).isEqualTo(2);

        store(shared + 8, 0x5ead_beef);
        assertThat(page.get(ValueLayout.JAVA_INT, 8)).isEqualTo(0x5ead_beef);
        page.set(ValueLayout.JAVA_INT, 4092, 0x4a61_7661);
        assertThat(load(shared + 4092)).isEqualTo(0x4a61_7661);
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
        command("echo 0 > " + DEVICES + EDU + "/enable");
        command(
                "printf '\\000\\000\\020\\200' | dd bs=4 seek=4 conv=notrunc of="
                        + DEVICES
                        + EDU
                        + "/config");
        assertThat(vm.pci().functions().get(1).configuration().barAddress(0))
                .isEqualTo(0x8010_0000L);
        command("echo 1 > " + DEVICES + EDU + "/remove");
        command("echo 1 > " + DEVICES + PORT + "/remove");
        assertThat(functions()).containsOnlyKeys("0000:00:00.0", SCRATCH);
        command("echo 1 > /sys/bus/pci/rescan");

        requireEachFunctionAsConfigured();
        assertThat(start(EDU, 0)).isBetween(0x4000_0000L, 0x7fff_ffffL);
        requireAlive(EDU);
        requireAlive(BEHIND);
    }

    private void requireInterruptsOfEachKind() throws InterruptedException {
        String msix = drive("msix", EDU);
        assertThat(msix).contains("interrupts: msix 3: 1 2 2", "PCI-MSIX-" + EDU);
        assertThat(EduDriver.count(msix, "edu-factorial")).contains(1L);
        assertThat(EduDriver.count(msix, "edu-raise")).contains(2L);
        assertThat(EduDriver.count(msix, "edu-dma")).contains(2L);

        String msi = drive("msi", EDU);
        assertThat(msi).contains("interrupts: msi 1: 5", "PCI-MSI-" + EDU);
        assertThat(EduDriver.count(msi, "edu")).contains(5L);

        assertThat(drive("intx", EDU)).contains("interrupts: intx 1: 5", "aplic");
        assertThat(drive("msix", BEHIND)).contains("interrupts: msix 3: 1 2 2", "-" + BEHIND);
        assertThat(drive("intx", BEHIND)).contains("interrupts: intx 1: 5");
    }

    /** A firmware of its own in M-mode, and addresses that Linux makes all anew. */
    @Test
    void linuxMovesTheDevicesAndUsesThem() throws InterruptedException {
        try (Vm machine =
                builder()
                        .bios(Guests.firmware("opensbi").files().get("fw_dynamic.bin"))
                        .append("pci=realloc,resource_alignment=24@" + EDU + ";26@" + SCRATCH)
                        .build()) {
            alignments = Map.of(EDU, 1L << 24, SCRATCH, 1L << 26);
            boot(machine);

            requireEachFunctionAsConfigured();
            assertThat(start(EDU, 0) % (1 << 24)).isZero();
            assertThat(start(SCRATCH, 0) % (1 << 26)).isZero();
            assertThat(command("grep PME /proc/interrupts")).contains("PCI-MSIX-" + PORT);
            requireAlive(EDU);
            requireAlive(BEHIND);
            requireBarsOfEachKind();
            requireThatRescanFindsAndPlaces();
            if (hasDriver) {
                assertThat(drive("auto", EDU)).contains("interrupts: msix 3: 1 2 2");
                assertThat(drive("intx", BEHIND)).contains("interrupts: intx 1: 5");
            }
            powerOff();
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }
}
