package dev.dalang.virtio;

import java.util.Locale;

/** What carries a virtio device. */
public enum VirtioTransportType {
    /** A PCI function (virtio 1.3 §4.1). */
    PCI,
    /** A range of memory and a wire (virtio 1.3 §4.2). */
    MMIO;

    /** {@return the name by which a user chooses it: {@code pci}, {@code mmio}} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
