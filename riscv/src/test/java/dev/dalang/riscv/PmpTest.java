package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Physical memory protection (privileged spec §3.7). */
class PmpTest {
    private static final int R = 1;
    private static final int W = 2;
    private static final int X = 4;
    private static final int TOR = 1 << 3;
    private static final int NA4 = 2 << 3;
    private static final int NAPOT = 3 << 3;
    private static final int LOCK = 0x80;

    /** The last entry lets programs run; the data page is for the tests. */
    private static final int CODE_ENTRY = 15;

    private final HartFixture fixture = HartFixture.create();

    @BeforeEach
    void openTheCodeAlone() {
        entry(0, 0, 0);
        entry(CODE_ENTRY, NAPOT | R | X, napot(RAM, 0x1000));
    }

    private void entry(int index, int config, long address) {
        int csr = Csr.PMPCFG0 + 2 * (index / 8);
        int shift = 8 * (index % 8);
        fixture.csr(Csr.PMPADDR0 + index, address);
        fixture.csr(csr, fixture.csr(csr) & ~(0xffL << shift) | (long) config << shift);
    }

    private int config(int index) {
        return (int) (fixture.csr(Csr.PMPCFG0 + 2 * (index / 8)) >>> 8 * (index % 8)) & 0xff;
    }

    private static long napot(long base, long size) {
        return base >>> 2 | (size >>> 3) - 1;
    }

    private boolean loads(PrivilegeMode mode, long address, int size) {
        fixture.place(
                RAM,
                a -> {
                    switch (size) {
                        case 1 -> a.lb(A0, 0, A1);
                        case 2 -> a.lh(A0, 0, A1);
                        case 4 -> a.lw(A0, 0, A1);
                        default -> a.ld(A0, 0, A1);
                    }
                });
        return runs(mode, address, Cause.LOAD_ACCESS_FAULT);
    }

    private boolean stores(PrivilegeMode mode, long address, int size) {
        fixture.place(
                RAM,
                a -> {
                    switch (size) {
                        case 1 -> a.sb(A0, 0, A1);
                        case 2 -> a.sh(A0, 0, A1);
                        case 4 -> a.sw(A0, 0, A1);
                        default -> a.sd(A0, 0, A1);
                    }
                });
        return runs(mode, address, Cause.STORE_ACCESS_FAULT);
    }

    private boolean runs(PrivilegeMode mode, long address, long fault) {
        fixture.set(A1, address).in(mode);
        fixture.hart.setPc(RAM);
        fixture.step(1);
        if (fixture.hart.pc() == RAM + 4) {
            return true;
        }
        assertThat(fixture.machineTrap()).isEqualTo(new HartFixture.Trap(M, fault, RAM, address));
        return false;
    }

    private boolean fetches(PrivilegeMode mode, long address) {
        fixture.place(address, a -> a.nop());
        fixture.in(mode);
        fixture.hart.setPc(address);
        fixture.step(1);
        if (fixture.hart.pc() == address + 4) {
            return true;
        }
        assertThat(fixture.csr(Csr.MCAUSE)).isEqualTo(Cause.INSTRUCTION_ACCESS_FAULT);
        assertThat(fixture.csr(Csr.MEPC)).isEqualTo(address);
        return false;
    }

    @Test
    void withoutAMatchLesserModesMayNothingAndMachineModeAll() {
        for (PrivilegeMode mode : new PrivilegeMode[] {S, U}) {
            assertThat(loads(mode, DATA, 8)).isFalse();
            assertThat(stores(mode, DATA, 8)).isFalse();
            assertThat(fetches(mode, DATA)).isFalse();
            assertThat(loads(mode, HartFixture.DEVICE, 4)).isFalse();
        }
        assertThat(fixture.io.accesses).isEmpty();
        assertThat(loads(M, DATA, 8)).isTrue();
        assertThat(stores(M, DATA, 8)).isTrue();
        assertThat(fetches(M, DATA)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, R, R | W, X, R | X, R | W | X})
    void permissionsAreCheckedOneByOne(int permissions) {
        entry(3, NAPOT | permissions, napot(DATA, 0x1000));
        for (PrivilegeMode mode : new PrivilegeMode[] {S, U}) {
            assertThat(loads(mode, DATA, 8)).isEqualTo((permissions & R) != 0);
            assertThat(stores(mode, DATA, 8)).isEqualTo((permissions & W) != 0);
            assertThat(fetches(mode, DATA)).isEqualTo((permissions & X) != 0);
        }
        assertThat(stores(M, DATA, 8)).isTrue();
        assertThat(fetches(M, DATA)).isTrue();
    }

