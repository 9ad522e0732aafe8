package dev.dalang.virtio;

import dev.dalang.pci.PciAddress;

import java.util.Optional;

/** The ability to want a certain place. Without it a device takes any, on PCI. */
public interface VirtioPlacement {
    /** {@return the transport that carries the device unless the user says otherwise} */
    default VirtioTransportType transportType() {
        return VirtioTransportType.PCI;
    }

    /**
     * Says which PCI address the device wants. One that is taken stops the machine from being
     * built.
     *
     * @return the address; empty if any will do
     */
    default Optional<PciAddress> pciAddress() {
        return Optional.empty();
    }
}
