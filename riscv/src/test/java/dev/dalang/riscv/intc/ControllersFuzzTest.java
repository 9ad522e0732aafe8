package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.ImsicFile;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/**
 * Random accesses and random wires. Nothing may throw, registers keep to their masks, the outputs
 * agree with a second opinion drawn from the registers alone, and the snapshot of whatever came out
 * is one that the controller itself accepts.
 */
class ControllersFuzzTest {
    private static final int STEPS = 1_000_000;
    private static final int CHECK_EVERY = 64;

    private SplittableRandom random = new SplittableRandom();

    @BeforeEach
    void seed(TestReporter reporter) {
        long seed = Long.getLong("fuzz.seed", System.nanoTime());
        reporter.publishEntry("fuzz.seed", Long.toString(seed));
        random = new SplittableRandom(seed);
    }

    /** An offset that often, but not always, is a register of a region of {@code size} bytes. */
    private long offset(long[] regions, long size) {
        return switch (random.nextInt(16)) {
            case 0 -> random.nextLong();
            case 1 -> random.nextLong(size + 16) - 8;
            default -> {
                int region = random.nextInt(regions.length / 2) * 2;
                yield regions[region] + (random.nextLong(regions[region + 1]) & ~3L);
            }
        };
    }

    private int size() {
        return random.nextInt(8) == 0 ? 1 << random.nextInt(4) : 4;
    }

