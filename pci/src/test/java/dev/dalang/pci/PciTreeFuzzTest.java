package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.BusMapping;
import dev.dalang.bus.BusRange;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.GuestIo;
import dev.dalang.bus.MmioRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Random accesses to a whole tree: configuration space through ECAM and the virtual window, tables
 * and pending bits of MSI-X through BARs, wherever these are at the moment, while devices trigger.
 * Invariants: nothing is thrown, what a guest may not change stays, the bus holds exactly what
 * registers and bridges say, but for a BAR that has no room where it should be, and every interrupt
 * was delivered, is pending, or was told to be dropped. {@code -Ddalang.pci.accesses=N} makes runs
 * longer or shorter; what counts is a guest's random access, not a device's trigger.
 */
class PciTreeFuzzTest {
    private static final long ACCESSES = Long.getLong("dalang.pci.accesses", 10_000_000);
    private static final int[] INTERESTING = {0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    private static final int VECTORS = 70;
    private static final int TABLE_BYTES = VECTORS * MsixConfig.ENTRY_BYTES;
    private static final int TABLE_BAR = 1;
    private static final int PENDING = 0x800;

    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;
    private final PciFunction sender;
    private final MsixConfig msix;
    private final TestPciDevice other;
    private final int powerCapability;
    private final int msixCapability;

    /** Triggers that a pending bit does not stand for already. */
    private long events;

    /** Loads and stores of the guest. */
    private long accesses;

    private long tableAccesses;

    /** How often {@link #check} found a BAR where it should be. */
    private long found;

    PciTreeFuzzTest() {
        sender =
                root.bus()
                        .add(
                                new TestPciDevice(
                                                spec ->
                                                        spec.memoryBar(0, 4096)
                                                                .memoryBar(TABLE_BAR, 4096)
                                                                .memoryBar64(2, 1 << 16)
                                                                .ioBar(4, 32)
                                                                .rom(4096)
                                                                .msix(
                                                                        VECTORS, TABLE_BAR, 0,
                                                                        PENDING)
                                                                .express())
                                        .forgetful());
        msix = sender.msix().orElseThrow();
        PciFunction bridge = root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT.withBuses(3)));
        bridge.behind().orElseThrow().add(TestPciDevice.withMemory().forgetful());
        PciFunction inner =
                bridge.behind()
                        .orElseThrow()
                        .add(PciBridge.of(new PciBridge.Windows(0, 1 << 20, 1 << 20, 1)));
        inner.behind().orElseThrow().add(TestPciDevice.withMemory().forgetful());
        PciFunction port = root.bus().add(PciRootPort.of(1));
        port.behind()
                .orElseThrow()
                .add(new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2)).forgetful());
        other = new TestPciDevice(spec -> spec.memoryBar(0, 4096).msi(8).intx()).forgetful();
        root.bus().add(other);
        powerCapability = machine.function(0, 1, 0).capability(0x01).orElseThrow();
        msixCapability = machine.function(0, 1, 0).capability(0x11).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void aGuestWritesWhatItLikes(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<PciFunction, int[]> fixed = new HashMap<>();
        root.functions().forEach(function -> fixed.put(function, identity(function)));
        GuestIo hart = machine.io.hartIo();
        hart.attach();
        long wanted = (ACCESSES + 3) / 4;
        for (long round = 0; accesses < wanted; round++) {
            step(random, hart);
            if ((round & 0x3fff) == 0) {
                check(seed, round, fixed);
            }
            hart.poll();
        }
        hart.detach();
        check(seed, -1, fixed);
        assertThat(found).as("BARs where they should be").isPositive();
        assertThat(accesses).isGreaterThanOrEqualTo(wanted);
        assertThat(machine.io.counters().devices())
                .as("seed %d", seed)
                .allSatisfy(counts -> assertThat(counts.errors()).isZero());
        assertThat(tableAccesses).as("accesses to the table").isGreaterThan(wanted / 8);
        assertThat(machine.counts(sender.id()).interrupts()).isGreaterThan(wanted / 1000);
        root.reset();
        events = msix.droppedTriggers() + machine.counts(sender.id()).interrupts();
        check(seed, -2, fixed);
        assertThat(machine.driver.enumerate()).as("after a reset, seed %d", seed).hasSize(9);
    }

    private void step(SplittableRandom random, GuestIo hart) {
        int size = 1 << random.nextInt(4);
        switch (random.nextInt(16)) {
            case 0 -> load(hart, PciMachine.ECAM + offset(random), size);
            case 1 -> {
                long virtual = 2 * (offset(random) & ~0xfffL) + random.nextInt(0x2000);
                store(hart, PciMachine.VIRTUAL_CONFIG + virtual, size, random.nextLong());
                load(hart, PciMachine.VIRTUAL_CONFIG + virtual, size);
            }
            case 2, 3 -> trigger(random.nextInt(-1, VECTORS + 1));
            case 4 -> {
                other.host.interrupts().trigger(random.nextInt(-1, 9));
                other.host.interrupts().lower();
            }
            case 5, 6, 7, 8, 9, 10 -> accessTable(random, hart, size);
            case 11 -> {
                if (random.nextInt(64) == 0) {
                    enable(random, hart);
                }
            }
            default -> store(hart, PciMachine.ECAM + offset(random), size, value(random));
        }
        if ((tableAccesses & 0xffff) == 0) {
            machine.messages.clear();
        }
    }

    private void load(GuestIo hart, long address, int size) {
        accesses++;
        hart.load(address, size);
    }

    private void store(GuestIo hart, long address, int size, long value) {
        accesses++;
        hart.store(address, size, value);
    }

    private void trigger(int vector) {
        boolean wasPending = msix.isPending(vector);
        long dropped = msix.droppedTriggers();
        msix.trigger(vector);
        // One that may be sent but has no address yet drops the second trigger, and says so.
        if (!wasPending || msix.droppedTriggers() != dropped) {
            events++;
        }
    }

    private void accessTable(SplittableRandom random, GuestIo hart, int size) {
        BarRange table = sender.bar(TABLE_BAR).orElse(null);
        if (table == null) {
            return;
        }
        tableAccesses++;
        long offset =
                switch (random.nextInt(8)) {
                    case 0 -> random.nextInt(4096);
                    case 1 -> PENDING + random.nextInt(24);
                    case 2, 3 -> random.nextInt(VECTORS) * 16 + 12;
                    default -> random.nextInt(TABLE_BYTES) & -4;
                };
        if (random.nextInt(4) == 0) {
            load(hart, table.base() + offset, size);
        } else {
            store(hart, table.base() + offset, size, value(random));
        }
    }

    /** What a driver does, so that chance alone does not decide how long nothing answers. */
    private void enable(SplittableRandom random, GuestIo hart) {
        long config = PciMachine.ECAM + (1 << 15);
        hart.store(config + 0x14, 4, PciMachine.MEMORY32.base() + (random.nextInt(1024) << 12));
        hart.store(config + 4, 2, 7);
        hart.store(config + powerCapability + 4, 2, 0);
        hart.store(config + msixCapability + 2, 2, 0x8000);
    }

    private static long offset(SplittableRandom random) {
        long bus = random.nextInt(8) == 0 ? random.nextInt(256) : random.nextInt(5);
        long devfn = random.nextInt(8) == 0 ? random.nextInt(256) : random.nextInt(5) << 3;
        long register =
                random.nextBoolean()
                        ? INTERESTING[random.nextInt(INTERESTING.length)]
                        : random.nextInt(random.nextBoolean() ? 64 : 1024);
        return bus << 20 | devfn << 12 | register << 2 | random.nextInt(4);
    }

    private static long value(SplittableRandom random) {
        return switch (random.nextInt(6)) {
            case 0 -> -1L;
            case 1 -> 0;
            case 2 -> PciMachine.MEMORY32.base() + ((long) random.nextInt(64) << 12);
            case 3 -> 1L << random.nextInt(32);
            case 4 -> random.nextInt(8);
            default -> random.nextLong();
        };
    }

    private static int[] identity(PciFunction function) {
        return new int[] {function.readConfig(0), function.readConfig(2), function.readConfig(13)};
    }

    private void check(long seed, long round, Map<PciFunction, int[]> fixed) {
        fixed.forEach(
                (function, identity) ->
                        assertThat(identity(function))
                                .as("seed %d, round %d, %s", seed, round, function.id())
                                .containsExactly(identity));
        for (BusMapping<MmioRange, DeviceMmio> mapping : machine.io.mmioMappings()) {
            if (mapping.device() instanceof BarWindow window) {
                assertThat(root.admits(mapping.range())).as("inside the windows").isTrue();
                assertThat(window.mapped).isEqualTo(mapping.range());
            }
        }
        for (PciFunction function : root.functions()) {
            for (BarWindow window : function.windows()) {
                String where =
                        "seed %d, round %d, %s BAR %d"
                                .formatted(seed, round, function.id(), window.bar.index());
                checkPlace(window, function.wanted(window), where);
            }
        }
        int pending =
                Long.bitCount(msix.readPbaEntries(0, 8)) + Long.bitCount(msix.readPbaEntries(8, 8));
        assertThat(machine.counts(sender.id()).interrupts() + msix.droppedTriggers() + pending)
                .as("seed %d, round %d: delivered, dropped or pending", seed, round)
                .isEqualTo(events);
    }

    /** A BAR is where registers and bridges say, unless another is there, or no window. */
    private void checkPlace(BarWindow window, BusRange wanted, String where) {
        if (wanted == null) {
            assertThat(window.mapped).as("%s: off", where).isNull();
        } else if (wanted.equals(window.mapped)) {
            found++;
            assertThat(holders(wanted)).as("%s: on the bus", where).containsExactly(window);
        } else if (root.admits(wanted)) {
            assertThat(holders(wanted))
                    .as("%s: should be at %s, is at %s", where, wanted, window.mapped)
                    .anyMatch(holder -> holder != window && isRightlyThere(holder));
        }
    }

    /** Who may stay when another wants to be there. */
    private static boolean isRightlyThere(Object holder) {
        return !(holder instanceof BarWindow other)
                || Objects.equals(other.function.wanted(other), other.mapped);
    }

    /** Whose ranges on the bus share an address with a range. */
    private List<Object> holders(BusRange range) {
        List<Object> holders = new ArrayList<>();
        if (range instanceof MmioRange) {
            machine.io.mmioMappings().stream()
                    .filter(mapping -> mapping.range().overlaps(range))
                    .forEach(mapping -> holders.add(mapping.device()));
        } else {
            machine.io.pioMappings().stream()
                    .filter(mapping -> mapping.range().overlaps(range))
                    .forEach(mapping -> holders.add(mapping.device()));
        }
        return holders;
    }

    @Test
    void theSameSeedGivesTheSameTree() {
        PciTreeFuzzTest second = new PciTreeFuzzTest();
        run(this, 20_000);
        run(second, 20_000);
        assertThat(second.root.snapshot()).isEqualTo(root.snapshot());
        PciMachine third = new PciTreeFuzzTest().machine;
        third.root.restore(root.snapshot());
        assertThat(third.root.snapshot()).isEqualTo(root.snapshot());
    }

    private static void run(PciTreeFuzzTest test, int accesses) {
        SplittableRandom random = new SplittableRandom(7);
        GuestIo hart = test.machine.io.hartIo();
        hart.attach();
        for (int round = 0; round < accesses; round++) {
            test.step(random, hart);
            hart.poll();
        }
        hart.detach();
    }
}
