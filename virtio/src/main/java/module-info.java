import org.jspecify.annotations.NullMarked;

/** Virtio 1.3: the interface of a device, its life cycle, and the transports over PCI and MMIO. */
@NullMarked
module dev.dalang.virtio {
    requires transitive dev.dalang.bus;
    requires transitive dev.dalang.net;
    requires transitive dev.dalang.pci;
    requires transitive dev.dalang.storage;
    requires static transitive org.jspecify;

    exports dev.dalang.virtio;
    exports dev.dalang.virtio.block;
    exports dev.dalang.virtio.console;
    exports dev.dalang.virtio.net;
    exports dev.dalang.virtio.queue;
    exports dev.dalang.virtio.rng;
}
