package dev.dalang.virtio;

import java.util.concurrent.atomic.LongAdder;

/** The counters behind {@link VirtioCounts}. Any thread. */
final class CoreCounters {
    final LongAdder activations = new LongAdder();
    final LongAdder resets = new LongAdder();
    final LongAdder failedActivations = new LongAdder();
    final LongAdder failedResets = new LongAdder();
    final LongAdder refusedFeatures = new LongAdder();
    final LongAdder needsResets = new LongAdder();
    final LongAdder brokenQueues = new LongAdder();
    final LongAdder notifications = new LongAdder();
    final LongAdder droppedNotifications = new LongAdder();
    final LongAdder interrupts = new LongAdder();
    final LongAdder droppedInterrupts = new LongAdder();
    final LongAdder failedCalls = new LongAdder();

    VirtioCounts counts() {
        return new VirtioCounts(
                activations.sum(),
                resets.sum(),
                failedActivations.sum(),
                failedResets.sum(),
                refusedFeatures.sum(),
                needsResets.sum(),
                brokenQueues.sum(),
                notifications.sum(),
                droppedNotifications.sum(),
                interrupts.sum(),
                droppedInterrupts.sum(),
                failedCalls.sum());
    }
}
