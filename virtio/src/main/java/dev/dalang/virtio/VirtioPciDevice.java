package dev.dalang.virtio;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.pci.BarRange;
import dev.dalang.pci.MsixStatus;
import dev.dalang.pci.PciAcpi;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciCapStatus;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciHost;
import dev.dalang.pci.PciInterrupts;
import dev.dalang.pci.PmStatus;
import dev.dalang.tables.acpi.AcpiTables;
import dev.dalang.virtio.queue.QueueMemory;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;

/**
 * The virtio-pci transport, modern interface only (virtio 1.3 §4.1): carries a {@link VirtioDevice}
 * as a PCI function.
 *
 * <p>BAR 0 has 32 KiB: common configuration at 0, interrupt status at 0x1000, the device's
 * configuration at 0x2000, notifications at 0x3000 with four bytes for each queue, the tables of
 * MSI-X at 0x6000 and 0x7000. A shared memory region is BAR 2. There is a vector of MSI-X for each
 * interrupt of the device and one for its configuration; a driver may use the wired interrupt
 * instead.
 *
 * {@snippet :
 * root.bus().add(VirtioPciDevice.of(new Echo()));
 * }
 *
 * <p>Any thread.
 */
public final class VirtioPciDevice implements PciDevice, PciAcpi, Sandboxed {
    private static final String TYPE = "virtio-pci";

    private final VirtioDevice device;
    private final PciDeviceSpec spec;
    private final VirtioCore core;
    private final PciCommonConfig common;
    private final RingMemory memory = new RingMemory();
    private final @Nullable VirtioPciBars bars;
    private final @Nullable VirtioSharedMemory sharing;
    private final @Nullable SharedMemoryArea shared;
    private final @Nullable VirtioControlNotify control;
    private volatile @Nullable PciHost host;

    /** Whether the guest has switched the function off: then an interrupt has to wake it first. */
    private volatile boolean isInD3;

    private VirtioPciDevice(VirtioDevice device, long transportFeatures) {
        this.device = device;
        int vectors = device.numInterrupts() + 1;
        if (device.numInterrupts() < 0 || vectors > VirtioPciLayout.MAX_VECTORS) {
            throw new VirtioException(
                    "%s: expected 0..%d interrupts over PCI, got %d"
                            .formatted(
                                    device.label(),
                                    VirtioPciLayout.MAX_VECTORS - 1,
                                    device.numInterrupts()));
        }
        int places = VirtioPciLayout.NOTIFY_BYTES / VirtioPciLayout.NOTIFY_MULTIPLIER;
        if (device.queueMaxSizes().size() > places) {
            throw new VirtioException(
                    "%s: expected at most %d queues over PCI, got %d"
                            .formatted(device.label(), places, device.queueMaxSizes().size()));
        }
        bars = device instanceof VirtioPciBars own ? own : null;
        sharing = device instanceof VirtioSharedMemory own ? own : null;
        control = device instanceof VirtioControlNotify own ? own : null;
        shared =
                sharing != null && bars == null
                        ? new SharedMemoryArea(device.label(), sharing.sharedMemoryRegion().bytes())
                        : null;
        core = new VirtioCore(device, transportFeatures, new Wiring());
        common = new PciCommonConfig(core, vectors);
        spec = buildSpec(vectors);
        if (sharing != null && !sharing.exposesDescriptorsWithViommu()) {
            // Every access comes here: there is no mapping of the host's to prepare.
            sharing.sharedMemoryPrepareType();
        }
        if (sharing != null && shared != null) {
            sharing.setSharedMemoryMapper(shared);
        }
    }

    /**
     * Carries a device over PCI.
     *
     * @param device a new device
     * @return the function to plug in
     * @throws VirtioException if the device has more interrupts or queues than there is room for
     */
    public static VirtioPciDevice of(VirtioDevice device) {
        return of(device, VirtioFeatures.STANDARD);
    }

    /**
     * Carries a device over PCI.
     *
     * @param device a new device
     * @param transportFeatures which of {@link VirtioFeatures#TRANSPORT} are offered, {@link
     *     VirtioFeatures#VIRTIO_F_VERSION_1} among them
     * @return the function to plug in
     * @throws VirtioException if the device has more interrupts or queues than there is room for,
     *     or the features cannot be
     */
    public static VirtioPciDevice of(VirtioDevice device, long transportFeatures) {
        return new VirtioPciDevice(device, transportFeatures);
    }

