package dev.dalang.virtio.console;

/** Nobody. */
final class NoBackend implements PortBackend {
    @Override
    public void start(PortPeer peer) {}

    @Override
    public int write(byte[] source, int offset, int length) {
        return length;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        return 0;
    }

    @Override
    public void close() {}
}
