package dev.dalang.riscv.internal.core;

/**
 * Physical memory protection (privileged spec §3.7): 16 entries, 4-byte grain. Belongs to the
 * hart's thread.
 */
public final class Pmp {
    public static final int ENTRIES = 16;

    /** Permission bits as in {@code pmpcfg}; also the kinds of access. */
    public static final int READ = 1;

    public static final int WRITE = 2;
    public static final int EXECUTE = 4;

    private static final int A = 0x18;
    private static final int LOCK = 0x80;
    private static final long ADDRESS_MASK = (1L << 54) - 1;

    private final int[] cfg = new int[ENTRIES];
    private final long[] addr = new long[ENTRIES];

    /** First and last byte of each entry that is on; {@code last < first} marks one that is off. */
    private final long[] first = new long[ENTRIES];

    private final long[] last = new long[ENTRIES];
    private boolean anyOn;
    private boolean anyLocked;

    public void reset() {
        java.util.Arrays.fill(cfg, 0);
        java.util.Arrays.fill(addr, 0);
        update();
    }

    /** Reads {@code pmpcfg(2·n)}: eight entries. */
    long readConfig(int register) {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            int entry = register * 4 + i;
            value |= (entry < ENTRIES ? (long) cfg[entry] : 0L) << 8 * i;
        }
        return value;
    }

    void writeConfig(int register, long value) {
        for (int i = 0; i < 8; i++) {
            int entry = register * 4 + i;
            if (entry >= ENTRIES || (cfg[entry] & LOCK) != 0) {
                continue;
            }
            int byteValue = (int) (value >>> 8 * i) & 0x9F;
            // W without R is reserved: WARL, the write permission is dropped.
            if ((byteValue & (READ | WRITE)) == WRITE) {
                byteValue &= ~WRITE;
            }
            cfg[entry] = byteValue;
        }
        update();
    }

    long readAddress(int entry) {
        return entry < ENTRIES ? addr[entry] : 0;
    }

    void writeAddress(int entry, long value) {
        if (entry >= ENTRIES || (cfg[entry] & LOCK) != 0) {
            return;
        }
        boolean nextIsLockedTor =
                entry + 1 < ENTRIES && (cfg[entry + 1] & LOCK) != 0 && (cfg[entry + 1] & A) == 0x08;
        if (!nextIsLockedTor) {
            addr[entry] = value & ADDRESS_MASK;
            update();
        }
    }

    private void update() {
        anyOn = false;
        anyLocked = false;
        for (int i = 0; i < ENTRIES; i++) {
            first[i] = 1;
            last[i] = 0;
            switch (cfg[i] & A) {
                case 0x08 -> {
                    long low = i == 0 ? 0 : addr[i - 1] << 2;
                    long high = addr[i] << 2;
                    if (Long.compareUnsigned(low, high) < 0) {
                        first[i] = low;
                        last[i] = high - 1;
                    }
                }
                case 0x10 -> {
                    first[i] = addr[i] << 2;
                    last[i] = first[i] + 3;
                }
                case 0x18 -> {
                    int ones = Long.numberOfTrailingZeros(~addr[i]);
                    if (ones >= 54) {
                        first[i] = 0;
                        last[i] = -1;
                    } else {
                        long mask = (8L << ones) - 1;
                        first[i] = addr[i] << 2 & ~mask;
                        last[i] = first[i] | mask;
                    }
                }
                default -> {
                    continue;
                }
            }
            anyOn = true;
            anyLocked |= (cfg[i] & LOCK) != 0;
        }
    }

    /**
     * Whether an access is allowed.
     *
     * @param size bytes, at least 1; all of them must match the same entry
     * @param kind {@link #READ}, {@link #WRITE} or {@link #EXECUTE}
     */
    public boolean allows(long address, int size, int kind, int privilege) {
        if (privilege == HartCore.MACHINE && !anyLocked) {
            return true;
        }
        long end = address + size - 1;
        if (anyOn) {
            for (int i = 0; i < ENTRIES; i++) {
                if (Long.compareUnsigned(last[i], first[i]) < 0
                        || Long.compareUnsigned(end, first[i]) < 0
                        || Long.compareUnsigned(address, last[i]) > 0) {
                    continue;
                }
                if (Long.compareUnsigned(address, first[i]) < 0
                        || Long.compareUnsigned(end, last[i]) > 0) {
                    return false;
                }
                return privilege == HartCore.MACHINE && (cfg[i] & LOCK) == 0
                        || (cfg[i] & kind) != 0;
            }
        }
        return privilege == HartCore.MACHINE;
    }

    /** True if no boundary of an entry lies inside the page, so that one check serves all of it. */
    public boolean isUniform(long pageAddress, int privilege) {
        if (!anyOn || privilege == HartCore.MACHINE && !anyLocked) {
            return true;
        }
        long pageEnd = pageAddress + 4095;
        for (int i = 0; i < ENTRIES; i++) {
            if (Long.compareUnsigned(last[i], first[i]) < 0
                    || Long.compareUnsigned(pageEnd, first[i]) < 0
                    || Long.compareUnsigned(pageAddress, last[i]) > 0) {
                continue;
            }
            return Long.compareUnsigned(pageAddress, first[i]) >= 0
                    && Long.compareUnsigned(pageEnd, last[i]) <= 0;
        }
        return true;
    }
}
