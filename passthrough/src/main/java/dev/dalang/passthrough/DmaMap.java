package dev.dalang.passthrough;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * What of a machine's memory a device may reach: all of it, at the addresses that the guest uses.
 * It follows the memory when that changes. Guarded by its device's lock.
 */
final class DmaMap {
    private final PassthroughBackend backend;
    private final List<MemoryRegion> mapped = new ArrayList<>();

    DmaMap(PassthroughBackend backend) {
        this.backend = backend;
    }

    /**
     * Makes the device reach this memory and no other.
     *
     * @throws BackendException if it could not be done; what was mapped before and still belongs to
     *     the memory is then still mapped, and nothing of what is new
     */
    void follow(GuestMemory memory, DmaAccess access) throws BackendException {
        List<MemoryRegion> wanted = memory.regions();
        for (MemoryRegion region : List.copyOf(mapped)) {
            if (!contains(wanted, region)) {
                backend.unmapDma(region.base(), region.size());
                mapped.remove(region);
            }
        }
        int before = mapped.size();
        try {
            for (MemoryRegion region : wanted) {
                if (!contains(mapped, region)) {
                    backend.mapDma(
                            new DmaMapping(
                                    region.base(),
                                    region.segment(),
                                    region.backing(),
                                    true,
                                    !region.isReadOnly(),
                                    access));
                    mapped.add(region);
                }
            }
        } catch (BackendException failure) {
            while (mapped.size() > before) {
                MemoryRegion region = mapped.getLast();
                try {
                    backend.unmapDma(region.base(), region.size());
                    mapped.removeLast();
                } catch (BackendException worse) {
                    failure.addSuppressed(worse);
                    break;
                }
            }
            throw failure;
        }
    }

    /**
     * Takes all memory away.
     *
     * @return what went wrong first; the device may then still reach some of it
     */
    @Nullable BackendException clear() {
        BackendException first = null;
        while (!mapped.isEmpty()) {
            MemoryRegion region = mapped.removeLast();
            try {
                backend.unmapDma(region.base(), region.size());
            } catch (BackendException failure) {
                first = first == null ? failure : first;
            }
        }
        return first;
    }

    boolean isEmpty() {
        return mapped.isEmpty();
    }

    private static boolean contains(List<MemoryRegion> regions, MemoryRegion region) {
        for (MemoryRegion each : regions) {
            if (each.base() == region.base()
                    && each.isReadOnly() == region.isReadOnly()
                    && each.segment().address() == region.segment().address()
                    && each.size() == region.size()) {
                return true;
            }
        }
        return false;
    }
}
