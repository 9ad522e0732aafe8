package dev.dalang.passthrough;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Numbers and structures of {@code linux/vfio.h} and {@code linux/iommufd.h}. */
final class Vfio {
    static final long GET_API_VERSION = 0x3b64;
    static final long CHECK_EXTENSION = 0x3b65;
    static final long SET_IOMMU = 0x3b66;
    static final long GROUP_GET_STATUS = 0x3b67;
    static final long GROUP_SET_CONTAINER = 0x3b68;
    static final long GROUP_UNSET_CONTAINER = 0x3b69;
    static final long GROUP_GET_DEVICE_FD = 0x3b6a;
    static final long DEVICE_GET_INFO = 0x3b6b;
    static final long DEVICE_GET_REGION_INFO = 0x3b6c;
    static final long DEVICE_GET_IRQ_INFO = 0x3b6d;
    static final long DEVICE_SET_IRQS = 0x3b6e;
    static final long DEVICE_RESET = 0x3b6f;
    static final long IOMMU_MAP_DMA = 0x3b71;
    static final long IOMMU_UNMAP_DMA = 0x3b72;
    static final long DEVICE_FEATURE = 0x3b75;
    static final long DEVICE_BIND_IOMMUFD = 0x3b76;
    static final long DEVICE_ATTACH_IOMMUFD_PT = 0x3b77;
    static final long IOMMU_IOAS_ALLOC = 0x3b81;
    static final long IOMMU_IOAS_MAP = 0x3b85;
    static final long IOMMU_IOAS_UNMAP = 0x3b86;

    static final int API_VERSION = 0;
    static final int TYPE1V2_IOMMU = 3;
    static final int GROUP_VIABLE = 1;

    static final int DEVICE_FLAG_RESET = 1;
    static final int DEVICE_FLAG_PCI = 2;

    static final int REGION_READ = 1;
    static final int REGION_WRITE = 2;
    static final int REGION_MMAP = 4;
    static final int REGION_CAPS = 8;
    static final int CAP_SPARSE_MMAP = 1;
    static final int CAP_MSIX_MAPPABLE = 3;

    static final int IRQ_MASKABLE = 2;
    static final int IRQ_AUTOMASKED = 4;
    static final int IRQ_NORESIZE = 8;

    static final int SET_NONE = 1;
    static final int SET_EVENTFD = 4;
    static final int SET_MASK = 8;
    static final int SET_UNMASK = 16;
    static final int SET_TRIGGER = 32;

    static final int DMA_READ = 1;
    static final int DMA_WRITE = 2;
    static final int IOAS_FIXED_IOVA = 1;
    static final int IOAS_WRITEABLE = 2;
    static final int IOAS_READABLE = 4;

    static final int FEATURE_SET = 1 << 17;
    static final int FEATURE_LOW_POWER_ENTRY = 3;
    static final int FEATURE_LOW_POWER_EXIT = 5;

    private Vfio() {}

    /** A structure that begins with its own size. */
    static MemorySegment sized(Arena arena, int bytes) {
        MemorySegment structure = arena.allocate(bytes, 8);
        structure.set(JAVA_INT, 0, bytes);
        return structure;
    }

    /** A number in the place of a pointer. */
    static MemorySegment number(long value) {
        return MemorySegment.ofAddress(value);
    }

    static void put(MemorySegment structure, int... words) {
        for (int k = 0; k < words.length; k++) {
            structure.set(JAVA_INT, 4L + 4L * k, words[k]);
        }
    }

    static int word(MemorySegment structure, long offset) {
        return structure.get(JAVA_INT, offset);
    }

    static long wide(MemorySegment structure, long offset) {
        return structure.get(JAVA_LONG, offset);
    }
}
