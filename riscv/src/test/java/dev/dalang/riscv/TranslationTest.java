package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.HartFixture.S_SINK;
import static dev.dalang.riscv.PageTables.A;
import static dev.dalang.riscv.PageTables.ALL;
import static dev.dalang.riscv.PageTables.D;
import static dev.dalang.riscv.PageTables.G;
import static dev.dalang.riscv.PageTables.N;
import static dev.dalang.riscv.PageTables.PBMT_SHIFT;
import static dev.dalang.riscv.PageTables.R;
import static dev.dalang.riscv.PageTables.U;
import static dev.dalang.riscv.PageTables.V;
import static dev.dalang.riscv.PageTables.W;
import static dev.dalang.riscv.PageTables.X;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Optional;

/**
 * Sv39, Sv48 and Sv57 (privileged spec §12.3 to §12.5) with Svade, Svadu, Svnapot and Svpbmt. The
 * accesses run in M-mode with MPRV, so that the code itself needs no mapping; fetches run where
 * they are mapped.
 */
class TranslationTest {
    private static final int SV39 = 8;
    private static final long PAGE = 0x8_0000_0000L;

    private final HartFixture fixture = HartFixture.create();

    private PageTables tables(int mode) {
        PageTables tables = new PageTables(fixture, mode);
        fixture.csr(Csr.SATP, tables.satp());
        return tables;
    }

    /** What an access came to: its cause, or that it was made. */
    private enum Access {
        LOAD(Cause.LOAD_PAGE_FAULT, Cause.LOAD_ACCESS_FAULT),
        STORE(Cause.STORE_PAGE_FAULT, Cause.STORE_ACCESS_FAULT),
        FETCH(Cause.INSTRUCTION_PAGE_FAULT, Cause.INSTRUCTION_ACCESS_FAULT);

        final long pageFault;
        final long accessFault;

        Access(long pageFault, long accessFault) {
            this.pageFault = pageFault;
            this.accessFault = accessFault;
        }
    }

    private static final long DONE = -1;

    /** Makes an access as a mode would; {@link #DONE}, or the cause of its fault. */
    private long attempt(Access access, PrivilegeMode mode, long address) {
        // What was cached is another test's business.
        fixture.hart.flushTlb();
        return attemptCached(access, mode, address);
    }

