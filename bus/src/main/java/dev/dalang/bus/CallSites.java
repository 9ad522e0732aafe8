package dev.dalang.bus;

import java.util.HashMap;
import java.util.Map;

/**
 * Calls of devices, with a call site for each of a machine's device classes. The compiler looks at
 * each site by itself: one that sees a single class becomes a check and an inlined body, where a
 * site that sees them all is a search through each class's table of interfaces. Classes beyond the
 * first few share the last site.
 */
final class CallSites {
    private static final int SHARED = 7;

    private final Map<Class<?>, Integer> sites = new HashMap<>();

    /** The site of a class, the same one each time. */
    synchronized int of(Class<?> deviceClass) {
        return sites.computeIfAbsent(deviceClass, _ -> Math.min(sites.size(), SHARED));
    }

    static long read(int site, DeviceMmio device, long base, long offset, int size) {
        return switch (site) {
            case 0 -> device.mmioRead(base, offset, size);
            case 1 -> device.mmioRead(base, offset, size);
            case 2 -> device.mmioRead(base, offset, size);
            case 3 -> device.mmioRead(base, offset, size);
            case 4 -> device.mmioRead(base, offset, size);
            case 5 -> device.mmioRead(base, offset, size);
            case 6 -> device.mmioRead(base, offset, size);
            default -> device.mmioRead(base, offset, size);
        };
    }

    static void write(int site, DeviceMmio device, long base, long offset, int size, long value) {
        switch (site) {
            case 0 -> device.mmioWrite(base, offset, size, value);
            case 1 -> device.mmioWrite(base, offset, size, value);
            case 2 -> device.mmioWrite(base, offset, size, value);
            case 3 -> device.mmioWrite(base, offset, size, value);
            case 4 -> device.mmioWrite(base, offset, size, value);
            case 5 -> device.mmioWrite(base, offset, size, value);
            case 6 -> device.mmioWrite(base, offset, size, value);
            default -> device.mmioWrite(base, offset, size, value);
        }
    }
}
