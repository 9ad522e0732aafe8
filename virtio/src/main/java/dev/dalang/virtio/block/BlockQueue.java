package dev.dalang.virtio.block;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;
import dev.dalang.virtio.VirtioInterrupt;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.Set;

/**
 * A queue of requests. Its handler takes them and gives them to the back end; the back end's
 * threads give them back to the driver. The lock is what makes these one user of the queue; it is
 * not held while the back end is called.
 */
final class BlockQueue {
    private final VirtQueue queue;
    private final VirtioInterrupt interrupt;
    private final BlockBackend backend;
    private final BlockParser parser;
    private final BlockCounters counters;
    private final @Nullable RateLimiter limiter;
    private final WriteMode mode;

    /** Guards the queue and what follows. */
    private final Object lock = new Object();

    private final Set<BlockCommand> inFlight = new HashSet<>();
    private boolean isRetired;

    /** How changes are to be done at this moment. */
    @FunctionalInterface
    interface WriteMode {
        boolean isDurable();
    }

    BlockQueue(
            VirtQueue queue,
            VirtioInterrupt interrupt,
            BlockBackend backend,
            BlockParser parser,
            BlockCounters counters,
            @Nullable RateLimiter limiter,
            WriteMode mode) {
        this.queue = queue;
        this.interrupt = interrupt;
        this.backend = backend;
        this.parser = parser;
        this.counters = counters;
        this.limiter = limiter;
        this.mode = mode;
    }

    /** The queue's handler. */
    void serve() {
        boolean goesOn = true;
        while (goesOn) {
            synchronized (lock) {
                queue.disableNotification();
            }
            if (!drain()) {
                // The limiter calls when there are tokens again; the driver need not.
                return;
            }
            synchronized (lock) {
                goesOn = queue.enableNotification();
            }
        }
    }

    /** Takes all there is; false if the rest must wait for tokens. */
    private boolean drain() {
        while (true) {
            BlockCommand command;
            synchronized (lock) {
                DescriptorChain chain = queue.pop();
                if (chain == null) {
                    return true;
                }
                if (!mayPass(chain)) {
                    counters.count(VirtioBlockEvent.HELD_BACK);
                    queue.undoPop(chain);
                    return false;
                }
                if (chain.writableBytes() == 0) {
                    counters.count(VirtioBlockEvent.NO_STATUS);
                    giveBack(chain, 0);
                    continue;
                }
                command = begin(chain);
                if (command.pending == 0) {
                    finish(command);
                    continue;
                }
                inFlight.add(command);
            }
            command.requests.forEach(backend::submit);
        }
    }

    private boolean mayPass(DescriptorChain chain) {
        return limiter == null || limiter.tryAcquire(chain.readableBytes() + chain.writableBytes());
    }

    private BlockCommand begin(DescriptorChain chain) {
        BlockCommand[] made = new BlockCommand[1];
        made[0] = parser.parse(chain, mode.isDurable(), (_, status) -> ended(made[0], status));
        return made[0];
    }

    /** A request has ended: on a thread of the back end's, or inside its submission. */
    private void ended(BlockCommand command, BlockStatus status) {
        synchronized (lock) {
            command.ended(status);
            if (command.pending > 0) {
                return;
            }
            inFlight.remove(command);
            if (isRetired) {
                counters.count(VirtioBlockEvent.ABANDONED);
                queue.complete(command.chain, 0); // dropped; the object is used no more
            } else {
                finish(command);
            }
            if (inFlight.isEmpty()) {
                lock.notifyAll();
            }
        }
    }

    /** Writes the status and gives the chain back. */
    private void finish(BlockCommand command) {
        counters.count(command.event);
        DescriptorChain chain = command.chain;
        try {
            if (command.readBytes > 0) {
                // Also after an error: some of the bytes may be there.
                chain.written(command.readBytes);
            }
            // The length says how much was written from the first byte on (§2.7.8.2).
            long sure = command.status == BlockCommand.VIRTIO_BLK_S_OK ? chain.bytesWritten() : 0;
            chain.skipWritable(chain.writableLeft() - BlockCommand.STATUS_BYTES);
            long end = chain.bytesWritten();
            chain.writeByte((byte) command.status);
            giveBack(chain, sure == end ? end + BlockCommand.STATUS_BYTES : sure);
        } catch (GuestMemoryException nowhere) {
            counters.count(VirtioBlockEvent.NO_STATUS);
            giveBack(chain, 0);
            interrupt.needsReset(
                    "the status of a request cannot be written: " + nowhere.getMessage());
        }
    }

    private void giveBack(DescriptorChain chain, long bytesWritten) {
        queue.complete(chain, bytesWritten);
        if (queue.needsNotification()) {
            queue.notifyDriver();
        }
    }

    /** Ends the queue: when this returns, nothing of it touches memory. Its handler has ended. */
    void retire() {
        synchronized (lock) {
            isRetired = true;
            queue.retire();
            for (BlockCommand command : inFlight) {
                command.requests.forEach(BlockRequest::cancel);
            }
        }
        awaitIdle();
    }

    /** Waits until no request is in flight. The handler has ended. */
    void awaitIdle() {
        boolean interrupted = false;
        synchronized (lock) {
            while (!inFlight.isEmpty()) {
                try {
                    lock.wait();
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
