package dev.dalang.virtio;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.VirtioMmioDriver;
import dev.dalang.testkit.virtio.VirtioPciDriver;
import dev.dalang.testkit.virtio.VirtioTransportDriver;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** A PCI host and a slot for virtio-mmio, without a hart: what a driver sees, and the ends. */
final class VirtioMachine {
    static final long ECAM = 0x3000_0000L;
    static final long SLOT = 0x1000_1000L;
    static final long SHARED = 0x5_0000_0000L;
    static final long RAM = 0x8000_0000L;
    static final long MESSAGES = 0x2800_0000L;
    static final int MASTER = 4;

    final IoManager io = IoManager.create();
    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 20, 4096)));
    final GuestHeap heap = new GuestHeap(memory, RAM, 1 << 20);
    final ManualVirtualClock clock = new ManualVirtualClock();
    final ScriptedMsiTarget messages = new ScriptedMsiTarget();
    final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();
    final RecordingInterruptLine slotWire = new RecordingInterruptLine();
    final PciRoot root;
    final EcamDriver ecam = new EcamDriver(io, ECAM);
    final DeviceExecutor executor;

    VirtioMachine() {
        this(DeviceExecutor.inline());
    }

    VirtioMachine(DeviceExecutor executor) {
        this.executor = executor;
        root =
                PciRoot.builder(io, memory, clock)
                        .memory32(new MmioRange(0x4000_0000L, 0x4000_0000L))
                        .memory64(new MmioRange(0x4_0000_0000L, 0x1_0000_0000L))
                        .messages(MsiTargetRouter.create(messages, 4096))
                        .wires(wires.stream().map(InterruptLine.class::cast).toList())
                        .executor(executor)
                        .buses(16)
                        .build();
        io.registerMmio(new MmioRange(ECAM, 16 << 20), PciConfigMmio.ecam(root));
    }

    /** Plugs a function in at 00:01.0. */
    PciFunction plug(VirtioPciDevice device) {
        return root.bus().add(device);
    }

    /** Plugs a device in at 00:01.0, and gives it to a driver that has enabled bus mastering. */
    VirtioPciDriver pci(VirtioDevice device, long features) {
        plug(VirtioPciDevice.of(device, features));
        return pciDriver();
    }

    VirtioPciDriver pci(VirtioDevice device) {
        return pci(device, VirtioFeatures.STANDARD);
    }

    VirtioPciDriver pciDriver() {
        PciFunctionDriver function = ecam.function(new PciBdf(0, 1, 0));
        function.setCommand(function.command() | MASTER);
        return new VirtioPciDriver(function);
    }

    /** Enables MSI-X: the data of each message is the number of its vector. */
    MsixDriver enableMsix(VirtioPciDriver driver) {
        MsixDriver msix = driver.function().msix();
        msix.enable();
        for (int vector = 0; vector < msix.vectors(); vector++) {
            msix.route(vector, MESSAGES, vector);
        }
        return msix;
    }

    /** The vectors of the messages so far. */
    List<Integer> vectors() {
        return messages.accepted().stream().map(MsiMessage::data).toList();
    }

    VirtioMmioDevice.Builder slot(VirtioDevice device) {
        return VirtioMmioDevice.builder(device, () -> memory, slotWire, clock, executor);
    }

    VirtioMmioDriver mmio(VirtioMmioDevice device) {
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), device);
        device.sharedMemory().ifPresent(range -> io.registerMmio(range, device));
        return new VirtioMmioDriver(io, SLOT);
    }

    /** Makes a queue in memory and places it, without enabling it. */
    DriverQueue place(VirtioTransportDriver driver, int index, int size, long features) {
        long base = heap.take(DriverQueue.bytes(size, features), 4096);
        DriverQueue queue = DriverQueue.of(memory, base, size, features);
        driver.placeQueue(
                index,
                size,
                queue.descriptorAddress(),
                queue.driverAddress(),
                queue.deviceAddress());
        return queue;
    }

    /** Brings a device up with one queue of eight entries, with vector 1. */
    DriverQueue start(VirtioTransportDriver driver, long wanted) {
        long features = driver.negotiate(wanted);
        DriverQueue queue = place(driver, 0, 8, features);
        if (driver instanceof VirtioPciDriver pci) {
            pci.setConfigVector(0);
            pci.setQueueVector(0, 1);
        }
        driver.enableQueue(0, true);
        driver.ready();
        return queue;
    }
}
