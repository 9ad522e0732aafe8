package dev.dalang.devices.nvme;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;

/**
 * Buffers for data that cannot go straight between the disk and the driver's memory: what is
 * compared or only looked at, what is dropped in part, and memory that is not mapped here. There
 * are few, and who finds none waits; made when first needed. Any thread.
 */
final class BouncePool {
    /** How many there are: each as large as the greatest transfer. */
    static final int BUFFERS = 8;

    private final int bytes;
    private final ArrayDeque<BounceBuffer> free = new ArrayDeque<>(BUFFERS);
    private final ArrayDeque<NvmeCommand> waiting = new ArrayDeque<>();
    private int made;

    BouncePool(int bytes) {
        this.bytes = bytes;
    }

    /** Takes one; null if the command has to wait, and is among those that do. */
    synchronized @Nullable BounceBuffer take(NvmeCommand command) {
        BounceBuffer buffer = free.poll();
        if (buffer == null && made < BUFFERS) {
            made++;
            buffer = new BounceBuffer(bytes);
        }
        if (buffer == null) {
            waiting.add(command);
        }
        return buffer;
    }

    /** Gives one back; true if somebody waits for it. */
    synchronized boolean release(BounceBuffer buffer) {
        free.add(buffer);
        return !waiting.isEmpty();
    }

    /** The next that waits, if there is a buffer for it, or if it is to wait no longer. */
    synchronized @Nullable NvmeCommand next(boolean isOver) {
        return isOver || !free.isEmpty() ? waiting.poll() : null;
    }
}
