package dev.dalang.virtio.block;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockTopology;
import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.VirtioBootOrder;
import dev.dalang.virtio.VirtioConfigSpace;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioDeviceType;
import dev.dalang.virtio.VirtioHost;
import dev.dalang.virtio.VirtioQueueReset;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A disk (virtio 1.3 §5.2). Requests go to the back end as they come, as many as the queues hold,
 * and return in the order in which they are done. Before the device sleeps it waits for what is in
 * flight; at a reset it takes back what has not begun, and waits for the rest.
 *
 * <p>A request that makes no sense is answered with an error and counted. One whose status cannot
 * be written leaves the device in need of a reset.
 */
public final class VirtioBlockDevice
        implements VirtioDevice, VirtioConfigSpace, VirtioQueueReset, VirtioBootOrder {
    /** The greatest number of queues. */
    public static final int MAX_QUEUES = 64;

    private static final int VERSION = 1;
    private static final int QUEUE_SIZE = 256;

    private final BlockBackend backend;
    private final byte[] id;
    private final int queueCount;
    private final RateLimiter.Rate operations;
    private final RateLimiter.Rate bytes;
    private final BlockConfig config;
    private final BlockCounters counters = new BlockCounters();

    /** By index. */
    private final ConcurrentHashMap<Integer, BlockQueue> queues = new ConcurrentHashMap<>();

    private volatile boolean isWriteback = true;
    private volatile long features;
    private @Nullable RateLimiter limiter;
    private volatile @Nullable VirtioActivation active;

    private VirtioBlockDevice(Builder builder) {
        backend = builder.backend;
        id = builder.id;
        queueCount = builder.queues;
        operations = builder.operations;
        bytes = builder.bytes;
        config = new BlockConfig(backend.topology(), queueCount, backend.isReadOnly());
    }

    /**
     * Begins a disk.
     *
     * @param backend what stands behind it; the disk closes it when it is detached
     * @return its options
     */
    public static Builder builder(BlockBackend backend) {
        return new Builder(backend);
    }

    /** {@return what stands behind the disk} */
    public BlockBackend backend() {
        return backend;
    }

    /**
     * Tells how often something happened. Any thread.
     *
     * @param event what happened
     * @return how often
     */
    public long count(VirtioBlockEvent event) {
        return counters.get(event);
    }

    /**
     * Makes the disk larger; its driver hears of it. Any thread.
     *
     * @param sizeBytes as of {@link BlockBackend#resize}
     * @throws IOException if the host refuses
     * @throws IllegalArgumentException if the disk cannot be of that size
     */
    public void resize(long sizeBytes) throws IOException {
        backend.resize(sizeBytes);
    }

    // ---------------------------------------------------------------- constants

    @Override
    public VirtioDeviceType type() {
        return VirtioDeviceType.BLOCK;
    }

    @Override
    public List<Integer> queueMaxSizes() {
        return Collections.nCopies(queueCount, QUEUE_SIZE);
    }

    @Override
    public long features() {
        return VirtioBlockFeatures.offered(backend.isReadOnly(), queueCount > 1);
    }

    @Override
    public String bootorderNode(String unit) {
        return "scsi@" + unit + "/disk@0,0";
    }

    // ---------------------------------------------------------------- configuration

    @Override
    public int configBytes() {
        return BlockConfig.BYTES;
    }

    @Override
    public long readConfig(int offset, int size) {
        long capacity = backend.sizeBytes() / BlockTopology.SECTOR_BYTES;
        return config.read(offset, size, capacity, isWriteback);
    }

    /** The driver may write {@code writeback}, to 0 or 1 (virtio 1.3 §5.2.5.1). */
    @Override
    public void writeConfig(int offset, int size, long value) {
        int place = BlockConfig.WRITEBACK - offset;
        if (place >= 0
                && place < size
                && VirtioBlockFeatures.has(features, VirtioBlockFeatures.VIRTIO_BLK_F_CONFIG_WCE)) {
            long written = value >>> 8 * place & 0xff;
            if (written <= 1) {
                isWriteback = written == 1;
            }
        }
    }

    /**
     * A driver that cannot ask for a flush, or wants none, gets its writes when they are durable
     * (virtio 1.3 §5.2.6.2).
     */
    private boolean writesThrough() {
        return !isWriteback
                || !VirtioBlockFeatures.has(features, VirtioBlockFeatures.VIRTIO_BLK_F_FLUSH);
    }

    // ---------------------------------------------------------------- the life cycle

    @Override
    public void attach(VirtioHost given) {
        if (operations.perSecond() != 0 || bytes.perSecond() != 0) {
            limiter = new RateLimiter(given.clock(), operations, bytes, this::ringQueues);
        }
        backend.onResize(given::configChanged);
    }

    private void ringQueues() {
        VirtioActivation now = active;
        if (now != null) {
            for (int queue = 0; queue < queueCount; queue++) {
                now.notifyQueue(queue);
            }
        }
    }

    @Override
    public void ackFeatures(long chosen) {
        features = chosen;
        // Without the flush there is nothing to write back with (virtio 1.3 §5.2.5.2).
        isWriteback =
                !VirtioBlockFeatures.has(chosen, VirtioBlockFeatures.VIRTIO_BLK_F_CONFIG_WCE)
                        || VirtioBlockFeatures.has(chosen, VirtioBlockFeatures.VIRTIO_BLK_F_FLUSH);
    }

    @Override
    public void activate(VirtioActivation given) {
        active = given;
        for (VirtQueue queue : given.queues().values()) {
            begin(queue, given);
        }
    }

    private void begin(VirtQueue queue, VirtioActivation given) {
        BlockQueue made =
                new BlockQueue(
                        queue,
                        given.interrupt(),
                        backend,
                        new BlockParser(backend, id, given.features()),
                        counters,
                        limiter,
                        this::writesThrough);
        queues.put(queue.index(), made);
        given.onNotify(queue.index(), made::serve);
    }

    @Override
    public void reset() {
        active = null;
        queues.values().forEach(BlockQueue::retire);
        queues.clear();
        isWriteback = true;
    }

    @Override
    public void queueReset(int queue) {
        BlockQueue retired = queues.remove(queue);
        if (retired != null) {
            retired.retire();
        }
    }

    @Override
    public void queueEnabled(VirtQueue queue, VirtioActivation given) {
        begin(queue, given);
    }

    @Override
    public void sleep() {
        queues.values().forEach(BlockQueue::awaitIdle);
        active = null;
        queues.clear();
        if (limiter != null) {
            limiter.sleep();
        }
    }

    @Override
    public void wake(Optional<VirtioActivation> given) {
        given.ifPresent(this::activate);
        if (limiter != null) {
            limiter.wake();
        }
    }

    @Override
    public Snapshot snapshot() {
        Snapshot.Builder builder =
                Snapshot.builder(typeId(), VERSION)
                        .put("size", backend.sizeBytes())
                        .put("read-only", backend.isReadOnly())
                        .put("writeback", isWriteback);
        RateLimiter bound = limiter;
        if (bound != null) {
            builder.put("limiter", bound.snapshot());
        }
        return builder.build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(typeId(), VERSION);
        long size = snapshot.getLong("size");
        if (size != backend.sizeBytes()) {
            throw new SnapshotException(
                    "%s.size: expected a disk of %d bytes, found one of %d"
                            .formatted(typeId(), size, backend.sizeBytes()));
        }
        boolean wasReadOnly = snapshot.getBoolean("read-only");
        if (wasReadOnly != backend.isReadOnly()) {
            throw new SnapshotException(
                    "%s.read-only: expected a disk that is %s, found one that is %s"
                            .formatted(typeId(), word(wasReadOnly), word(backend.isReadOnly())));
        }
        boolean wasWriteback = snapshot.getBoolean("writeback");
        RateLimiter bound = limiter;
        if (bound != null) {
            bound.restore(snapshot.getSnapshot("limiter")); // the last that can fail
        }
        isWriteback = wasWriteback;
    }

    private static String word(boolean isReadOnly) {
        return isReadOnly ? "read-only" : "writable";
    }

    @Override
    public void detach() {
        backend.close();
    }

    /** The options of a disk. */
    public static final class Builder {
        private final BlockBackend backend;
        private byte[] id = new byte[BlockCommand.ID_BYTES];
        private int queues = 1;
        private RateLimiter.Rate operations = RateLimiter.Rate.UNLIMITED;
        private RateLimiter.Rate bytes = RateLimiter.Rate.UNLIMITED;

        private Builder(BlockBackend backend) {
            this.backend = backend;
        }

        /**
         * Sets the serial number: the guest finds the disk by it, below {@code /dev/disk/by-id}.
         *
         * @param text up to 20 printable characters of ASCII; none by default
         * @return this
         */
        public Builder serial(String text) {
            if (text.length() > BlockCommand.ID_BYTES
                    || !text.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
                throw new IllegalArgumentException(
                        "serial: expected up to %d printable characters of ASCII, got %s"
                                .formatted(BlockCommand.ID_BYTES, text));
            }
            byte[] padded = new byte[BlockCommand.ID_BYTES];
            byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(ascii, 0, padded, 0, ascii.length);
            id = padded;
            return this;
        }

        /**
         * Sets how many queues there are.
         *
         * @param count 1 to {@link #MAX_QUEUES}; 1 by default
         * @return this
         */
        public Builder queues(int count) {
            if (count < 1 || count > MAX_QUEUES) {
                throw new IllegalArgumentException(
                        "queues: expected 1..%d, got %d".formatted(MAX_QUEUES, count));
            }
            queues = count;
            return this;
        }

        /**
         * Holds the disk to a rate; by default there is none.
         *
         * @param perSecond requests a second
         * @param bytesPerSecond bytes a second, header and status included
         * @return this
         */
        public Builder rate(RateLimiter.Rate perSecond, RateLimiter.Rate bytesPerSecond) {
            operations = perSecond;
            bytes = bytesPerSecond;
            return this;
        }

        /** {@return the disk} */
        public VirtioBlockDevice build() {
            return new VirtioBlockDevice(this);
        }
    }
}
