package dev.dalang.passthrough;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.dalang.linux.Errno;
import dev.dalang.pci.PciAddress;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A PCI device of the host's, by the kernel's VFIO: an iommufd where there is one, else a container
 * with the device's group. The device must be bound to {@code vfio-pci}.
 *
 * <p>It was tested against a kernel that a test plays, never on hardware.
 *
 * <p>All memory of the machine is locked for the device. What the device writes is not seen by
 * watches on guest memory.
 */
public final class VfioBackend implements PassthroughBackend {
    private static final int REGION_INFO_BYTES = 32;
    private static final int MAX_INFO_BYTES = 1 << 16;
    private static final int SET_IRQS_BYTES = 20;
    private static final int PCI_REGIONS = BackendRegion.VGA + 1;

    private final String label;
    private final VfioKernel kernel;
    private final VfioMemory memory;
    private final IsolationGroup group;
    private final boolean resettable;
    private final List<BackendRegion> regions = new ArrayList<>();

    /** Where regions are in the device's file, by index. */
    private final long[] offsets = new long[PCI_REGIONS];

    private final Map<InterruptKind, InterruptInfo> interrupts = new EnumMap<>(InterruptKind.class);

    /** Guards what follows. */
    private final Object lock = new Object();

    /** The events of armed interrupts, by number. */
    private final Map<InterruptKind, Map<Integer, Integer>> events =
            new EnumMap<>(InterruptKind.class);

    private final List<Runnable> notices = new ArrayList<>();
    private boolean lost;
    private boolean closed;

    private VfioBackend(String label, VfioKernel kernel, VfioMemory memory, IsolationGroup group)
            throws BackendException {
        this.label = label;
        this.kernel = kernel;
        this.memory = memory;
        this.group = group;
        for (InterruptKind kind : InterruptKind.values()) {
            events.put(kind, new TreeMap<>());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = Vfio.sized(arena, 16);
            kernel.control(memory.device(), "VFIO_DEVICE_GET_INFO", Vfio.DEVICE_GET_INFO, info);
            int flags = Vfio.word(info, 4);
            int regionCount = Vfio.word(info, 8);
            int kindCount = Vfio.word(info, 12);
            if ((flags & Vfio.DEVICE_FLAG_PCI) == 0
                    || regionCount <= BackendRegion.CONFIG
                    || kindCount <= InterruptKind.MSIX.index()) {
                throw new BackendException(
                        "VFIO_DEVICE_GET_INFO",
                        0,
                        "expected a PCI device with configuration space and MSI-X, got flags 0x%x,"
                                        .formatted(flags)
                                + " %d regions and %d kinds of interrupts"
                                        .formatted(regionCount, kindCount));
            }
            resettable = (flags & Vfio.DEVICE_FLAG_RESET) != 0;
            for (int index = 0; index < Math.min(regionCount, PCI_REGIONS); index++) {
                addRegion(index);
            }
            for (InterruptKind kind : InterruptKind.values()) {
                if (kind.index() < kindCount) {
                    interrupts.put(kind, interruptInfo(kind));
                }
            }
        }
    }

    /**
     * Opens a device of the host's.
     *
     * @param address where it is on the host
     * @return the way to it
     * @throws BackendException if there is no such device, no IOMMU guards it, it is not bound to
     *     {@code vfio-pci}, or somebody else has it
     */
    public static VfioBackend open(PciAddress address) throws BackendException {
        return open(address, new VfioHost(Path.of("/")), new LinuxVfioKernel());
    }

    static VfioBackend open(PciAddress address, VfioHost host, VfioKernel kernel)
            throws BackendException {
        String name = VfioHost.name(address);
        IsolationGroup group = host.group(address);
        if (group.blockers().contains(name)) {
            throw new BackendException(
                    "open " + name,
                    Errno.EBUSY.number(),
                    "a driver of the host has it; bind it to vfio-pci");
        }
        Optional<String> file = host.deviceFile(address);
        VfioMemory memory =
                file.isPresent()
                        ? VfioMemory.Space.open(kernel, file.get())
                        : VfioMemory.Group.open(kernel, name, group);
        boolean isDone = false;
        try {
            VfioBackend opened = new VfioBackend("vfio:" + name, kernel, memory, group);
            isDone = true;
            return opened;
        } finally {
            if (!isDone) {
                memory.close();
                kernel.closeAll();
            }
        }
    }

