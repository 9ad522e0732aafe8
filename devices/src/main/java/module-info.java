import org.jspecify.annotations.NullMarked;

/** PCI devices that are not virtio. */
@NullMarked
module dev.dalang.devices {
    requires transitive dev.dalang.pci;
    requires static transitive org.jspecify;

    exports dev.dalang.devices;
}
