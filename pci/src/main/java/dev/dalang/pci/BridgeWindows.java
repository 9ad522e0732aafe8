package dev.dalang.pci;

import static dev.dalang.pci.PciRegisters.PCI_COMMAND_IO;
import static dev.dalang.pci.PciRegisters.PCI_COMMAND_MEMORY;
import static dev.dalang.pci.PciRegisters.REG_IO_WINDOW;
import static dev.dalang.pci.PciRegisters.REG_MEMORY_WINDOW;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_BASE_HIGH;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_LIMIT_HIGH;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_WINDOW;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;

/** The windows of a bridge as its registers have them (PCI-to-PCI bridge 1.2 §3.2.5). */
final class BridgeWindows {
    private BridgeWindows() {}

    /** True if the bridge passes every access to this range on to the bus behind it. */
    static boolean forwards(PciConfiguration bridge, BusRange range) {
        return switch (range) {
            case MmioRange memory ->
                    bridge.hasCommand(PCI_COMMAND_MEMORY)
                            && (inMemory(bridge, memory) || inPrefetchable(bridge, memory));
            case PioRange ports -> bridge.hasCommand(PCI_COMMAND_IO) && inPorts(bridge, ports);
        };
    }

    private static boolean inPorts(PciConfiguration bridge, PioRange range) {
        int window = bridge.readRegister(REG_IO_WINDOW);
        long base = (window & 0xf0L) << 8;
        long last = (window & 0xf000L) | 0xfff;
        // Without such a window the registers read 0: that would be the first 4 KiB.
        return (window & 0xffff) != 0 && holds(base, last, range);
    }

    private static boolean inMemory(PciConfiguration bridge, MmioRange range) {
        int window = bridge.readRegister(REG_MEMORY_WINDOW);
        long base = (window & 0xfff0L) << 16;
        long last = window & 0xfff0_0000L | 0xf_ffff;
        return holds(base, last, range);
    }

    private static boolean inPrefetchable(PciConfiguration bridge, MmioRange range) {
        int window = bridge.readRegister(REG_PREFETCHABLE_WINDOW);
        long baseHigh = bridge.readRegister(REG_PREFETCHABLE_BASE_HIGH);
        long limitHigh = bridge.readRegister(REG_PREFETCHABLE_LIMIT_HIGH);
        long base = baseHigh << 32 | (window & 0xfff0L) << 16;
        long last = limitHigh << 32 | window & 0xfff0_0000L | 0xf_ffff;
        return holds(base, last, range);
    }

    /** A window whose base is above its limit is closed. */
    private static boolean holds(long base, long last, BusRange range) {
        return Long.compareUnsigned(base, last) <= 0
                && Long.compareUnsigned(base, range.base()) <= 0
                && Long.compareUnsigned(range.last(), last) <= 0;
    }

    /** The register of a window of memory. */
    static int memory(MmioRange range) {
        return (int) (range.base() >>> 16 & 0xfff0 | range.last() & 0xfff0_0000L);
    }

    /** The register of a window of ports. */
    static int ports(PioRange range) {
        return (int) (range.base() >>> 8 & 0xf0 | range.last() & 0xf000);
    }
}
