import org.jspecify.annotations.NullMarked;

/** Boards, boot and the public API. */
@NullMarked
module dev.dalang.vm {
    requires transitive dev.dalang.bus;
    requires transitive dev.dalang.pci;
    requires transitive dev.dalang.virtio;
    requires dev.dalang.devices;
    requires dev.dalang.linux;
    requires dev.dalang.passthrough;
    requires transitive dev.dalang.riscv;
    requires dev.dalang.storage;
    requires dev.dalang.tables;
    requires org.apache.commons.compress;
    requires org.tukaani.xz;
    requires static org.jspecify;

    uses dev.dalang.pci.PciDevice;
    uses dev.dalang.pci.PciDeviceFactory;

    exports dev.dalang.vm;
    exports dev.dalang.vm.device;
    exports dev.dalang.vm.guest;
}