    private PciDeviceSpec buildSpec(int vectors) {
        VirtioDeviceType type = device.type();
        PciDeviceSpec.Builder builder =
                PciDeviceSpec.builder(type.label(), VirtioPciLayout.VENDOR, type.pciDeviceId())
                        .subsystem(VirtioPciLayout.VENDOR, type.pciDeviceId())
                        .revision(VirtioPciLayout.REVISION)
                        .classCode(type.pciClass())
                        .memoryBar(VirtioPciLayout.BAR, VirtioPciLayout.BAR_BYTES)
                        .msix(
                                vectors,
                                VirtioPciLayout.BAR,
                                VirtioPciLayout.MSIX_TABLE,
                                VirtioPciLayout.MSIX_PENDING)
                        .intx()
                        .wakes()
                        .concurrent()
                        .withoutConfigurationMapping()
                        .leadingCapability(VirtioPciLayout.common())
                        .leadingCapability(VirtioPciLayout.isr())
                        .leadingCapability(VirtioPciLayout.device())
                        .leadingCapability(VirtioPciLayout.notification())
                        .leadingCapability(
                                VirtioPciLayout.window(), new PciConfigWindow(new Structures()));
        if (device instanceof VirtioPciCapabilities own) {
            own.capabilities().forEach(builder::capability);
        }
        if (bars != null) {
            for (PciBar bar : bars.bars()) {
                if (bar.index() == VirtioPciLayout.BAR) {
                    throw new VirtioException(
                            device.label() + ": BAR 0 is the transport's, expected another");
                }
                builder.bar(bar);
            }
        } else if (sharing != null) {
            SharedMemoryRegion region = sharing.sharedMemoryRegion();
            long bytes = Math.max(4096, Long.highestOneBit(2 * region.bytes() - 1));
            builder.bar(PciBar.memory64(VirtioPciLayout.SHARED_MEMORY_BAR, bytes).prefetch())
                    .capability(VirtioPciLayout.sharedMemory(region));
        }
        return builder.build();
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

    // ---------------------------------------------------------------- the function

    @Override
    public PciDeviceSpec spec() {
        return spec;
    }

    @Override
    public String label() {
        return device.label();
    }

    @Override
    public void attach(PciHost given) {
        host = given;
        memory.dma = given.memory();
        device.attach(core);
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        if (bar == VirtioPciLayout.BAR) {
            return readStructure(offset, size);
        }
        if (bars != null) {
            return bars.readBar(bar, offset, size);
        }
        return shared == null ? -1 : shared.read(offset, size);
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (bar == VirtioPciLayout.BAR) {
            writeStructure(offset, size, value);
        } else if (bars != null) {
            bars.writeBar(bar, offset, size, value);
        } else if (shared != null) {
            shared.write(offset, size, value);
        }
    }

    private long readStructure(long offset, int size) {
        if (offset < VirtioPciLayout.COMMON_BYTES) {
            synchronized (core.lock) {
                return common.read((int) offset, size);
            }
        }
        if (offset == VirtioPciLayout.ISR) {
            return core.isr.take();
        }
        if (isIn(offset, VirtioPciLayout.DEVICE, VirtioPciLayout.DEVICE_BYTES)) {
            return core.readConfig(offset - VirtioPciLayout.DEVICE, size);
        }
        return 0;
    }

    private void writeStructure(long offset, int size, long value) {
        if (isIn(offset, VirtioPciLayout.NOTIFY, VirtioPciLayout.NOTIFY_BYTES)) {
            core.notifyQueue(
                    (int) (offset - VirtioPciLayout.NOTIFY) / VirtioPciLayout.NOTIFY_MULTIPLIER);
        } else if (offset < VirtioPciLayout.COMMON_BYTES) {
            synchronized (core.lock) {
                common.write((int) offset, size, value);
            }
        } else if (offset == VirtioPciLayout.ISR) {
            core.isr.clear((int) value & 0xff);
        } else if (isIn(offset, VirtioPciLayout.DEVICE, VirtioPciLayout.DEVICE_BYTES)) {
            core.writeConfig(offset - VirtioPciLayout.DEVICE, size, value);
        }
    }

    private static boolean isIn(long offset, int first, int bytes) {
        return offset >= first && offset < first + bytes;
    }

    @Override
    public void barChanged(int bar, Optional<BarRange> range) {
        if (bars != null && bar != VirtioPciLayout.BAR) {
            bars.barChanged(bar, range);
        }
        if (sharing != null && bar == sharedBar()) {
            sharing.setSharedMemoryRegion(range.map(VirtioPciDevice::memoryRange));
        }
    }

    private int sharedBar() {
        return bars == null
                ? VirtioPciLayout.SHARED_MEMORY_BAR
                : bars.bars().stream().mapToInt(PciBar::index).findFirst().orElse(-1);
    }

    private static MmioRange memoryRange(BarRange range) {
        return new MmioRange(range.base(), range.size());
    }

    @Override
    public void capabilityWritten(PciCapStatus status) {
        if (status instanceof MsixStatus change && control != null) {
            control.controlNotify(change);
        } else if (status instanceof PmStatus power) {
            isInD3 = power.after() != PmStatus.PowerState.D0;
            if (!isInD3) {
                core.notifyAllQueues();
            } else if (core.gate.isHolding()) {
                // What came before the guest had switched the function off wakes it, too.
                requireHost().signalWake();
            }
        }
    }

    @Override
    public void busMasterChanged(boolean isEnabled) {
        if (isEnabled) {
            core.notifyAllQueues();
        }
    }

    @Override
    public String bootorderNode(String unit) {
        return device instanceof VirtioBootOrder order
                ? order.bootorderNode(unit)
                : PciDevice.super.bootorderNode(unit);
    }

    @Override
    public void generateAcpi(PciFunction function, AcpiTables tables) {
        if (device instanceof VirtioAcpi own) {
            own.generateAcpi(function, tables);
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

    @Override
    public void reset() {
        isInD3 = false;
        synchronized (core.lock) {
            core.reset();
        }
    }

    @Override
    public void detach() {
        core.detach();
    }

    // ---------------------------------------------------------------- suspending

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

    // ---------------------------------------------------------------- parts

    private PciHost requireHost() {
        PciHost given = host;
        if (given == null) {
            throw new VirtioException(device.label() + " is not plugged in");
        }
        return given;
    }

    /** The rings' memory: none while bus mastering is off. */
    private static final class RingMemory implements QueueMemory {
        private volatile @Nullable PciDma dma;

        /** Set while queues are looked at that will not be worked on yet. */
        private volatile boolean unchecked;

        @Override
        public @Nullable GuestMemory memory() {
            PciDma way = dma;
            return way != null && (unchecked || way.isEnabled()) ? way.unchecked() : null;
        }
    }

    private final class Structures implements PciConfigWindow.Structures {
        @Override
        public long read(long offset, int size) {
            return readStructure(offset, size);
        }

        @Override
        public void write(long offset, int size, long value) {
            writeStructure(offset, size, value);
        }
    }

    private final class Wiring implements VirtioCore.Wiring {
        @Override
        public void interrupt(int source) {
            int vector =
                    source == InterruptGate.CONFIG
                            ? common.configVector()
                            : core.queues[source].vector();
            if (!requireHost().interrupts().triggerMessage(vector)) {
                core.isr.set(InterruptStatus.bitOf(source));
            }
        }

        @Override
        public void wakeUp() {
            if (isInD3) {
                requireHost().signalWake();
            }
        }

        @Override
        public void raise() {
            requireHost().interrupts().raise();
        }

        @Override
        public void lower() {
            requireHost().interrupts().lower();
        }

        @Override
        public void resetRegisters() {
            common.reset();
        }

        @Override
        public String snapshotType() {
            return TYPE;
        }

        @Override
        public int vectors() {
            return spec.msixVectors();
        }

        @Override
        public void save(Snapshot.Builder into) {
            into.put("config-vector", common.configVector()).put("in-d3", isInD3);
        }

        @Override
        public Runnable parse(Snapshot snapshot) {
            int vector = snapshot.getInt("config-vector", 0, PciInterrupts.NO_VECTOR);
            boolean wasInD3 = snapshot.getBoolean("in-d3");
            if (vector != PciInterrupts.NO_VECTOR && vector >= vectors()) {
                throw new SnapshotException(
                        "%s.config-vector: expected one below %d, got %d"
                                .formatted(TYPE, vectors(), vector));
            }
            return () -> {
                common.setConfigVector(vector);
                isInD3 = wasInD3;
            };
        }

        @Override
        public VirtualClock clock() {
            return requireHost().clock();
        }

        @Override
        public DeviceExecutor executor() {
            return requireHost().executor();
        }

        @Override
        public QueueMemory memory() {
            return memory;
        }

        @Override
        public void setMemoryUnchecked(boolean unchecked) {
            memory.unchecked = unchecked;
        }

        @Override
        public void beforeActivation() {
            if (sharing != null) {
                sharing.setSharedMemoryRegion(
                        requireHost().bar(sharedBar()).map(VirtioPciDevice::memoryRange));
            }
        }
    }
}
