package dev.dalang.virtio;

/** What carries a virtio device. */
public enum VirtioTransportType {
    /** A PCI function (virtio 1.3 §4.1). */
    PCI,
    /** A range of memory and a wire (virtio 1.3 §4.2). */
    MMIO
}
