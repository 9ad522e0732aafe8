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

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Random accesses to a whole tree: configuration space through ECAM and the virtual window, tables
 * and pending bits of MSI-X through BARs, wherever these are at the moment, while devices trigger.
 * Invariants: nothing is thrown, what a guest may not change stays, the bus holds exactly what
 * registers and bridges say, or, for a BAR that could not be moved, what they said before, and
 * every interrupt was delivered, is pending, or was told to be dropped. {@code
 * -Ddalang.pci.accesses=N} makes runs longer or shorter.
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

    private long tableAccesses;

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
        long accesses = ACCESSES / 4;
        for (long round = 0; round < accesses; round++) {
            step(random, hart);
            if ((round & 0x3fff) == 0) {
                check(seed, round, fixed);
            }
            hart.poll();
        }
        hart.detach();
        check(seed, accesses, fixed);
        assertThat(machine.io.counters().devices())
                .as("seed %d", seed)
                .allSatisfy(counts -> assertThat(counts.errors()).isZero());
        assertThat(tableAccesses).as("accesses to the table").isGreaterThan(accesses / 8);
        assertThat(machine.counts(sender.id()).interrupts()).isGreaterThan(accesses / 1000);
        root.reset();
        events = msix.droppedTriggers() + machine.counts(sender.id()).interrupts();
        check(seed, -1, fixed);
        assertThat(machine.driver.enumerate()).as("after a reset, seed %d", seed).hasSize(9);
    }

    private void step(SplittableRandom random, GuestIo hart) {
        int size = 1 << random.nextInt(4);
        switch (random.nextInt(16)) {
            case 0 -> hart.load(PciMachine.ECAM + offset(random), size);
            case 1 -> {
                long virtual = 2 * (offset(random) & ~0xfffL) + random.nextInt(0x2000);
                hart.store(PciMachine.VIRTUAL_CONFIG + virtual, size, random.nextLong());
                hart.load(PciMachine.VIRTUAL_CONFIG + virtual, size);
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
            default -> hart.store(PciMachine.ECAM + offset(random), size, value(random));
        }
        if ((tableAccesses & 0xffff) == 0) {
            machine.messages.clear();
        }
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
            hart.load(table.base() + offset, size);
        } else {
            hart.store(table.base() + offset, size, value(random));
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
                BusRange wanted = function.wanted(window);
                if (wanted == null) {
                    assertThat(window.mapped)
                            .as("seed %d, round %d, %s off", seed, round, function.id())
                            .isNull();
                }
            }
        }
        int pending =
                Long.bitCount(msix.readPbaEntries(0, 8)) + Long.bitCount(msix.readPbaEntries(8, 8));
        assertThat(machine.counts(sender.id()).interrupts() + msix.droppedTriggers() + pending)
                .as("seed %d, round %d: delivered, dropped or pending", seed, round)
                .isEqualTo(events);
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
