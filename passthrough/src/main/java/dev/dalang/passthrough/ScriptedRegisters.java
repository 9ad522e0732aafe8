package dev.dalang.passthrough;

import dev.dalang.pci.PciBar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The regions of a {@link ScriptedBackend}: they keep what is written, and configuration space what
 * a device's would, so that the sizes of BARs can be found out. Any thread.
 */
final class ScriptedRegisters {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BAR0 = 0x10;
    private static final int ROM = 0x30;
    private static final int COMMAND = 0x04;
    private static final int STATUS = 0x06;

    private final byte[] given;
    private final Map<Integer, PciBar> bars;
    private final Map<Integer, MemorySegment> contents = new TreeMap<>();

    /** As a device has them at power-on, with these bytes in its configuration space. */
    ScriptedRegisters(byte[] config, List<BackendRegion> regions, Map<Integer, PciBar> bars) {
        given = config;
        this.bars = bars;
        for (BackendRegion region : regions) {
            contents.put(region.index(), Arena.ofAuto().allocate(region.size(), 4096));
        }
        powerOn();
    }

    /** The bytes of a region. */
    MemorySegment content(int region) {
        MemorySegment found = contents.get(region);
        if (found == null) {
            throw new IllegalArgumentException("no region " + region);
        }
        return found;
    }

    /** Puts back what is in configuration space, and clears the rest. */
    synchronized void powerOn() {
        contents.values().forEach(region -> region.fill((byte) 0));
        MemorySegment config = content(BackendRegion.CONFIG);
        MemorySegment.copy(given, 0, config, ValueLayout.JAVA_BYTE, 0, given.length);
        for (int index : bars.keySet()) {
            config.set(INT, index == PciBar.ROM ? ROM : BAR0 + 4L * index, fixed(index));
        }
    }

    long load(int region, long at, int size) {
        MemorySegment from = content(region);
        return switch (size) {
            case 1 -> from.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
            case 2 -> from.get(SHORT, at) & 0xffffL;
            case 4 -> from.get(INT, at) & 0xffff_ffffL;
            default -> from.get(LONG, at);
        };
    }

    synchronized void store(int region, long offset, int size, long value) {
        MemorySegment to = content(region);
        for (int k = 0; k < size; k++) {
            long at = offset + k;
            byte data = (byte) (value >>> 8 * k);
            byte now = to.get(ValueLayout.JAVA_BYTE, at);
            boolean isConfig = region == BackendRegion.CONFIG;
            to.set(ValueLayout.JAVA_BYTE, at, isConfig ? configByte((int) at, data, now) : data);
        }
    }

    /** What becomes of a byte of configuration space. */
    private byte configByte(int at, byte data, byte now) {
        if (at < COMMAND || at > COMMAND + 3 && at < BAR0 || at == 0x3d) {
            return now;
        }
        if (at == STATUS || at == STATUS + 1) {
            return (byte) (now & ~(at == STATUS ? 0 : data & 0xf9));
        }
        int register = at & ~3;
        int index = register == ROM ? PciBar.ROM : (register - BAR0) / 4;
        if (register == ROM || register >= BAR0 && index < 6) {
            return (byte) ((data & mask(index) >>> 8 * (at & 3)) | fixed(index) >>> 8 * (at & 3));
        }
        return at >= 0x28 && at < 0x3c ? now : data;
    }

    /** The address bits of a BAR's register. */
    private int mask(int index) {
        PciBar bar = bars.get(index);
        PciBar below = bars.get(index - 1);
        if (bar != null) {
            int mask = (int) -bar.size();
            return index == PciBar.ROM ? mask | 1 : mask;
        }
        return below != null && below.type() == PciBar.Type.MEMORY64 && index < PciBar.ROM
                ? (int) (-below.size() >>> 32)
                : 0;
    }

    private int fixed(int index) {
        PciBar bar = bars.get(index);
        if (bar == null || index == PciBar.ROM) {
            return 0;
        }
        return switch (bar.type()) {
            case IO -> 1;
            case MEMORY32 -> bar.prefetchable() ? 8 : 0;
            case MEMORY64 -> bar.prefetchable() ? 12 : 4;
        };
    }
}
