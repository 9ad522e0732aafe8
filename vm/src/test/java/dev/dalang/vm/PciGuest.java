package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.pci.PciFunction;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A booted Linux at its prompt, asked about what is on its PCI buses. */
final class PciGuest {
    /** How long a boot may take. */
    static final Duration BOOT = Duration.ofMinutes(5);

    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";
    private static final long PIO = 0x300_0000;
    private static final String DEVICES = "/sys/bus/pci/devices/";

    private final Vm vm;

    /** What the guest was told to make of BARs that are smaller, by function. */
    private final Map<String, Long> alignments;

    private PciGuest(Vm vm, Map<String, Long> alignments) {
        this.vm = vm;
        this.alignments = alignments;
    }

    /** Puts into a directory for the guest what this class has it do; false without our driver. */
    static boolean putInto(Path directory) throws IOException {
        EduDriver.script(directory, "functions", GuestPciFunction.SCRIPT);
        return EduDriver.putInto(directory);
    }

    /** Waits until a machine that was started has come to its prompt. */
    static PciGuest await(Vm vm, Map<String, Long> alignments) throws InterruptedException {
        vm.console().await(PROMPT, BOOT);
        PciGuest guest = new PciGuest(vm, alignments);
        // What the kernel says of devices would come between the lines of an answer.
        guest.command("dmesg -n 1");
        return guest;
    }

    /** Waits until a machine that was started has come to its prompt. */
    static PciGuest await(Vm vm) throws InterruptedException {
        return await(vm, Map.of());
    }

    /** What a command of the guest's shell prints. */
    String command(String command) throws InterruptedException {
        return command(command, COMMAND);
    }

    /** What a command of the guest's shell prints that may take long. */
    String command(String command, Duration limit) throws InterruptedException {
        // The markers are not what the terminal echoes, which breaks long lines.
        vm.console().write("echo 'answer'':'; " + command + "; echo 'end''-of-command'\n");
        vm.console().await("answer:\r\n", COMMAND);
        String answer = vm.console().await("end-of-command", limit);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().reduce("", (a, b) -> a + b + "\n");
    }

    void powerOff() throws InterruptedException {
        vm.console().write("poweroff -f\n");
        assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
    }

    /** Reads four bytes at a physical address. */
    long load(long address) throws InterruptedException {
        String answer = command("devmem 0x%x 32".formatted(address)).lines().findFirst().orElse("");
        return Long.decode(answer.strip());
    }

    /** Writes four bytes to a physical address. */
    void store(long address, long value) throws InterruptedException {
        assertThat(command("devmem 0x%x 32 0x%x".formatted(address, value)))
                .isEqualToIgnoringWhitespace("end-of-command");
    }

    /** What Linux knows of each function, by its address. */
    Map<String, GuestPciFunction> functions() throws InterruptedException {
        return GuestPciFunction.parse(command("/host/functions"));
    }

    /** Where Linux has a BAR. */
    long start(String function, int bar) throws InterruptedException {
        return functions().get(function).resources().get(bar)[0];
    }

    /** The guest sees what there is, no more and no less, and as it was made. */
    void requireEachFunctionAsConfigured() throws InterruptedException {
        Map<String, GuestPciFunction> seen = functions();
        List<String> present = new ArrayList<>();
        for (PciFunction function : vm.pci().functions()) {
            present.add(function.address().toString());
        }
        assertThat(seen.keySet()).containsExactlyInAnyOrderElementsOf(present);
        for (PciFunction function : vm.pci().functions()) {
            String address = function.address().toString();
            seen.get(address).requireAsConfigured(function, alignments.getOrDefault(address, 0L));
        }
    }

    /** An edu device answers, through the addresses that Linux gave it. */
    void requireAlive(String edu) throws InterruptedException {
        command("echo 1 > " + DEVICES + edu + "/enable");
        long base = start(edu, 0);
        assertThat(load(base)).isEqualTo(0x0100_00ed);
        store(base + 4, 0x1234_5678);
        assertThat(load(base + 4)).isEqualTo(0xedcb_a987L);
    }

    /** A {@link ScratchDevice} answers in memory of 64 and of 32 bits, and at ports. */
    void requireBarsOfEachKind(String scratch) throws InterruptedException {
        command("echo 1 > " + DEVICES + scratch + "/enable");
        GuestPciFunction seen = functions().get(scratch);
        long memory64 = seen.resources().get(0)[0];
        long ports = seen.resources().get(2)[0];
        long memory = seen.resources().get(3)[0];

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

    /**
     * Has the driver of an edu device use one kind of interrupts, and DMA; what it counted, and
     * what the kernel did.
     */
    String drive(String interrupts, String edu) throws InterruptedException {
        String answer = command("/host/drive-edu " + interrupts + " " + edu);
        assertThat(answer).contains("factorial: 3628800", "received: what was sent");
        return answer;
    }

    /** How many messages of a function the kernel has counted. */
    long messages(String function) throws InterruptedException {
        return command("grep -e '-" + function + " ' /proc/interrupts")
                .lines()
                .filter(line -> line.contains("PCI-MSI"))
                .mapToLong(EduDriver::sumOfHarts)
                .sum();
    }

    /** Has Linux forget functions, and whatever is behind them. */
    void remove(String... functions) throws InterruptedException {
        for (String function : functions) {
            command("echo 1 > " + DEVICES + function + "/remove");
        }
    }

    /** Has Linux look again for what there is. */
    void rescan() throws InterruptedException {
        command("echo 1 > /sys/bus/pci/rescan");
    }
}
