package dev.dalang.virtio.console;

/** Stands where no port has begun, or one has ended. */
final class NoPeer implements PortPeer {
    static final NoPeer INSTANCE = new NoPeer();

    private NoPeer() {}

    @Override
    public void opened(boolean isOpen) {}

    @Override
    public void readable() {}

    @Override
    public void writable() {}
}
