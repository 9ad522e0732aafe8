package dev.dalang.bus;

/**
 * The ports as a guest without port instructions reaches them: a range of memory whose offset is
 * the port number (the port I/O window of a PCI host bridge). What no device answers reads as all
 * ones, and is dropped when written.
 */
final class PioWindow implements DeviceMmio {
    private final Lane<PioRange, Port.Pio> ports;

    PioWindow(Lane<PioRange, Port.Pio> ports) {
        this.ports = ports;
    }

    @Override
    public String label() {
        return "pio-window";
    }

    @Override
    public String typeId() {
        return "pio-window";
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        return ports.load(offset, size);
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        ports.store(offset, size, value);
    }
}
