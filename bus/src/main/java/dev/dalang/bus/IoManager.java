package dev.dalang.bus;

import dev.dalang.bus.trace.IoTracer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A machine's devices, on a bus of guest physical addresses and on one of ports. Harts reach them
 * through {@link #hartIo}; the methods of {@link MmioManager} and {@link PioManager} are for other
 * threads, for hosts and for tests. Any thread.
 *
 * {@snippet :
 * IoManager io = IoManager.create();
 * io.registerMmio(new MmioRange(0x1000_0000L, 0x100), uart);
 * io.mmioWrite(0x1000_0000L, 1, 'k');
 * }
 */
public final class IoManager implements MmioManager, PioManager {
    private final Quiescence quiescence = new Quiescence();
    private final IoTracer tracer;
    private final IoCounters counters;
    private final Lane<MmioRange, Port.Mmio> mmio;
    private final Lane<PioRange, Port.Pio> pio;

    private final List<HartIo> harts = new CopyOnWriteArrayList<>();
    private final CallSites callSites = new CallSites();

    /** Serialises changes, so that one that touches both buses is all or nothing. */
    private final Object changes = new Object();

    private IoManager(IoTracer tracer) {
        this.tracer = tracer;
        counters = new IoCounters(tracer);
        mmio = new Lane<>(Bus.mmio(HartIo.Route::new), quiescence, counters);
        pio = new Lane<>(Bus.pio(), quiescence, counters);
    }

    /** {@return a manager of two empty buses} */
    public static IoManager create() {
        return create(IoTracer.none());
    }

    /**
     * Makes a manager of two empty buses, some of whose devices are traced.
     *
     * @param tracer says which
     * @return the manager
     */
    public static IoManager create(IoTracer tracer) {
        return new IoManager(tracer);
    }

    /** {@return who says which devices are traced} For what devices do outside the buses. */
    public IoTracer tracer() {
        return tracer;
    }

    /** {@return what is counted, by device} */
    public IoCounters counters() {
        return counters;
    }

    /**
     * Makes a hart's way to the memory bus, with the machine's policy for misses. One per hart, for
     * as long as the manager lives.
     *
     * @return the way
     */
    public GuestIo hartIo() {
        HartIo io = new HartIo(mmio, quiescence, counters);
        harts.add(io);
        return io;
    }

    /**
     * Makes a watch over the accesses that harts make.
     *
     * @return the watch; it costs the harts nothing
     */
    public AccessWatch watchAccesses() {
        return new AccessWatch(harts, counters);
    }

    /**
     * Makes a device through which a guest without port instructions reaches the ports: the offset
     * is the port. Register it with a range of up to 65,536 bytes.
     *
     * @return the device
     */
    public DeviceMmio pioWindow() {
        return new PioWindow(pio);
    }

    /** {@return what is on the memory bus, ordered by base} */
    public List<BusMapping<MmioRange, DeviceMmio>> mmioMappings() {
        return mmio.bus.mappings().stream().map(IoManager::mmioMapping).toList();
    }

    /** {@return what is on the port bus, ordered by base} */
    public List<BusMapping<PioRange, DevicePio>> pioMappings() {
        return pio.bus.mappings().stream().map(IoManager::pioMapping).toList();
    }

    private static BusMapping<MmioRange, DeviceMmio> mmioMapping(
            BusMapping<MmioRange, Port.Mmio> found) {
        return new BusMapping<>(found.range(), found.device().device);
    }

    private static BusMapping<PioRange, DevicePio> pioMapping(
            BusMapping<PioRange, Port.Pio> found) {
        return new BusMapping<>(found.range(), found.device().device);
    }

    // ---------------------------------------------------------------- memory

    @Override
    public Optional<BusMapping<MmioRange, DeviceMmio>> mmioDevice(long address) {
        return mmio.bus.device(address).map(IoManager::mmioMapping);
    }

    @Override
    public long mmioRead(long address, int size) {
        return mmio.read(address, size);
    }

    @Override
    public void mmioWrite(long address, int size, long value) {
        mmio.write(address, size, value);
    }

    @Override
    public void mmioRead(long address, MemorySegment target) {
        mmio.read(address, target);
    }

    @Override
    public void mmioWrite(long address, MemorySegment source) {
        mmio.write(address, source);
    }

    @Override
    public void registerMmio(MmioRange range, DeviceMmio device) {
        registerMmioResources(device, List.of(range));
    }

    @Override
    public Optional<Removal> deregisterMmio(long address) {
        synchronized (changes) {
            return mmio.bus
                    .deregister(address)
                    .map(found -> begin(List.of(mmioMapping(found)), List.of()));
        }
    }

    @Override
    public MmioRange moveMmio(MmioRange range, DeviceMmio device, long newBase) {
        synchronized (changes) {
            return mmio.bus.move(range, port -> port.device() == device, newBase);
        }
    }

    // ---------------------------------------------------------------- ports

    @Override
    public Optional<BusMapping<PioRange, DevicePio>> pioDevice(long address) {
        return pio.bus.device(address).map(IoManager::pioMapping);
    }

    @Override
    public long pioRead(long address, int size) {
        return pio.read(address, size);
    }

    @Override
    public void pioWrite(long address, int size, long value) {
        pio.write(address, size, value);
    }

    @Override
    public void pioRead(long address, MemorySegment target) {
        pio.read(address, target);
    }

    @Override
    public void pioWrite(long address, MemorySegment source) {
        pio.write(address, source);
    }

    @Override
    public void pioReadRepeated(long address, int size, MemorySegment target) {
        requireElements(address, size, target.byteSize());
        for (long done = 0; done < target.byteSize(); done += size) {
            BulkAccess.put(target, done, size, pio.read(address, size));
        }
    }

    @Override
    public void pioWriteRepeated(long address, int size, MemorySegment source) {
        requireElements(address, size, source.byteSize());
        for (long done = 0; done < source.byteSize(); done += size) {
            pio.write(address, size, BulkAccess.get(source, done, size));
        }
    }

    private static void requireElements(long address, int size, long length) {
        if (!BulkAccess.isNatural(size) || size == 8) {
            throw BusException.invalidLength(address, size, "elements of 1, 2 or 4 bytes");
        }
        if (length % size != 0) {
            throw BusException.invalidLength(address, length, "a multiple of " + size + " bytes");
        }
    }

    @Override
    public void registerPio(PioRange range, DevicePio device) {
        registerPioResources(device, List.of(range));
    }

    @Override
    public Optional<Removal> deregisterPio(long address) {
        synchronized (changes) {
            return pio.bus
                    .deregister(address)
                    .map(found -> begin(List.of(), List.of(pioMapping(found))));
        }
    }

    @Override
    public PioRange movePio(PioRange range, DevicePio device, long newBase) {
        synchronized (changes) {
            return pio.bus.move(range, port -> port.device() == device, newBase);
        }
    }

    // ---------------------------------------------------------------- several ranges at once

    /**
     * Registers a device for those of its ranges that are memory, or for none of them.
     *
     * @param device the device
     * @param ranges ranges of either kind; ports are passed over
     * @throws BusException if one overlaps ({@code OVERLAP})
     */
    public void registerMmioResources(DeviceMmio device, Collection<? extends BusRange> ranges) {
        Port.Mmio port = mmioPort(device, counters.slot(device));
        synchronized (changes) {
            mmio.bus.registerAll(mappings(only(ranges, MmioRange.class), port));
        }
    }

    /**
     * Registers a device for those of its ranges that are ports, or for none of them.
     *
     * @param device the device
     * @param ranges ranges of either kind; memory is passed over
     * @throws BusException if one overlaps ({@code OVERLAP})
     */
    public void registerPioResources(DevicePio device, Collection<? extends BusRange> ranges) {
        Port.Pio port = pioPort(device, counters.slot(device));
        synchronized (changes) {
            pio.bus.registerAll(mappings(only(ranges, PioRange.class), port));
        }
    }

    /**
     * Registers a device that is on both buses for all of its ranges, or for none of them.
     *
     * @param device the device
     * @param ranges ranges of either kind
     * @param <D> the device's type
     * @throws BusException if one overlaps ({@code OVERLAP}); then nothing is registered on either
     *     bus
     */
    public <D extends DeviceMmio & DevicePio> void registerResources(
            D device, Collection<? extends BusRange> ranges) {
        DeviceSlot slot = counters.slot(device);
        List<BusMapping<MmioRange, Port.Mmio>> memory =
                mappings(only(ranges, MmioRange.class), mmioPort(device, slot));
        List<BusMapping<PioRange, Port.Pio>> ports =
                mappings(only(ranges, PioRange.class), pioPort(device, slot));
        synchronized (changes) {
            // All changes take this lock, so what is free now is still free below.
            mmio.bus.map().with(memory);
            pio.bus.registerAll(ports);
            mmio.bus.registerAll(memory);
        }
    }

    /**
     * Removes ranges of one device from their buses, or none of them.
     *
     * @param device the device, the very object that was registered
     * @param ranges ranges as they are registered, base and size
     * @return the removal
     * @throws BusException if one is not registered in exactly this extent ({@code NOT_REGISTERED})
     *     or belongs to another device ({@code FOREIGN_OWNER})
     */
    public Removal deregisterResources(BusDevice device, Collection<? extends BusRange> ranges) {
        List<MmioRange> memory = only(ranges, MmioRange.class);
        List<PioRange> ports = only(ranges, PioRange.class);
        synchronized (changes) {
            List<BusMapping<MmioRange, DeviceMmio>> fromMmio =
                    memory.stream()
                            .map(range -> owned(mmio.bus, range, device))
                            .map(IoManager::mmioMapping)
                            .toList();
            List<BusMapping<PioRange, DevicePio>> fromPio =
                    ports.stream()
                            .map(range -> owned(pio.bus, range, device))
                            .map(IoManager::pioMapping)
                            .toList();
            mmio.bus.deregister(memory, port -> port.device() == device);
            pio.bus.deregister(ports, port -> port.device() == device);
            return begin(fromMmio, fromPio);
        }
    }

    /**
     * Removes every range of a device from both buses.
     *
     * @param device the device, the very object that was registered
     * @return the removal; of nothing, and done, if the device has no range
     */
    public Removal deregister(BusDevice device) {
        synchronized (changes) {
            List<BusRange> ranges = new ArrayList<>();
            for (BusMapping<MmioRange, Port.Mmio> mapping : mmio.bus.mappings()) {
                if (mapping.device().device() == device) {
                    ranges.add(mapping.range());
                }
            }
            for (BusMapping<PioRange, Port.Pio> mapping : pio.bus.mappings()) {
                if (mapping.device().device() == device) {
                    ranges.add(mapping.range());
                }
            }
            return deregisterResources(device, ranges);
        }
    }

    private Port.Mmio mmioPort(DeviceMmio device, DeviceSlot slot) {
        DeviceMmio target =
                tracer.trace(device).map(trace -> Traced.mmio(device, trace)).orElse(device);
        return new Port.Mmio(device, target, slot, callSites.of(target.getClass()));
    }

    private Port.Pio pioPort(DevicePio device, DeviceSlot slot) {
        DevicePio target =
                tracer.trace(device).map(trace -> Traced.pio(device, trace)).orElse(device);
        return new Port.Pio(device, target, slot);
    }

    private Removal begin(
            List<BusMapping<MmioRange, DeviceMmio>> fromMmio,
            List<BusMapping<PioRange, DevicePio>> fromPio) {
        Removal removal = new Removal(quiescence, fromMmio, fromPio);
        quiescence.begin(removal);
        return removal;
    }

    private static <R extends BusRange, P extends Port> BusMapping<R, P> owned(
            Bus<R, P> bus, R range, BusDevice device) {
        BusMapping<R, P> found =
                bus.device(range.base())
                        .filter(mapping -> mapping.range().equals(range))
                        .orElseThrow(() -> BusException.notRegistered(range));
        if (found.device().device() != device) {
            throw BusException.foreignOwner(range);
        }
        return found;
    }

    private static <R extends BusRange> List<R> only(
            Collection<? extends BusRange> ranges, Class<R> kind) {
        return ranges.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private static <R extends BusRange, P extends Port> List<BusMapping<R, P>> mappings(
            Collection<R> ranges, P port) {
        return ranges.stream().map(range -> new BusMapping<>(range, port)).toList();
    }
}
