package dev.dalang.devices.nvme;

/** What an {@link NvmeDevice} counts. */
public enum NvmeEvent {
    /** Blocks were read. */
    READ,
    /** Blocks were written. */
    WRITTEN,
    /** What was written was made durable. */
    FLUSHED,
    /** Blocks were made zero. */
    ZEROED,
    /** Ranges were deallocated, or the host may keep them. */
    DEALLOCATED,
    /** Blocks were compared, and are equal. */
    COMPARED,
    /** Blocks were read to see that they can be. */
    VERIFIED,
    /** The namespace was formatted. */
    FORMATTED,
    /** Another command of the admin queue was done. */
    ADMINISTERED,
    /** The driver was told of an asynchronous event. */
    EVENT,
    /** A command had an opcode that the controller does not know. */
    INVALID_OPCODE,
    /** A command had a field that makes no sense, or came when it made none. */
    INVALID_FIELD,
    /** A command named a namespace that there is not. */
    INVALID_NAMESPACE,
    /** A queue was to be made or deleted that cannot be. */
    INVALID_QUEUE,
    /** The list of a command's buffers breaks the rules for PRPs or SGLs. */
    INVALID_POINTER,
    /** A command's buffers, or the list of them, were not in memory. */
    BAD_MEMORY,
    /** A command was about blocks that the disk does not have. */
    OUT_OF_RANGE,
    /** A command would have changed a disk that is read-only. */
    READ_ONLY,
    /** Blocks were compared, and differ. */
    DIFFERENT,
    /** The back end could not do what was asked. */
    FAILED,
    /** The back end had no space left. */
    NO_SPACE,
    /** A command came while the namespace was being formatted. */
    BUSY,
    /** A command was taken back by the driver, or its queue was deleted. */
    ABORTED,
    /** A command was in flight when the driver reset the controller. */
    ABANDONED,
    /** More was asked for at a time than the controller has room for. */
    LIMIT,
    /** A doorbell was rung that there is not, or with a value outside of its queue. */
    INVALID_DOORBELL,
    /** A doorbell was rung while the controller was not ready. */
    UNREADY_DOORBELL,
    /** A register was accessed with a size that it does not take. */
    INVALID_ACCESS,
    /** The controller gave up: its settings, or its queues, cannot be used. */
    FATAL,
    /** A completion waited for room in its queue. */
    QUEUE_FULL,
    /** A command's data went through a buffer of the controller's own. */
    BOUNCED,
    /** A command waited for such a buffer. */
    HELD_BACK,
    /** A command failed on this side, by a defect of the controller or of the back end. */
    DEFECT
}
