package dev.dalang.virtio;

import java.util.Locale;

/**
 * What kind of device it is: its device id (virtio 1.3 §5) and the PCI class that its function
 * shows.
 */
public enum VirtioDeviceType {
    /** A network card. */
    NET(1, 0x02_80_00),
    /** A disk. */
    BLOCK(2, 0x01_80_00),
    /** Consoles and other ports for characters. */
    CONSOLE(3, 0x07_80_00),
    /** A source of entropy. */
    RNG(4, 0x08_80_00),
    /** A balloon for memory. */
    BALLOON(5, 0x08_80_00),
    /** A SCSI host. */
    SCSI(8, 0x01_00_00),
    /** A file system over the 9P protocol. */
    NINE_P(9, 0x02_80_00),
    /** A graphics card. */
    GPU(16, 0x03_80_00),
    /** A keyboard, mouse or tablet. */
    INPUT(18, 0x09_80_00),
    /** Sockets between guest and host. */
    VSOCK(19, 0x02_80_00),
    /** A cryptographic accelerator. */
    CRYPTO(20, 0x10_80_00),
    /** An IOMMU. */
    IOMMU(23, 0x08_06_00),
    /** Memory that comes and goes. */
    MEM(24, 0x05_80_00),
    /** A sound card. */
    SOUND(25, 0x04_01_00),
    /** A file system over FUSE. */
    FS(26, 0x01_80_00),
    /** Persistent memory. */
    PMEM(27, 0x01_08_00),
    /** A simulated wireless network. */
    HWSIM(29, 0x0d_80_00),
    /** An encoder of video. */
    VIDEO_ENC(30, 0x04_00_00),
    /** A decoder of video. */
    VIDEO_DEC(31, 0x04_00_00),
    /** A way to firmware that manages the system. */
    SCMI(32, 0x08_80_00),
    /** Cameras and codecs. */
    MEDIA(48, 0x04_00_00);

    private final int id;
    private final int pciClass;

    VirtioDeviceType(int id, int pciClass) {
        this.id = id;
        this.pciClass = pciClass;
    }

    /**
     * The virtio device id.
     *
     * @return 1 to 63
     */
    public int id() {
        return id;
    }

    /**
     * The PCI class, subclass and programming interface.
     *
     * @return 24 bits, the class in the uppermost eight
     */
    public int pciClass() {
        return pciClass;
    }

    /**
     * The device's PCI device id: 0x1040 and the virtio device id (virtio 1.3 §4.1.2.1).
     *
     * @return 16 bits
     */
    public int pciDeviceId() {
        return 0x1040 + id;
    }

    /**
     * The name that a device of this type has by default.
     *
     * @return such as {@code virtio-rng}
     */
    public String label() {
        return this == NINE_P
                ? "virtio-9p"
                : "virtio-" + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
