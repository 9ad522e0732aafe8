package dev.dalang.testkit.pci;

/**
 * One BAR, as a driver found it. One thread.
 *
 * @param function whose it is
 * @param index its index
 * @param size bytes, a power of two; 0 if there is none
 * @param isIo true for ports
 * @param is64 true if it takes two registers
 * @param isPrefetchable true if reads have no side effects
 */
public record PciBarDriver(
        PciFunctionDriver function,
        int index,
        long size,
        boolean isIo,
        boolean is64,
        boolean isPrefetchable) {
    private static final int IO_FLAGS = 0x3;
    private static final int MEMORY_FLAGS = 0xf;

    /** Sizes a BAR (PCI Local Bus 3.0 §6.2.5.1): writes ones, looks which stick, writes back. */
    static PciBarDriver size(PciFunctionDriver function, int index) {
        int offset = PciFunctionDriver.barOffset(index);
        int low = function.read(offset, 4);
        function.write(offset, 4, -1);
        int mask = function.read(offset, 4);
        function.write(offset, 4, low);
        if (mask == 0) {
            return new PciBarDriver(function, index, 0, false, false, false);
        }
        if ((mask & 1) != 0) {
            int ports = mask & ~IO_FLAGS;
            return new PciBarDriver(function, index, -ports & 0xffff_ffffL, true, false, false);
        }
        boolean wide = (mask & 0x6) == 0x4;
        long bits = mask & ~MEMORY_FLAGS & 0xffff_ffffL;
        if (wide) {
            int high = function.read(offset + 4, 4);
            function.write(offset + 4, 4, -1);
            bits |= (long) function.read(offset + 4, 4) << 32;
            function.write(offset + 4, 4, high);
        } else {
            bits |= 0xffff_ffffL << 32;
        }
        return new PciBarDriver(function, index, -bits, false, wide, (mask & 0x8) != 0);
    }

    /** {@return where it is now} */
    public long address() {
        int offset = PciFunctionDriver.barOffset(index);
        int low = function.read(offset, 4);
        long address = low & ~(isIo ? IO_FLAGS : MEMORY_FLAGS) & 0xffff_ffffL;
        return is64 ? address | (long) function.read(offset + 4, 4) << 32 : address;
    }

    /**
     * Moves it.
     *
     * @param address where to, a multiple of its size
     */
    public void assign(long address) {
        int offset = PciFunctionDriver.barOffset(index);
        int flags = function.read(offset, 4) & (isIo ? IO_FLAGS : MEMORY_FLAGS);
        function.write(offset, 4, (int) address | flags);
        if (is64) {
            function.write(offset + 4, 4, (int) (address >>> 32));
        }
    }

    /**
     * Reads from a BAR of memory.
     *
     * @param offset byte offset
     * @param bytes 1, 2, 4 or 8
     * @return the value, zero-extended
     */
    public long read(long offset, int bytes) {
        return function.host().memory().mmioRead(address() + offset, bytes);
    }

    /**
     * Writes to a BAR of memory.
     *
     * @param offset byte offset
     * @param bytes 1, 2, 4 or 8
     * @param value the value
     */
    public void write(long offset, int bytes, long value) {
        function.host().memory().mmioWrite(address() + offset, bytes, value);
    }
}
