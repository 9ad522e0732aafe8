package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random accesses of every shape, legal or not, against a model of the masks. {@code
 * -Ddalang.seed=N} repeats a run, {@code -Ddalang.pci.accesses=N} makes longer ones.
 */
final class ConfigurationFuzzTest {
    private static final long ACCESSES = Long.getLong("dalang.pci.accesses", 400_000);
    private static final int[] SIZES = {1, 2, 4};

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    /** What a guest may do to a space without live parts, in three masks for each register. */
    private static final class Model {
        final PciConfiguration config;
        final int[] values;
        final int[] writable;
        final int[] clear;

        Model(PciConfiguration config, int[] writable, int[] clear) {
            this.config = config;
            this.writable = writable;
            this.clear = clear;
            this.values = new int[config.registers()];
            for (int register = 0; register < values.length; register++) {
                values[register] = config.readRegister(register);
            }
        }

        void write(int register, int offset, int size, int value) {
            boolean legal =
                    register >= 0
                            && register < values.length
                            && (size == 1 || size == 2 || size == 4)
                            && offset >= 0
                            && offset < 4
                            && offset % size == 0;
            if (!legal) {
                return;
            }
            for (int bit = 8 * offset; bit < 8 * (offset + size); bit++) {
                boolean one = (value >> bit - 8 * offset & 1) != 0;
                if ((writable[register] >> bit & 1) != 0) {
                    values[register] =
                            one ? values[register] | 1 << bit : values[register] & ~(1 << bit);
                } else if ((clear[register] >> bit & 1) != 0 && one) {
                    values[register] &= ~(1 << bit);
                }
            }
        }
    }

    private static Model endpoint() {
        PciConfiguration config = PciConfiguration.endpoint(0x1234, 0x11e8).build();
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        config.addBar(PciBar.io(1, 0x20).at(0x1000));
        config.addBar(PciBar.memory64(2, 0x4_0000).prefetch().at(0x4_0000_0000L));
        config.addBar(PciBar.memory64(4, 1L << 33));
        config.addBar(PciBar.rom(0x800).at(0x4010_0000));
        config.addCapability(
                new TestCapability(
                        9,
                        new int[] {0, 0x55aa_55aa, 0, -1},
                        new int[] {0xf0f0_0000, 0x0f0f_0f0f, -1, 0},
                        new int[] {0x0f0f_0000, 0x7070_7070, 0, -1}));
        config.defineRegister(512, -1, 0x0000_ffff, 0xff00_0000);
        int[] writable = new int[1024];
        int[] clear = new int[1024];
        writable[1] = 0xffff;
        clear[1] = 0xf900_0000;
        writable[3] = 0xff;
        writable[15] = 0xff;
        writable[4] = 0xffff_f000;
        writable[5] = 0xffff_ffe0;
        writable[6] = 0xfffc_0000;
        writable[7] = -1;
        writable[9] = 0xffff_fffe;
        writable[12] = 0xffff_f801;
        writable[16] = 0xf0f0_0000;
        clear[16] = 0x0f0f_0000;
        writable[17] = 0x0f0f_0f0f;
        clear[17] = 0x7070_7070;
        writable[18] = -1;
        clear[19] = -1;
        writable[512] = 0xffff;
        clear[512] = 0xff00_0000;
        return new Model(config, writable, clear);
    }

    private static Model bridge() {
        PciConfiguration config = PciConfiguration.bridge(0x1b36, 0xc).build();
        config.addCapability(PcieCapability.withSlot(PciePortType.ROOT_PORT, 3));
        int[] writable = new int[1024];
        int[] clear = new int[1024];
        writable[1] = 0xffff;
        clear[1] = 0xf900_0000;
        writable[3] = 0xff;
        writable[6] = 0x00ff_ffff;
        writable[7] = 0xf0f0;
        clear[7] = 0xf900_0000;
        writable[8] = 0xfff0_fff0;
        writable[9] = 0xfff0_fff0;
        writable[10] = -1;
        writable[11] = -1;
        writable[15] = 0xffff_00ff;
        writable[18] = 0x7fff;
        clear[18] = 0x000f_0000;
        writable[20] = 0x0fff;
        clear[20] = 0xc000_0000;
        writable[22] = 0x1fff;
        clear[22] = 0x011f_0000;
        writable[23] = 0x1f;
        clear[24] = 0x0001_0000;
        return new Model(config, writable, clear);
    }

    @Test
    void anEndpointDoesWhatItsMasksSay() {
        drive(endpoint(), ACCESSES);
    }

    @Test
    void aBridgeDoesWhatItsMasksSay() {
        drive(bridge(), ACCESSES / 2);
    }

