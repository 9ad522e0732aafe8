package dev.dalang.virtio;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.virtio.queue.QueueMemory;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The virtio-mmio transport, version 2 (virtio 1.3 §4.2): carries a {@link VirtioDevice} in a range
 * of memory, with one wire.
 *
 * <p>Registers take accesses of four bytes at a multiple of four; any other reads 0 and writes
 * nothing. The device's configuration, from 0x100 on, takes accesses of any width. The wire is
 * active while the interrupt status is not 0.
 *
 * <p>Any thread.
 */
public final class VirtioMmioDevice implements DeviceMmio, Sandboxed, Suspendable {
    /** Bytes of the range that the device answers. */
    public static final int SIZE_BYTES = 0x1000;

    private static final String TYPE = "virtio-mmio";

    private final VirtioDevice device;
    private final String label;
    private final VirtioCore core;
    private final MmioRegisters registers;
    private final @Nullable VirtioSharedMemory sharing;
    private final @Nullable SharedMemoryArea shared;
    private final @Nullable MmioRange sharedRange;
    private final VirtualClock clock;
    private final DeviceExecutor executor;
    private final QueueMemory memory;
    private final InterruptLine line;

    private VirtioMmioDevice(Builder builder) {
        device = builder.device;
        label = builder.label;
        refuse(device instanceof VirtioPciBars, "BARs of its own");
        refuse(device instanceof VirtioPciCapabilities, "PCI capabilities of its own");
        refuse(device instanceof VirtioControlNotify, "to follow MSI-X");
        refuse(device instanceof VirtioAcpi, "a place in ACPI's tables as a PCI function");
        refuse(
                device instanceof VirtioPlacement place && place.pciAddress().isPresent(),
                "a PCI address");
        sharing = device instanceof VirtioSharedMemory own ? own : null;
        sharedRange = builder.sharedMemory;
        shared = sharing == null ? null : share(sharing, sharedRange);
        clock = builder.clock;
        executor = builder.executor;
        Supplier<GuestMemory> source = builder.memory;
        memory = source::get;
        line = builder.line;
        core = new VirtioCore(device, builder.features, new Wiring());
        registers = new MmioRegisters(core, sharing, sharedRange);
        if (sharing != null && shared != null) {
            sharing.setSharedMemoryMapper(shared);
        }
        device.attach(core);
    }

    private void refuse(boolean wants, String what) {
        if (wants) {
            throw new VirtioException(
                    device.label() + " wants " + what + ", which virtio-mmio does not have");
        }
    }

    private SharedMemoryArea share(VirtioSharedMemory own, @Nullable MmioRange range) {
        SharedMemoryRegion region = own.sharedMemoryRegion();
        if (range == null || Long.compareUnsigned(range.size(), region.bytes()) < 0) {
            throw new VirtioException(
                    "%s: expected a range of at least 0x%x bytes for its shared memory, got %s"
                            .formatted(device.label(), region.bytes(), range));
        }
        if (!own.exposesDescriptorsWithViommu()) {
            // Every access comes here: there is no mapping of the host's to prepare.
            own.sharedMemoryPrepareType();
        }
        return new SharedMemoryArea(device.label(), region.bytes());
    }

    /**
     * Begins a transport.
     *
     * @param device a new device
     * @param memory what its queues lie in; asked from the first activation on
     * @param line its wire
     * @param clock the machine's time
     * @param executor what runs its handlers
     * @return a builder
     */
    public static Builder builder(
            VirtioDevice device,
            Supplier<GuestMemory> memory,
            InterruptLine line,
            VirtualClock clock,
            DeviceExecutor executor) {
        return new Builder(device, memory, line, clock, executor);
    }

    /** {@return the device that is carried} */
    public VirtioDevice virtio() {
        return device;
    }

    /** {@return what the device does} */
    public VirtioState state() {
        return core.life.state();
    }

    /** {@return what has happened to the device} */
    public VirtioCounts counts() {
        return core.counters.counts();
    }

    /** {@return where its shared memory lies, to be registered beside its registers} */
    public Optional<MmioRange> sharedMemory() {
        return shared == null ? Optional.empty() : Optional.ofNullable(sharedRange);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return device.typeId();
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (shared != null && sharedRange != null && base == sharedRange.base()) {
            return shared.read(offset, size);
        }
        if (offset >= MmioRegisters.CONFIG) {
            return core.readConfig(offset - MmioRegisters.CONFIG, size);
        }
        if (size != Integer.BYTES || (offset & 3) != 0) {
            return 0;
        }
        synchronized (core.lock) {
            return registers.read((int) offset) & 0xffff_ffffL;
        }
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (shared != null && sharedRange != null && base == sharedRange.base()) {
            shared.write(offset, size, value);
        } else if (offset >= MmioRegisters.CONFIG) {
            core.writeConfig(offset - MmioRegisters.CONFIG, size, value);
        } else if (size == Integer.BYTES && (offset & 3) == 0) {
            if (offset == MmioRegisters.QUEUE_NOTIFY) {
                registers.notifyQueue((int) value);
                return;
            }
            synchronized (core.lock) {
                registers.write((int) offset, (int) value);
            }
        }
    }