    private long attemptCached(Access access, PrivilegeMode mode, long address) {
        Hart hart = fixture.hart;
        hart.setRegister(A1, address);
        hart.setRegister(A0, 0x600d);
        if (access == Access.FETCH) {
            hart.setPrivilege(mode);
            hart.setPc(address);
            hart.step(1);
            if (hart.pc() == address + 4) {
                return DONE;
            }
            assertThat(fixture.csr(Csr.MEPC)).isEqualTo(address);
        } else {
            fixture.place(
                    RAM,
                    a -> {
                        if (access == Access.LOAD) {
                            a.ld(A0, 0, A1);
                        } else {
                            a.sd(A0, 0, A1);
                        }
                    });
            hart.setPrivilege(PrivilegeMode.M);
            fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_MPP);
            fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_MPRV | (long) mode.encoding() << 11);
            hart.setPc(RAM);
            hart.step(1);
            boolean done = hart.pc() == RAM + 4;
            fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_MPRV);
            if (done) {
                return DONE;
            }
        }
        assertThat(fixture.csr(Csr.MTVAL)).isEqualTo(address);
        return fixture.csr(Csr.MCAUSE);
    }

    private long load(long address) {
        return attempt(Access.LOAD, PrivilegeMode.S, address);
    }

    private long store(long address) {
        return attempt(Access.STORE, PrivilegeMode.S, address);
    }

    // Walks.

    @ParameterizedTest
    @CsvSource({
        "8, 0", "8, 1", "8, 2", "9, 0", "9, 1", "9, 2", "9, 3", "10, 0", "10, 1", "10, 2", "10, 3",
        "10, 4"
    })
    void aLeafOfAnyLevelMapsItsPage(int mode, int level) {
        PageTables tables = tables(mode);
        long pageBytes = 0x1000L << 9 * level;
        long physical = DATA & -pageBytes;
        long base = 3 * pageBytes;
        tables.map(base, physical, ALL, level);
        for (long offset : new long[] {0, 8, 0xff8, 0x1000, 0x3_4568}) {
            long address = base + (DATA - physical) + offset;
            if (offset >= pageBytes) {
                continue;
            }
            fixture.poke(DATA + offset, 8, 0x1234_5678_0000_0000L + offset);
            assertThat(load(address)).isEqualTo(DONE);
            assertThat(fixture.get(A0)).isEqualTo(0x1234_5678_0000_0000L + offset);
            assertThat(store(address)).isEqualTo(DONE);
            assertThat(fixture.peek(DATA + offset, 8)).isEqualTo(0x600d);
        }
        assertThat(load(base + pageBytes)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        assertThat(load(base - 8)).isEqualTo(Cause.LOAD_PAGE_FAULT);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 9, 10})
    void theUpperBitsOfAnAddressMustCopyTheSign(int mode) {
        PageTables tables = tables(mode);
        int bits = 12 + 9 * tables.levels();
        long low = (1L << bits - 1) - 0x1000;
        long high = -1L << bits - 1;
        tables.map(low, DATA, ALL).map(high, DATA, ALL);
        assertThat(load(low)).isEqualTo(DONE);
        assertThat(load(high)).isEqualTo(DONE);
        for (Access access : Access.values()) {
            for (long wrong :
                    new long[] {low + 0x1000, high - 0x1000, high ^ Long.MIN_VALUE, 1L << 62}) {
                assertThat(attempt(access, PrivilegeMode.S, wrong)).isEqualTo(access.pageFault);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"8, 1", "8, 2", "9, 3", "10, 4"})
    void aMisalignedSuperpageIsAPageFault(int mode, int level) {
        for (int bit = 0; bit < 9 * level; bit++) {
            tables(mode).map(0, 1L << 12 + bit, ALL, level);
            for (Access access : Access.values()) {
                assertThat(attempt(access, PrivilegeMode.S, 0))
                        .as("%s with bit %d", access, bit)
                        .isEqualTo(access.pageFault);
            }
        }
    }

    @Test
    void aTableAtTheLastLevelIsAPageFault() {
        PageTables tables = tables(SV39);
        tables.map(PAGE, DATA, V);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
    }

    @ParameterizedTest
    @ValueSource(longs = {A, D, U, N, 1L << PBMT_SHIFT, 1L << 54, 1L << 60})
    void reservedBitsOfATableAreAPageFault(long bit) {
        PageTables tables = tables(SV39);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_PBMTE);
        tables.map(PAGE, DATA, ALL);
        assertThat(load(PAGE)).isEqualTo(DONE);
        long table = tables.entry(PAGE, 1);
        tables.entry(PAGE, 1, table | bit);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        // The global bit and those for software mean something there too, or nothing.
        tables.entry(PAGE, 1, table | G | 3 << 8);
        assertThat(load(PAGE)).isEqualTo(DONE);
    }

    @ParameterizedTest
    @ValueSource(ints = {54, 55, 56, 57, 58, 59, 60})
    void reservedBitsOfALeafAreAPageFault(int bit) {
        tables(SV39).map(PAGE, DATA, ALL | 1L << bit);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        tables(SV39).map(PAGE, DATA, ALL | G | 3 << 8);
        assertThat(load(PAGE)).isEqualTo(DONE);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x1000_0000L, 0x7fff_f000L, 0xff_ffff_ffff_f000L})
    void aTableThatIsNotInMemoryIsAnAccessFault(long table) {
        PageTables tables = tables(SV39);
        tables.entry(PAGE, 1, table >>> 12 << 10 | V);
        for (Access access : Access.values()) {
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(access.accessFault);
        }
        assertThat(fixture.io.accesses).isEmpty();
    }

    @Test
    void aRootThatIsNotInMemoryIsAnAccessFault() {
        fixture.csr(Csr.SATP, (long) SV39 << 60 | 0xfff_ffff_ffffL);
        for (Access access : Access.values()) {
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(access.accessFault);
        }
    }

    @Test
    void aTableThatPmpForbidsIsAnAccessFaultOfTheAccessItself() {
        PageTables tables = tables(SV39);
        tables.map(PAGE, DATA, ALL);
        long table = tables.entryAddress(PAGE, 0) & -4096;
        fixture.csr(Csr.PMPADDR0, table >>> 2 | 0x1ff).csr(Csr.PMPADDR0 + 1, -1);
        fixture.csr(Csr.PMPCFG0, 0x1f18);
        for (Access access : Access.values()) {
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(access.accessFault);
        }
        fixture.csr(Csr.PMPCFG0, 0x1f19);
        assertThat(load(PAGE)).isEqualTo(DONE);
    }

    @Test
    void aMappingToADeviceReachesItByItsPhysicalAddress() {
        tables(SV39).map(PAGE, HartFixture.DEVICE + 0x3000, ALL);
        assertThat(load(PAGE + 0x18)).isEqualTo(DONE);
        assertThat(store(PAGE + 0x20)).isEqualTo(DONE);
        assertThat(fixture.io.accesses)
                .containsExactly(
                        new HartFixture.Access(false, HartFixture.DEVICE + 0x3018, 8, 0),
                        new HartFixture.Access(true, HartFixture.DEVICE + 0x3020, 8, 0x600d));
        assertThat(attempt(Access.FETCH, PrivilegeMode.S, PAGE))
                .isEqualTo(Cause.INSTRUCTION_ACCESS_FAULT);
    }

    // Permissions.

    /** The specification's rules, written down once more (§12.3.1, §12.3.2). */
    private static boolean permits(
            long flags, Access access, PrivilegeMode mode, boolean sum, boolean mxr) {
        if ((flags & V) == 0 || (flags & (R | W)) == W || (flags & (R | W | X)) == 0) {
            return false;
        }
        boolean user = (flags & U) != 0;
        if (mode == PrivilegeMode.U && !user) {
            return false;
        }
        if (mode == PrivilegeMode.S && user && (access == Access.FETCH || !sum)) {
            return false;
        }
        return switch (access) {
            case LOAD -> (flags & R) != 0 || mxr && (flags & X) != 0;
            case STORE -> (flags & W) != 0;
            case FETCH -> (flags & X) != 0;
        };
    }

    @Test
    void everyCombinationOfPermissionsIsCheckedForEveryAccess() {
        PageTables tables = tables(SV39);
        fixture.place(DATA, a -> a.nop());
        for (long permissions = 0; permissions < 32; permissions++) {
            long flags = permissions | A | D;
            tables.map(PAGE, DATA, flags);
            for (int status = 0; status < 4; status++) {
                boolean sum = (status & 1) != 0;
                boolean mxr = (status & 2) != 0;
                fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_SUM | Csr.MSTATUS_MXR);
                fixture.setBits(
                        Csr.MSTATUS, (sum ? Csr.MSTATUS_SUM : 0) | (mxr ? Csr.MSTATUS_MXR : 0));
                for (Access access : Access.values()) {
                    for (PrivilegeMode mode :
                            new PrivilegeMode[] {PrivilegeMode.U, PrivilegeMode.S}) {
                        fixture.place(DATA, a -> a.nop());
                        boolean expected = permits(flags, access, mode, sum, mxr);
                        assertThat(attempt(access, mode, PAGE))
                                .as("%s %x by %s, sum %s, mxr %s", access, flags, mode, sum, mxr)
                                .isEqualTo(expected ? DONE : access.pageFault);
                    }
                }
            }
        }
    }

    @Test
    void whatIsCachedForOneModeOrStatusIsNotUsedForAnother() {
        PageTables tables = tables(SV39);
        tables.map(PAGE, DATA, ALL | U);
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_SUM);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_SUM);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE))
                .isEqualTo(Cause.LOAD_PAGE_FAULT);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.U, PAGE)).isEqualTo(DONE);

        tables.map(PAGE, DATA, V | X | A);
        fixture.hart.flushTlb();
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_MXR);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_MXR);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE))
                .isEqualTo(Cause.LOAD_PAGE_FAULT);
    }

    @Test
    void aPageReadFirstIsNotWritableForThat() {
        PageTables tables = tables(SV39);
        tables.map(PAGE, DATA, V | R | A | D);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        assertThat(attemptCached(Access.STORE, PrivilegeMode.S, PAGE))
                .isEqualTo(Cause.STORE_PAGE_FAULT);
        tables.map(PAGE + 0x1000, DATA, V | R | W | A);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE + 0x1000)).isEqualTo(DONE);
        assertThat(attemptCached(Access.STORE, PrivilegeMode.S, PAGE + 0x1000))
                .as("the first write of a page that is clean")
                .isEqualTo(Cause.STORE_PAGE_FAULT);
    }

    @Test
    void machineModeAndBareModeTranslateNothing() {
        tables(SV39);
        fixture.poke(DATA, 8, 99).set(A1, DATA).execute(a -> a.ld(A0, 0, A1));
        assertThat(fixture.get(A0)).isEqualTo(99);
        fixture.csr(Csr.SATP, 0);
        for (PrivilegeMode mode : PrivilegeMode.values()) {
            fixture.in(mode).execute(a -> a.ld(A0, 0, A1));
        }
    }

    // Accessed and dirty.

    @Test
    void withoutUpdatesByHardwareAClearBitIsAPageFault() {
        PageTables tables = tables(SV39);
        fixture.place(DATA, a -> a.nop());
        tables.map(PAGE, DATA, ALL & ~A);
        for (Access access : Access.values()) {
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(access.pageFault);
        }
        tables.map(PAGE, DATA, ALL & ~D);
        assertThat(attempt(Access.LOAD, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        assertThat(attempt(Access.FETCH, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        assertThat(attempt(Access.STORE, PrivilegeMode.S, PAGE)).isEqualTo(Cause.STORE_PAGE_FAULT);
        assertThat(tables.entry(PAGE, 0)).isEqualTo(PageTables.leaf(DATA, ALL & ~D));
    }

    @Test
    void withUpdatesByHardwareAnAccessSetsTheBitsItNeeds() {
        PageTables tables = tables(SV39);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_ADUE);
        long clean = ALL & ~(A | D);
        for (Access access : Access.values()) {
            fixture.place(DATA, a -> a.nop());
            tables.map(PAGE, DATA, clean);
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
            assertThat(tables.entry(PAGE, 0))
                    .as("%s", access)
                    .isEqualTo(PageTables.leaf(DATA, clean | (access == Access.STORE ? A | D : A)));
        }
        // A load first, then a store through what the load cached.
        tables.map(PAGE, DATA, clean);
        fixture.hart.flushTlb();
        attemptCached(Access.LOAD, PrivilegeMode.S, PAGE);
        assertThat(attemptCached(Access.STORE, PrivilegeMode.S, PAGE)).isEqualTo(DONE);
        assertThat(tables.entry(PAGE, 0)).isEqualTo(PageTables.leaf(DATA, ALL));
    }

    @Test
    void superpagesAreUpdatedInTheirOwnEntry() {
        PageTables tables = tables(SV39);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_ADUE);
        tables.map(PAGE, RAM, ALL & ~(A | D), 1);
        assertThat(store(PAGE + DATA - RAM)).isEqualTo(DONE);
        assertThat(tables.entry(PAGE, 1)).isEqualTo(PageTables.leaf(RAM, ALL));
    }

    @Test
    void anAccessThatIsNotPermittedSetsNothing() {
        PageTables tables = tables(SV39);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_ADUE);
        tables.map(PAGE, DATA, V | R);
        assertThat(store(PAGE)).isEqualTo(Cause.STORE_PAGE_FAULT);
        assertThat(attempt(Access.LOAD, PrivilegeMode.U, PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        assertThat(tables.entry(PAGE, 0)).isEqualTo(PageTables.leaf(DATA, V | R));
    }

    @Test
    void anUpdateThatPmpForbidsIsAnAccessFault() {
        PageTables tables = tables(SV39);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_ADUE);
        tables.map(PAGE, DATA, ALL & ~(A | D));
        long table = tables.entryAddress(PAGE, 0) & -4096;
        fixture.csr(Csr.PMPADDR0, table >>> 2 | 0x1ff).csr(Csr.PMPADDR0 + 1, -1);
        fixture.csr(Csr.PMPCFG0, 0x1f19);
        assertThat(store(PAGE)).isEqualTo(Cause.STORE_ACCESS_FAULT);
        assertThat(tables.entry(PAGE, 0)).isEqualTo(PageTables.leaf(DATA, ALL & ~(A | D)));
    }

    // Svnapot.

    @Test
    void aRunOfSixteenPagesIsOneTranslation() {
        PageTables tables = tables(SV39);
        for (int n = 0; n < 16; n++) {
            tables.map(PAGE + 0x1000L * n, DATA | 0x8000, ALL | N);
        }
        for (int n = 0; n < 16; n++) {
            fixture.poke(DATA + 0x1000L * n + 8, 8, 500 + n);
            assertThat(load(PAGE + 0x1000L * n + 8)).isEqualTo(DONE);
            assertThat(fixture.get(A0)).isEqualTo(500 + n);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x0, 0x1000, 0x2000, 0x4000, 0x9000, 0xc000, 0xf000})
    void aRunOfAnotherSizeIsReserved(long encoding) {
        tables(SV39).map(PAGE, DATA | encoding, ALL | N);
        for (Access access : Access.values()) {
            assertThat(attempt(access, PrivilegeMode.S, PAGE)).isEqualTo(access.pageFault);
        }
    }

    @Test
    void aRunOfSuperpagesIsReserved() {
        tables(SV39).map(PAGE, RAM | 8L << 21, ALL | N, 1);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        tables(SV39).map(PAGE, RAM, ALL | N, 1);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
    }

    // Svpbmt.

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 1", "0, 2", "1, 0", "1, 1"})
    void memoryTypesNeedTheirEnableAndTheReservedOneIsAPageFault(int type, int level) {
        long flags = ALL | (long) type << PBMT_SHIFT;
        tables(SV39).map(PAGE, RAM, flags, level);
        assertThat(load(PAGE)).isEqualTo(type == 0 ? DONE : Cause.LOAD_PAGE_FAULT);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_PBMTE);
        assertThat(load(PAGE)).isEqualTo(DONE);
        tables(SV39).map(PAGE, RAM, ALL | 3L << PBMT_SHIFT, level);
        assertThat(load(PAGE)).isEqualTo(Cause.LOAD_PAGE_FAULT);
        tables(SV39).map(PAGE, RAM, ALL | 2L << PBMT_SHIFT, level);
        assertThat(load(PAGE)).isEqualTo(DONE);
        fixture.csr(Csr.MENVCFG, 0);
        assertThat(attemptCached(Access.LOAD, PrivilegeMode.S, PAGE))
                .isEqualTo(Cause.LOAD_PAGE_FAULT);
    }

    // The hart's interface.

    @Test
    void translateTellsWhereALoadWouldGo() {
        tables(SV39).map(PAGE, DATA, ALL);
        fixture.in(PrivilegeMode.S);
        assertThat(fixture.hart.translate(PAGE + 0x123)).isEqualTo(Optional.of(DATA + 0x123));
        assertThat(fixture.hart.translate(PAGE + 0x1000)).isEmpty();
        fixture.in(PrivilegeMode.M);
        assertThat(fixture.hart.translate(DATA)).isEqualTo(Optional.of(DATA));
    }

    @Test
    void aDelegatedPageFaultTellsTheSupervisorItsAddress() {
        PageTables tables = tables(SV39);
        tables.map(RAM, RAM, ALL).map(S_SINK, S_SINK, ALL);
        fixture.csr(Csr.MEDELEG, -1).set(A1, PAGE + 3).in(PrivilegeMode.S);
        assertThat(fixture.trap(a -> a.lw(A0, 0, A1)))
                .isEqualTo(
                        new HartFixture.Trap(
                                PrivilegeMode.S, Cause.LOAD_PAGE_FAULT, RAM, PAGE + 3));
        fixture.in(PrivilegeMode.S);
        assertThat(fixture.trap(a -> a.jalr(ZERO, 0, A1)))
                .isEqualTo(
                        new HartFixture.Trap(
                                PrivilegeMode.S, Cause.INSTRUCTION_PAGE_FAULT, PAGE + 2, PAGE + 2));
    }

    @Test
    void atomicsFaultAsLoadsOrStores() {
        PageTables tables = tables(SV39);
        tables.map(RAM, RAM, ALL).map(PAGE, DATA, V | R | A);
        fixture.set(A1, PAGE);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.amoadd_w(A0, A0, A1)).cause())
                .isEqualTo(Cause.STORE_PAGE_FAULT);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.amocas_q(ZERO, ZERO, A1)).cause())
                .isEqualTo(Cause.STORE_PAGE_FAULT);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.sc_w(A0, A0, A1)).cause())
                .isEqualTo(Cause.STORE_PAGE_FAULT);
        fixture.in(PrivilegeMode.S).execute(a -> a.lr_w(A0, A1));
        fixture.set(A1, PAGE + 0x1000);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.lr_w(A0, A1)).cause())
                .isEqualTo(Cause.LOAD_PAGE_FAULT);
    }
}
