package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.BusRange;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * The ranges that a device's registers name are those on the bus, after every configuration write.
 * Each BAR has a part of the windows to itself here, so that none is in another's way.
 */
class PciRangesTest {
    private static final int WRITES = 5_000;
    private static final int DEVICES = 2;
    private static final int ROM_REGISTER = 12;

    private final PciMachine machine = new PciMachine();
    private final PciFunction[] functions = new PciFunction[DEVICES];

    PciRangesTest() {
        for (int device = 0; device < DEVICES; device++) {
            functions[device] =
                    machine.root
                            .bus()
                            .add(
                                    new TestPciDevice(
                                                    spec ->
                                                            spec.memoryBar(0, 4096)
                                                                    .memoryBar64(2, 1 << 16)
                                                                    .ioBar(4, 32)
                                                                    .rom(4096))
                                            .forgetful());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void namedRangesAreOnTheBusAfterEveryWrite(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        check("at power-on");
        Set<Integer> numbers = new HashSet<>();
        for (int write = 0; write < WRITES; write++) {
            int device = random.nextInt(DEVICES);
            write(random, device);
            check("seed %d, write %d".formatted(seed, write));
            numbers.add(functions[device].configuration().barRanges().size());
        }
        assertThat(numbers).as("enabled BARs, all numbers of them").contains(0, 1, 2, 3, 4);
        assertThat(machine.root.failedMoves()).isZero();
    }

    private void write(SplittableRandom random, int device) {
        int place = random.nextInt(64);
        switch (random.nextInt(5)) {
            case 0 -> set(device, PciRegisters.REG_COMMAND, 2, random.nextInt(8));
            case 1 -> set(device, PciRegisters.REG_BAR0, 4, base(device, 1) + (place << 12));
            case 2 -> {
                // The upper half stays: a 64-bit BAR may be anywhere in the upper window.
                int low = 0x1000_0000 * (device + 1) + (place << 16);
                set(device, PciRegisters.REG_BAR0 + 2, 4, low);
            }
            case 3 -> {
                int port = 0x2000 * (device + 1) + (place << 5);
                set(device, PciRegisters.REG_BAR0 + 4, 4, port);
            }
            default -> {
                int enable = random.nextInt(4) == 0 ? 0 : 1;
                set(device, ROM_REGISTER, 4, base(device, 2) + (place << 12) | enable);
            }
        }
    }

    private static int base(int device, int part) {
        return (int) PciMachine.MEMORY32.base() + (4 * device + part) * 0x0100_0000;
    }

    private void set(int device, int register, int size, int value) {
        machine.root.writeConfig(functions[device].devfn(), register, 0, size, value);
    }

    private void check(String when) {
        for (PciFunction function : functions) {
            List<BarRange> named = function.configuration().barRanges();
            Set<BusRange> ranges =
                    named.stream()
                            .map(range -> range.busRange().orElseThrow())
                            .collect(Collectors.toSet());
            assertThat(onTheBus(function)).as("%s, %s", when, function.id()).isEqualTo(ranges);
            assertThat(named)
                    .as("%s, %s: as its device is told", when, function.id())
                    .allSatisfy(range -> assertThat(function.bar(range.index())).contains(range));
        }
    }

    private Set<BusRange> onTheBus(PciFunction function) {
        Set<BusRange> ranges = new HashSet<>();
        machine.io.mmioMappings().stream()
                .filter(each -> each.device() instanceof BarWindow w && w.function == function)
                .forEach(each -> ranges.add(each.range()));
        machine.io.pioMappings().stream()
                .filter(each -> each.device() instanceof BarWindow w && w.function == function)
                .forEach(each -> ranges.add(each.range()));
        return ranges;
    }
}
