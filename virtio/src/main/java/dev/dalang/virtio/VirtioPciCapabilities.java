package dev.dalang.virtio;

import dev.dalang.pci.PciDeviceSpec;

import java.util.List;

/** The ability to have PCI capabilities of the device's own. Over PCI only. */
public interface VirtioPciCapabilities {
    /**
     * Says which. Constant.
     *
     * @return the capabilities, which come behind those of the transport
     */
    List<PciDeviceSpec.Capability> capabilities();
}
