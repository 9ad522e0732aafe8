package dev.dalang.passthrough;

import dev.dalang.passthrough.PassthroughException.Kind;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * The vectors of a device, and where each goes. They are changed by one thread at a time, and
 * looked up by any, without a lock.
 */
final class DeviceVectors {
    private static final String ADD = "add a vector";

    private final PassthroughBackend backend;
    private volatile List<MsixRemap> remaps = List.of();

    DeviceVectors(PassthroughBackend backend) {
        this.backend = backend;
    }

    List<MsixRemap> all() {
        return remaps;
    }

    /**
     * Adds a vector, active if a machine has the device.
     *
     * @throws PassthroughException if it is taken, there are no more, or it goes nowhere
     */
    void add(MsixRemap remap, @Nullable PassthroughVm owner) {
        requireTarget(ADD, remap, owner);
        for (MsixRemap other : remaps) {
            if (other.hostVector() == remap.hostVector()) {
                throw new PassthroughException(
                        Kind.DUPLICATE_VECTOR,
                        backend.label(),
                        ADD,
                        "its vector " + remap.hostVector() + " goes to " + other + " already");
            }
        }
        int limit =
                Math.min(
                        backend.interrupts(InterruptKind.MSIX).count(), MsixRemap.MAX_MSIX_VECTORS);
        if (remaps.size() >= limit) {
            throw new PassthroughException(
                    Kind.VECTOR_LIMIT,
                    backend.label(),
                    ADD,
                    "all of its " + limit + " vectors are in use");
        }
        List<MsixRemap> next = new ArrayList<>(remaps);
        next.add(remap.active(owner != null));
        remaps = List.copyOf(next);
    }

    /**
     * Sees to it that a machine has the harts that the vectors are for.
     *
     * @throws PassthroughException if it has not
     */
    void requireTargets(String operation, PassthroughVm vm) {
        for (MsixRemap remap : remaps) {
            requireTarget(operation, remap, vm);
        }
    }

    private void requireTarget(String operation, MsixRemap remap, @Nullable PassthroughVm vm) {
        int harts = vm == null || vm.harts() == 0 ? Integer.MAX_VALUE : vm.harts();
        if ((remap.hostVector() | remap.guestVector()) >>> 16 != 0
                || remap.targetHart() < 0
                || remap.targetHart() >= harts) {
            throw new PassthroughException(
                    Kind.INVALID_TARGET,
                    backend.label(),
                    operation,
                    "expected vectors of 0..%d and a hart of 0..%d, got %s"
                            .formatted(MsixRemap.MAX_VECTOR, harts - 1, remap));
        }
    }

    /** Finds where a vector goes; null if it goes nowhere. */
    @Nullable MsixRemap active(int hostVector) {
        List<MsixRemap> all = remaps;
        if (hostVector >= 0 && hostVector < all.size()) {
            // Where a guest has programmed them, they stand in order.
            MsixRemap there = all.get(hostVector);
            if (there.hostVector() == hostVector) {
                return there.isActive() ? there : null;
            }
        }
        for (MsixRemap remap : all) {
            if (remap.hostVector() == hostVector) {
                return remap.isActive() ? remap : null;
            }
        }
        return null;
    }

    /** All of them are active now, or none is. */
    void activate(boolean isActive) {
        remaps = remaps.stream().map(remap -> remap.active(isActive)).toList();
    }

    /** The guest has programmed so many: each goes where its number says. */
    void program(int count) {
        if (remaps.stream().filter(MsixRemap::isActive).count() == count) {
            return;
        }
        List<MsixRemap> next = new ArrayList<>();
        for (int vector = 0; vector < count; vector++) {
            next.add(new MsixRemap(vector, vector, 0, true));
        }
        remaps = List.copyOf(next);
    }

    void clear() {
        remaps = List.of();
    }
}
