package dev.dalang.remote.internal.server;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.linux.HostIoException;
import dev.dalang.pci.ForeignMachine;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDoorbell;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciInterrupts;
import dev.dalang.pci.PciRegisters;
import dev.dalang.pci.PciRoot;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A device in a tree of its own, whose machine is the client's. Regions are numbered as VFIO does:
 * BARs, the expansion ROM, configuration space. One thread, but for what devices call.
 */
final class ServedDevice implements ForeignMachine, AutoCloseable {
    static final int ROM_REGION = 6;
    static final int CONFIGURATION_REGION = 7;
    static final int REGIONS = 9;

    /** Where the device is in its tree; 00:00.0 is the host bridge. */
    private static final int DEVICE_NUMBER = 1;

    private final PciDeviceSpec spec;
    private final ClientMemory memory = new ClientMemory();
    private final SystemVirtualClock clock = SystemVirtualClock.running();
    private final DeviceExecutor executor = DeviceExecutor.workers(1);
    private final IoManager io = IoManager.create();
    private final PciRoot root;
    private final PciFunction function;
    private final ClientInterrupts interrupts;
    private final int configurationBytes;
    private final LongAdder messages = new LongAdder();
    private final RegionFiles files;

    private final ReentrantLock asking = new ReentrantLock();

    private volatile @Nullable ClientInterrupts made;

    /** The client has stopped the device. */
    private boolean isStopped;

    /** Memory that the device used is gone, or on its way to another place. */
    private boolean isHeld;

    private volatile boolean isRemapping;
    private boolean isAsleep;

    /**
     * Attaches a device.
     *
     * @throws HostIoException if a file of its cannot be opened
     */
    ServedDevice(PciDevice device) throws HostIoException {
        spec = device.spec();
        try {
            files = RegionFiles.open(spec.barMemory());
        } catch (HostIoException | RuntimeException | Error failed) {
            executor.close();
            clock.close();
            throw failed;
        }
        try {
            InterruptLine wire = new Wire();
            root =
                    PciRoot.builder(io, memory::memory, clock)
                            .executor(executor)
                            .foreign(this)
                            .wires(List.of(wire, wire, wire, wire))
                            .build();
            function = root.bus().add(device, DEVICE_NUMBER, 0, spec.name());
            interrupts = Objects.requireNonNull(made);
            interrupts.connect(function);
        } catch (RuntimeException | Error failed) {
            files.close();
            executor.close();
            clock.close();
            throw failed;
        }
        configurationBytes = isExtended() ? 4096 : 256;
    }

    /** The function's own wire, which is made before what it leads to. */
    private final class Wire implements InterruptLine {
        @Override
        public void raise() {
            set(true);
        }

        @Override
        public void lower() {
            set(false);
        }

        @Override
        public void set(boolean level) {
            ClientInterrupts target = made;
            if (target != null) {
                target.setLevel(level);
            }
        }
    }

    private boolean isExtended() {
        return spec.isExpress()
                || function.configuration().readRegister(PciRegisters.PCI_CFG_SPACE_SIZE / 4) != 0;
    }

    PciFunction function() {
        return function;
    }

    /** How many messages of the device's reached the client. */
    long messages() {
        return messages.sum();
    }

    ClientMemory memory() {
        return memory;
    }

    ClientInterrupts interruptsOfClient() {
        return interrupts;
    }

    // ---------------------------------------------------------------- the foreign machine

    @Override
    public PciInterrupts interrupts(PciInterrupts own) {
        // The host bridge comes first, and has none.
        ClientInterrupts of =
                new ClientInterrupts(
                        own,
                        spec.hasIntx() ? 1 : 0,
                        spec.msiVectors(),
                        spec.msixVectors(),
                        messages::increment);
        made = of;
        return of;
    }

    @Override
    public void read(long address, MemorySegment target) {
        memory.read(address, target);
    }

    @Override
    public void write(long address, MemorySegment source) {
        memory.write(address, source);
    }

    // ---------------------------------------------------------------- regions

    /** The files that the regions have, as far as they have any. */
    RegionFiles files() {
        return files;
    }

    /** The registers of a region that have events, in their order. */
    List<PciDoorbell> doorbells(int region) {
        return region == ROM_REGION
                ? List.of()
                : spec.doorbells().stream().filter(bell -> bell.bar() == region).toList();
    }

    /** All registers that have events. */
    List<PciDoorbell> doorbells() {
        return spec.doorbells();
    }

    /** True if a region is one of ports. */
    boolean isPorts(int region) {
        return spec.bars().stream()
                .anyMatch(bar -> bar.index() == region && bar.type() == PciBar.Type.IO);
    }

    /** A client has signalled an event: any thread. */
    void ring(PciDoorbell bell) {
        asking.lock();
        try {
            release();
            writeBar(bell.bar(), bell.offset(), bell.size(), bell.value().orElse(0));
        } catch (RuntimeException failure) {
            failed("a doorbell of BAR " + bell.bar(), failure);
        } finally {
            asking.unlock();
        }
    }

    /** Held by who does what a client asks, by message or by event. */
    Lock asking() {
        return asking;
    }

    /** Bytes of a region; 0 if there is no such. */
    long regionBytes(int region) {
        if (region == CONFIGURATION_REGION) {
            return configurationBytes;
        }
        for (PciBar bar : spec.bars()) {
            if (region == (bar.index() == PciBar.ROM ? ROM_REGION : bar.index())) {
                return bar.size();
            }
        }
        return 0;
    }

