package dev.dalang.virtio.rng;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioDeviceType;
import dev.dalang.virtio.VirtioException;
import dev.dalang.virtio.VirtioHost;
import dev.dalang.virtio.VirtioQueueReset;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * The entropy device (virtio 1.3 §5.4): fills the buffers of its one queue with random bytes, at
 * most {@link #MAX_REQUEST_BYTES} of each, and at most so many a second. A guest that asks without
 * end thus takes no more of the host than it was given.
 *
 * <p>Its queue's handler runs on the machine's executor, like that of any device.
 */
public final class VirtioRng implements VirtioDevice, VirtioQueueReset {
    /** How much of one buffer is filled. Without a bound, a buffer of 4 GiB would hold the host. */
    public static final int MAX_REQUEST_BYTES = 64 * 1024;

    /** The rate unless another is asked for: 1 MiB a second. */
    public static final long DEFAULT_BYTES_PER_SECOND = 1 << 20;

    private static final int QUEUE = 0;
    private static final int QUEUE_SIZE = 256;

    private final EntropySource source;
    private final RateLimiter.Rate rate;
    private final byte[] bytes = new byte[MAX_REQUEST_BYTES];
    private final LongAdder requests = new LongAdder();
    private final LongAdder given = new LongAdder();
    private final LongAdder capped = new LongAdder();
    private final LongAdder empty = new LongAdder();
    private final LongAdder throttled = new LongAdder();
    private @Nullable RateLimiter limiter;
    private volatile @Nullable VirtioActivation active;

    private VirtioRng(EntropySource source, RateLimiter.Rate rate) {
        this.source = source;
        this.rate = rate;
    }

    /**
     * {@return a device with the host's entropy and the rate of {@link #DEFAULT_BYTES_PER_SECOND}}
     */
    public static VirtioRng create() {
        return of(EntropySource.host(), DEFAULT_BYTES_PER_SECOND);
    }

    /**
     * Makes a device.
     *
     * @param source where its bytes come from, for this device alone
     * @param bytesPerSecond 1 to {@link RateLimiter#MAX}; a buffer passes at once after a pause
     * @return the device
     * @throws IllegalArgumentException if the rate is outside that range
     */
    public static VirtioRng of(EntropySource source, long bytesPerSecond) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException(
                    "expected a rate of 1.."
                            + RateLimiter.MAX
                            + " bytes a second, got "
                            + bytesPerSecond);
        }
        return new VirtioRng(source, new RateLimiter.Rate(bytesPerSecond, MAX_REQUEST_BYTES));
    }

    /** {@return what the device has done} */
    public RngCounts counts() {
        return new RngCounts(
                requests.sum(), given.sum(), capped.sum(), empty.sum(), throttled.sum());
    }

    @Override
    public VirtioDeviceType type() {
        return VirtioDeviceType.RNG;
    }

    @Override
    public List<Integer> queueMaxSizes() {
        return List.of(QUEUE_SIZE);
    }

    @Override
    public void attach(VirtioHost host) {
        limiter = new RateLimiter(host.clock(), RateLimiter.Rate.UNLIMITED, rate, this::refilled);
    }

    /** There are tokens again: on the clock's thread. */
    private void refilled() {
        VirtioActivation now = active;
        if (now != null) {
            now.notifyQueue(QUEUE);
        }
    }

    @Override
    public void activate(VirtioActivation given) {
        active = given;
        if (given.queues().containsKey(QUEUE)) {
            bind(given.queue(QUEUE), given);
        }
    }

    private void bind(VirtQueue queue, VirtioActivation to) {
        RateLimiter bound = requireLimiter();
        to.onNotify(QUEUE, () -> serve(queue, bound));
    }

    private void serve(VirtQueue queue, RateLimiter bound) {
        do {
            queue.disableNotification();
            boolean waits = false;
            DescriptorChain chain;
            while (!waits && (chain = queue.pop()) != null) {
                int length = (int) Math.min(chain.writableBytes(), MAX_REQUEST_BYTES);
                if (bound.tryAcquire(length)) {
                    fill(queue, chain, length);
                } else {
                    throttled.increment();
                    queue.undoPop(chain);
                    waits = true;
                }
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
            if (waits) {
                // The limiter calls when there are tokens again; the driver need not.
                return;
            }
        } while (queue.enableNotification());
    }

    private void fill(VirtQueue queue, DescriptorChain chain, int length) {
        if (length == 0) {
            empty.increment();
        } else {
            if (chain.writableBytes() > length) {
                capped.increment();
            }
            source.fill(bytes, length);
            chain.write(bytes, 0, length);
            requests.increment();
            given.add(length);
        }
        queue.complete(chain, length);
    }

    @Override
    public void queueReset(int queue) {}

    @Override
    public void queueEnabled(VirtQueue queue, VirtioActivation now) {
        bind(queue, now);
    }

    @Override
    public void reset() {
        active = null;
    }

    @Override
    public void sleep() {
        active = null;
        requireLimiter().sleep();
    }

    @Override
    public void wake(Optional<VirtioActivation> given) {
        given.ifPresent(this::activate);
        requireLimiter().wake();
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(typeId(), 1)
                .put("limiter", requireLimiter().snapshot())
                .put("source", source.snapshot())
                .build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(typeId(), 1);
        Snapshot savedSource = snapshot.getSnapshot("source");
        RateLimiter bound = requireLimiter();
        Snapshot before = bound.snapshot();
        bound.restore(snapshot.getSnapshot("limiter"));
        try {
            source.restore(savedSource);
        } catch (RuntimeException refused) {
            bound.restore(before);
            throw refused;
        }
    }

    private RateLimiter requireLimiter() {
        RateLimiter made = limiter;
        if (made == null) {
            throw new VirtioException(label() + " has no transport");
        }
        return made;
    }
}