    private void drive(Model model, long accesses) {
        long seed = Long.getLong("dalang.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        PciConfiguration config = model.config;
        MemorySegment page = arena.allocate(4096, 4096);
        config.initPciConfigMapping(page);
        List<BarRange> answered = config.barRanges();
        for (long i = 0; i < accesses; i++) {
            int register = register(random);
            boolean wild = random.nextInt(16) == 0;
            int size = wild ? random.nextInt() >> random.nextInt(32) : SIZES[random.nextInt(3)];
            int offset = wild ? random.nextInt(-2, 8) : random.nextInt(4);
            int value = value(random);
            if (random.nextInt(64) == 0 && Integer.compareUnsigned(register, 1024) < 0) {
                // The device raises a status that only a guest clears.
                config.setRegister(register, -1, model.clear[register]);
                model.values[register] |= model.clear[register];
            }
            ConfigWriteResult result = config.write(register, offset, size, value);
            model.write(register, offset, size, value);
            answered = follow(answered, result);

            int expected =
                    Integer.compareUnsigned(register, 1024) < 0 ? model.values[register] : -1;
            if (config.readRegister(register) != expected
                    || expected != -1
                            && page.get(ValueLayout.JAVA_INT, 4L * register) != expected) {
                throw new AssertionError(
                        "seed %d, access %d: register %d is 0x%x, expected 0x%x"
                                .formatted(
                                        seed,
                                        i,
                                        register,
                                        config.readRegister(register),
                                        expected));
            }
            if (i % 1024 == 0) {
                checkAll(model, page, answered, "seed " + seed + ", access " + i);
            }
        }
        checkAll(model, page, answered, "seed " + seed + ", end");
    }

    /** Mostly where something is. */
    private static int register(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextInt(1024);
            case 1 -> random.nextInt();
            case 2 -> 512;
            default -> random.nextInt(26);
        };
    }

    private static int value(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> -1;
            case 1 -> 1 << random.nextInt(32);
            default -> random.nextInt();
        };
    }

    /** Does to a list of ranges what a bus would do. */
    private static List<BarRange> follow(List<BarRange> before, ConfigWriteResult result) {
        if (result.isDecodingUnchanged()) {
            return before;
        }
        List<BarRange> after = new ArrayList<>(before);
        for (BarRange removed : result.removed()) {
            assertThat(after.remove(removed)).isTrue();
        }
        for (ConfigWriteResult.Move move : result.moved()) {
            assertThat(after.remove(move.from())).isTrue();
            after.add(move.to());
        }
        after.addAll(result.added());
        return after;
    }

    private static void checkAll(
            Model model, MemorySegment page, List<BarRange> answered, String when) {
        int[] mirrored = new int[1024];
        MemorySegment.copy(page, ValueLayout.JAVA_INT, 0, mirrored, 0, 1024);
        int[] read = new int[1024];
        for (int register = 0; register < 1024; register++) {
            read[register] = model.config.readRegister(register);
        }
        assertThat(read).as(when).isEqualTo(model.values);
        assertThat(mirrored).as(when).isEqualTo(model.values);
        List<BarRange> ranges = model.config.barRanges();
        assertThat(ranges).as(when).containsExactlyInAnyOrderElementsOf(answered);
        for (BarRange range : ranges) {
            assertThat(range.base() & range.size() - 1).as(when).isZero();
            assertThat(Long.compareUnsigned(range.base(), range.last())).as(when).isNegative();
        }
    }

    /** With live parts, whose own rules decide: never an exception, and what is fixed stays. */
    @Test
    void liveCapabilitiesTakeWhateverComes() {
        long seed = Long.getLong("dalang.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        PciConfiguration config = PciConfiguration.endpoint(0x1234, 0x11e8).build();
        PmCapability capability = new PmCapability(true);
        PmConfig pm = new PmConfig(capability);
        config.addCapability(capability, pm);
        MemorySegment page = arena.allocate(4096, 4096);
        config.initPciConfigMapping(page);
        for (long i = 0; i < ACCESSES / 2; i++) {
            if (random.nextInt(32) == 0) {
                pm.signalWake();
            }
            config.write(
                    random.nextInt(16, 20),
                    random.nextInt(-1, 5),
                    random.nextInt(-1, 6),
                    value(random));
            int control = config.readRegister(17);
            if (config.readRegister(16) != 0xc802_0001
                    || (control & 0xffff_7ef4) != 0
                    || (control & 3) == 1
                    || (control & 3) == 2
                    || (control & 8) == 0
                    || page.get(ValueLayout.JAVA_INT, 68) != control
                    || config.readRegister(18) != 0) {
                throw new AssertionError(
                        "seed %d, access %d: control is 0x%x".formatted(seed, i, control));
            }
        }
    }
}
