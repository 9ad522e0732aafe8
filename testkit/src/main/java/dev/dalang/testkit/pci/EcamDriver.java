package dev.dalang.testkit.pci;

import dev.dalang.bus.MmioManager;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A driver of a PCI host bridge with ECAM. One thread.
 *
 * {@snippet :
 * EcamDriver pci = new EcamDriver(io, 0x3000_0000L);
 * PciFunctionDriver edu = pci.find(0x1234, 0x11e8).orElseThrow();
 * }
 */
public final class EcamDriver {
    private static final int HEADER_TYPE = 0x0e;
    private static final int MULTI_FUNCTION = 0x80;
    private static final int HEADER_LAYOUT = 0x7f;
    private static final int BRIDGE = 1;
    private static final int MAX_DEPTH = 32;

    private final MmioManager memory;
    private final long base;

    /**
     * Makes a driver.
     *
     * @param memory the bus that the window is on
     * @param base where the window lies
     */
    public EcamDriver(MmioManager memory, long base) {
        this.memory = memory;
        this.base = base;
    }

    /** {@return the bus that BARs are reached through} */
    public MmioManager memory() {
        return memory;
    }

    /**
     * Reads from configuration space.
     *
     * @param function whose
     * @param offset byte offset, 0..4095
     * @param size 1, 2 or 4
     * @return the value, zero-extended
     */
    public int read(PciBdf function, int offset, int size) {
        return (int) memory.mmioRead(base + function.ecamOffset() + offset, size);
    }

    /**
     * Writes to configuration space.
     *
     * @param function whose
     * @param offset byte offset, 0..4095
     * @param size 1, 2 or 4
     * @param value the value
     */
    public void write(PciBdf function, int offset, int size, int value) {
        memory.mmioWrite(base + function.ecamOffset() + offset, size, value & 0xffff_ffffL);
    }

    /**
     * Makes a driver of one function, whether it is there or not.
     *
     * @param function its address
     * @return the driver
     */
    public PciFunctionDriver function(PciBdf function) {
        return new PciFunctionDriver(this, function);
    }

    /**
     * Finds all functions: each device of bus 0, further functions where the header says so, and
     * what is behind bridges, by the bus numbers that they have now.
     *
     * @return the functions, bridges before what is behind them
     */
    public List<PciFunctionDriver> enumerate() {
        List<PciFunctionDriver> found = new ArrayList<>();
        enumerate(0, 0, found);
        return found;
    }

    private void enumerate(int bus, int depth, List<PciFunctionDriver> found) {
        if (depth > MAX_DEPTH) {
            throw new AssertionError("bridges are nested deeper than " + MAX_DEPTH);
        }
        for (int device = 0; device < 32; device++) {
            if (!function(new PciBdf(bus, device, 0)).isPresent()) {
                continue;
            }
            int functions =
                    (read(new PciBdf(bus, device, 0), HEADER_TYPE, 1) & MULTI_FUNCTION) != 0
                            ? 8
                            : 1;
            for (int number = 0; number < functions; number++) {
                PciFunctionDriver function = function(new PciBdf(bus, device, number));
                if (!function.isPresent()) {
                    continue;
                }
                found.add(function);
                if (function.isBridge() && function.secondaryBus() > bus) {
                    enumerate(function.secondaryBus(), depth + 1, found);
                }
            }
        }
    }

    /**
     * Finds the first function of a kind.
     *
     * @param vendor vendor id
     * @param device device id
     * @return it, if there is one
     */
    public Optional<PciFunctionDriver> find(int vendor, int device) {
        return enumerate().stream()
                .filter(each -> each.vendor() == vendor && each.device() == device)
                .findFirst();
    }

    /**
     * Gives all bridges new bus numbers, depth first, as a kernel does that trusts no firmware.
     *
     * @return the highest number given
     */
    public int assignBusNumbers() {
        return assign(0, 1) - 1;
    }

    private int assign(int bus, int next) {
        int free = next;
        for (int device = 0; device < 32; device++) {
            for (int number = 0; number < 8; number++) {
                PciFunctionDriver function = function(new PciBdf(bus, device, number));
                if (!function.isPresent() || !function.isBridge()) {
                    continue;
                }
                // Open to the top while what is behind it is being numbered.
                function.setBusNumbers(bus, free, 0xff);
                int mine = free;
                free = assign(mine, free + 1);
                function.setBusNumbers(bus, mine, free - 1);
            }
        }
        return free;
    }

    static boolean isBridgeHeader(int headerType) {
        return (headerType & HEADER_LAYOUT) == BRIDGE;
    }
}