    private long value() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> random.nextInt(128);
            case 2 -> -1;
            case 3 -> 1L << random.nextInt(32);
            case 4 -> random.nextInt(1 << 20) | (long) random.nextInt(3) << 18;
            default -> random.nextInt(8);
        };
    }

    private void access(DeviceMmio device, long[] regions, long size) {
        long at = offset(regions, size);
        int bytes = size();
        if (random.nextInt(4) == 0) {
            long value = device.mmioRead(0, at, bytes);
            if (bytes != 4 && bytes != 8) {
                assertThat(value).isZero();
            }
            if (bytes == 4) {
                assertThat(value >>> 32).isZero();
            }
        } else {
            device.mmioWrite(0, at, bytes, value());
        }
    }

    private static void acceptsItsOwnSnapshot(Suspendable controller) {
        controller.sleep();
        Snapshot snapshot = controller.snapshot();
        controller.restore(snapshot);
        assertThat(controller.snapshot()).isEqualTo(snapshot);
        controller.wake();
    }

    private static void agree(RecordingLine line, BooleanSupplier expected) {
        assertThat(line.isHigh()).isEqualTo(expected.getAsBoolean());
    }

    @Test
    void aclintSurvivesRandomAccesses() {
        ManualVirtualClock clock = new ManualVirtualClock();
        RecordingLine[] lines = lines(4);
        Aclint aclint =
                Aclint.builder(clock).hart(lines[0], lines[1]).hart(lines[2], lines[3]).build();
        long[] regions = {0, 16, 0x4000, 24, 0xbff0, 16, 0xbff8, 8};
        for (int step = 0; step < STEPS; step++) {
            long at = offset(regions, Aclint.SIZE_BYTES);
            int bytes = random.nextBoolean() ? 8 : size();
            if (random.nextInt(4) == 0) {
                long value = aclint.mmioRead(0, at, bytes);
                assertThat(bytes < 8 ? value >>> 32 : 0).isZero();
            } else {
                aclint.mmioWrite(0, at, bytes, value());
            }
            if (random.nextInt(4) == 0) {
                clock.advance(random.nextInt(3000));
            }
            if (step % CHECK_EVERY == 0) {
                for (int hart = 0; hart < 2; hart++) {
                    long compare = aclint.mmioRead(0, 0x4000 + 8L * hart, 8);
                    long msip = aclint.mmioRead(0, 4L * hart, 4);
                    long mtime = aclint.mtime();
                    agree(lines[2 * hart], () -> msip == 1);
                    agree(lines[2 * hart + 1], () -> Long.compareUnsigned(mtime, compare) >= 0);
                }
            }
            if (step % 8192 == 0) {
                acceptsItsOwnSnapshot(aclint);
            }
        }
    }

    @Test
    void plicSurvivesRandomAccesses() {
        RecordingLine[] lines = lines(4);
        Plic plic = Plic.builder(70).hart(lines[0], lines[1]).hart(lines[2], lines[3]).build();
        long[] regions = {
            0, 4 * 72, 0x1000, 16, 0x2000, 0x210, 0x20_0000, 8, 0x20_1000, 8, 0x20_3000, 8
        };
        for (int step = 0; step < STEPS; step++) {
            if (random.nextInt(3) == 0) {
                plic.line(1 + random.nextInt(70)).set(random.nextBoolean());
            } else {
                access(plic, regions, plic.sizeBytes());
            }
            if (step % CHECK_EVERY == 0) {
                for (int context = 0; context < 4; context++) {
                    int which = context;
                    agree(lines[context], () -> plicOpinion(plic, which));
                }
            }
            if (step % 8192 == 0) {
                acceptsItsOwnSnapshot(plic);
            }
        }
        for (int context = 0; context < 4; context++) {
            assertThat(plic.mmioRead(0, 0x2000 + 0x80L * context, 4) & 1).isZero();
            assertThat(plic.mmioRead(0, 0x2008 + 0x80L * context, 4) & ~0x7fL).isZero();
        }
    }

    private static boolean plicOpinion(Plic plic, int context) {
        long threshold = plic.mmioRead(0, 0x20_0000 + 0x1000L * context, 4);
        assertThat(threshold).isBetween(0L, 7L);
        for (long source = 1; source <= 70; source++) {
            long word = source >>> 5 << 2;
            long pending = plic.mmioRead(0, 0x1000 + word, 4);
            long enabled = plic.mmioRead(0, 0x2000 + 0x80L * context + word, 4);
            if (((pending & enabled) >>> source % 32 & 1) != 0
                    && plic.mmioRead(0, 4 * source, 4) > threshold) {
                return true;
            }
        }
        return false;
    }

    @Test
    void imsicSurvivesRandomAccesses() {
        RecordingLine[] lines = lines(2);
        Imsic imsic =
                Imsic.builder(0x2800_0000L)
                        .directDelivery(true)
                        .hart(lines[0])
                        .hart(lines[1])
                        .build();
        long[] regions = {0, 16, 4096, 16};
        for (int step = 0; step < STEPS; step++) {
            ImsicFile file = imsic.file(random.nextInt(2));
            int select = random.nextInt(8) == 0 ? random.nextInt() : 0x70 + random.nextInt(0x90);
            switch (random.nextInt(6)) {
                case 0 -> access(imsic, regions, imsic.sizeBytes());
                case 1 -> imsic.signal(0x2800_0000L + 4096L * random.nextInt(3), (int) value());
                case 2 -> imsic.directLine(random.nextInt(2)).set(random.nextBoolean());
                case 3 -> file.updateRegister(select, value(), value());
                case 4 -> {
                    long old = file.readRegister(select);
                    assertThat(file.updateRegister(select, old, -1)).isEqualTo(old);
                }
                default -> {
                    long top = file.topei();
                    assertThat(file.claimTopei()).isEqualTo(top);
                }
            }
            if (step % CHECK_EVERY == 0) {
                for (int hart = 0; hart < 2; hart++) {
                    ImsicFile one = imsic.file(hart);
                    long delivery = one.readRegister(0x70);
                    assertThat(delivery).isIn(0L, 1L, 0x4000_0000L);
                    assertThat(one.topei()).isEqualTo(imsicOpinion(one));
                    if (delivery != 0x4000_0000L) {
                        agree(lines[hart], () -> delivery == 1 && one.topei() != 0);
                    }
                }
            }
            if (step % 8192 == 0) {
                acceptsItsOwnSnapshot(imsic);
            }
        }
    }

    private static long imsicOpinion(ImsicFile file) {
        long threshold = file.readRegister(0x72);
        assertThat(threshold).isBetween(0L, 0x7ffL);
        assertThat(file.readRegister(0x80) & 1).isZero();
        for (int identity = 1; identity < 256; identity++) {
            int word = identity >>> 6 << 1;
            long both = file.readRegister(0x80 + word) & file.readRegister(0xc0 + word);
            if ((both >>> identity & 1) != 0) {
                return threshold == 0 || identity < threshold ? identity << 16 | identity : 0;
            }
        }
        return 0;
    }

    @Test
    void aplicSurvivesRandomAccesses() {
        RecordingLine[] lines = lines(4);
        Imsic imsic =
                Imsic.builder(0x2800_0000L)
                        .hart(new RecordingLine())
                        .hart(new RecordingLine())
                        .build();
        Aplic aplic =
                Aplic.builder(70)
                        .messages(imsic)
                        .guestIndexBits(2)
                        .hart(lines[0], lines[2])
                        .hart(lines[1], lines[3])
                        .build();
        AplicRegisters[] domains = {
            new AplicRegisters(aplic.machine()), new AplicRegisters(aplic.supervisor())
        };
        long[] regions = {
            0, 4 * 72, 0, 8, 0x1bc0, 16, 0x1c00, 16, 0x1d00, 16, 0x1e00, 16, 0x1f00, 16, 0x1cdc, 4,
            0x1ddc, 4, 0x1edc, 4, 0x1fdc, 4, 0x2000, 8, 0x3000, 4 * 72, 0x4000, 0x60
        };
        for (int step = 0; step < STEPS; step++) {
            int which = random.nextInt(2);
            switch (random.nextInt(4)) {
                case 0 -> aplic.line(1 + random.nextInt(70)).set(random.nextBoolean());
                case 1 ->
                        domains[which].sourcecfg(
                                1 + random.nextInt(70),
                                random.nextInt(3) == 0 ? 0x400 : random.nextInt(8));
                default -> access(domains[which].domain(), regions, AplicDomain.SIZE_BYTES);
            }
            if (random.nextInt(100_000) == 0) {
                aplic.reset();
            }
            if (step % CHECK_EVERY == 0) {
                for (int hart = 0; hart < 2; hart++) {
                    int index = hart;
                    agree(lines[hart], () -> aplicOpinion(domains[0], index));
                    agree(lines[2 + hart], () -> aplicOpinion(domains[1], index));
                }
            }
            if (step % 4096 == 0) {
                exclusive(domains);
            }
            if (step % 8192 == 0) {
                acceptsItsOwnSnapshot(aplic);
            }
        }
    }

    /** No source lives in two domains, and inactive ones show nothing. */
    private static void exclusive(AplicRegisters[] domains) {
        for (int source = 1; source <= 70; source++) {
            long root = domains[0].sourcecfg(source);
            long child = domains[1].sourcecfg(source);
            assertThat(root).isIn(0L, 1L, 4L, 5L, 6L, 7L, 0x400L);
            assertThat(child).isIn(0L, 1L, 4L, 5L, 6L, 7L);
            if (root != 0x400) {
                assertThat(child).isZero();
            }
            for (AplicRegisters domain : domains) {
                long config = domain.sourcecfg(source);
                if (config == 0 || config == 0x400) {
                    assertThat(domain.target(source)).isZero();
                    assertThat(domain.isPending(source)).isFalse();
                    assertThat(domain.isEnabled(source)).isFalse();
                    assertThat(domain.isInputHigh(source)).isFalse();
                }
            }
        }
    }

    private static boolean aplicOpinion(AplicRegisters domain, int hart) {
        long config = domain.domaincfg();
        assertThat(config & ~0x104L).isEqualTo(0x8000_0000L);
        long threshold = domain.read(0x4008 + 32L * hart);
        long best = Long.MAX_VALUE;
        for (int source = 1; source <= 70; source++) {
            long target = domain.target(source);
            if (domain.isPending(source)
                    && domain.isEnabled(source)
                    && target >>> 18 == hart
                    && (threshold == 0 || (target & 7) < threshold)) {
                best = Math.min(best, (target & 7) << 16 | source);
            }
        }
        boolean direct = (config & 4) == 0;
        long top = best == Long.MAX_VALUE ? 0 : (best & 0xffff) << 16 | best >>> 16;
        assertThat(domain.topi(hart)).isEqualTo(direct ? top : 0);
        return direct
                && (config & 0x100) != 0
                && domain.read(0x4000 + 32L * hart) == 1
                && (domain.iforce(hart) == 1 || top != 0);
    }

    private static RecordingLine[] lines(int count) {
        RecordingLine[] lines = new RecordingLine[count];
        for (int i = 0; i < count; i++) {
            lines[i] = new RecordingLine();
        }
        return lines;
    }
}
