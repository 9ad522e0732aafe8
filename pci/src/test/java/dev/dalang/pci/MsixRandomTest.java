package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.MsiMessage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random accesses of all shapes to capability, table and pending bits, and random triggers, beside
 * a model that knows only the rules: nothing throws, every read agrees, and each message that
 * arrives is one the model sends, in its order. The machine has fewer handles than the function
 * vectors. The number of steps is the system property {@code dalang.msix.steps}.
 */
class MsixRandomTest {
    private static final long STEPS = Long.getLong("dalang.msix.steps", 1_000_000);

    /** The rules: plain arrays, no handles but their number, all done again after each step. */
    private static final class Model {
        final int count;
        final long[] address;
        final int[] data;
        final boolean[] masked;
        final boolean[] pending;
        final boolean[] live;
        final List<MsiMessage> sent = new ArrayList<>();
        int free;
        boolean enabled;
        boolean functionMasked;

        Model(int count, int handles) {
            this.count = count;
            address = new long[count];
            data = new int[count];
            masked = new boolean[count];
            pending = new boolean[count];
            live = new boolean[count];
            free = handles;
            Arrays.fill(masked, true);
        }

        private boolean take(int vector) {
            if (!live[vector]) {
                if (free == 0) {
                    return false;
                }
                free--;
                live[vector] = true;
            }
            return true;
        }

        private boolean isUsable(int vector) {
            return enabled && !functionMasked && !masked[vector];
        }

        void trigger(int vector) {
            if (vector < 0 || vector >= count) {
                return;
            }
            if (!isUsable(vector)) {
                pending[vector] = true;
            } else if (address[vector] != 0) {
                sent.add(new MsiMessage(address[vector], data[vector]));
            }
        }

        void control(boolean enable, boolean mask) {
            boolean enabling = enable && !enabled;
            enabled = enable;
            functionMasked = mask;
            for (int vector = 0; vector < count && enabled; vector++) {
                if (isUsable(vector) && !take(vector)) {
                    enabled = !enabling;
                    masked[vector] |= !enabling;
                }
            }
            deliver();
        }

        void write(int field, int vector, int value) {
            switch (field) {
                case 0 ->
                        address[vector] =
                                address[vector] >>> 32 << 32 | Integer.toUnsignedLong(value);
                case 4 -> address[vector] = address[vector] & 0xffff_ffffL | (long) value << 32;
                case 8 -> data[vector] = value;
                default -> masked[vector] = (value & 1) != 0;
            }
        }

        void written(int vector) {
            if (isUsable(vector) && !take(vector)) {
                masked[vector] = true;
            }
            deliver();
        }

        private void deliver() {
            for (int vector = 0; vector < count; vector++) {
                if (pending[vector] && isUsable(vector) && address[vector] != 0) {
                    pending[vector] = false;
                    sent.add(new MsiMessage(address[vector], data[vector]));
                }
            }
        }

        long read(int field, int vector) {
            return switch (field) {
                case 0 -> address[vector] & 0xffff_ffffL;
                case 4 -> address[vector] >>> 32;
                case 8 -> Integer.toUnsignedLong(data[vector]);
                default -> masked[vector] ? 1 : 0;
            };
        }

        long pendingByte(int at) {
            long bits = 0;
            for (int bit = 0; bit < 8; bit++) {
                int vector = at * 8 + bit;
                bits |= vector < count && pending[vector] ? 1L << bit : 0;
            }
            return bits;
        }
    }

    private final List<MsiMessage> arrived = new ArrayList<>();
    private SplittableRandom random = new SplittableRandom();
    private Model model = new Model(1, 1);
    private MsixConfig msix = function(1, 1);

    private MsixConfig function(int vectors, int handles) {
        return MsixConfig.create(
                vectors,
                MsiTargetRouter.create(
                        (address, data) -> arrived.add(new MsiMessage(address, data)), handles),
                new MsiSource("random", 0, 0));
    }

    private int size() {
        return switch (random.nextInt(16)) {
            case 0 -> 1;
            case 1 -> 2;
            case 2 -> random.nextInt(20) - 2;
            case 3, 4, 5, 6 -> 8;
            default -> 4;
        };
    }

    private long offset(int bytes) {
        return switch (random.nextInt(32)) {
            case 0 -> random.nextLong();
            case 1 -> bytes + random.nextInt(64);
            case 2 -> -random.nextInt(64);
            case 3 -> random.nextInt(bytes);
            default -> random.nextInt(bytes) & ~3L;
        };
    }

