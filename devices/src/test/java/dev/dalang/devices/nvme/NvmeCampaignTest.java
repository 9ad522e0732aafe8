package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.storage.BlockStatus;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

/**
 * A driver that does whatever comes to its mind: good commands and bad ones, with pointers
 * anywhere, doorbells, resets and sleep in between. Every good command must be done as it says;
 * after all of it the controller must be one that works. {@code -Ddalang.nvme.operations=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
class NvmeCampaignTest {
    private static final long OPERATIONS = Long.getLong("dalang.nvme.operations", 20_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int ROUND = 500;
    private static final int RAM_BYTES = 1 << 20;
    private static final BlockStatus[] FAILURES = BlockStatus.values();
    private static final int QUEUES = 2;
    private static final int ENTRIES = 16;

    private final Random random = new Random(SEED);
    private NvmeRig rig;
    private NvmeRig.Queue[] queues;
    private byte[] model;
    private long good;
    private long bad;
    private long resets;

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void whateverADriverDoesTheControllerLivesOn(int workers) {
        long seed = SEED;
        for (long done = 0; done < OPERATIONS; done += ROUND) {
            seed = random.nextLong();
            try {
                round(seed, workers);
            } catch (RuntimeException | Error failed) {
                throw new AssertionError("round of seed " + seed, failed);
            }
        }
        System.out.printf(
                "seed %d, %d workers: %d operations, %d good commands, %d others, %d resets%n",
                SEED, workers, OPERATIONS, good, bad, resets);
        assertThat(good).isGreaterThan(OPERATIONS / 20);
        assertThat(bad).isGreaterThan(OPERATIONS / 5);
        assertThat(resets).isGreaterThan(OPERATIONS / 1000);
    }

    private void round(long seed, int workers) {
        random.setSeed(seed);
        WatchedExecutor executor =
                new WatchedExecutor(
                        workers == 0 ? DeviceExecutor.inline() : DeviceExecutor.workers(workers));
        try (NvmeRig made =
                new NvmeRig(
                        new ScriptedDisk(1 << 18),
                        executor,
                        options -> options.queues(4),
                        RAM_BYTES)) {
            rig = made;
            queues = new NvmeRig.Queue[QUEUES + 1];
            start();
            for (int n = 0; n < ROUND; n++) {
                step();
            }
            rig.disk.release();
            rig.device.reset();
            assertThat(rig.status()).isZero();
            rig.device.wake();
            start();
            assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY);
            run(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
            assertThat(rig.device.count(NvmeEvent.DEFECT)).isZero();
        }
        executor.requireNoFailure();
        random.setSeed(seed + 1);
    }

    private void start() {
        rig.start(NvmeRig.ENABLE, NvmeRig.ADMIN_ENTRIES);
        await(NvmeRegisters.CSTS_RDY, NvmeRegisters.CSTS_RDY);
        for (int id = 1; id <= QUEUES; id++) {
            long submissions = rig.pages(64L * ENTRIES);
            long completions = rig.pages(16L * ENTRIES);
            rig.memory.fill(completions, 16L * ENTRIES, (byte) 0);
            run(NvmeRig.createCompletions(id, completions, ENTRIES, 0));
            run(NvmeRig.createSubmissions(id, submissions, ENTRIES, id));
            queues[id] = rig.new Queue(id, submissions, ENTRIES, completions, ENTRIES);
        }
        rig.keep();
    }

    /** Has something done, on whatever thread. */
    private void run(NvmeEntry entry) {
        run(rig.admin, entry);
    }

    private static void run(NvmeRig.Queue queue, NvmeEntry entry) {
        queue.submit(entry);
        NvmeRig.Done done = queue.poll();
        while (done == null) {
            Thread.onSpinWait();
            done = queue.poll();
        }
        assertThat(done.status()).isZero();
    }

    private void await(int mask, int value) {
        while ((rig.status() & mask) != value) {
            Thread.onSpinWait();
        }
    }

    private void step() {
        rig.recycle();
        switch (random.nextInt(40)) {
            case 0 -> rig.ringTail(random.nextInt(8), random.nextInt(1 << random.nextInt(18)));
            case 1 -> rig.ringHead(random.nextInt(8), random.nextInt(1 << random.nextInt(18)));
            case 2 -> rig.bar.write(random.nextInt(0x1100), 1 << random.nextInt(4), bits());
            case 3 -> rig.bar.read(random.nextInt(0x1100), 1 << random.nextInt(4));
            case 4 -> {
                if (random.nextInt(4) == 0) {
                    restart();
                }
            }
            case 5 -> rig.disk.failNext(FAILURES[random.nextInt(FAILURES.length)]);
            case 6 -> rig.disk.hold();
            case 7, 8 -> rig.disk.release();
            case 9 -> suspend();
            case 10, 11, 12, 13, 14 -> goodWrite();
            case 15 -> scribble();
            default -> hostile();
        }
    }

    private long bits() {
        return random.nextLong() >>> random.nextInt(64);
    }

    private void restart() {
        resets++;
        rig.disk.release();
        rig.stop();
        await(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS, 0);
        start();
    }

    private void suspend() {
        rig.disk.release();
        rig.device.sleep();
        rig.device.restore(rig.device.snapshot());
        rig.device.wake();
    }

    /** A driver may write its queues, its lists and its data at any time. */
    private void scribble() {
        byte[] noise = new byte[64];
        random.nextBytes(noise);
        rig.memory.copyIn(NvmeRig.RAM + 64L * random.nextInt(1024), noise);
    }

    /** On a controller that works, what is written is there. */
    private void goodWrite() {
        restart();
        good++;
        model = new byte[512 * (1 + random.nextInt(64))];
        random.nextBytes(model);
        int block = random.nextInt(512 - model.length / 512);
        rig.disk.release();
        rig.disk.failNoMore();
        run(NvmeEntry.of(AdminCommands.FORMAT).namespace(1)); // maybe it has other blocks
        NvmeRig.Queue queue = queues[1 + random.nextInt(QUEUES)];
        run(queue, rig.write(block, model.length / 512, rig.put(model), model.length));
        long target = rig.pages(model.length + 4) + 4L * random.nextInt(2);
        run(queue, rig.read(block, model.length / 512, target, model.length));
        assertThat(rig.get(target, model.length)).isEqualTo(model);
    }

    private void hostile() {
        bad++;
        int which = random.nextInt(QUEUES + 1);
        NvmeRig.Queue queue = which == 0 ? rig.admin : queues[which];
        int opcode =
                random.nextInt(4) == 0
                        ? random.nextInt(256)
                        : which == 0
                                ? AdminCommands.OPCODES[
                                        random.nextInt(AdminCommands.OPCODES.length)]
                                : NvmCommands.OPCODES[random.nextInt(NvmCommands.OPCODES.length)];
        NvmeEntry entry =
                NvmeEntry.of(opcode).namespace(random.nextInt(8) == 0 ? random.nextInt() : 1);
        if (random.nextBoolean()) {
            entry.prps(address(), address());
        } else {
            entry.sgl(address(), bits(), random.nextInt(8) << 4 | (random.nextInt(8) == 0 ? 1 : 0));
        }
        for (int word = 10; word < 16; word++) {
            entry.word(word, random.nextInt(3) == 0 ? 0 : (int) bits());
        }
        queue.add(entry);
        rig.ringTail(queue.id, queue.tail);
        if (random.nextInt(3) != 0) {
            while (queue.poll() != null) {
                // The driver has seen it.
            }
        }
    }

    private long address() {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextLong();
            case 1 -> NvmeRig.RAM + RAM_BYTES - random.nextInt(8192);
            case 2, 3 -> NvmeRig.RAM + random.nextInt(1 << 18);
            default -> NvmeRig.RAM + 4096L * random.nextInt(64);
        };
    }
}
