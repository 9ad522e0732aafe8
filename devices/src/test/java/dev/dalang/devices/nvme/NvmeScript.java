package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.storage.BlockStatus;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Has a driver do what a string of bytes says, record by record: commands that make sense, commands
 * of any bytes with PRP lists and SGLs of any shape in memory, doorbells, registers, a back end
 * that fails or waits, resets, sleep and snapshots. What makes sense, on a controller that nothing
 * else was done to, must be done as it says; nothing must escape; and in the end the controller
 * must be one that works.
 */
final class NvmeScript {
    private static final int RAM_BYTES = 1 << 20;
    private static final int PAGES = RAM_BYTES / NvmeRig.PAGE;
    private static final int DISK_BYTES = 1 << 16;
    private static final int QUEUES = 2;
    private static final int ENTRIES = 8;

    /** More than there are, so that the script needs not end for the run to end. */
    private static final int MAX_RECORDS = 256;

    private static final BlockStatus[] FAILURES = BlockStatus.values();

    private final WatchedExecutor executor = new WatchedExecutor(DeviceExecutor.inline());
    private final NvmeRig.Queue[] queues = new NvmeRig.Queue[QUEUES + 1];
    private NvmeRig rig;
    private byte[] script = {};
    private int at;

    /** Whether the driver has done something since the start that it should not. */
    private boolean isSuspect;

    /** Whether the back end holds requests. */
    private boolean isHeld;

    long good;
    long others;
    long resets;

    void run(byte[] bytes) {
        script = bytes;
        at = 0;
        try (NvmeRig made =
                new NvmeRig(
                        new ScriptedDisk(DISK_BYTES),
                        executor,
                        options -> options.queues(4),
                        RAM_BYTES)) {
            rig = made;
            if ((next() & 1) != 0) {
                rig.useMessages();
            }
            start();
            for (int n = 0; n < MAX_RECORDS && at < script.length; n++) {
                rig.recycle();
                step(next());
                assertThat(rig.device.count(NvmeEvent.DEFECT)).as("defects").isZero();
                executor.requireNoFailure();
            }
            recover();
            write(0);
            read(0);
            assertThat(rig.device.count(NvmeEvent.DEFECT)).as("defects").isZero();
        }
        executor.requireNoFailure();
    }

    /** The next byte; 0 at the end. */
    private int next() {
        return at < script.length ? script[at++] & 0xff : 0;
    }

    private int nextInt() {
        return next() | next() << 8 | next() << 16 | next() << 24;
    }

    private long nextLong() {
        return nextInt() & 0xffff_ffffL | (long) nextInt() << 32;
    }

    private void step(int kind) {
        switch (kind & 15) {
            case 0 -> whenWell(() -> write(next()));
            case 1 -> whenWell(() -> read(next()));
            case 2 -> whenWell(this::change);
            case 3 -> whenWell(this::ask);
            case 4, 5, 6 -> command(1 + next() % QUEUES);
            case 7, 8 -> command(0);
            case 9 -> ring();
            case 10 -> register();
            case 11 -> rig.disk.failNext(FAILURES[next() % FAILURES.length]);
            case 12 -> hold();
            case 13 -> suspend();
            case 14 -> scribble();
            default -> reset(next());
        }
    }

    // ---------------------------------------------------------------- the controller's life

    private void start() {
        rig.write(NvmeRegisters.CSTS, NvmeRegisters.CSTS_NSSRO); // a driver clears it by that
        rig.start();
        for (int id = 1; id <= QUEUES; id++) {
            queues[id] = rig.queue(id, ENTRIES);
        }
        queues[0] = rig.admin;
        isSuspect = false;
    }

    private void release() {
        isHeld = false;
        rig.disk.release();
    }

    private void restart() {
        resets++;
        release();
        rig.disk.failNoMore();
        rig.stop();
        int alive = NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS;
        assertThat(rig.status() & alive).as("it is reset").isZero();
        start();
    }

    /** As at the beginning, whatever was done. */
    private void recover() {
        restart();
        rig.admin.ok(NvmeEntry.of(AdminCommands.FORMAT).namespace(1)); // blocks of 512 bytes
    }

    private void whenWell(Runnable deed) {
        rig.disk.failNoMore();
        if (isSuspect || isHeld) {
            recover();
        }
        good++;
        deed.run();
    }

