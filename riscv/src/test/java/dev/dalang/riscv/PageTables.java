package dev.dalang.riscv;

/**
 * Builds page tables in the RAM of a fixture: a root, and tables under it as mappings need them.
 */
final class PageTables {
    static final long V = 1;
    static final long R = 1 << 1;
    static final long W = 1 << 2;
    static final long X = 1 << 3;
    static final long U = 1 << 4;
    static final long G = 1 << 5;
    static final long A = 1 << 6;
    static final long D = 1 << 7;
    static final long PBMT_SHIFT = 61;
    static final long N = 1L << 63;

    /** All that a page needs to be used in any way by the supervisor. */
    static final long ALL = V | R | W | X | A | D;

    private static final long TABLES = HartFixture.RAM + 0x20_0000;

    private final HartFixture fixture;
    private final int mode;
    private final long root;
    private final int asid;
    private long next;

    /** Empty tables of a mode as in {@code satp}: 8 is Sv39, 9 Sv48, 10 Sv57. */
    PageTables(HartFixture fixture, int mode) {
        this(fixture, mode, TABLES, 0);
    }

    /** Empty tables of an address space of many; they lie at and behind a root. */
    PageTables(HartFixture fixture, int mode, long root, int asid) {
        this.fixture = fixture;
        this.mode = mode;
        this.root = root;
        this.asid = asid;
        next = root;
        table();
    }

    /** How many levels there are. */
    int levels() {
        return mode - 5;
    }

    /** The value of {@code satp} that makes the hart use them. */
    long satp() {
        return (long) mode << 60 | (long) asid << 44 | root >>> 12;
    }

    private long table() {
        long table = next;
        next += 0x1000;
        fixture.memory.fill(table, 0x1000, (byte) 0);
        return table;
    }

    /** A leaf's entry: physical address and flags. */
    static long leaf(long physical, long flags) {
        return physical >>> 12 << 10 | flags;
    }

    /** Maps a page of a level: 0 is 4 KiB, each level above 512 times that. */
    PageTables map(long virtual, long physical, long flags, int level) {
        return entry(virtual, level, leaf(physical, flags));
    }

    /** Maps a page of 4 KiB. */
    PageTables map(long virtual, long physical, long flags) {
        return map(virtual, physical, flags, 0);
    }

    /** Writes the entry of a level for an address; tables above it are made where missing. */
    PageTables entry(long virtual, int level, long entry) {
        fixture.poke(entryAddress(virtual, level), 8, entry);
        return this;
    }

    /** The entry of a level for an address. */
    long entry(long virtual, int level) {
        return fixture.peek(entryAddress(virtual, level), 8);
    }

    /** Physical address of the entry of a level for an address. */
    long entryAddress(long virtual, int level) {
        long table = root;
        for (int n = levels() - 1; ; n--) {
            long address = table + 8L * (virtual >>> 12 + 9 * n & 511);
            if (n == level) {
                return address;
            }
            long entry = fixture.peek(address, 8);
            if ((entry & V) == 0) {
                entry = table() >>> 12 << 10 | V;
                fixture.poke(address, 8, entry);
            }
            table = (entry >>> 10 & (1L << 44) - 1) << 12;
        }
    }
}
