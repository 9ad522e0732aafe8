package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * A command costs no allocation once its queue is warm, whatever it asks for and however its data
 * lies in memory; what the back end needs is its own.
 */
class NvmeAllocationTest {
    private static final int ENTRIES = 64;
    private static final int COMMANDS = 20_000;
    private static final int WARM_UP = 5 * COMMANDS;
    private static final int BATCH = 16;

    private final com.sun.management.ThreadMXBean threads =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long interrupts;
    private NvmeRig rig;
    private NvmeRig.Queue queue;
    private int tail;
    private int head;
    private int phase = 1;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCommandAllocatesNothing(boolean isByMessages) {
        try (NvmeRig made =
                NvmeRig.withMessagesTo((_, _) -> ++interrupts > 0, new ScriptedDisk(1 << 20))) {
            rig = made;
            if (isByMessages) {
                rig.useMessages();
            }
            rig.start();
            queue = rig.queue(1, ENTRIES, ENTRIES, isByMessages ? 1 : 0);
            fill(commands());
            run(WARM_UP);
            long before = threads.getCurrentThreadAllocatedBytes();
            run(COMMANDS);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;

            System.out.printf("%d bytes for %d commands%n", allocated, COMMANDS);
            // What the JVM does beside may cost something; one object for each is 320,000.
            assertThat(allocated).isLessThan(COMMANDS);
            assertThat(interrupts >= COMMANDS).isEqualTo(isByMessages);
            assertThat(rig.device.count(NvmeEvent.READ)).isGreaterThan(COMMANDS);
            assertThat(rig.device.count(NvmeEvent.BOUNCED)).isGreaterThan(COMMANDS / ENTRIES);
        }
    }

    /** Without that, the test above could not fail. */
    @Test
    void whatIsAllocatedIsSeen() {
        List<Object> kept = new ArrayList<>(COMMANDS);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int n = 0; n < COMMANDS; n++) {
            kept.add(new Object());
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                .isGreaterThanOrEqualTo(kept.size() * 8L);
    }

    /** Reads and writes by PRPs and SGLs, short and long, and what else a driver asks for. */
    private List<NvmeEntry> commands() {
        List<NvmeEntry> all = new ArrayList<>();
        long data = rig.pages(1 << 20);
        long scattered = rig.pages(NvmeRig.PAGE);
        for (int n = 0; n < 32; n++) {
            rig.memory.writeLong(scattered + 8L * n, data + 2L * NvmeRig.PAGE * (n + 1));
        }
        for (int n = 0; n < 8; n++) {
            all.add(rig.read(8L * n, 8, data + (long) NvmeRig.PAGE * n, 4096));
            all.add(rig.write(8L * n, 8, data + (long) NvmeRig.PAGE * (n + 9), 4096));
        }
        all.add(NvmeRig.blocks(NvmCommands.READ, 100, 1).prps(data + 512, 0));
        all.add(NvmeRig.blocks(NvmCommands.READ, 0, 256).prps(data, scattered));
        all.add(NvmeRig.blocks(NvmCommands.WRITE, 256, 256).prps(data, scattered));
        all.add(rig.read(0, 512, data, 512 * 512));
        all.add(NvmeRig.blocks(NvmCommands.READ, 7, 2).sgl(data + 4, 1024, 0));
        long segment = rig.pages(48);
        for (int n = 0; n < 3; n++) {
            rig.memory.writeLong(segment + 16L * n, data + 8192L * n);
            rig.memory.writeLong(segment + 16L * n + 8, 1024);
        }
        all.add(NvmeRig.blocks(NvmCommands.WRITE, 7, 6).sgl(segment, 48, 0x30));
        all.add(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        all.add(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 1500, 8));
        all.add(NvmeRig.blocks(NvmCommands.VERIFY, 0, 8));
        long zeros = rig.pages(4096);
        all.add(NvmeRig.blocks(NvmCommands.COMPARE, 1500, 8).prps(zeros, 0));
        long ranges = rig.pages(32);
        rig.memory.writeInt(ranges + 4, 8);
        rig.memory.writeLong(ranges + 8, 1600);
        rig.memory.writeInt(ranges + 20, 8);
        rig.memory.writeLong(ranges + 24, 1700);
        all.add(
                NvmeEntry.of(NvmCommands.DATASET_MANAGEMENT)
                        .namespace(1)
                        .prps(ranges, 0)
                        .word(10, 1)
                        .word(11, 4));
        return all;
    }

    /** Each place of the queue has its command for good. */
    private void fill(List<NvmeEntry> commands) {
        for (int n = 0; n < ENTRIES; n++) {
            NvmeEntry entry = commands.get(n % commands.size()).id(n);
            rig.memory.copyIn(queue.submissions + 64L * n, entry.bytes());
        }
    }

    private void run(int commands) {
        for (int done = 0; done < commands; done += BATCH) {
            tail = (tail + BATCH) % ENTRIES;
            rig.ringTail(1, tail);
            for (int n = 0; n < BATCH; n++) {
                int last = rig.memory.getIntAcquire(queue.completions + 16L * head + 12);
                if (last >>> 16 != phase) {
                    throw new AssertionError(
                            "command %d: %x".formatted(last & 0xffff, last >>> 17));
                }
                head = (head + 1) % ENTRIES;
                phase ^= head == 0 ? 1 : 0;
            }
            rig.ringHead(1, head);
        }
    }
}
