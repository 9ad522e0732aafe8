package dev.dalang.pci;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.time.VirtualClock;

import java.util.Optional;

/**
 * What a {@link PciDevice} gets from where it is plugged in. The same device runs in a machine of
 * ours and in a server for a foreign one; this is all that it knows of either. Any thread.
 */
public interface PciHost {
    /** {@return where the device is now; a guest may renumber the buses} */
    PciAddress address();

    /**
     * {@return the device's interrupts} A trigger becomes MSI-X, MSI or a wire, as the driver
     * chose.
     */
    PciInterrupts interrupts();

    /** {@return guest memory, for the device's own reads and writes} */
    PciDma memory();

    /** {@return the machine's time} */
    VirtualClock clock();

    /** {@return what runs the work that a device does outside of a guest's access} */
    DeviceExecutor executor();

    /**
     * {@return the tree that the device is in, for who looks at other functions} Empty where the
     * tree is a foreign machine's.
     */
    Optional<PciRoot> tree();

    /** {@return the device's configuration space, for registers that change by themselves} */
    PciConfiguration configuration();

    /** {@return the function's MSI-X, for who follows what the guest programs; empty if none} */
    default Optional<MsixConfig> msix() {
        return Optional.empty();
    }

    /** {@return the function's MSI, for who follows what the guest programs; empty if none} */
    default Optional<MsiConfig> msi() {
        return Optional.empty();
    }

    /**
     * Wakes the guest, by PME (PCIe 6.0 §5.3.3): sets PME status, and tells the guest if it asked
     * for that and was not told yet. Without an effect unless the specification says {@link
     * PciDeviceSpec.Builder#wakes}.
     */
    void signalWake();

    /**
     * Tells where a BAR answers.
     *
     * @param bar its index
     * @return the range; empty while nothing answers
     */
    Optional<BarRange> bar(int bar);
}