    /** Addresses and data of which many are equal, so that writes of what is there happen. */
    private int value() {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextInt();
            default -> random.nextInt(4);
        };
    }

    private boolean isLegal(long offset, int size, int bytes) {
        return (size == 4 || size == 8)
                && offset >= 0
                && offset % size == 0
                && offset + size <= bytes;
    }

    private void writeTable() {
        int bytes = model.count * 16;
        long offset =
                random.nextInt(4) == 0 ? random.nextInt(model.count) * 16L + 12 : offset(bytes);
        int size = size();
        int low = value();
        int high = value();
        msix.writeMsixTable(offset, size, low & 0xffff_ffffL | (long) high << 32);
        if (isLegal(offset, size, bytes)) {
            int vector = (int) offset / 16;
            model.write((int) offset % 16, vector, low);
            if (size == 8) {
                model.write((int) offset % 16 + 4, vector, high);
            }
            model.written(vector);
        }
    }

    private void readTable() {
        int bytes = model.count * 16;
        long offset = offset(bytes);
        int size = size();
        long expected = 0;
        if (isLegal(offset, size, bytes)) {
            int vector = (int) offset / 16;
            expected = model.read((int) offset % 16, vector);
            if (size == 8) {
                expected |= model.read((int) offset % 16 + 4, vector) << 32;
            }
        }
        check(msix.readMsixTable(offset, size), expected);
    }

    private void readPending() {
        int bytes = (model.count + 63) / 64 * 8;
        long offset = offset(bytes);
        int size = size();
        long expected = 0;
        if (isLegal(offset, size, bytes)) {
            for (int at = 0; at < size; at++) {
                expected |= model.pendingByte((int) offset + at) << 8 * at;
            }
        }
        check(msix.readPbaEntries(offset, size), expected);
        msix.writePbaEntries(offset, size, random.nextLong());
    }

    private void writeControl() {
        int size = random.nextInt(3) == 0 ? size() : 2;
        int offset = random.nextInt(3) == 0 ? random.nextInt(12) - 2 : 2;
        long value = random.nextLong();
        msix.writeMsixCapability(offset, size, value);
        if (offset >= 0 && offset <= 3 && offset + size > 3) {
            int control = (int) (value >>> 8 * (3 - offset));
            model.control((control & 0x80) != 0, (control & 0x40) != 0);
        }
        check(
                msix.readMsixCapability(0x0002_0011),
                0x0002_0011
                        | (model.enabled ? 0x8000_0000 : 0)
                        | (model.functionMasked ? 0x4000_0000 : 0));
    }

    private static void check(long actual, long expected) {
        if (actual != expected) {
            assertThat(actual).isEqualTo(expected);
        }
    }

    /** Saves and restores, here or in a fresh function on a fresh machine. */
    private void saveAndRestore(int handles) {
        msix.sleep();
        if (random.nextBoolean()) {
            msix.restore(msix.snapshot());
        } else {
            MsixConfig fresh = function(model.count, handles);
            fresh.sleep();
            fresh.restore(msix.snapshot());
            msix = fresh;
        }
        msix.wake();
    }

    private void step(int handles) {
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5 -> writeTable();
            case 6, 7, 8 -> readTable();
            case 9, 10 -> readPending();
            case 11, 12 -> writeControl();
            case 13 -> {
                if (random.nextInt(512) == 0) {
                    saveAndRestore(handles);
                }
            }
            default -> {
                int vector = random.nextInt(model.count + 2) - 1;
                msix.trigger(vector);
                model.trigger(vector);
            }
        }
    }

    @Test
    void functionAgreesWithTheModel(TestReporter reporter) {
        long seed = Long.getLong("dalang.seed", System.nanoTime());
        reporter.publishEntry("dalang.seed", Long.toString(seed));
        random = new SplittableRandom(seed);
        int[] counts = {1, 2, 3, 5, 33, 65};
        for (int count : counts) {
            int handles = count == 1 ? 1 : 1 + random.nextInt(count);
            model = new Model(count, handles);
            msix = function(count, handles);
            arrived.clear();
            for (long step = 0; step < STEPS / counts.length; step++) {
                step(handles);
                if (!arrived.equals(model.sent)) {
                    assertThat(arrived)
                            .as("%d vectors, step %d, seed %d", count, step, seed)
                            .isEqualTo(model.sent);
                }
                arrived.clear();
                model.sent.clear();
            }
        }
    }
}
