import org.jspecify.annotations.NullMarked;

/** PCI devices that are not virtio. */
@NullMarked
module dev.dalang.devices {
    requires transitive dev.dalang.pci;
    requires transitive dev.dalang.storage;
    requires static transitive org.jspecify;

    exports dev.dalang.devices;
    exports dev.dalang.devices.nvme;
}
