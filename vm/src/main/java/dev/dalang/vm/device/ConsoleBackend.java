package dev.dalang.vm.device;

/**
 * What stands behind a serial device: the host's side of its two wires. No method blocks, so that a
 * hart is never held up by the host's terminal, file or pipe. Any thread.
 */
public interface ConsoleBackend {
    /**
     * Takes one character from the guest.
     *
     * @param octet the character, 0..255
     * @return false if there is no room now: the caller keeps the character, and {@link
     *     ConsolePeer#outputRoom} tells the connected peer when there is room again
     */
    boolean transmit(int octet);

    /**
     * Takes the next character for the guest off the queue.
     *
     * @param guestListens whether the guest has enabled receive interrupts, or asks for input in
     *     another way that shows that it is ready to take it; a backend may hold its input until
     *     then
     * @return 0..255, or −1 if there is none now
     */
    int receive(boolean guestListens);

    /**
     * Takes back what was the newest received character, because the guest threw it away unread: a
     * driver clears the receiver when it sets it up. Several are given back newest first.
     *
     * @param octet the character, 0..255
     * @return whether the backend will give it out again; otherwise it is lost, as on hardware
     */
    boolean unread(int octet);

    /**
     * Names the device that wants to hear of input and of room; it replaces an earlier one.
     *
     * @param peer the device
     */
    void connect(ConsolePeer peer);
}