    // ---------------------------------------------------------------- what there is

    private void addRegion(int index) throws BackendException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = regionInfo(arena, index, REGION_INFO_BYTES);
            int wanted = Vfio.word(info, 0);
            if (wanted > REGION_INFO_BYTES && wanted <= MAX_INFO_BYTES) {
                info = regionInfo(arena, index, wanted);
            }
            long size = Vfio.wide(info, 16);
            if (size <= 0) {
                return;
            }
            offsets[index] = Vfio.wide(info, 24);
            regions.add(region(index, size, info));
        } catch (BackendException failure) {
            if (index != BackendRegion.VGA) {
                throw failure;
            }
            // Most devices have none, and say so in this way.
        } catch (IllegalArgumentException impossible) {
            throw new BackendException(
                    "VFIO_DEVICE_GET_REGION_INFO", 0, String.valueOf(impossible.getMessage()));
        }
    }

    private MemorySegment regionInfo(Arena arena, int index, int bytes) throws BackendException {
        MemorySegment info = Vfio.sized(arena, bytes);
        info.set(JAVA_INT, 8, index);
        kernel.control(
                memory.device(), "VFIO_DEVICE_GET_REGION_INFO", Vfio.DEVICE_GET_REGION_INFO, info);
        return info;
    }

    private static BackendRegion region(int index, long size, MemorySegment info) {
        int flags = Vfio.word(info, 4);
        boolean isMsixMappable = false;
        List<BackendRegion.Area> areas =
                (flags & Vfio.REGION_MMAP) != 0
                        ? List.of(new BackendRegion.Area(0, size))
                        : List.of();
        int at = (flags & Vfio.REGION_CAPS) != 0 ? Vfio.word(info, 12) : 0;
        int end = REGION_INFO_BYTES;
        // Each lies behind the one before, so that the list ends.
        while (at >= end && at <= info.byteSize() - 8) {
            int id = Vfio.word(info, at) & 0xffff;
            if (id == Vfio.CAP_MSIX_MAPPABLE) {
                isMsixMappable = true;
            } else if (id == Vfio.CAP_SPARSE_MMAP && !areas.isEmpty()) {
                areas = areas(info, at);
            }
            end = at + 8;
            at = Vfio.word(info, at + 4);
        }
        return new BackendRegion(
                index,
                size,
                (flags & Vfio.REGION_READ) != 0,
                (flags & Vfio.REGION_WRITE) != 0,
                isMsixMappable,
                areas);
    }

    private static List<BackendRegion.Area> areas(MemorySegment info, int at) {
        long room = (info.byteSize() - at - 16) / 16;
        long count = room < 0 ? 0 : Math.min(Integer.toUnsignedLong(Vfio.word(info, at + 8)), room);
        List<BackendRegion.Area> areas = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            long offset = Vfio.wide(info, at + 16 + 16L * k);
            long bytes = Vfio.wide(info, at + 24 + 16L * k);
            if (bytes != 0) {
                areas.add(new BackendRegion.Area(offset, bytes));
            }
        }
        return areas;
    }

    private InterruptInfo interruptInfo(InterruptKind kind) throws BackendException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = Vfio.sized(arena, 16);
            info.set(JAVA_INT, 8, kind.index());
            kernel.control(
                    memory.device(), "VFIO_DEVICE_GET_IRQ_INFO", Vfio.DEVICE_GET_IRQ_INFO, info);
            int flags = Vfio.word(info, 4);
            return new InterruptInfo(
                    Math.clamp(Vfio.word(info, 12), 0, InterruptInfo.MAX_COUNT),
                    (flags & Vfio.IRQ_MASKABLE) != 0,
                    (flags & Vfio.IRQ_AUTOMASKED) != 0,
                    (flags & Vfio.IRQ_NORESIZE) != 0);
        } catch (BackendException failure) {
            if (kind == InterruptKind.ERROR || kind == InterruptKind.REQUEST) {
                // A device that is not of PCI Express reports no errors.
                return InterruptInfo.NONE;
            }
            throw failure;
        }
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public List<BackendRegion> regions() {
        return List.copyOf(regions);
    }

    @Override
    public InterruptInfo interrupts(InterruptKind kind) {
        return interrupts.getOrDefault(kind, InterruptInfo.NONE);
    }

    @Override
    public boolean isResettable() {
        return resettable;
    }

    @Override
    public Optional<IsolationGroup> isolationGroup() {
        return Optional.of(group);
    }

    // ---------------------------------------------------------------- regions

    @Override
    public long read(int region, long offset, int size) throws BackendException {
        long place = place("read", region, offset, size);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(8, 8);
            kernel.read(memory.device(), place, bytes.asSlice(0, size));
            // What did not come is 0.
            return bytes.get(JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        } catch (BackendException failure) {
            throw noted(failure);
        }
    }

    @Override
    public void write(int region, long offset, int size, long value) throws BackendException {
        long place = place("write", region, offset, size);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(8, 8);
            bytes.set(JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN), 0, value);
            kernel.write(memory.device(), place, bytes.asSlice(0, size));
        } catch (BackendException failure) {
            throw noted(failure);
        }
    }

    @Override
    public void read(int region, long offset, MemorySegment target) throws BackendException {
        long place = place("read", region, offset, target.byteSize());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(target.byteSize(), 8);
            kernel.read(memory.device(), place, bytes);
            MemorySegment.copy(
                    bytes,
                    ValueLayout.JAVA_BYTE,
                    0,
                    target,
                    ValueLayout.JAVA_BYTE,
                    0,
                    target.byteSize());
        } catch (BackendException failure) {
            throw noted(failure);
        }
    }

    /** Where a part of a region is in the device's file. */
    private long place(String what, int region, long offset, long bytes) throws BackendException {
        long size = region(region).map(BackendRegion::size).orElse(0L);
        if (offset < 0 || offset > size - bytes) {
            throw new BackendException(
                    "%s region %d".formatted(what, region),
                    Errno.EINVAL.number(),
                    "expected a place in 0x%x bytes, got 0x%x bytes at 0x%x"
                            .formatted(size, bytes, offset));
        }
        return offsets[region] + offset;
    }

    @Override
    public MemorySegment map(int region, BackendRegion.Area area, Arena arena)
            throws BackendException {
        long place = place("map", region, area.offset(), area.size());
        boolean isWritable = region(region).map(BackendRegion::isWritable).orElse(false);
        return kernel.map(memory.device(), place, area.size(), isWritable, arena);
    }

    // ---------------------------------------------------------------- interrupts

    @Override
    public void arm(InterruptKind kind, int start, int count, InterruptSink sink)
            throws BackendException {
        requireVectors("arm", kind, start, count);
        synchronized (lock) {
            Map<Integer, Integer> now = events(kind);
            int[] made = new int[count];
            int ready = 0;
            try {
                for (; ready < count; ready++) {
                    int vector = start + ready;
                    made[ready] = kernel.watch(() -> sink.signal(vector));
                }
                setInterrupts(kind, Vfio.SET_EVENTFD | Vfio.SET_TRIGGER, start, count, made);
            } catch (BackendException failure) {
                for (int k = 0; k < ready; k++) {
                    kernel.unwatch(made[k]);
                }
                throw noted(failure);
            }
            for (int k = 0; k < count; k++) {
                Integer before = now.put(start + k, made[k]);
                if (before != null) {
                    kernel.unwatch(before);
                }
            }
        }
    }

    @Override
    public void disarm(InterruptKind kind, int start, int count) throws BackendException {
        requireVectors("disarm", kind, start, count);
        synchronized (lock) {
            int[] none = new int[count];
            Arrays.fill(none, -1);
            try {
                setInterrupts(kind, Vfio.SET_EVENTFD | Vfio.SET_TRIGGER, start, count, none);
            } catch (BackendException failure) {
                throw noted(failure);
            }
            for (int vector = start; vector < start + count; vector++) {
                Integer event = events(kind).remove(vector);
                if (event != null) {
                    kernel.unwatch(event);
                }
            }
        }
    }

    @Override
    public void disable(InterruptKind kind) throws BackendException {
        synchronized (lock) {
            Map<Integer, Integer> now = events(kind);
            if (now.isEmpty()) {
                return;
            }
            try {
                setInterrupts(kind, Vfio.SET_NONE | Vfio.SET_TRIGGER, 0, 0);
            } catch (BackendException failure) {
                throw noted(failure);
            }
            now.values().forEach(kernel::unwatch);
            now.clear();
        }
    }

    @Override
    public void mask(InterruptKind kind, int start, int count) throws BackendException {
        requireVectors("mask", kind, start, count);
        setInterrupts(kind, Vfio.SET_NONE | Vfio.SET_MASK, start, count);
    }

    @Override
    public void unmask(InterruptKind kind, int start, int count) throws BackendException {
        requireVectors("unmask", kind, start, count);
        setInterrupts(kind, Vfio.SET_NONE | Vfio.SET_UNMASK, start, count);
    }

    private Map<Integer, Integer> events(InterruptKind kind) {
        return events.computeIfAbsent(kind, _ -> new TreeMap<>());
    }

    private void requireVectors(String what, InterruptKind kind, int start, int count)
            throws BackendException {
        int have = interrupts(kind).count();
        if (start < 0 || count < 1 || start > have - count) {
            throw new BackendException(
                    "%s %s %d+%d".formatted(what, kind, start, count),
                    Errno.EINVAL.number(),
                    "there are " + have);
        }
    }

    private void setInterrupts(
            InterruptKind kind, int flags, int start, int count, int... descriptors)
            throws BackendException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request =
                    Vfio.sized(arena, SET_IRQS_BYTES + Integer.BYTES * descriptors.length);
            Vfio.put(request, flags, kind.index(), start, count);
            for (int k = 0; k < descriptors.length; k++) {
                request.set(JAVA_INT, SET_IRQS_BYTES + 4L * k, descriptors[k]);
            }
            kernel.control(memory.device(), "VFIO_DEVICE_SET_IRQS", Vfio.DEVICE_SET_IRQS, request);
        }
    }

    // ---------------------------------------------------------------- memory and life

    @Override
    public void mapDma(DmaMapping mapping) throws BackendException {
        memory.map(mapping);
    }

    @Override
    public void unmapDma(long address, long bytes) throws BackendException {
        memory.unmapExactly(address, bytes);
    }

    @Override
    public void reset() throws BackendException {
        try {
            kernel.control(memory.device(), "VFIO_DEVICE_RESET", Vfio.DEVICE_RESET, Vfio.number(0));
        } catch (BackendException failure) {
            throw noted(failure);
        }
    }

    @Override
    public void lowPower(boolean enter) throws BackendException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = Vfio.sized(arena, 8);
            int feature = enter ? Vfio.FEATURE_LOW_POWER_ENTRY : Vfio.FEATURE_LOW_POWER_EXIT;
            request.set(JAVA_INT, 4, Vfio.FEATURE_SET | feature);
            kernel.control(memory.device(), "VFIO_DEVICE_FEATURE", Vfio.DEVICE_FEATURE, request);
        }
    }

    /** A device that the host took away answers nothing any more. */
    private BackendException noted(BackendException failure) {
        if (failure.errno() != Errno.ENODEV.number()) {
            return failure;
        }
        List<Runnable> told;
        synchronized (lock) {
            lost = true;
            told = List.copyOf(notices);
            notices.clear();
        }
        told.forEach(Runnable::run);
        return BackendException.lost(failure.operation(), "the host took it away");
    }

    @Override
    public void onLost(Runnable notice) {
        synchronized (lock) {
            if (!lost) {
                notices.add(notice);
                return;
            }
        }
        notice.run();
    }

    @Override
    public void close() {
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
            for (Map<Integer, Integer> each : events.values()) {
                each.values().forEach(kernel::unwatch);
                each.clear();
            }
        }
        memory.close();
        kernel.closeAll();
    }
}
