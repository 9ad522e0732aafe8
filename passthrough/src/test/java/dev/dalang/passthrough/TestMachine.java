package dev.dalang.passthrough;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** A PCI host without a hart, with two pieces of memory. */
final class TestMachine {
    static final long ECAM = 0x3000_0000L;
    static final long VIRTUAL_CONFIG = 0x1_0000_0000L;
    static final long RAM = 0x8000_0000L;
    static final long MORE_RAM = 0x9000_0000L;
    static final int RAM_BYTES = 1 << 16;

    final IoManager io = IoManager.create();
    volatile GuestMemory memory = GuestMemory.of(region(RAM), region(MORE_RAM));
    final ScriptedMsiTarget messages = new ScriptedMsiTarget();
    final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();
    final PciRoot root;
    final EcamDriver driver = new EcamDriver(io, ECAM);
    private final GuestIo outside = io.hartIo();

    TestMachine() {
        root =
                PciRoot.builder(io, () -> memory, new ManualVirtualClock())
                        .memory32(new MmioRange(0x4000_0000L, 0x4000_0000L))
                        .memory64(new MmioRange(0x4_0000_0000L, 0x4_0000_0000L))
                        .ports(new PioRange(0, 0x1_0000))
                        .messages(MsiTargetRouter.create(messages, 4096))
                        .wires(wires.stream().map(InterruptLine.class::cast).toList())
                        .buses(8)
                        .build();
        long bytes = PciConfigMmio.bytes(8, PciAddress.ECAM_REGISTER_BITS);
        io.registerMmio(new MmioRange(ECAM, bytes), PciConfigMmio.ecam(root));
        io.registerMmio(new MmioRange(VIRTUAL_CONFIG, 2 * bytes), PciVirtualConfigMmio.of(root));
    }

    static MemoryRegion region(long base) {
        return new MemoryRegion(base, Arena.ofAuto().allocate(RAM_BYTES, 4096));
    }

    PciFunctionDriver add(PassthroughFunction function) {
        PciFunction added = root.bus().add(function);
        return at(0, added.devfn() >>> 3, 0);
    }

    PciFunctionDriver at(int bus, int device, int function) {
        return driver.function(new PciBdf(bus, device, function));
    }

    long peek(long address, int size) {
        return outside.load(address, size);
    }

    /** A register of the virtual configuration space. */
    int virtual(PciFunctionDriver function, int register) {
        return (int) outside.load(virtualAddress(function, register), 4);
    }

    void virtual(PciFunctionDriver function, int register, int value) {
        outside.store(virtualAddress(function, register), 4, value);
    }

    private static long virtualAddress(PciFunctionDriver function, int register) {
        PciBdf at = function.address();
        long place = (long) at.bus() << 8 | at.device() << 3 | at.function();
        return VIRTUAL_CONFIG + (place << 13) + 4L * register;
    }
}
