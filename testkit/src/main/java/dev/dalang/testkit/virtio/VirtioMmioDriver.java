package dev.dalang.testkit.virtio;

import dev.dalang.bus.MmioManager;

/**
 * A driver of virtio over MMIO, version 2 (virtio 1.3 §4.2).
 *
 * {@snippet :
 * VirtioMmioDriver rng = new VirtioMmioDriver(io, 0x1000_1000L);
 * }
 */
public final class VirtioMmioDriver implements VirtioTransportDriver {
    private static final int MAGIC = 0x7472_6976;
    private static final int QUEUE_SEL = 0x30;
    private static final int QUEUE_READY = 0x44;
    private static final int QUEUE_RESET = 0xc0;

    private final MmioManager memory;
    private final long base;

    /**
     * Makes a driver.
     *
     * @param memory the bus that the device is on
     * @param base where it lies
     * @throws AssertionError if there is no virtio-mmio of version 2
     */
    public VirtioMmioDriver(MmioManager memory, long base) {
        this.memory = memory;
        this.base = base;
        if (read(0) != MAGIC || read(4) != 2) {
            throw new AssertionError(
                    "no virtio-mmio at 0x%x: magic 0x%x, version %d"
                            .formatted(base, read(0), read(4)));
        }
    }

    /**
     * Reads a register.
     *
     * @param offset byte offset
     * @return the value
     */
    public int read(int offset) {
        return (int) memory.mmioRead(base + offset, 4);
    }

    /**
     * Reads a register in a width that it may not have.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @return the value
     */
    public long read(int offset, int size) {
        return memory.mmioRead(base + offset, size);
    }

    /**
     * Writes a register.
     *
     * @param offset byte offset
     * @param value the value
     */
    public void write(int offset, int value) {
        memory.mmioWrite(base + offset, 4, value & 0xffff_ffffL);
    }

    /**
     * Writes a register in a width that it may not have.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @param value the value
     */
    public void write(int offset, int size, long value) {
        memory.mmioWrite(base + offset, size, value);
    }

    @Override
    public int deviceId() {
        return read(0x08);
    }

    /** {@return the vendor id} */
    public int vendorId() {
        return read(0x0c);
    }

    @Override
    public int status() {
        return read(0x70);
    }

    @Override
    public void setStatus(int value) {
        write(0x70, value);
    }

    @Override
    public long deviceFeatures() {
        write(0x14, 1);
        long high = read(0x10) & 0xffff_ffffL;
        write(0x14, 0);
        return high << 32 | read(0x10) & 0xffff_ffffL;
    }

    @Override
    public void setDriverFeatures(long features) {
        write(0x24, 0);
        write(0x20, (int) features);
        write(0x24, 1);
        write(0x20, (int) (features >>> 32));
    }

    @Override
    public int configGeneration() {
        return read(0xfc);
    }

    @Override
    public long readConfig(int offset, int size) {
        return memory.mmioRead(base + 0x100 + offset, size);
    }

    @Override
    public void writeConfig(int offset, int size, long value) {
        memory.mmioWrite(base + 0x100 + offset, size, value);
    }

    @Override
    public int maxQueueSize(int queue) {
        write(QUEUE_SEL, queue);
        return read(0x34);
    }

    @Override
    public void placeQueue(int queue, int size, long descriptors, long driver, long device) {
        write(QUEUE_SEL, queue);
        write(0x38, size);
        writeAddress(0x80, descriptors);
        writeAddress(0x90, driver);
        writeAddress(0xa0, device);
    }

    private void writeAddress(int offset, long address) {
        write(offset, (int) address);
        write(offset + 4, (int) (address >>> 32));
    }

    @Override
    public void enableQueue(int queue, boolean enabled) {
        write(QUEUE_SEL, queue);
        write(QUEUE_READY, enabled ? 1 : 0);
    }

    @Override
    public boolean isQueueEnabled(int queue) {
        write(QUEUE_SEL, queue);
        return read(QUEUE_READY) == 1;
    }

    @Override
    public void resetQueue(int queue) {
        write(QUEUE_SEL, queue);
        write(QUEUE_RESET, 1);
        if (read(QUEUE_RESET) != 0 || read(QUEUE_READY) != 0) {
            throw new AssertionError("queue " + queue + " is not reset");
        }
    }

    @Override
    public void notifyQueue(int queue) {
        write(0x50, queue);
    }

    @Override
    public int acknowledgeInterrupts() {
        int bits = read(0x60);
        write(0x64, bits);
        return bits;
    }

    /**
     * Finds out how long a shared memory region is.
     *
     * @param id its id
     * @return bytes; all ones if there is no such region
     */
    public long sharedMemoryLength(int id) {
        write(0xac, id);
        return (long) read(0xb4) << 32 | read(0xb0) & 0xffff_ffffL;
    }

    /**
     * Finds out where a shared memory region lies.
     *
     * @param id its id
     * @return its address; all ones if there is no such region
     */
    public long sharedMemoryBase(int id) {
        write(0xac, id);
        return (long) read(0xbc) << 32 | read(0xb8) & 0xffff_ffffL;
    }
}
