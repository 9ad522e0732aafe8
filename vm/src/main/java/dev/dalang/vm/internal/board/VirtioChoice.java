package dev.dalang.vm.internal.board;

import dev.dalang.pci.PciDevice;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioPlacement;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.PciPlacement;

import java.util.Optional;

/**
 * How virtio devices are carried.
 *
 * @param transport by what; empty if each device decides
 * @param packed whether packed queues are offered
 */
public record VirtioChoice(Optional<VirtioTransportType> transport, boolean packed) {
    /** Each as it likes, with split queues. */
    public static final VirtioChoice DEFAULT = new VirtioChoice(Optional.empty(), false);

    /** The features that transports offer. */
    long features() {
        return packed
                ? VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED
                : VirtioFeatures.STANDARD;
    }

    /** A device, offering what was chosen. */
    PciDevice offered(PciDevice device) {
        return packed && device instanceof VirtioPciDevice carried
                ? VirtioPciDevice.of(carried.virtio(), features())
                : device;
    }

    /** True for a device that goes into a slot and not onto the PCI bus. */
    boolean isSlot(PciPlacement placement) {
        return placement.device() instanceof VirtioPciDevice carried
                && transport.orElseGet(() -> wanted(carried.virtio())) == VirtioTransportType.MMIO;
    }

    private static VirtioTransportType wanted(VirtioDevice device) {
        return device instanceof VirtioPlacement place
                ? place.transportType()
                : VirtioTransportType.PCI;
    }
}
