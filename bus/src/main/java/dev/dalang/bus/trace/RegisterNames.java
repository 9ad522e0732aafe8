package dev.dalang.bus.trace;

/** A device on the bus that knows its registers by name, for who reads a trace. */
public interface RegisterNames {
    /**
     * Names the register that an access goes to. Without side effects. Any thread.
     *
     * @param base start of the range of the bus, unsigned
     * @param offset bytes from there to the access
     * @param write whether the guest writes
     * @return the name, such as {@code LCR}; the offset, where it has none
     */
    String registerName(long base, long offset, boolean write);
}
