package dev.dalang.vm.internal.board;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.PrivateMemory;
import dev.dalang.linux.SharedMemory;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.vm.PciPlacement;
import dev.dalang.vm.device.CfiFlash;
import dev.dalang.vm.internal.boot.BootFile;
import dev.dalang.vm.internal.boot.Initrd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a board holds of its host: memory, the clock's thread, files. Made before the board, so that
 * nothing is left behind when the building fails half-way.
 */
final class BoardResources implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(BoardResources.class.getName());
    private static final int WORKERS = 2;

    final Arena arena = Arena.ofShared();
    final SystemVirtualClock clock = SystemVirtualClock.asleep();

    /** What devices do outside of the guest's accesses; its threads start with the first task. */
    final DeviceExecutor executor = DeviceExecutor.workers(WORKERS);

    final List<CfiFlash> flash = new ArrayList<>();

    /** What ends before all of the above, last first. */
    private final List<Runnable> endings = new ArrayList<>();

    /** Devices that nobody has attached yet. */
    private final Set<VirtioDevice> spare = Collections.newSetFromMap(new IdentityHashMap<>());

    /** Has something end with the board, before what was there before it. */
    void atEnd(Runnable ending) {
        endings.add(ending);
    }

    /** Takes over devices: whatever comes of the board, they give up what they hold. */
    void adopt(List<PciPlacement> placements) {
        for (PciPlacement placement : placements) {
            if (placement.device() instanceof VirtioPciDevice carried) {
                spare.add(carried.virtio());
            }
        }
    }

    /** Somebody attaches a device, and sees to its end. */
    void attaching(VirtioDevice device) {
        spare.remove(device);
    }

    /** The guest's memory, all zeros, of which the host pays what is touched. */
    MemoryRegion memory(BoardConfiguration configuration) throws IOException {
        long bytes = configuration.memoryBytes();
        if (!configuration.sharesMemory()) {
            if (!Linux.isAvailable()) {
                return MemoryRegion.reserve(VirtMap.RAM, bytes, arena);
            }
            MemorySegment own = PrivateMemory.map(bytes + MemoryRegion.PADDING, arena);
            return MemoryRegion.padded(VirtMap.RAM, own, Optional.empty());
        }
        long padded = bytes + MemoryRegion.PADDING;
        Descriptor file = SharedMemory.create("guest memory", padded);
        atEnd(file::close);
        int number = file.acquire(); // the region names it by its number
        atEnd(file::release);
        return MemoryRegion.padded(
                VirtMap.RAM,
                SharedMemory.map(file, 0, padded, true, arena),
                Optional.of(new MemoryBacking.Descriptor(number, 0)));
    }

    /** Fills the flash banks: with the files that are named, the rest with nothing. */
    void openFlash(List<FlashBank> banks) {
        for (int bank = 0; bank < VirtMap.FLASH_BANKS; bank++) {
            String label = "flash" + bank;
            int bytes = (int) VirtMap.FLASH_BANK_BYTES;
            if (bank >= banks.size()) {
                flash.add(CfiFlash.inMemory(label, bytes));
                continue;
            }
            FlashBank content = banks.get(bank);
            flash.add(
                    content.isCopy()
                            ? CfiFlash.ofCopy(label, content.file(), bytes, content.readOnly())
                            : CfiFlash.ofFile(label, content.file(), bytes, content.readOnly()));
        }
    }

    /** A copy of a file, as long as the board. */
    MemorySegment copyOf(String option, Path path) {
        try (BootFile file = BootFile.open(option, path)) {
            MemorySegment copy = arena.allocate(file.size());
            file.copyTo(copy);
            return copy;
        }
    }

    /** A copy of the initial RAM disk, as long as the board. */
    Optional<MemorySegment> initrd(BoardConfiguration configuration) {
        Optional<Initrd> content = Initrd.open(configuration.initrd(), configuration.initrdAdd());
        if (content.isEmpty()) {
            return Optional.empty();
        }
        try (Initrd initrd = content.get()) {
            MemorySegment copy = arena.allocate(initrd.size());
            initrd.copyTo(copy);
            return Optional.of(copy);
        }
    }

    @Override
    public void close() {
        endings.reversed().forEach(BoardResources::end);
        endings.clear();
        spare.forEach(device -> end(device::detach));
        spare.clear();
        executor.close();
        flash.forEach(CfiFlash::close);
        clock.close();
        arena.close();
    }

    /** One that fails does not keep the others from ending. */
    private static void end(Runnable ending) {
        try {
            ending.run();
        } catch (RuntimeException | Error failure) {
            LOG.log(System.Logger.Level.WARNING, "something of a machine did not end", failure);
        }
    }
}