    /** Checks that an access lies in a region; one of no bytes does at its end too. */
    void require(int region, long offset, int count) {
        long size = region >= 0 && region < REGIONS ? regionBytes(region) : 0;
        if (size == 0
                || count < 0
                || Long.compareUnsigned(offset, size) > 0
                || count > size - offset) {
            throw Refusal.invalid(
                    "region %s: %s bytes from 0x%x on of %s"
                            .formatted(
                                    Integer.toUnsignedString(region),
                                    Integer.toUnsignedString(count),
                                    offset,
                                    Long.toUnsignedString(size)));
        }
    }

    /** Reads bytes of a region, in pieces of up to eight that are aligned to their size. */
    byte[] read(int region, long offset, int count) {
        require(region, offset, count);
        byte[] data = new byte[count];
        ByteBuffer to = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        long at = offset;
        while (to.hasRemaining()) {
            int size = piece(region, at, to.remaining());
            long value =
                    region == CONFIGURATION_REGION
                            ? function.readConfig((int) (at >>> 2)) >>> (int) (at & 3) * Byte.SIZE
                            : readBar(region, at, size);
            switch (size) {
                case 1 -> to.put((byte) value);
                case 2 -> to.putShort((short) value);
                case 4 -> to.putInt((int) value);
                default -> to.putLong(value);
            }
            at += size;
        }
        return data;
    }

    /** Writes bytes of a region, in pieces of up to eight that are aligned to their size. */
    void write(int region, long offset, byte[] data) {
        require(region, offset, data.length);
        ByteBuffer from = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        long at = offset;
        while (from.hasRemaining()) {
            int size = piece(region, at, from.remaining());
            long value =
                    switch (size) {
                        case 1 -> from.get() & 0xffL;
                        case 2 -> from.getShort() & 0xffffL;
                        case 4 -> from.getInt() & 0xffff_ffffL;
                        default -> from.getLong();
                    };
            if (region == CONFIGURATION_REGION) {
                function.writeConfig((int) (at >>> 2), (int) (at & 3), size, (int) value);
            } else {
                writeBar(region, at, size, value);
            }
            at += size;
        }
    }

    private static int piece(int region, long at, int left) {
        int most = region == CONFIGURATION_REGION ? Integer.BYTES : Long.BYTES;
        int aligned = (int) Math.min(most, at == 0 ? most : Long.lowestOneBit(at));
        return Math.min(aligned, Integer.highestOneBit(left));
    }

    private long readBar(int bar, long offset, int size) {
        try {
            return function.readBar(bar == ROM_REGION ? PciBar.ROM : bar, offset, size);
        } catch (Throwable failure) {
            failed("a read of BAR " + bar, failure);
            return -1;
        }
    }

    private void writeBar(int bar, long offset, int size, long value) {
        if (isMsixTable(bar, offset)) {
            return; // the client keeps the table: what one writes here would hold up vectors
        }
        try {
            function.writeBar(bar == ROM_REGION ? PciBar.ROM : bar, offset, size, value);
        } catch (Throwable failure) {
            failed("a write of BAR " + bar, failure);
        }
    }

    private boolean isMsixTable(int bar, long offset) {
        return spec.msixPlacement()
                .filter(
                        place ->
                                place.bar() == bar
                                        && offset >= place.tableOffset()
                                        && offset - place.tableOffset() < 16L * spec.msixVectors())
                .isPresent();
    }

    private void failed(String what, Throwable failure) {
        io.counters().failed(function, what, failure);
    }

    // ---------------------------------------------------------------- life

    /** Puts the device into the state of power-on. */
    void reset() {
        release();
        wake();
        root.reset();
        interrupts.reset();
    }

    /** Stops what the device does by itself. */
    void sleep() {
        isStopped = true;
        settle();
    }

    void wake() {
        isStopped = false;
        settle();
    }

    private void settle() {
        boolean sleeps = isStopped || isHeld;
        if (sleeps && !isAsleep) {
            root.sleep();
            executor.sleep();
            clock.sleep();
            isAsleep = true;
        } else if (!sleeps && isAsleep) {
            isAsleep = false;
            clock.wake();
            executor.wake();
            root.wake();
        }
    }

    /**
     * Takes a piece of memory back. The device is put to sleep before: what it has under way ends,
     * and nothing of it, nor of the kernel's on its behalf, reaches the piece any more. It sleeps
     * until {@link #release}, because clients move memory by taking it back and giving it anew.
     */
    void unmap(DmaUnmap unmap) {
        hold();
        isRemapping = true;
        memory.unmap(unmap);
    }

    private void hold() {
        isHeld = true;
        try {
            settle();
        } catch (RuntimeException refused) {
            failed("falling asleep", refused);
        }
    }

    /** The client's memory is as it shall be. */
    void release() {
        isRemapping = false;
        if (isHeld) {
            isHeld = false;
            settle();
        }
    }

    /** True while a client that took memory back may be about to give more. */
    boolean isRemapping() {
        return isRemapping;
    }

    Snapshot snapshot() {
        return root.snapshot();
    }

    void restore(Snapshot snapshot) {
        root.restore(snapshot);
    }

    /**
     * The client is gone: so are its memory and its events. The device's state stays; it sleeps
     * until the next client has given it memory.
     */
    void disconnected() {
        memory.connect(null);
        memory.stopLog();
        interrupts.clear();
        hold();
        isStopped = false;
        isRemapping = false;
        memory.clear();
    }

    @Override
    public void close() {
        executor.close();
        root.close();
        clock.close();
        files.close();
    }
}
