package dev.dalang.virtio.console;

/** What a {@link VirtioConsoleDevice} counts. */
public enum ConsoleEvent {
    /** A byte of the guest's went to the host. */
    BYTE_WRITTEN,
    /** A byte of the host's went to the guest. */
    BYTE_READ,
    /** A byte of the guest's was dropped: nobody took it from the console, which cannot wait. */
    BYTE_DROPPED,
    /** What the guest writes waits for the host. */
    WRITE_HELD_BACK,
    /** A buffer to be written to was given back empty: it had no room. */
    EMPTY_BUFFER,
    /** A message on the control queue made no sense. */
    MESSAGE_MALFORMED,
    /** The driver says that it could not set up the device or a port. */
    DRIVER_FAILED
}
