package dev.dalang.net;

/** The card's side of the link: takes what comes from the network. */
public interface FrameSink {
    /**
     * Takes a frame for the guest. Called by one thread of the back end at a time, with no lock of
     * the back end held; must not block.
     *
     * @param frame the frame; the sink copies what it keeps
     * @return false if there is no room now: nothing was taken, and the card calls {@link
     *     NetworkBackend#readyToReceive} when there is room again. True if it was taken, or dropped
     *     for good
     */
    boolean receive(Frame frame);

    /**
     * The back end has nothing more for the guest at this moment: what was taken since the last
     * call may be shown to it, all at once. Called by the thread that calls {@link #receive}, after
     * each of its batches; does nothing unless the sink says otherwise.
     */
    default void endOfBatch() {}

    /**
     * The back end has room again, after {@link NetworkBackend#send} had returned false. May come
     * when it was not waited for. Any thread; must not block.
     */
    void readyToSend();

    /**
     * What stands behind the card has gone away for good, and with it the cable. Any thread; must
     * not block. Does nothing unless the sink says otherwise.
     */
    default void linkLost() {}
}
