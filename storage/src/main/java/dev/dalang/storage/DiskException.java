package dev.dalang.storage;

import java.io.IOException;

/** A disk image cannot be used, or not as it was asked to be. The message is for the user. */
public final class DiskException extends IOException {
    private static final long serialVersionUID = 1L;

    private final StorageEvent event;

    /**
     * A failure that was not the host's.
     *
     * @param event how it is counted: one that is a failure
     * @param message what is wrong, and with which file
     */
    public DiskException(StorageEvent event, String message) {
        super(message);
        this.event = event;
    }

    /**
     * A failure with a cause.
     *
     * @param event how it is counted: one that is a failure
     * @param message what is wrong, and with which file
     * @param cause what the host said
     */
    public DiskException(StorageEvent event, String message, Throwable cause) {
        super(message, cause);
        this.event = event;
    }

    /** {@return how it is counted} */
    public StorageEvent event() {
        return event;
    }
}
