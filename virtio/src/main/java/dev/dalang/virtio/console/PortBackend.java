package dev.dalang.virtio.console;

/**
 * What stands behind a port on the host: it takes what the guest writes, and has what the guest
 * reads. Nothing here waits for the host's other side: who has no room takes less, and says later
 * that there is room. So nobody needs a buffer without bounds.
 *
 * <p>Any thread, and {@link #write} beside {@link #read}. Nothing throws because of the host's
 * other side: what is lost there ends as a port that is closed.
 */
public interface PortBackend extends AutoCloseable {
    /**
     * A back end to which nobody is connected: the console's output goes nowhere, and there is no
     * input.
     *
     * @return the back end
     */
    static PortBackend none() {
        return new NoBackend();
    }

    /**
     * Begins. Called once, before all else but {@link #close}.
     *
     * @param peer the port; told of what happens on the host
     */
    void start(PortPeer peer);

    /**
     * Takes bytes that the guest wrote.
     *
     * @param source where they are; copied
     * @param offset the first
     * @param length how many
     * @return how many were taken; if fewer, {@link PortPeer#writable} is called when there is room
     */
    int write(byte[] source, int offset, int length);

    /**
     * Gives bytes for the guest.
     *
     * @param target where they go
     * @param offset of the first
     * @param length at most so many, 1 or more
     * @return how many there were; if none, {@link PortPeer#readable} is called when there are some
     */
    int read(byte[] target, int offset, int length);

    /**
     * Tells whether a program of the guest has the port open; what the guest is not there to read
     * is not asked for.
     *
     * @param isOpen whether it has
     */
    default void guestOpened(boolean isOpen) {}

    /** Gives up what is held of the host. Closing twice does nothing. */
    @Override
    void close();
}
