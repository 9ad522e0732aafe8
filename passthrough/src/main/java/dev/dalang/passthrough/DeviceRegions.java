package dev.dalang.passthrough;

import dev.dalang.passthrough.PassthroughException.Kind;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The parts of a device's memory, and where the guest has them: none outside of the device, and no
 * two in one place. One thread at a time.
 */
final class DeviceRegions {
    private static final String ADD = "add a region";

    private final PassthroughBackend backend;
    private final List<MmioRegion> regions = new ArrayList<>();

    DeviceRegions(PassthroughBackend backend) {
        this.backend = backend;
    }

    /** A copy. */
    List<MmioRegion> all() {
        return List.copyOf(regions);
    }

    /**
     * Adds a part.
     *
     * @throws PassthroughException if it cannot be, or another is there
     */
    void add(MmioRegion region, boolean isMapped) {
        if (!region.isSound() || !region.isAligned() || !isInside(region)) {
            throw new PassthroughException(
                    Kind.INVALID_REGION,
                    backend.label(),
                    ADD,
                    "expected whole pages inside a region of the device's, got " + region);
        }
        for (MmioRegion other : regions) {
            if (other.overlaps(region)) {
                throw new PassthroughException(
                        Kind.OVERLAP,
                        backend.label(),
                        ADD,
                        region + " is where the guest has " + other);
            }
        }
        regions.add(region.mapped(isMapped));
    }

    private boolean isInside(MmioRegion region) {
        return backend.region(region.region())
                .filter(all -> region.offset() + region.size() <= all.size())
                .isPresent();
    }

    /** All of them are mapped now, or none is. */
    void map(boolean isMapped) {
        regions.replaceAll(region -> region.mapped(isMapped));
    }

    /** A BAR of the guest's answers there from now on, or nowhere. */
    void place(int bar, OptionalLong base, long size) {
        regions.removeIf(region -> region.region() == bar);
        base.ifPresent(at -> regions.add(new MmioRegion(bar, 0, at, size, true)));
    }

    void clear() {
        regions.clear();
    }
}
