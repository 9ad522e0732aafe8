package dev.dalang.bus.sandbox;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** What takes from the process all that devices do not need. */
@FunctionalInterface
public interface Jail {
    /**
     * Closes the jail around the calling process.
     *
     * @param keepDescriptors the descriptors that stay open, unmodifiable; whoever makes the jail
     *     adds its own
     * @throws RuntimeException if it cannot be closed; no device is told anything then
     */
    void close(SortedSet<Integer> keepDescriptors);

    /**
     * {@return no jail at all} For devices in the machine's own process, which are told the same.
     */
    static Jail none() {
        return _ -> {};
    }

    /**
     * Puts devices into this jail: asks all of them what to keep, closes it, and tells them, in
     * their order. Before any request reaches one of them.
     *
     * @param devices the devices
     * @throws IllegalArgumentException if a descriptor is negative; nothing was closed
     */
    default void enter(Collection<? extends Sandboxed> devices) {
        // The order is part of the promise: it must not change between the two rounds.
        List<? extends Sandboxed> inside = List.copyOf(devices);
        SortedSet<Integer> keep = new TreeSet<>();
        for (Sandboxed device : inside) {
            for (int descriptor : device.keepDescriptors()) {
                if (descriptor < 0) {
                    throw new IllegalArgumentException(
                            "%s: expected descriptors of 0 or more to keep, got %d"
                                    .formatted(device, descriptor));
                }
                keep.add(descriptor);
            }
        }
        close(Collections.unmodifiableSortedSet(keep));
        for (Sandboxed device : inside) {
            device.onSandboxed();
        }
    }
}
