package dev.dalang.pci;

import dev.dalang.bus.DeviceCounts;
import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/**
 * A PCI host as the {@code virt} board has it, without a hart: what a driver sees, and the ends.
 */
final class PciMachine {
    static final long ECAM = 0x3000_0000L;
    static final long VIRTUAL_CONFIG = 0x1_0000_0000L;
    static final MmioRange MEMORY32 = new MmioRange(0x4000_0000L, 0x4000_0000L);
    static final MmioRange MEMORY64 = new MmioRange(0x4_0000_0000L, 0x4_0000_0000L);
    static final PioRange PORTS = new PioRange(0, 0x1_0000);
    static final long RAM = 0x8000_0000L;

    final IoManager io = IoManager.create();
    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 20, 4096)));
    final ManualVirtualClock clock = new ManualVirtualClock();
    final ScriptedMsiTarget messages = new ScriptedMsiTarget();
    final MsiTargetRouter router = MsiTargetRouter.create(messages, 4096);
    final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();

    /** Never attached, so that every thread may use it. */
    private final GuestIo outside = io.hartIo();

    final PciRoot root;
    final PciVirtualConfigMmio virtualConfig;
    final EcamDriver driver = new EcamDriver(io, ECAM);

    PciMachine() {
        this(256);
    }

    PciMachine(int buses) {
        root =
                PciRoot.builder(io, memory, clock)
                        .memory32(MEMORY32)
                        .memory64(MEMORY64)
                        .ports(PORTS)
                        .messages(router)
                        .wires(wires.stream().map(InterruptLine.class::cast).toList())
                        .buses(buses)
                        .build();
        long ecamBytes = PciConfigMmio.bytes(buses, PciAddress.ECAM_REGISTER_BITS);
        io.registerMmio(new MmioRange(ECAM, ecamBytes), PciConfigMmio.ecam(root));
        virtualConfig = PciVirtualConfigMmio.of(root);
        io.registerMmio(new MmioRange(VIRTUAL_CONFIG, 2 * ecamBytes), virtualConfig);
    }

    PciFunctionDriver function(int bus, int device, int function) {
        return driver.function(new PciBdf(bus, device, function));
    }

    /** What a guest reads at an address, all ones where nothing answers. */
    long peek(long address, int size) {
        return outside.load(address, size);
    }

    DeviceCounts counts(String id) {
        return io.counters().devices().stream()
                .filter(counts -> counts.id().equals(id))
                .findFirst()
                .orElseThrow();
    }
}