    @Override
    public List<Integer> keepDescriptors() {
        return device instanceof Sandboxed own ? own.keepDescriptors() : List.of();
    }

    @Override
    public void onSandboxed() {
        if (device instanceof Sandboxed own) {
            own.onSandboxed();
        }
    }

    /** Back to how the machine starts. */
    public void reset() {
        synchronized (core.lock) {
            core.reset();
        }
    }

    /** Ends the device's life: resets it, and lets it give up what it holds. Once, last. */
    public void detach() {
        core.detach();
    }

    @Override
    public void sleep() {
        core.sleep();
    }

    @Override
    public void wake() {
        core.wake();
    }

    /**
     * {@inheritDoc}
     *
     * @throws VirtioStateException while awake
     */
    @Override
    public Snapshot snapshot() {
        return core.snapshot();
    }

    /**
     * {@inheritDoc}
     *
     * @throws SnapshotException if the device is awake or active, or could not have given the
     *     snapshot
     */
    @Override
    public void restore(Snapshot snapshot) {
        core.restore(snapshot);
    }

    private final class Wiring implements VirtioCore.Wiring {
        @Override
        public void interrupt(int source) {
            core.isr.set(InterruptStatus.bitOf(source));
        }

        /** The wire of a device that sleeps cannot wake anybody. */
        @Override
        public void wakeUp() {}

        @Override
        public void raise() {
            line.raise();
        }

        @Override
        public void lower() {
            line.lower();
        }

        @Override
        public void resetRegisters() {
            registers.reset();
        }

        @Override
        public String snapshotType() {
            return TYPE;
        }

        @Override
        public int vectors() {
            return 0;
        }

        @Override
        public void save(Snapshot.Builder into) {
            into.put("shared-memory-select", registers.sharedMemorySelect());
        }

        @Override
        public Runnable parse(Snapshot snapshot) {
            int select =
                    snapshot.getInt("shared-memory-select", Integer.MIN_VALUE, Integer.MAX_VALUE);
            return () -> registers.setSharedMemorySelect(select);
        }

        @Override
        public VirtualClock clock() {
            return clock;
        }

        @Override
        public DeviceExecutor executor() {
            return executor;
        }

        @Override
        public QueueMemory memory() {
            return memory;
        }

        @Override
        public void setMemoryUnchecked(boolean unchecked) {}

        @Override
        public void beforeActivation() {
            if (sharing != null) {
                sharing.setSharedMemoryRegion(Optional.ofNullable(sharedRange));
            }
        }
    }

    /** What may be said about a transport. */
    public static final class Builder {
        private final VirtioDevice device;
        private final Supplier<GuestMemory> memory;
        private final InterruptLine line;
        private final VirtualClock clock;
        private final DeviceExecutor executor;
        private String label;
        private long features = VirtioFeatures.STANDARD;
        private @Nullable MmioRange sharedMemory;

        private Builder(
                VirtioDevice device,
                Supplier<GuestMemory> memory,
                InterruptLine line,
                VirtualClock clock,
                DeviceExecutor executor) {
            this.device = device;
            this.label = device.label();
            this.memory = memory;
            this.line = line;
            this.clock = clock;
            this.executor = executor;
        }

        /**
         * Names the transport, for logs and counters; default the name of its device.
         *
         * @param name a name of its own
         * @return this
         */
        public Builder label(String name) {
            label = name;
            return this;
        }

        /**
         * Sets which features the transport offers; default {@link VirtioFeatures#STANDARD}.
         *
         * @param offered some of {@link VirtioFeatures#TRANSPORT}, {@link
         *     VirtioFeatures#VIRTIO_F_VERSION_1} among them
         * @return this
         */
        public Builder features(long offered) {
            features = offered;
            return this;
        }

        /**
         * Says where the device's shared memory lies; the caller registers the transport for it.
         *
         * @param range at least as large as the region
         * @return this
         */
        public Builder sharedMemory(MmioRange range) {
            sharedMemory = range;
            return this;
        }

        /**
         * Makes the transport.
         *
         * @return it
         * @throws VirtioException if the device has an ability that this transport lacks, or the
         *     features cannot be
         */
        public VirtioMmioDevice build() {
            return new VirtioMmioDevice(this);
        }
    }
}