    @Test
    void writingWithoutReadingIsReservedAndNotKept() {
        entry(0, NAPOT | W, napot(DATA, 8));
        assertThat(config(0) & (R | W)).isNotEqualTo(W);
        entry(0, NAPOT | W | X, napot(DATA, 8));
        assertThat(config(0) & (R | W)).isNotEqualTo(W);
    }

    @Test
    void aFourByteEntryCoversFourBytes() {
        entry(0, NA4 | R, DATA + 8 >>> 2);
        assertThat(loads(U, DATA + 8, 4)).isTrue();
        assertThat(loads(U, DATA + 11, 1)).isTrue();
        assertThat(loads(U, DATA + 4, 4)).isFalse();
        assertThat(loads(U, DATA + 12, 4)).isFalse();
        assertThat(loads(U, DATA + 7, 1)).isFalse();
        assertThat(loads(U, DATA + 12, 1)).isFalse();
        // All bytes must lie in the entry.
        assertThat(loads(U, DATA + 8, 8)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {8, 16, 64, 1024, 4096, 0x2000, 0x1_0000})
    void aNaturallyAlignedPowerOfTwoCoversItsSize(long size) {
        entry(0, NAPOT | R | W, napot(DATA, size));
        assertThat(loads(U, DATA, 8)).isTrue();
        assertThat(stores(U, DATA + size - 8, 8)).isTrue();
        assertThat(loads(U, DATA + size - 1, 1)).isTrue();
        assertThat(loads(U, DATA - 1, 1)).isFalse();
        assertThat(loads(U, DATA + size, 1)).isFalse();
        assertThat(stores(U, DATA + size, 8)).isFalse();
    }

    @Test
    void aTopOfRangeEntryBeginsWhereTheLastAddressLies() {
        entry(0, 0, DATA + 0x10 >>> 2);
        entry(1, TOR | R, DATA + 0x2004 >>> 2);
        assertThat(loads(U, DATA + 0xc, 4)).isFalse();
        assertThat(loads(U, DATA + 0x10, 8)).isTrue();
        assertThat(loads(U, DATA + 0x1800, 8)).isTrue();
        assertThat(loads(U, DATA + 0x2000, 4)).isTrue();
        assertThat(loads(U, DATA + 0x2004, 4)).isFalse();
        assertThat(loads(U, DATA + 0x2000, 8)).isFalse();
    }

    @Test
    void theFirstTopOfRangeEntryBeginsAtZero() {
        entry(0, TOR | R | X, DATA + 8 >>> 2);
        assertThat(loads(U, 0, 4)).isTrue();
        assertThat(loads(U, DATA, 8)).isTrue();
        assertThat(loads(U, DATA + 8, 8)).isFalse();
    }

    @Test
    void anEmptyTopOfRangeMatchesNothing() {
        entry(0, 0, DATA + 0x1000 >>> 2);
        entry(1, TOR | R, DATA >>> 2);
        entry(2, NAPOT | R, napot(DATA, 0x1000));
        assertThat(loads(U, DATA, 8)).isTrue();
        entry(1, TOR, DATA + 0x1000 >>> 2);
        assertThat(loads(U, DATA, 8)).isTrue();
    }

    @Test
    void theEntryWithTheLowestNumberDecides() {
        entry(2, NAPOT, napot(DATA, 64));
        entry(3, NAPOT | R | W, napot(DATA, 0x1000));
        assertThat(loads(U, DATA, 8)).isFalse();
        assertThat(loads(U, DATA + 64, 8)).isTrue();
        entry(1, NAPOT | R, napot(DATA, 8));
        assertThat(loads(U, DATA, 8)).isTrue();
        assertThat(stores(U, DATA, 8)).isFalse();
        assertThat(loads(U, DATA + 8, 8)).isFalse();
    }

    @Test
    void allOnesCoverEverything() {
        entry(0, NAPOT | R | X, -1);
        assertThat(loads(U, DATA, 8)).isTrue();
        assertThat(loads(U, 0, 8)).isTrue();
        assertThat(loads(U, HartFixture.DEVICE, 8)).isTrue();
    }

    @Test
    void aLockedEntryBindsMachineModeAndCannotBeChanged() {
        entry(2, LOCK | NAPOT | R, napot(DATA, 64));
        assertThat(loads(M, DATA, 8)).isTrue();
        assertThat(stores(M, DATA, 8)).isFalse();
        assertThat(fetches(M, DATA)).isFalse();
        assertThat(stores(M, DATA + 64, 8)).isTrue();

        entry(2, NAPOT | R | W | X, napot(DATA, 8));
        assertThat(config(2)).isEqualTo(LOCK | NAPOT | R);
        assertThat(fixture.csr(Csr.PMPADDR0 + 2)).isEqualTo(napot(DATA, 64));
        assertThat(stores(M, DATA, 8)).isFalse();
    }

    @Test
    void aLockedTopOfRangeEntryLocksTheAddressBelowIt() {
        entry(4, 0, DATA >>> 2);
        entry(5, LOCK | TOR | R, DATA + 0x100 >>> 2);
        fixture.csr(Csr.PMPADDR0 + 4, 0);
        assertThat(fixture.csr(Csr.PMPADDR0 + 4)).isEqualTo(DATA >>> 2);
        // The configuration below is not locked.
        entry(4, NA4 | R, DATA >>> 2);
        assertThat(config(4)).isEqualTo(NA4 | R);
    }

    @Test
    void aLockedEntryThatIsOffStaysOff() {
        entry(2, LOCK, napot(DATA, 64));
        entry(2, NAPOT | R, 0);
        assertThat(config(2)).isEqualTo(LOCK);
        assertThat(fixture.csr(Csr.PMPADDR0 + 2)).isEqualTo(napot(DATA, 64));
        assertThat(stores(M, DATA, 8)).isTrue();
    }

    @Test
    void resetUnlocks() {
        entry(2, LOCK | NAPOT, napot(DATA, 64));
        fixture.hart.reset(RAM);
        assertThat(config(2)).isZero();
        assertThat(stores(M, DATA, 8)).isTrue();
    }

    @Test
    void addressesHoldFiftyFourBitsAndTheGrainIsFourBytes() {
        fixture.csr(Csr.PMPADDR0, -1);
        assertThat(fixture.csr(Csr.PMPADDR0)).isEqualTo((1L << 54) - 1);
        fixture.csr(Csr.PMPADDR0, 0x12_3456_789a_bcdfL);
        for (int mode : new int[] {0, TOR, NA4, NAPOT}) {
            fixture.csr(Csr.PMPCFG0, mode);
            assertThat(fixture.csr(Csr.PMPADDR0)).isEqualTo(0x12_3456_789a_bcdfL);
            assertThat(config(0)).isEqualTo(mode);
        }
    }

    @Test
    void reservedBitsOfAConfigurationReadAsZero() {
        fixture.csr(Csr.PMPCFG0, 0x7f);
        assertThat(config(0)).isEqualTo(0x1f);
    }

    @ParameterizedTest
    @EnumSource(
            value = PrivilegeMode.class,
            names = {"U", "S"})
    void modifiedPrivilegeIsCheckedAsThePreviousMode(PrivilegeMode mode) {
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MPRV | (long) mode.encoding() << 11);
        assertThat(loads(M, DATA, 8)).isFalse();
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MPRV | (long) mode.encoding() << 11);
        // Fetches are still those of machine mode.
        assertThat(fetches(M, DATA)).isTrue();
    }

    @Test
    void aChangeTakesEffectOnWhatWasReachedBefore() {
        entry(0, NAPOT | R | W | X, napot(DATA, 0x1000));
        assertThat(loads(U, DATA, 8)).isTrue();
        assertThat(stores(U, DATA, 8)).isTrue();
        assertThat(fetches(U, DATA)).isTrue();
        entry(0, NAPOT, napot(DATA, 0x1000));
        assertThat(loads(U, DATA, 8)).isFalse();
        assertThat(stores(U, DATA, 8)).isFalse();
        assertThat(fetches(U, DATA)).isFalse();
    }

    @Test
    void whatOneModeReachedIsNotOpenToAnother() {
        entry(2, LOCK | NAPOT | R | W, napot(DATA, 0x1000));
        entry(0, NAPOT, napot(DATA, 0x1000));
        assertThat(loads(M, DATA, 8)).isTrue();
        assertThat(loads(S, DATA, 8)).isFalse();
        assertThat(loads(M, DATA, 8)).isTrue();
    }

    @Test
    void partsOfAPageAreKeptApart() {
        entry(0, NAPOT | R | W, napot(DATA + 0x800, 0x400));
        for (int round = 0; round < 3; round++) {
            assertThat(loads(U, DATA + 0x800, 8)).isTrue();
            assertThat(loads(U, DATA + 0x7f8, 8)).isFalse();
            assertThat(stores(U, DATA + 0xbf8, 8)).isTrue();
            assertThat(stores(U, DATA + 0xc00, 8)).isFalse();
        }
    }

    @Test
    void codeMayRunInAPartOfAPage() {
        entry(0, NAPOT | X, napot(DATA + 0x800, 0x400));
        for (int round = 0; round < 3; round++) {
            assertThat(fetches(U, DATA + 0x800)).isTrue();
            assertThat(fetches(U, DATA + 0xbfc)).isTrue();
            assertThat(fetches(U, DATA + 0xc00)).isFalse();
            assertThat(fetches(U, DATA + 0x7fc)).isFalse();
        }
    }

    @Test
    void executionStopsAtTheEndOfWhatMayBeExecuted() {
        // Within one page, and at full speed: not instruction by instruction.
        HartFixture running = HartFixture.create(b -> b.maxInstructions(100));
        running.csr(Csr.PMPCFG0, NAPOT | X).csr(Csr.PMPADDR0, napot(DATA, 0x400));
        running.place(
                DATA + 0x3f0,
                a -> {
                    for (int n = 0; n < 8; n++) {
                        a.addi(A0, A0, 1);
                    }
                });
        running.in(U).hart.setPc(DATA + 0x3f0);
        running.hart.run();
        assertThat(running.machineTrap())
                .isEqualTo(
                        new HartFixture.Trap(
                                M, Cause.INSTRUCTION_ACCESS_FAULT, DATA + 0x400, DATA + 0x400));
        assertThat(running.get(A0)).isEqualTo(4);
    }

    @Test
    void anInstructionWhoseSecondHalfIsForbiddenFaults() {
        entry(0, NAPOT | X, napot(DATA, 0x400));
        fixture.place(DATA + 0x3fe, a -> a.nop());
        HartFixture.Trap trap = fixture.in(U).runFrom(DATA + 0x3fe);
        assertThat(trap.cause()).isEqualTo(Cause.INSTRUCTION_ACCESS_FAULT);
        assertThat(trap.epc()).isEqualTo(DATA + 0x3fe);
        assertThat(trap.tval()).isIn(DATA + 0x3fe, DATA + 0x400);
    }

    @Test
    void atomicsNeedReadAndWrite() {
        entry(0, NAPOT | R, napot(DATA, 0x1000));
        fixture.set(A1, DATA);
        assertThat(fixture.in(U).trap(a -> a.amoadd_d(A0, A0, A1)).cause())
                .isEqualTo(Cause.STORE_ACCESS_FAULT);
        assertThat(fixture.in(U).trap(a -> a.sc_d(A0, A0, A1)).cause())
                .isEqualTo(Cause.STORE_ACCESS_FAULT);
        entry(0, 0, 0);
        assertThat(fixture.in(U).trap(a -> a.lr_d(A0, A1)).cause())
                .isEqualTo(Cause.LOAD_ACCESS_FAULT);
    }
}
