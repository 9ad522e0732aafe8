package dev.dalang.bus.trace;

import java.util.function.Supplier;

/** Is told what one device does. Any thread; may be told by several at once. Throws nothing. */
public interface DeviceTrace {
    /**
     * The guest read a register, and this came of it.
     *
     * @param register its name or place
     * @param size bytes
     * @param value the value, zero-extended
     */
    void read(String register, long size, long value);

    /**
     * The guest writes a register; told before the device takes it, so that what follows from the
     * write comes behind it.
     *
     * @param register its name or place
     * @param size bytes
     * @param value the value, zero-extended
     */
    void write(String register, long size, long value);

    /**
     * Something else: an interrupt, a transfer, a failure.
     *
     * @param text one line of it
     */
    void event(Supplier<String> text);
}