    private void reset(int how) {
        resets++;
        isSuspect = true;
        switch (how & 3) {
            case 0 -> rig.stop();
            case 1 -> rig.write(NvmeRegisters.NSSR, NvmeRegisters.NSSR_NVME);
            case 2 -> {
                release();
                rig.device.reset();
            }
            default -> rig.write(NvmeRegisters.CC, NvmeRig.ENABLE | (how >>> 2 & 3) << 14);
        }
    }

    private void hold() {
        if (isHeld) {
            release();
        } else {
            rig.disk.hold();
            isHeld = true;
        }
    }

    private void suspend() {
        release();
        rig.device.sleep();
        Snapshot snapshot = rig.device.snapshot();
        assertThat(rig.device.snapshot()).isEqualTo(snapshot);
        rig.device.restore(snapshot);
        assertThat(rig.device.snapshot()).isEqualTo(snapshot);
        rig.device.wake();
    }

    // ---------------------------------------------------------------- what makes sense

    private NvmeRig.Queue queue() {
        return queues[1 + next() % QUEUES];
    }

    private static byte[] content(int seed, int bytes) {
        byte[] content = new byte[bytes];
        new SplittableRandom(seed).nextBytes(content);
        return content;
    }

    private void write(int choice) {
        int count = 1 + choice % 32;
        int block = next() % (128 - count);
        byte[] content = content(choice, 512 * count);
        queue().ok(rig.write(block, count, rig.put(content), content.length));
        assertThat(onDisk(block, count)).isEqualTo(content);
    }

    private byte[] onDisk(int block, int count) {
        return Arrays.copyOfRange(rig.disk.content, 512 * block, 512 * (block + count));
    }

    private void read(int choice) {
        int count = 1 + choice % 32;
        int block = next() % (128 - count);
        int bytes = 512 * count;
        long target = rig.pages(bytes + 256) + 4L * (next() % 64);
        queue().ok(rig.read(block, count, target, bytes));
        assertThat(rig.get(target, bytes)).isEqualTo(onDisk(block, count));
    }

