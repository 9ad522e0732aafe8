package dev.dalang.devices;

import dev.dalang.bus.DeviceCounts;
import dev.dalang.pci.PciHost;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The page that the inspection device shares with its guest. Little-endian, 8 bytes each: the time,
 * the number of the first device shown, how many are shown. From byte 64 on 64 bytes for each
 * device: name (32 bytes, the rest 0), reads, writes, errors, interrupts. The last 64 bytes are for
 * guest and host program to talk through; the device never touches them but in a reset.
 */
final class InspectionPage {
    private static final int BYTES = 4096;
    private static final int ENTRY_BYTES = 64;
    private static final int NAME_BYTES = 32;
    private static final int MAX_ENTRIES = BYTES / ENTRY_BYTES - 2;
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment page = Arena.ofAuto().allocate(BYTES, BYTES);

    MemorySegment memory() {
        return page;
    }

    void clear() {
        page.fill((byte) 0);
    }

    void show(@Nullable PciHost host, int from) {
        if (host == null) {
            return;
        }
        List<DeviceCounts> all =
                host.tree().map(tree -> tree.counters().devices()).orElse(List.of());
        int first = Math.clamp(Integer.toUnsignedLong(from), 0, all.size());
        List<DeviceCounts> shown = all.subList(first, Math.min(all.size(), first + MAX_ENTRIES));
        page.asSlice(0, BYTES - ENTRY_BYTES).fill((byte) 0);
        page.set(LONG, 0, host.clock().nanos());
        page.set(LONG, 8, first);
        page.set(LONG, 16, shown.size());
        long entry = ENTRY_BYTES;
        for (DeviceCounts counts : shown) {
            byte[] name = counts.id().getBytes(StandardCharsets.UTF_8);
            int length = Math.min(name.length, NAME_BYTES);
            MemorySegment.copy(name, 0, page, ValueLayout.JAVA_BYTE, entry, length);
            page.set(LONG, entry + 32, counts.reads());
            page.set(LONG, entry + 40, counts.writes());
            page.set(LONG, entry + 48, counts.errors());
            page.set(LONG, entry + 56, counts.interrupts());
            entry += ENTRY_BYTES;
        }
    }
}
