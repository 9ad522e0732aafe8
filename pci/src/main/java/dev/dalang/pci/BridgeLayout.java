package dev.dalang.pci;

import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;

import java.util.List;
import java.util.Optional;

/**
 * What a bridge has at power-on: bus numbers, and the windows that its children are placed in.
 *
 * @param primary number of the bus above
 * @param secondary number of the bus behind it
 * @param subordinate the highest number behind it
 * @param windows the windows, each with its grant; null where there is none
 */
record BridgeLayout(int primary, int secondary, int subordinate, Windows windows) {
    /**
     * The three windows.
     *
     * @param ports ports
     * @param memory memory below 4 GiB
     * @param prefetchable memory for prefetchable BARs
     */
    record Windows(
            Optional<PioRange> ports,
            Optional<MmioRange> memory,
            Optional<MmioRange> prefetchable) {}

    static BridgeLayout allocate(
            String label, PciBus above, PciBridge.Windows wanted, List<PciApertures.Grant> grants) {
        PciApertures from = above.apertures();
        Optional<PioRange> ports = Optional.empty();
        Optional<MmioRange> memory = Optional.empty();
        Optional<MmioRange> prefetchable = Optional.empty();
        if (wanted.portCount() > 0 && from.hasPorts()) {
            PciApertures.Grant grant = from.placePorts(label, wanted.portCount());
            grants.add(grant);
            ports = Optional.of(new PioRange(grant.base(), grant.size()));
        }
        if (wanted.memoryBytes() > 0) {
            PciApertures.Grant grant = from.placeMemory(label, wanted.memoryBytes());
            grants.add(grant);
            memory = Optional.of(new MmioRange(grant.base(), grant.size()));
        }
        if (wanted.prefetchableBytes() > 0) {
            PciApertures.Grant grant = from.placePrefetchable(label, wanted.prefetchableBytes());
            grants.add(grant);
            prefetchable = Optional.of(new MmioRange(grant.base(), grant.size()));
        }
        PciApertures.Grant numbers = above.allocateBuses(label, wanted.buses());
        grants.add(numbers);
        int first = (int) numbers.base();
        return new BridgeLayout(
                above.firstNumber(),
                first,
                first + wanted.buses() - 1,
                new Windows(ports, memory, prefetchable));
    }

    /** Where the functions behind the bridge are placed. */
    PciApertures apertures() {
        return new PciApertures(
                windows.ports.orElse(null),
                windows.memory.orElse(null),
                windows.prefetchable.orElse(null));
    }

    /** Writes numbers and windows, at reset as well as now, and opens them. */
    void write(PciConfiguration bridge) {
        bridge.presetRegister(
                PciRegisters.REG_BUS_NUMBERS,
                primary | secondary << 8 | subordinate << 16,
                0xff_ffff);
        windows.ports.ifPresent(
                range ->
                        bridge.presetRegister(
                                PciRegisters.REG_IO_WINDOW, BridgeWindows.ports(range), 0xf0f0));
        windows.memory.ifPresent(
                range ->
                        bridge.presetRegister(
                                PciRegisters.REG_MEMORY_WINDOW,
                                BridgeWindows.memory(range),
                                0xfff0_fff0));
        windows.prefetchable.ifPresent(
                range -> {
                    bridge.presetRegister(
                            PciRegisters.REG_PREFETCHABLE_WINDOW,
                            BridgeWindows.memory(range),
                            0xfff0_fff0);
                    bridge.presetRegister(
                            PciRegisters.REG_PREFETCHABLE_BASE_HIGH,
                            (int) (range.base() >>> 32),
                            -1);
                    bridge.presetRegister(
                            PciRegisters.REG_PREFETCHABLE_LIMIT_HIGH,
                            (int) (range.last() >>> 32),
                            -1);
                });
        int decode =
                PciRegisters.PCI_COMMAND_IO
                        | PciRegisters.PCI_COMMAND_MEMORY
                        | PciRegisters.PCI_COMMAND_MASTER;
        bridge.presetRegister(PciRegisters.REG_COMMAND, decode, decode);
    }
}
