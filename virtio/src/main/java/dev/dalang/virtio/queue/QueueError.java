package dev.dalang.virtio.queue;

/** What can be wrong with a queue: at its activation, or later, when it breaks. */
public enum QueueError {
    /** The driver has not enabled the queue, or has not said where its areas lie. */
    NOT_READY("is not ready"),
    /** The number of entries is not one that the layout allows. */
    INVALID_SIZE("has an invalid size"),
    /** The descriptor table or ring is not memory, or a packed ring cannot be written. */
    DESCRIPTOR_AREA_UNMAPPED("has a descriptor area outside memory"),
    /** The driver's area (available ring, driver event suppression) is not memory. */
    DRIVER_AREA_UNMAPPED("has a driver area outside memory"),
    /**
     * The device's area (used ring, device event suppression) is not memory that can be written.
     */
    DEVICE_AREA_UNMAPPED("has a device area outside memory"),
    /** The device may not reach memory at present, and has a buffer to give back. */
    ACCESS_REFUSED("may not access memory"),
    /** The available index is more than the queue's size ahead of what was consumed. */
    INVALID_AVAILABLE_INDEX("has an available index too far ahead"),
    /** More chains are in flight than a driver can have. */
    TOO_MANY_CHAINS("has more chains in flight than entries"),
    /** A head, or the next of a descriptor, is not the index of a descriptor. */
    INVALID_DESCRIPTOR_INDEX("has a descriptor index out of range"),
    /** A chain has more descriptors than it may have: it loops. */
    CHAIN_TOO_LONG("has a chain with too many descriptors"),
    /** The buffers of a chain have 4 GiB or more together. */
    CHAIN_TOO_LARGE("has a chain of 4 GiB or more"),
    /** A buffer goes past the top of the address space. */
    BUFFER_WRAPS("has a buffer past the top of the address space"),
    /** A buffer that the device reads follows one that it writes (virtio 1.3 §2.7.4.2). */
    READABLE_AFTER_WRITABLE("has a readable buffer after a writable one"),
    /** A descriptor has the flag {@code INDIRECT}, and the feature is not negotiated. */
    INDIRECT_NOT_NEGOTIATED("has an indirect descriptor without the feature"),
    /** A table of indirect descriptors has an indirect descriptor. */
    INDIRECT_NESTED("has an indirect descriptor in an indirect table"),
    /** A descriptor has both {@code INDIRECT} and {@code NEXT}. */
    INDIRECT_WITH_NEXT("has an indirect descriptor with a next one"),
    /** The length of an indirect table is 0 or not a multiple of 16. */
    INVALID_INDIRECT_LENGTH("has an indirect table of an invalid length"),
    /** A table of indirect descriptors is not memory. */
    INDIRECT_UNMAPPED("has an indirect table outside memory"),
    /** All chains in flight together have more descriptors than the device keeps. */
    TOO_MANY_DESCRIPTORS("has too many descriptors in flight"),
    /** The device has failed at a chain, and will not give it back. */
    DEVICE_FAILED("has a chain that its device failed at");

    private final String text;

    QueueError(String text) {
        this.text = text;
    }

    /**
     * What is wrong, to follow "queue 3".
     *
     * @return the text
     */
    public String text() {
        return text;
    }
}
