package dev.dalang.bus;

/** What every device on a bus has: a name for people and a type for counters. */
public interface BusDevice {
    /**
     * A short name of this one device for logs and error messages, such as {@code uart0}. Never
     * empty and constant for the life of the device. Any thread.
     *
     * @return the label
     */
    String label();

    /**
     * The stable identifier of the device's type, such as {@code ns16550}; counters and snapshots
     * use it. Lower-case letters, digits, {@code -} and {@code .}. Any thread.
     *
     * @return the identifier
     */
    String typeId();
}
