package dev.dalang.virtio;

import dev.dalang.bus.MmioRange;

import java.util.Optional;

/** The ability to share a region of memory with the driver (virtio 1.3 §2.10). */
public interface VirtioSharedMemory {
    /**
     * Says which. Constant.
     *
     * @return the region
     */
    SharedMemoryRegion sharedMemoryRegion();

    /**
     * Gives the device the way to put memory there. Called once, before it is first activated; not
     * if the device has BARs of its own.
     *
     * @param mapper the way
     */
    void setSharedMemoryMapper(SharedMemoryMapper mapper);

    /**
     * Tells where the region lies. Called before each activation, and whenever it moves.
     *
     * @param range where it lies now; empty while the guest cannot reach it
     */
    void setSharedMemoryRegion(Optional<MmioRange> range);

    /**
     * Says how a mapping is to be prepared. Asked once, unless {@link
     * #exposesDescriptorsWithViommu}.
     *
     * @return the choice
     */
    default SharedMemoryPrepareType sharedMemoryPrepareType() {
        return SharedMemoryPrepareType.SINGLE_MAPPING_ON_FIRST;
    }

    /**
     * Says whether other devices, behind an IOMMU of the guest's, may reach what is mapped. Asked
     * once.
     *
     * @return true if they may
     */
    default boolean exposesDescriptorsWithViommu() {
        return false;
    }
}
