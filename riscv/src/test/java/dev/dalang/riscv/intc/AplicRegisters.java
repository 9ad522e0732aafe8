package dev.dalang.riscv.intc;

/** The registers of one domain by name, as a driver reaches them. */
record AplicRegisters(AplicDomain domain) {
    static final int DELEGATE = 0x400;
    static final int DETACHED = 1;
    static final int EDGE1 = 4;
    static final int EDGE0 = 5;
    static final int LEVEL1 = 6;
    static final int LEVEL0 = 7;
    static final int IE = 0x100;
    static final int DM = 4;

    long read(long offset) {
        return domain.mmioRead(0, offset, 4);
    }

    void write(long offset, long value) {
        domain.mmioWrite(0, offset, 4, value);
    }

    void domaincfg(long value) {
        write(0, value);
    }

    long domaincfg() {
        return read(0);
    }

    void sourcecfg(int source, long value) {
        write(4L * source, value);
    }

    long sourcecfg(int source) {
        return read(4L * source);
    }

    void target(int source, long value) {
        write(0x3000 + 4L * source, value);
    }

    long target(int source) {
        return read(0x3000 + 4L * source);
    }

    void setipnum(long source) {
        write(0x1cdc, source);
    }

    void clripnum(long source) {
        write(0x1ddc, source);
    }

    void setienum(long source) {
        write(0x1edc, source);
    }

    void clrienum(long source) {
        write(0x1fdc, source);
    }

    boolean isPending(int source) {
        return bit(0x1c00, source);
    }

    boolean isInputHigh(int source) {
        return bit(0x1d00, source);
    }

    boolean isEnabled(int source) {
        return bit(0x1e00, source);
    }

    private boolean bit(int array, int source) {
        return (read(array + 4L * (source >>> 5)) >>> (source & 31) & 1) != 0;
    }

    void idelivery(int hart, long value) {
        write(0x4000 + 32L * hart, value);
    }

    void iforce(int hart, long value) {
        write(0x4004 + 32L * hart, value);
    }

    long iforce(int hart) {
        return read(0x4004 + 32L * hart);
    }

    void ithreshold(int hart, long value) {
        write(0x4008 + 32L * hart, value);
    }

    long topi(int hart) {
        return read(0x4018 + 32L * hart);
    }

    long claimi(int hart) {
        return read(0x401c + 32L * hart);
    }
}
