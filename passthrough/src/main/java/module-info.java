import org.jspecify.annotations.NullMarked;

/**
 * Devices that live elsewhere, plugged into a machine of ours: another process serves them by
 * vfio-user, or the host's kernel gives them away by VFIO.
 */
@NullMarked
module dev.dalang.passthrough {
    requires transitive dev.dalang.bus;
    requires transitive dev.dalang.linux;
    requires transitive dev.dalang.pci;
    requires dev.dalang.remote;
    requires static transitive org.jspecify;

    exports dev.dalang.passthrough;
}
