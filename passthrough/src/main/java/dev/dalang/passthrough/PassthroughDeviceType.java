package dev.dalang.passthrough;

/** What a device is, as its user knows it. It changes nothing. */
public enum PassthroughDeviceType {
    /** A network card of virtio's. */
    VIRTIO_NET,
    /** A disk of virtio's. */
    VIRTIO_BLK,
    /** A display of virtio's. */
    VIRTIO_GPU,
    /** A sound card of virtio's. */
    VIRTIO_SOUND,
    /** Any other PCI device. */
    GENERIC_PCI
}
