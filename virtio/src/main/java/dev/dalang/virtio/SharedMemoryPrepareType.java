package dev.dalang.virtio;

/** How the host's mapping of a shared memory region is prepared, where there is one. */
public enum SharedMemoryPrepareType {
    /** One mapping for the whole region, made when something is first mapped into it. */
    SINGLE_MAPPING_ON_FIRST,
    /** A mapping for each piece. */
    DYNAMIC_PER_MAPPING
}
