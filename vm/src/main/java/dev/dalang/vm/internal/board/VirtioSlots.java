package dev.dalang.vm.internal.board;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioException;
import dev.dalang.virtio.VirtioMmioDevice;
import dev.dalang.virtio.VirtioMmioSlot;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.PciPlacement;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** The eight slots for virtio-mmio devices, filled from the first on; the others are empty. */
final class VirtioSlots {
    private final List<VirtioMmioDevice> devices = new ArrayList<>();

    VirtioSlots(
            BoardConfiguration configuration,
            IoManager io,
            GuestMemory memory,
            BoardResources resources,
            BiFunction<BusDevice, Integer, InterruptLine> wires) {
        List<PciPlacement> placements =
                configuration.devices().stream().filter(configuration.virtio()::isSlot).toList();
        if (placements.size() > VirtMap.VIRTIO_MMIO_SLOTS) {
            throw new ConfigurationException(
                    "--transport: expected at most %d virtio devices over MMIO, found %d"
                            .formatted(VirtMap.VIRTIO_MMIO_SLOTS, placements.size()));
        }
        for (int slot = 0; slot < VirtMap.VIRTIO_MMIO_SLOTS; slot++) {
            DeviceMmio device = new VirtioMmioSlot("virtio-mmio" + slot);
            if (slot < placements.size()) {
                DeferredLine line = new DeferredLine();
                PciPlacement placement = placements.get(slot);
                VirtioDevice carried = virtio(placement);
                resources.attaching(carried);
                VirtioMmioDevice made =
                        carry(
                                carried,
                                VirtioMmioDevice.builder(
                                                carried,
                                                () -> memory,
                                                line,
                                                resources.clock,
                                                resources.executor)
                                        .label(placement.id().orElse("virtio-mmio" + slot))
                                        .features(configuration.virtio().features()));
                resources.atEnd(made::detach);
                line.connect(wires.apply(made, VirtMap.VIRTIO_MMIO_WIRE + slot));
                devices.add(made);
                device = made;
            }
            io.registerMmio(
                    new MmioRange(
                            VirtMap.VIRTIO_MMIO + slot * VirtMap.VIRTIO_MMIO_BYTES,
                            VirtMap.VIRTIO_MMIO_BYTES),
                    device);
        }
    }

    private static VirtioDevice virtio(PciPlacement placement) {
        if (placement.address().isPresent()) {
            throw new ConfigurationException(
                    "--device: expected no addr= for a device over MMIO, found one");
        }
        if (placement.bootIndex().isPresent()) {
            throw new ConfigurationException(
                    "--transport: expected no bootindex= for a device over MMIO, which firmware"
                            + " does not know by its place; found one");
        }
        return ((VirtioPciDevice) placement.device()).virtio();
    }

    private static VirtioMmioDevice carry(VirtioDevice device, VirtioMmioDevice.Builder builder) {
        try {
            return builder.build();
        } catch (VirtioException refused) {
            device.detach();
            throw new ConfigurationException("--transport: " + refused.getMessage(), refused);
        } catch (RuntimeException | LinkageError failed) {
            device.detach();
            throw new ConfigurationException(
                    "--device: expected a device that can be attached, found that %s failed: %s"
                            .formatted(device.label(), failed),
                    failed);
        }
    }

    /** Back to how the machine starts. */
    void reset() {
        devices.forEach(VirtioMmioDevice::reset);
    }

    /** All or nothing. */
    void sleep() {
        for (int slot = 0; slot < devices.size(); slot++) {
            try {
                devices.get(slot).sleep();
            } catch (RuntimeException | Error refused) {
                devices.subList(0, slot).forEach(VirtioMmioDevice::wake);
                throw refused;
            }
        }
    }

    void wake() {
        devices.forEach(VirtioMmioDevice::wake);
    }

    /** The devices, by slot. */
    List<VirtioMmioDevice> devices() {
        return List.copyOf(devices);
    }
}
