package dev.dalang.virtio.console;

/**
 * A port, as what stands behind it sees it. Any thread; nothing waits or throws, and a call that
 * says nothing new does no harm.
 */
public interface PortPeer {
    /**
     * Somebody on the host has connected, or has gone. Before the first call nobody is connected.
     *
     * @param isOpen whether somebody is connected
     */
    void opened(boolean isOpen);

    /** There is something to {@link PortBackend#read}. */
    void readable();

    /** There is room again for {@link PortBackend#write}. */
    void writable();
}
