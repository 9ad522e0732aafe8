package dev.dalang.virtio;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a device has mapped into its shared memory region, behind accesses of the guest. Any thread:
 * an access and a removal wait for each other.
 */
final class SharedMemoryArea implements SharedMemoryMapper {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private record Mapping(long offset, MemorySegment memory, boolean isWritable) {}

    private final String label;
    private final long bytes;
    private final TreeMap<Long, Mapping> mappings = new TreeMap<>();

    SharedMemoryArea(String label, long bytes) {
        this.label = label;
        this.bytes = bytes;
    }

    @Override
    public synchronized void addMapping(long offset, MemorySegment memory, boolean isWritable) {
        long size = memory.byteSize();
        if (!memory.isNative()
                || size == 0
                || offset < 0
                || size > bytes
                || offset > bytes - size) {
            throw new VirtioException(
                    "%s: expected native memory inside a region of 0x%x bytes, got 0x%x at 0x%x"
                            .formatted(label, bytes, size, offset));
        }
        Map.Entry<Long, Mapping> before = mappings.lowerEntry(offset + size);
        if (before != null && before.getKey() + before.getValue().memory.byteSize() > offset) {
            throw new VirtioException(
                    "%s: 0x%x bytes at 0x%x overlap with what is mapped at 0x%x"
                            .formatted(label, size, offset, before.getKey()));
        }
        mappings.put(offset, new Mapping(offset, memory, isWritable));
    }

    @Override
    public synchronized void removeMapping(long offset) {
        if (mappings.remove(offset) == null) {
            throw new VirtioException("%s: nothing is mapped at 0x%x".formatted(label, offset));
        }
    }

    synchronized long read(long offset, int size) {
        Mapping mapping = at(offset, size);
        if (mapping == null) {
            return -1;
        }
        long place = offset - mapping.offset;
        return switch (size) {
            case 1 -> mapping.memory.get(ValueLayout.JAVA_BYTE, place);
            case 2 -> mapping.memory.get(SHORT, place);
            case 4 -> mapping.memory.get(INT, place);
            default -> mapping.memory.get(LONG, place);
        };
    }

    synchronized void write(long offset, int size, long value) {
        Mapping mapping = at(offset, size);
        if (mapping == null || !mapping.isWritable) {
            return;
        }
        long place = offset - mapping.offset;
        switch (size) {
            case 1 -> mapping.memory.set(ValueLayout.JAVA_BYTE, place, (byte) value);
            case 2 -> mapping.memory.set(SHORT, place, (short) value);
            case 4 -> mapping.memory.set(INT, place, (int) value);
            default -> mapping.memory.set(LONG, place, value);
        }
    }

    private @Nullable Mapping at(long offset, int size) {
        Map.Entry<Long, Mapping> entry = mappings.floorEntry(offset);
        if (entry == null) {
            return null;
        }
        Mapping mapping = entry.getValue();
        return offset + size <= mapping.offset + mapping.memory.byteSize() ? mapping : null;
    }
}
