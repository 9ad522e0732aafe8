package dev.dalang.devices.nvme;

/**
 * The values of the registers that a driver can change, and what a driver may change of them when.
 * Each method is one step; who needs several to be one holds this object's lock meanwhile. Any
 * thread.
 */
final class ControllerRegisters {
    /** What a write of CC asks of the controller, beside what it says. */
    enum Asked {
        NOTHING,
        RESET,
        SHUTDOWN
    }

    private final long capabilities;

    // Written with this object's lock.
    private volatile int cc;
    private volatile int status;
    private volatile int aqa;
    private volatile long asq;
    private volatile long acq;

    ControllerRegisters(int doorbellStride) {
        capabilities = NvmeRegisters.capabilities(doorbellStride);
    }

    int cc() {
        return cc;
    }

    int status() {
        return status;
    }

    int aqa() {
        return aqa;
    }

    long asq() {
        return asq;
    }

    long acq() {
        return acq;
    }

    /** True if one of the bits of CSTS is set. */
    boolean has(int bits) {
        return (status & bits) != 0;
    }

    /** True while a shutdown is asked for and not through. */
    boolean isShuttingDown() {
        return (status & NvmeRegisters.CSTS_SHST_MASK) == NvmeRegisters.CSTS_SHST_OCCURRING;
    }

    /** Reads four aligned bytes; 0 where there is no register of these. */
    int read(int offset) {
        return switch (offset) {
            case NvmeRegisters.CAP -> (int) capabilities;
            case NvmeRegisters.CAP + 4 -> (int) (capabilities >>> 32);
            case NvmeRegisters.VS -> NvmeRegisters.VERSION;
            case NvmeRegisters.CC -> cc;
            case NvmeRegisters.CSTS -> status;
            case NvmeRegisters.AQA -> aqa;
            case NvmeRegisters.ASQ -> (int) asq;
            case NvmeRegisters.ASQ + 4 -> (int) (asq >>> 32);
            case NvmeRegisters.ACQ -> (int) acq;
            case NvmeRegisters.ACQ + 4 -> (int) (acq >>> 32);
            default -> 0;
        };
    }

    /** Writes four aligned bytes of what says where the admin queues are. */
    synchronized void writeAdminQueues(int offset, int value) {
        long low = value & 0xffff_f000L;
        long high = (long) value << 32;
        switch (offset) {
            case NvmeRegisters.AQA -> aqa = value & 0x0fff_0fff;
            case NvmeRegisters.ASQ -> asq = asq & ~0xffff_ffffL | low;
            case NvmeRegisters.ASQ + 4 -> asq = asq & 0xffff_ffffL | high;
            case NvmeRegisters.ACQ -> acq = acq & ~0xffff_ffffL | low;
            case NvmeRegisters.ACQ + 4 -> acq = acq & 0xffff_ffffL | high;
            default -> throw new AssertionError(offset);
        }
    }

    /** Writes CC. */
    synchronized Asked configure(int written) {
        int before = cc;
        int fixed =
                NvmeRegisters.isEnabled(before) && NvmeRegisters.isEnabled(written)
                        ? NvmeRegisters.CC_FIXED
                        : 0;
        int value = written & ~fixed & NvmeRegisters.CC_MASK | before & fixed;
        cc = value;
        if (NvmeRegisters.isEnabled(before) && !NvmeRegisters.isEnabled(value)) {
            return Asked.RESET;
        }
        return NvmeRegisters.shutdown(value) != 0 && !has(NvmeRegisters.CSTS_SHST_MASK)
                ? Asked.SHUTDOWN
                : Asked.NOTHING;
    }

    /** Changes bits of CSTS. */
    synchronized void set(int mask, int bits) {
        status = status & ~mask | bits;
    }

    /** CC alone is as at power-on: the controller is not enabled. */
    synchronized void disable() {
        cc = 0;
    }

    /** All but CSTS is as at power-on. */
    synchronized void clear() {
        cc = 0;
        aqa = 0;
        asq = 0;
        acq = 0;
    }

    synchronized void restore(NvmeState state) {
        status = state.status();
        cc = state.cc();
        aqa = state.aqa();
        asq = state.asq();
        acq = state.acq();
    }
}
