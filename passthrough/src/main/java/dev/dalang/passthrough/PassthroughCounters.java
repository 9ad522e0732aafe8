package dev.dalang.passthrough;

import java.util.concurrent.atomic.LongAdder;

/** Counts what happens to a device. */
final class PassthroughCounters {
    final LongAdder interrupts = new LongAdder();
    final LongAdder spuriousInterrupts = new LongAdder();
    final LongAdder failedReads = new LongAdder();
    final LongAdder failedWrites = new LongAdder();
    final LongAdder lostAccesses = new LongAdder();
    final LongAdder failures = new LongAdder();
    final LongAdder resets = new LongAdder();
    final LongAdder refusedRegisters = new LongAdder();

    PassthroughCounts counts() {
        return new PassthroughCounts(
                interrupts.sum(),
                spuriousInterrupts.sum(),
                failedReads.sum(),
                failedWrites.sum(),
                lostAccesses.sum(),
                failures.sum(),
                resets.sum(),
                refusedRegisters.sum());
    }
}