    private void change() {
        int count = 1 + next() % 32;
        int block = next() % (128 - count);
        switch (next() & 3) {
            case 0 -> {
                queue().ok(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, block, count));
                assertThat(onDisk(block, count)).containsOnly(0);
            }
            case 1 -> {
                byte[] same = onDisk(block, count);
                long there = rig.put(same);
                NvmeEntry compare = NvmeRig.blocks(NvmCommands.COMPARE, block, count);
                queue().ok(rig.over(compare, there, same.length));
            }
            case 2 -> {
                long range = rig.pages(16);
                rig.memory.writeInt(range + 4, count);
                rig.memory.writeLong(range + 8, block);
                queue().ok(
                                NvmeEntry.of(NvmCommands.DATASET_MANAGEMENT)
                                        .namespace(1)
                                        .prps(range, 0)
                                        .word(11, 4));
                assertThat(onDisk(block, count)).containsOnly(ScriptedDisk.DISCARDED);
            }
            default -> queue().ok(NvmeRig.blocks(NvmCommands.VERIFY, block, count));
        }
    }

    private void ask() {
        switch (next() & 3) {
            case 0 -> assertThat(rig.identify(1, 0)).hasSize(NvmeRig.PAGE);
            case 1 -> assertThat(rig.identify(0, 1)).hasSize(NvmeRig.PAGE);
            case 2 -> assertThat(rig.log(NvmeLogs.HEALTH, 512)).hasSize(512);
            default -> rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 7));
        }
    }

    // ---------------------------------------------------------------- what may make none

    /** A command of any bytes, but mostly one that is known, of the one namespace. */
    private void command(int id) {
        others++;
        isSuspect = true;
        int[] opcodes = id == 0 ? AdminCommands.OPCODES : NvmCommands.OPCODES;
        int shape = next();
        NvmeEntry entry =
                NvmeEntry.of((shape & 7) == 7 ? next() : opcodes[next() % opcodes.length])
                        .namespace((shape & 0x38) == 0x38 ? nextInt() : 1);
        pointers(entry, shape >>> 6);
        int words = next();
        for (int n = 0; n < 6; n++) {
            if ((words >>> n & 1) != 0) {
                entry.word(10 + n, (words & 0x80) != 0 ? nextInt() : next());
            }
        }
        if ((words & 0x40) != 0) {
            entry.flags(next());
        }
        NvmeRig.Queue queue = queues[id];
        queue.add(entry);
        queue.ring();
        look(queue);
    }

    private void look(NvmeRig.Queue queue) {
        for (int n = 0; n < queue.completionEntries && queue.poll() != null; n++) {
            // The driver has seen it.
        }
    }

    private void pointers(NvmeEntry entry, int shape) {
        switch (shape) {
            case 0 -> entry.prps(address(), address());
            case 1 -> entry.prps(address(), prpList(0));
            case 2 -> {
                long word = nextLong();
                entry.sgl(address(), word & 0xffff, (int) (word >>> 56));
            }
            default -> {
                int count = 1 + next() % 12;
                entry.sgl(segment(count, 0), 16L * count, next() % 2 == 0 ? 0x30 : 0x20);
            }
        }
    }

    /** Mostly in memory, and mostly where it is of use. */
    private long address() {
        int choice = next();
        return switch (choice & 7) {
            case 0 -> nextLong();
            case 1 -> NvmeRig.RAM + RAM_BYTES - (choice >>> 3) * 4L;
            case 2 -> -1L << (choice >>> 3);
            case 3 -> NvmeRig.RAM + next() * (long) NvmeRig.PAGE + (choice >>> 3) * 128L;
            case 4 -> NvmeRig.RAM + next() * 4L;
            default -> NvmeRig.RAM + (long) NvmeRig.PAGE * (next() % PAGES);
        };
    }

    /** A list of pages; its last entry may be another list, or itself. */
    private long prpList(int depth) {
        int choice = next();
        long list = rig.pages(NvmeRig.PAGE);
        long from = list + ((choice & 3) == 3 ? NvmeRig.PAGE - 8L * (choice >>> 2) - 8 : 0);
        int entries = (int) Math.min(2 + (choice >>> 2), (list + NvmeRig.PAGE - from) / 8);
        for (int n = 0; n < entries; n++) {
            long page = NvmeRig.RAM + (long) NvmeRig.PAGE * ((64 + n + choice) % PAGES);
            rig.memory.writeLong(from + 8L * n, page);
        }
        rig.memory.writeLong(from + 8L * (entries - 1), last(list, depth));
        return (choice & 3) == 2 ? from + next() % 8 : from;
    }

    private long last(long list, int depth) {
        return switch (next() & 3) {
            case 0 -> list;
            case 1 -> depth < 3 ? prpList(depth + 1) : list;
            case 2 -> address();
            default -> NvmeRig.RAM + RAM_BYTES - NvmeRig.PAGE;
        };
    }

    /** A segment of descriptors; any of them may be another segment, or itself. */
    private long segment(int count, int depth) {
        long segment = rig.pages(16L * count);
        for (int n = 0; n < count; n++) {
            int choice = next();
            long length = (choice & 0x80) != 0 ? nextInt() & 0xffff_ffffL : (choice & 0x70) << 5;
            long address = NvmeRig.RAM + (long) NvmeRig.PAGE * ((100 + n) % PAGES);
            int type = 0;
            switch (choice & 15) {
                case 0, 1, 2, 3, 4, 5, 6, 7, 8 -> {
                    // Data, where it can be.
                }
                case 9 -> type = 0x10;
                case 10 -> address = address();
                case 11 -> type = next();
                case 12 -> {
                    type = 0x30;
                    address = segment;
                    length = 16L * count;
                }
                default -> {
                    type = (choice & 1) == 0 ? 0x20 : 0x30;
                    int more = 1 + next() % 4;
                    address = depth < 3 ? segment(more, depth + 1) : segment;
                    length = 16L * more;
                }
            }
            rig.memory.writeLong(segment + 16L * n, address);
            rig.memory.writeLong(segment + 16L * n + 8, length & 0xffff_ffffL | (long) type << 56);
        }
        return segment;
    }

    private void ring() {
        others++;
        isSuspect = true;
        int which = next();
        int value = (which & 0x80) != 0 ? nextInt() : next();
        if ((which & 0x40) != 0) {
            rig.ringHead(which & 7, value);
        } else {
            rig.ringTail(which & 7, value);
        }
    }

    private void register() {
        others++;
        isSuspect = true;
        int choice = next();
        int size = 1 << (choice >>> 4 & 3);
        int offset = (choice & 15) * 4 + (choice >= 0xc0 ? next() : 0);
        rig.bar.read(offset, size);
        rig.bar.write(offset, size, nextLong());
    }

    /** A driver may write its queues, its lists and its data at any time. */
    private void scribble() {
        others++;
        isSuspect = true;
        byte[] noise = new byte[64];
        for (int n = 0; n < 16; n++) {
            noise[n] = (byte) next();
        }
        rig.memory.copyIn(NvmeRig.RAM + 16L * next(), noise);
        for (NvmeRig.Queue queue : queues) {
            look(queue);
        }
    }
}
