package dev.dalang.virtio;

import dev.dalang.pci.BarRange;
import dev.dalang.pci.PciBar;

import java.util.List;
import java.util.Optional;

/**
 * The ability to have BARs of the device's own, beside the transport's BAR 0. They take the place
 * of that for shared memory. Over PCI only.
 */
public interface VirtioPciBars {
    /**
     * Says which. Constant.
     *
     * @return at least one, of index 1 to 5, without addresses
     */
    List<PciBar> bars();

    /**
     * Answers a load.
     *
     * @param bar index of the BAR
     * @param offset byte offset in it
     * @param size 1, 2, 4 or 8
     * @return the value
     */
    long readBar(int bar, long offset, int size);

    /**
     * Takes a store.
     *
     * @param bar index of the BAR
     * @param offset byte offset in it
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void writeBar(int bar, long offset, int size, long value);

    /**
     * Tells that a BAR began to answer, moved, or ceased to answer.
     *
     * @param bar index of the BAR
     * @param range where it answers now; empty if nowhere
     */
    default void barChanged(int bar, Optional<BarRange> range) {}
}
