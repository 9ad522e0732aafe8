import org.jspecify.annotations.NullMarked;

/**
 * Devices in other processes: the wire protocol of vfio-user. A PCI device of ours is served to a
 * foreign machine, and a foreign device is reached from one of ours.
 */
@NullMarked
module dev.dalang.remote {
    requires dev.dalang.bus;
    requires transitive dev.dalang.linux;
    requires transitive dev.dalang.pci;
    requires tools.jackson.core;
    requires static transitive org.jspecify;

    exports dev.dalang.remote;
}
