import org.jspecify.annotations.NullMarked;

/**
 * PCI and PCI Express: configuration space, capabilities, message-signalled and wired interrupts,
 * the tree of buses and bridges, and the interface that a device implements.
 */
@NullMarked
module dev.dalang.pci {
    requires transitive dev.dalang.bus;
    requires transitive dev.dalang.tables;
    requires static transitive org.jspecify;

    exports dev.dalang.pci;
}
