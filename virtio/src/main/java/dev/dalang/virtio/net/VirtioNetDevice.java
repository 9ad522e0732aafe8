package dev.dalang.virtio.net;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkBackend;
import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.VirtioBootOrder;
import dev.dalang.virtio.VirtioConfigSpace;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioDeviceType;
import dev.dalang.virtio.VirtioHost;
import dev.dalang.virtio.VirtioQueueReset;
import dev.dalang.virtio.queue.ChainException;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A network card (virtio 1.3 §5.1). Frames that the driver sends go to the back end on the threads
 * of the machine's executor; frames for the driver are put into its buffers on the back end's
 * thread. Neither side is asked for more than it has room for.
 *
 * <p>The card sleeps, wakes, is saved and restored with its back end, and closes it when it is
 * detached. A frame whose header makes no sense is dropped and counted; buffers that are not memory
 * put the device in need of a reset.
 */
public final class VirtioNetDevice
        implements VirtioDevice, VirtioConfigSpace, VirtioQueueReset, VirtioBootOrder {
    private static final int VERSION = 1;
    private static final int QUEUE_SIZE = 256;
    private static final int CONTROL_QUEUE_SIZE = 64;
    private static final int CONFIG_BYTES = 12;
    private static final int STATUS_LINK_UP = 1;
    private static final int STATUS_ANNOUNCE = 2;

    private final NetworkBackend backend;
    private final int maxPairs;
    private final long initialMac;
    private final RateLimiter.Rate sendOperations;
    private final RateLimiter.Rate sendBytes;
    private final RateLimiter.Rate receiveOperations;
    private final RateLimiter.Rate receiveBytes;
    private final NetCounters counters = new NetCounters();
    private final Steering steering = new Steering();
    private final AtomicReferenceArray<@Nullable NetReceiver> receivers;

    /** Guards what follows. */
    private final Object lock = new Object();

    private final ReceiveFilter filter;
    private volatile boolean linkUp = true;
    private boolean announce;
    private int pairs = 1;
    private long guestOffloads;
    private long features;
    private boolean restored;

    private @Nullable VirtioHost host;
    private @Nullable RateLimiter sendLimiter;
    private @Nullable RateLimiter receiveLimiter;
    private volatile @Nullable VirtioActivation active;

    private VirtioNetDevice(Builder builder) {
        backend = builder.backend;
        maxPairs = builder.pairs;
        initialMac = builder.mac;
        sendOperations = builder.sendOperations;
        sendBytes = builder.sendBytes;
        receiveOperations = builder.receiveOperations;
        receiveBytes = builder.receiveBytes;
        filter = new ReceiveFilter(initialMac);
        receivers = new AtomicReferenceArray<>(maxPairs);
    }

    /**
     * Begins a card.
     *
     * @param backend what stands behind it; the card closes it
     * @return its options
     */
    public static Builder builder(NetworkBackend backend) {
        return new Builder(backend);
    }

    /**
     * Tells how often something happened. Any thread.
     *
     * @param event what happened
     * @return how often
     */
    public long count(VirtioNetEvent event) {
        return counters.get(event);
    }

    /** {@return the address, as the driver may have changed it: the lower 48 bits} */
    public long mac() {
        synchronized (lock) {
            return filter.mac;
        }
    }

    /**
     * Plugs the cable in or out; while it is out, all frames are dropped. Any thread.
     *
     * @param up whether it is plugged in
     */
    public void setLink(boolean up) {
        synchronized (lock) {
            if (linkUp == up) {
                return;
            }
            linkUp = up;
        }
        configChanged();
        backend.readyToReceive();
    }

    private void configChanged() {
        VirtioHost there = host;
        if (there != null) {
            there.configChanged();
        }
    }

    // ---------------------------------------------------------------- constants

    @Override
    public VirtioDeviceType type() {
        return VirtioDeviceType.NET;
    }

    @Override
    public List<Integer> queueMaxSizes() {
        List<Integer> sizes = new ArrayList<>();
        for (int i = 0; i < 2 * maxPairs; i++) {
            sizes.add(QUEUE_SIZE);
        }
        sizes.add(CONTROL_QUEUE_SIZE);
        return List.copyOf(sizes);
    }

    @Override
    public long features() {
        return VirtioNetFeatures.offered(
                backend.sendOffloads(), backend.receiveOffloads(), maxPairs > 1);
    }

    @Override
    public boolean acceptsFeatures(long chosen) {
        return VirtioNetFeatures.areConsistent(chosen);
    }

    @Override
    public String bootorderNode(String unit) {
        return "ethernet@" + unit + "/ethernet-phy@0";
    }

    // ---------------------------------------------------------------- configuration (§5.1.4)

    @Override
    public int configBytes() {
        return CONFIG_BYTES;
    }

    @Override
    public long readConfig(int offset, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | configByte(offset + i);
        }
        return value;
    }

    private long configByte(int offset) {
        synchronized (lock) {
            int status = (linkUp ? STATUS_LINK_UP : 0) | (announce ? STATUS_ANNOUNCE : 0);
            return switch (offset) {
                case 0, 1, 2, 3, 4, 5 -> filter.mac >>> 8 * (5 - offset) & 0xff;
                case 6 -> status;
                case 8, 9 -> maxPairs >>> 8 * (offset - 8) & 0xff;
                case 10, 11 -> backend.mtu() >>> 8 * (offset - 10) & 0xff;
                default -> 0;
            };
        }
    }

    // ---------------------------------------------------------------- the life cycle

    @Override
    public void attach(VirtioHost given) {
        host = given;
        if (sendOperations.perSecond() != 0 || sendBytes.perSecond() != 0) {
            sendLimiter =
                    new RateLimiter(
                            given.clock(), sendOperations, sendBytes, this::ringTransmitters);
        }
        if (receiveOperations.perSecond() != 0 || receiveBytes.perSecond() != 0) {
            receiveLimiter =
                    new RateLimiter(
                            given.clock(),
                            receiveOperations,
                            receiveBytes,
                            backend::readyToReceive);
        }
        backend.start(given.clock(), new Sink());
    }

    @Override
    public void ackFeatures(long chosen) {
        synchronized (lock) {
            features = chosen;
            guestOffloads = chosen & VirtioNetFeatures.GUEST_OFFLOADS;
            filter.reset(
                    initialMac,
                    VirtioNetFeatures.has(chosen, VirtioNetFeatures.VIRTIO_NET_F_CTRL_VLAN));
        }
    }

    @Override
    public void activate(VirtioActivation given) {
        long offloads;
        boolean announces;
        synchronized (lock) {
            offloads = guestOffloads;
            announces =
                    restored
                            && VirtioNetFeatures.has(
                                    features, VirtioNetFeatures.VIRTIO_NET_F_GUEST_ANNOUNCE);
            announce |= announces;
            restored = false;
            steering.enable(pairs);
        }
        active = given;
        for (VirtQueue queue : given.queues().values()) {
            begin(queue, given);
        }
        backend.acceptOffloads(VirtioNetFeatures.accepted(offloads));
        backend.readyToReceive();
        if (announces) {
            configChanged();
        }
    }

    /** The control queue comes after the pairs that are in use at most (§5.1.2). */
    private int controlQueue(VirtioActivation given) {
        return given.hasFeatures(VirtioNetFeatures.VIRTIO_NET_F_MQ) ? 2 * maxPairs : 2;
    }

    private void begin(VirtQueue queue, VirtioActivation given) {
        int index = queue.index();
        if (index == controlQueue(given)
                && given.hasFeatures(VirtioNetFeatures.VIRTIO_NET_F_CTRL_VQ)) {
            given.onNotify(index, () -> control(queue, given));
        } else if (index / 2 >= maxPairs) {
            return; // without the feature, nothing is behind it
        } else if (index % 2 == 0) {
            receivers.set(
                    index / 2,
                    new NetReceiver(
                            queue,
                            given.interrupt(),
                            counters,
                            given.hasFeatures(VirtioNetFeatures.VIRTIO_NET_F_MRG_RXBUF)));
            given.onNotify(index, backend::readyToReceive);
        } else {
            NetTransmitter transmitter =
                    new NetTransmitter(
                            queue,
                            given.interrupt(),
                            () -> linkUp,
                            backend,
                            sendLimiter,
                            counters,
                            steering,
                            index / 2,
                            given.features());
            given.onNotify(index, transmitter::run);
        }
    }

    /** Ends receiving; handlers of queues have ended already. */
    private void retire() {
        active = null;
        for (int pair = 0; pair < maxPairs; pair++) {
            retire(pair);
        }
    }

    private void retire(int pair) {
        NetReceiver receiver = receivers.getAndSet(pair, null);
        if (receiver != null) {
            receiver.retire();
        }
    }

    @Override
    public void reset() {
        retire();
        synchronized (lock) {
            pairs = 1;
            announce = false;
            restored = false;
            steering.enable(1);
            filter.reset(initialMac, false);
        }
        backend.acceptOffloads(VirtioNetFeatures.accepted(0));
        backend.readyToReceive(); // what waits for buffers is dropped
    }

    @Override
    public void queueReset(int queue) {
        if (queue % 2 == 0 && queue / 2 < maxPairs) {
            retire(queue / 2);
            backend.readyToReceive();
        }
    }

    @Override
    public void queueEnabled(VirtQueue queue, VirtioActivation given) {
        begin(queue, given);
        backend.readyToReceive();
    }

    @Override
    public void sleep() {
        backend.sleep();
        retire();
        suspendLimiters(true);
    }

    @Override
    public void wake(Optional<VirtioActivation> given) {
        suspendLimiters(false);
        given.ifPresent(this::activate);
        backend.wake();
    }

    private void suspendLimiters(boolean asleep) {
        for (RateLimiter limiter : limiters()) {
            if (asleep) {
                limiter.sleep();
            } else {
                limiter.wake();
            }
        }
    }

    private List<RateLimiter> limiters() {
        List<RateLimiter> there = new ArrayList<>();
        if (sendLimiter != null) {
            there.add(sendLimiter);
        }
        if (receiveLimiter != null) {
            there.add(receiveLimiter);
        }
        return there;
    }

    @Override
    public Snapshot snapshot() {
        Snapshot.Builder builder = Snapshot.builder(typeId(), VERSION);
        synchronized (lock) {
            filter.save(builder);
            builder.put("link-up", linkUp)
                    .put("announce", announce)
                    .put("pairs", pairs)
                    .put("guest-offloads", guestOffloads);
        }
        return builder.put("limiters", limiters().stream().map(RateLimiter::snapshot).toList())
                .put("backend", backend.snapshot())
                .build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(typeId(), VERSION);
        ReceiveFilter read = ReceiveFilter.read(snapshot);
        boolean up = snapshot.getBoolean("link-up");
        boolean announces = snapshot.getBoolean("announce");
        int count = snapshot.getInt("pairs", 1, maxPairs);
        long offloads = snapshot.getLong("guest-offloads") & VirtioNetFeatures.GUEST_OFFLOADS;
        List<RateLimiter> limiters = limiters();
        List<Snapshot> levels = snapshot.getList("limiters", limiters.size());
        List<Snapshot> before = limiters.stream().map(RateLimiter::snapshot).toList();
        try {
            for (int i = 0; i < levels.size(); i++) {
                limiters.get(i).restore(levels.get(i));
            }
            backend.restore(snapshot.getSnapshot("backend")); // the last that can fail
        } catch (RuntimeException refused) {
            for (int i = 0; i < before.size(); i++) {
                limiters.get(i).restore(before.get(i));
            }
            throw refused;
        }
        synchronized (lock) {
            filter.become(read);
            linkUp = up;
            announce = announces;
            pairs = count;
            guestOffloads = offloads;
            restored = true;
        }
    }

    @Override
    public void detach() {
        backend.close();
    }

    // ---------------------------------------------------------------- frames

    private void ringTransmitters() {
        VirtioActivation now = active;
        if (now != null) {
            for (int pair = 0; pair < maxPairs; pair++) {
                now.notifyQueue(2 * pair + 1);
            }
        }
    }

    /** The card's side of the link. */
    private final class Sink implements FrameSink {
        /** A frame for which there were tokens, and no buffers: it comes again. */
        private boolean paid;

        @Override
        public boolean receive(Frame frame) {
            NetReceiver receiver = receivers.get(steering.pair(frame));
            if (receiver == null) {
                counters.count(VirtioNetEvent.RECEIVE_DROPPED);
                return true;
            }
            synchronized (lock) {
                if (!linkUp || !filter.accepts(frame)) {
                    counters.count(VirtioNetEvent.RECEIVE_FILTERED);
                    return true;
                }
            }
            RateLimiter limiter = receiveLimiter;
            if (limiter != null && !paid && !limiter.tryAcquire(frame.length())) {
                counters.count(VirtioNetEvent.RECEIVE_HELD_BACK);
                return false;
            }
            paid = !receiver.receive(frame);
            return !paid;
        }

        @Override
        public void endOfBatch() {
            for (int pair = 0; pair < steering.enabled(); pair++) {
                NetReceiver receiver = receivers.get(pair);
                if (receiver != null) {
                    receiver.endOfBatch();
                }
            }
        }

        @Override
        public void readyToSend() {
            ringTransmitters();
        }

        @Override
        public void linkLost() {
            setLink(false);
        }
    }

    // ---------------------------------------------------------------- commands

    private void control(VirtQueue queue, VirtioActivation given) {
        long inUse = given.features();
        Commands commands = new Commands();
        do {
            queue.disableNotification();
            DescriptorChain chain = queue.pop();
            while (chain != null) {
                boolean answers = chain.writableBytes() > 0;
                try {
                    execute(chain, inUse, commands, answers);
                } catch (GuestMemoryException | ChainException notMemory) {
                    queue.undoPop(chain); // nothing is in flight when the device sleeps
                    given.interrupt()
                            .needsReset("a command cannot be read: " + notMemory.getMessage());
                    return;
                }
                queue.complete(chain, answers ? 1 : 0);
                if (queue.needsNotification()) {
                    queue.notifyDriver();
                }
                chain = queue.pop();
            }
        } while (queue.enableNotification());
    }

    private void execute(DescriptorChain chain, long inUse, Commands commands, boolean answers) {
        boolean done;
        synchronized (lock) {
            done = NetControl.execute(chain, inUse, commands);
        }
        commands.afterwards();
        if (!done) {
            counters.count(VirtioNetEvent.COMMAND_REFUSED);
        }
        if (answers) {
            chain.writeByte(done ? NetControl.OK : NetControl.ERR);
        }
    }

    /** What commands do; called with the lock, but for {@link #afterwards}. */
    private final class Commands implements NetControl.Target {
        private boolean offloadsChanged;
        private long offloads;

        @Override
        public ReceiveFilter filter() {
            return filter;
        }

        @Override
        public boolean setMac(long mac) {
            filter.mac = mac;
            return true;
        }

        @Override
        public boolean acknowledgeAnnouncement() {
            announce = false;
            return true;
        }

        @Override
        public boolean setPairs(int count) {
            if (count < 1 || count > maxPairs) {
                return false;
            }
            pairs = count;
            steering.enable(count);
            return true;
        }

        @Override
        public boolean setGuestOffloads(long wanted) {
            // Only what was negotiated can be switched (virtio 1.3 §5.1.6.5.7.2).
            if ((wanted & ~(features & VirtioNetFeatures.GUEST_OFFLOADS)) != 0
                    || !VirtioNetFeatures.areConsistent(
                            features & ~VirtioNetFeatures.GUEST_OFFLOADS | wanted)) {
                return false;
            }
            guestOffloads = wanted;
            offloads = wanted;
            offloadsChanged = true;
            return true;
        }

        void afterwards() {
            if (offloadsChanged) {
                offloadsChanged = false;
                backend.acceptOffloads(VirtioNetFeatures.accepted(offloads));
            }
        }
    }

    /** The options of a card. */
    public static final class Builder {
        private final NetworkBackend backend;
        private long mac = 0x5254_0012_3456L;
        private int pairs = 1;
        private RateLimiter.Rate sendOperations = RateLimiter.Rate.UNLIMITED;
        private RateLimiter.Rate sendBytes = RateLimiter.Rate.UNLIMITED;
        private RateLimiter.Rate receiveOperations = RateLimiter.Rate.UNLIMITED;
        private RateLimiter.Rate receiveBytes = RateLimiter.Rate.UNLIMITED;

        private Builder(NetworkBackend backend) {
            this.backend = backend;
        }

        /**
         * Sets the address.
         *
         * @param address the lower 48 bits, of one card; 52:54:00:12:34:56 by default
         * @return this
         */
        public Builder mac(long address) {
            if (address >>> 48 != 0 || address == 0 || (address >>> 40 & 1) != 0) {
                throw new IllegalArgumentException(
                        "mac: expected the address of one card, got %012x".formatted(address));
            }
            mac = address;
            return this;
        }

        /**
         * Sets how many pairs of queues there are.
         *
         * @param count 1..32; 1 by default
         * @return this
         */
        public Builder queuePairs(int count) {
            if (count < 1 || count > 32) {
                throw new IllegalArgumentException("queuePairs: expected 1..32, got " + count);
            }
            pairs = count;
            return this;
        }

        /**
         * Holds what the guest sends to a rate.
         *
         * @param frames frames a second
         * @param bytes bytes a second
         * @return this
         */
        public Builder sendRate(RateLimiter.Rate frames, RateLimiter.Rate bytes) {
            sendOperations = frames;
            sendBytes = bytes;
            return this;
        }

        /**
         * Holds what the guest receives to a rate.
         *
         * @param frames frames a second
         * @param bytes bytes a second
         * @return this
         */
        public Builder receiveRate(RateLimiter.Rate frames, RateLimiter.Rate bytes) {
            receiveOperations = frames;
            receiveBytes = bytes;
            return this;
        }

        /** {@return the card} */
        public VirtioNetDevice build() {
            return new VirtioNetDevice(this);
        }
    }
}
