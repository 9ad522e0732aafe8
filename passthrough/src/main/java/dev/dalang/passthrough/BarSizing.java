package dev.dalang.passthrough;

import dev.dalang.pci.PciBar;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds out a device's BARs as firmware does: decoding off, all ones written, what stuck is the
 * mask, everything as it was (PCI Local Bus 3.0 §6.2.5.1). After that nothing is ever written to
 * them again.
 */
final class BarSizing {
    private static final int COMMAND = 0x04;
    private static final int DECODE = 0x3;
    private static final int BAR0 = 0x10;
    private static final int BARS = 6;
    private static final int ROM = 0x30;
    private static final int ROM_ADDRESS = 0xffff_f800;
    private static final int IO = 0x1;
    private static final int TYPE = 0x6;
    private static final int TYPE_64 = 0x4;
    private static final int PREFETCH = 0x8;

    private BarSizing() {}

    /**
     * The BARs that have a region behind them.
     *
     * @throws BackendException if the device does not answer, or answers what no BAR can
     */
    static List<PciBar> of(PassthroughBackend backend) throws BackendException {
        int command = (int) backend.read(BackendRegion.CONFIG, COMMAND, 2);
        backend.write(BackendRegion.CONFIG, COMMAND, 2, command & ~DECODE);
        List<PciBar> bars = new ArrayList<>();
        try {
            for (int index = 0; index < BARS; index++) {
                int offset = BAR0 + 4 * index;
                int mask = mask(backend, offset, -1);
                if (mask == 0) {
                    continue;
                }
                if ((mask & IO) != 0) {
                    add(bars, backend, io(index, mask));
                    continue;
                }
                boolean wide = (mask & TYPE) == TYPE_64;
                long high = 0xffff_ffffL;
                if (wide) {
                    if (index == BARS - 1) {
                        throw impossible("BAR 5 of 64 bits");
                    }
                    high = mask(backend, offset + 4, -1) & 0xffff_ffffL;
                }
                add(bars, backend, memory(index, wide, high << 32 | mask & 0xffff_fff0L, mask));
                index += wide ? 1 : 0;
            }
            int rom = mask(backend, ROM, ROM_ADDRESS) & ROM_ADDRESS;
            if (rom != 0) {
                long size = size("ROM", 0xffff_ffff_0000_0000L | rom & 0xffff_ffffL);
                add(bars, backend, PciBar.rom(size));
            }
        } finally {
            backend.write(BackendRegion.CONFIG, COMMAND, 2, command);
        }
        return bars;
    }

    private static int mask(PassthroughBackend backend, int offset, int ones)
            throws BackendException {
        long old = backend.read(BackendRegion.CONFIG, offset, 4);
        backend.write(BackendRegion.CONFIG, offset, 4, ones & 0xffff_ffffL);
        long mask;
        try {
            mask = backend.read(BackendRegion.CONFIG, offset, 4);
        } finally {
            backend.write(BackendRegion.CONFIG, offset, 4, old);
        }
        return (int) mask;
    }

    private static PciBar io(int index, int mask) throws BackendException {
        // The upper half may be wired to 0: ports have 16 bits on most hosts.
        long size = size("BAR " + index, 0xffff_ffff_ffff_0000L | mask & 0xfffcL);
        return PciBar.io(index, size);
    }

    private static PciBar memory(int index, boolean wide, long mask, int flags)
            throws BackendException {
        long size = size("BAR " + index, mask);
        PciBar bar = wide ? PciBar.memory64(index, size) : PciBar.memory32(index, size);
        return (flags & PREFETCH) != 0 ? bar.prefetch() : bar;
    }

    /** A mask has ones from one bit up. */
    private static long size(String what, long mask) throws BackendException {
        long size = -mask;
        if (size <= 0 || Long.bitCount(size) != 1) {
            throw impossible("%s with mask 0x%x".formatted(what, mask));
        }
        return size;
    }

    private static BackendException impossible(String what) {
        return new BackendException("find out BARs", 0, "no device has a " + what);
    }

    private static void add(List<PciBar> bars, PassthroughBackend backend, PciBar bar) {
        if (backend.region(bar.index()).isPresent()) {
            bars.add(bar);
        }
    }
}
