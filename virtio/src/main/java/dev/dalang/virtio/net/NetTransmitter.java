package dev.dalang.virtio.net;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.net.Frame;
import dev.dalang.net.NetworkBackend;
import dev.dalang.virtio.VirtioInterrupt;
import dev.dalang.virtio.queue.ChainException;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.function.BooleanSupplier;

/** A transmit queue: its handler takes frames out of chains and sends them. */
final class NetTransmitter {
    /** Chains that go back to the driver at once. */
    private static final int BATCH = 32;

    private final VirtQueue queue;
    private final VirtioInterrupt interrupt;
    private final BooleanSupplier cable;
    private final NetworkBackend backend;
    private final @Nullable RateLimiter limiter;
    private final NetCounters counters;
    private final Steering steering;
    private final int pair;
    private final long features;
    private final Frame frame = new Frame();

    /** There were tokens for the next frame, and no room: it comes again. */
    private boolean paid;

    NetTransmitter(
            VirtQueue queue,
            VirtioInterrupt interrupt,
            BooleanSupplier cable,
            NetworkBackend backend,
            @Nullable RateLimiter limiter,
            NetCounters counters,
            Steering steering,
            int pair,
            long features) {
        this.queue = queue;
        this.interrupt = interrupt;
        this.cable = cable;
        this.backend = backend;
        this.limiter = limiter;
        this.counters = counters;
        this.steering = steering;
        this.pair = pair;
        this.features = features;
    }

    /** The handler of the queue. */
    void run() {
        do {
            queue.disableNotification();
            if (!drain()) {
                return; // whoever has no room rings again when there is some
            }
        } while (queue.enableNotification());
    }

    private boolean drain() {
        boolean room = true;
        int collected = 0;
        DescriptorChain chain = queue.pop();
        while (chain != null) {
            try {
                room = send(chain);
            } catch (GuestMemoryException | ChainException notMemory) {
                queue.undoPop(chain); // nothing is in flight when the device is put to sleep
                publish();
                interrupt.needsReset("a frame cannot be read: " + notMemory.getMessage());
                return false;
            }
            if (!room) {
                counters.count(VirtioNetEvent.SEND_HELD_BACK);
                queue.undoPop(chain);
                break;
            }
            queue.completeLater(chain, 0);
            collected++;
            if (collected == BATCH) {
                collected = 0;
                publish();
            }
            chain = queue.pop();
        }
        publish();
        return room;
    }

    private void publish() {
        queue.publish();
        if (queue.needsNotification()) {
            queue.notifyDriver();
        }
    }

    /** Sends what is in a chain, or drops it for good; false if there is no room now. */
    private boolean send(DescriptorChain chain) {
        if (!NetHeader.read(chain, frame, features)) {
            counters.count(VirtioNetEvent.SEND_MALFORMED);
            return true;
        }
        if (!cable.getAsBoolean()) {
            counters.count(VirtioNetEvent.SEND_DROPPED);
            return true;
        }
        if (limiter != null && !paid && !limiter.tryAcquire(frame.length())) {
            return false;
        }
        steering.learn(frame, pair);
        paid = !backend.send(frame);
        if (paid) {
            return false;
        }
        counters.count(VirtioNetEvent.SENT);
        return true;
    }
}
