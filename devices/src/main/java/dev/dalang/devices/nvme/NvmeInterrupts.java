package dev.dalang.devices.nvme;

import dev.dalang.pci.PciInterrupts;

import org.jspecify.annotations.Nullable;

/**
 * How the driver hears of completions: a message for each, or a wire that is active as long as
 * there is something in a queue that is not masked (NVMe over PCIe 1.0 §3.5). Any thread.
 */
final class NvmeInterrupts {
    private final QueueTable queues;
    private volatile @Nullable PciInterrupts target;
    private volatile int masked;

    /** Held while the wire is driven, so that the last to drive it has seen the last change. */
    private final Object wire = new Object();

    NvmeInterrupts(QueueTable queues) {
        this.queues = queues;
    }

    void connect(PciInterrupts interrupts) {
        target = interrupts;
    }

    int masked() {
        return masked;
    }

    void mask(int bits) {
        synchronized (wire) {
            masked |= bits;
        }
        settle();
    }

    void unmask(int bits) {
        synchronized (wire) {
            masked &= ~bits;
        }
        settle();
    }

    void restore(int bits) {
        synchronized (wire) {
            masked = bits;
        }
    }

    /** How many vectors can be used at this moment. */
    int vectors() {
        PciInterrupts now = target;
        return now != null && now.isMessageSignalled() ? now.vectors() : 1;
    }

    /** There is something new in a queue. */
    void posted(CompletionQueue queue) {
        PciInterrupts now = target;
        if (queue.hasInterrupt && now != null && !now.triggerMessage(queue.vector)) {
            settle();
        }
    }

    /** The driver has seen something. */
    void seen() {
        PciInterrupts now = target;
        if (now != null && !now.isMessageSignalled()) {
            settle();
        }
    }

    /** Drives the wire as it must be. */
    void settle() {
        PciInterrupts now = target;
        if (now == null) {
            return;
        }
        synchronized (wire) {
            if (!now.isMessageSignalled() && queues.isAnyPending(masked)) {
                now.raise();
            } else {
                now.lower();
            }
        }
    }
}
