package dev.dalang.testkit.net;

/** The way out of the guest's stack: its card, or the back end itself. */
public interface GuestPort {
    /**
     * Sends a frame; called with the stack's lock held.
     *
     * @param frame the frame, to be copied
     * @return false if there is no room: then {@link GuestStack#readyToSend} follows
     */
    boolean transmit(GuestFrame frame);
}
