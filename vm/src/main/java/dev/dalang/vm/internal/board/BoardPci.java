package dev.dalang.vm.internal.board;

import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.passthrough.PassthroughException;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciException;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioPlacement;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.PciPlacement;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * The board's PCI host. It is made before memory and harts, because pages of its devices are part
 * of memory; wires and memory are connected when they are there.
 */
final class BoardPci {
    private static final int WIRES = 4;
    private static final GuestMemory NO_MEMORY = GuestMemory.of(List.of());

    private final PciRoot root;
    private final List<MemoryRegion> regions = new ArrayList<>();
    private final List<DeferredLine> wires =
            Stream.generate(DeferredLine::new).limit(WIRES).toList();
    private final BootOrder bootOrder = new BootOrder();
    private @Nullable GuestMemory memory;

    BoardPci(
            BoardConfiguration configuration,
            IoManager io,
            BoardResources resources,
            MsiTarget messages) {
        Arena arena = resources.arena;
        root =
                PciRoot.builder(io, this::memory, resources.clock)
                        .ports(new PioRange(0, VirtMap.PCI_PIO_BYTES))
                        .memory32(new MmioRange(VirtMap.PCI_MMIO32, VirtMap.PCI_MMIO32_BYTES))
                        .memory64(
                                new MmioRange(
                                        VirtMap.pciMmio64(configuration.memoryBytes()),
                                        VirtMap.PCI_MMIO64_BYTES))
                        .messages(MsiTargetRouter.create(messages, MsiTargetRouter.MAX_HANDLES))
                        .wires(wires.stream().map(InterruptLine.class::cast).toList())
                        .executor(resources.executor)
                        .build();
        resources.atEnd(root::close);
        VirtioChoice virtio = configuration.virtio();
        for (PciPlacement placement : configuration.devices()) {
            if (!virtio.isSlot(placement)) {
                add(placement, virtio, resources);
            }
        }
        io.registerMmio(
                new MmioRange(VirtMap.PCI_ECAM, VirtMap.PCI_ECAM_BYTES), PciConfigMmio.ecam(root));
        io.registerMmio(new MmioRange(VirtMap.PCI_PIO, VirtMap.PCI_PIO_BYTES), io.pioWindow());
        PciVirtualConfigMmio.Region virtual = VirtMap.virtualConfig(configuration.memoryBytes());
        io.registerMmio(
                new MmioRange(virtual.base(), virtual.size()), PciVirtualConfigMmio.of(root));
        regions.addAll(PciVirtualConfigMmio.sharedPages(root, virtual.base()));
        regions.addAll(root.mapConfiguration(VirtMap.PCI_ECAM, arena));
    }

    private void add(PciPlacement placement, VirtioChoice virtio, BoardResources resources) {
        PciDevice device = placement.device();
        try {
            device = virtio.offered(device);
            if (device instanceof VirtioPciDevice carried) {
                resources.attaching(carried.virtio());
            }
            PciFunction function = plug(placement, device);
            placement.bootIndex().ifPresent(index -> bootOrder.add(index, function));
        } catch (PciException wrong) {
            giveUp(device);
            throw new ConfigurationException("--device: " + wrong.getMessage(), wrong);
        } catch (PassthroughException failed) {
            throw new ConfigurationException("--passthrough: " + failed.getMessage(), failed);
        } catch (RuntimeException | LinkageError failed) {
            giveUp(device);
            throw new ConfigurationException(
                    "--device: expected a device that can be attached, found that "
                            + placement.device().getClass().getName()
                            + " failed: "
                            + failed,
                    failed);
        }
    }

    private PciFunction plug(PciPlacement placement, PciDevice device) {
        Optional<PciPlacement.Address> address =
                placement.address().or(() -> wantedAddress(device));
        return root.bus()
                .add(
                        device,
                        address.map(PciPlacement.Address::device),
                        address.map(PciPlacement.Address::function).orElse(0),
                        placement.id());
    }

    /** One that was not plugged in, and perhaps not even attached. */
    private static void giveUp(PciDevice device) {
        if (device instanceof VirtioPciDevice carried) {
            carried.detach();
        }
    }

    /** Where a virtio device would be, if nobody else says where. */
    private static Optional<PciPlacement.Address> wantedAddress(PciDevice device) {
        return device instanceof VirtioPciDevice carried
                        && carried.virtio() instanceof VirtioPlacement place
                ? place.pciAddress().map(at -> new PciPlacement.Address(at.device(), at.function()))
                : Optional.empty();
    }

    /** The tree. */
    PciRoot root() {
        return root;
    }

    /** What firmware is told to boot from. */
    BootOrder bootOrder() {
        return bootOrder;
    }

    /** What of the host is part of guest memory. */
    List<MemoryRegion> regions() {
        return regions;
    }

    /** Connects what was made later. */
    void connect(GuestMemory guestMemory, IntFunction<InterruptLine> controller) {
        memory = guestMemory;
        for (int wire = 0; wire < WIRES; wire++) {
            wires.get(wire).connect(controller.apply(VirtMap.PCI_INTX_WIRE + wire));
        }
    }

    /** Devices are attached before there is memory: to them there is none yet. */
    private GuestMemory memory() {
        GuestMemory connected = memory;
        return connected == null ? NO_MEMORY : connected;
    }
}
