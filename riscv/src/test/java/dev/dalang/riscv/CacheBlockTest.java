package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.PageTables.ALL;
import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Consumer;

/** Zicbom, Zicbop and Zicboz: what they do, who may use them, how they fault; and Zifencei. */
class CacheBlockTest {
    private static final int BLOCK = 64;

    private final HartFixture fixture = HartFixture.create();

    /** The instructions with the field of {@code menvcfg} and {@code senvcfg} that enables each. */
    private enum Operation {
        ZERO(Csr.ENVCFG_CBZE),
        CLEAN(Csr.ENVCFG_CBCFE),
        FLUSH(Csr.ENVCFG_CBCFE),
        INVAL(Csr.ENVCFG_CBIE_INVAL);

        final long enable;

        Operation(long enable) {
            this.enable = enable;
        }

        void write(Assembler a) {
            switch (this) {
                case ZERO -> a.cbo_zero(A1);
                case CLEAN -> a.cbo_clean(A1);
                case FLUSH -> a.cbo_flush(A1);
                case INVAL -> a.cbo_inval(A1);
            }
        }
    }

    @Test
    void zeroClearsTheBlockAroundAnyAddressAndNothingElse() {
        for (int within : new int[] {0, 1, 31, 63}) {
            fixture.memory.fill(DATA - BLOCK, 3 * BLOCK, (byte) 0x5a);
            fixture.set(A1, DATA + within).execute(Operation.ZERO::write);
            for (int n = -BLOCK; n < 2 * BLOCK; n++) {
                assertThat(fixture.peek(DATA + n, 1)).isEqualTo(n >= 0 && n < BLOCK ? 0 : 0x5a);
            }
        }
    }

    @Test
    void managementKeepsTheContents() {
        fixture.poke(DATA + 8, 8, 0x1234).set(A1, DATA + 13);
        fixture.execute(
                a -> {
                    a.cbo_clean(A1);
                    a.cbo_flush(A1);
                    a.cbo_inval(A1);
                    a.prefetch_i(32, A1);
                    a.prefetch_r(-2048, A1);
                    a.prefetch_w(2016, A1);
                });
        assertThat(fixture.peek(DATA + 8, 8)).isEqualTo(0x1234);
    }

    @Test
    void managementOfADevicesAddressesDoesNotReachTheDevice() {
        fixture.set(A1, HartFixture.DEVICE);
        fixture.execute(
                a -> {
                    a.cbo_clean(A1);
                    a.cbo_flush(A1);
                    a.cbo_inval(A1);
                    a.prefetch_r(0, A1);
                });
        assertThat(fixture.io.accesses).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Operation.class)
    void lesserModesNeedTheirEnables(Operation operation) {
        fixture.set(A1, DATA);
        fixture.in(M).execute(operation::write);
        assertIllegal(S, operation);
        assertIllegal(U, operation);
        fixture.csr(Csr.SENVCFG, operation.enable);
        assertIllegal(S, operation);
        assertIllegal(U, operation);
        fixture.csr(Csr.MENVCFG, operation.enable);
        fixture.in(S).execute(operation::write);
        fixture.in(U).execute(operation::write);
        fixture.csr(Csr.SENVCFG, 0);
        fixture.in(S).execute(operation::write);
        assertIllegal(U, operation);
        // The enables of the others do not help.
        long others = Csr.ENVCFG_CBIE | Csr.ENVCFG_CBCFE | Csr.ENVCFG_CBZE;
        fixture.csr(Csr.MENVCFG, others & ~operation.enable);
        assertIllegal(S, operation);
    }

    @Test
    void invalidationMayBeTurnedIntoAFlush() {
        fixture.csr(Csr.MENVCFG, Csr.ENVCFG_CBIE_FLUSH).csr(Csr.SENVCFG, Csr.ENVCFG_CBIE_FLUSH);
        fixture.poke(DATA, 8, 0x77).set(A1, DATA);
        fixture.in(S).execute(Operation.INVAL::write);
        fixture.in(U).execute(Operation.INVAL::write);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x77);
    }

    private void assertIllegal(PrivilegeMode mode, Operation operation) {
        HartFixture.Trap trap = fixture.in(mode).trap(operation::write);
        assertThat(trap)
                .as("%s in %s", operation, mode)
                .isEqualTo(
                        new HartFixture.Trap(
                                M, Cause.ILLEGAL_INSTRUCTION, RAM, fixture.peek(RAM, 4)));
    }

    @ParameterizedTest
    @EnumSource(Operation.class)
    void faultsAreThoseOfAStoreAtTheGivenAddress(Operation operation) {
        PageTables tables = new PageTables(fixture, 8);
        tables.map(RAM, RAM, ALL).map(0x1000, DATA, ALL & ~PageTables.W);
        fixture.csr(Csr.SATP, tables.satp()).csr(Csr.MENVCFG, Csr.ENVCFG_CBIE | 3 << 6);
        fixture.set(A1, 0x5_0015).in(S);
        assertThat(fixture.trap(operation::write))
                .isEqualTo(new HartFixture.Trap(M, Cause.STORE_PAGE_FAULT, RAM, 0x5_0015));
        fixture.set(A1, 0x1015).in(S);
        if (operation == Operation.ZERO) {
            assertThat(fixture.trap(operation::write).cause()).isEqualTo(Cause.STORE_PAGE_FAULT);
        } else {
            fixture.execute(operation::write);
        }
    }

    @ParameterizedTest
    @EnumSource(Operation.class)
    void aBlockThatPmpForbidsIsAStoreAccessFaultAndIsNotTouchedInPart(Operation operation) {
        fixture.csr(Csr.MENVCFG, Csr.ENVCFG_CBIE | 3 << 6);
        // The upper half of the block is forbidden.
        fixture.csr(Csr.PMPADDR0, DATA + 32 >>> 2 | 3).csr(Csr.PMPADDR0 + 1, -1);
        fixture.csr(Csr.PMPCFG0, 0x1f18).poke(DATA, 8, 0x55).set(A1, DATA + 5).in(S);
        assertThat(fixture.trap(operation::write))
                .isEqualTo(new HartFixture.Trap(M, Cause.STORE_ACCESS_FAULT, RAM, DATA + 5));
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x55);
    }

    @Test
    void aPrefetchNeverFaults() {
        PageTables tables = new PageTables(fixture, 8);
        tables.map(RAM, RAM, ALL);
        fixture.csr(Csr.SATP, tables.satp()).set(A1, 0x5_0000).in(S);
        fixture.execute(
                a -> {
                    a.prefetch_i(0, A1);
                    a.prefetch_r(0, A1);
                    a.prefetch_w(0, A1);
                });
    }

    // Zifencei.

    @Test
    void aFenceShowsNewCodeAndKeepsOldCodeThatDidNotChange() {
        int one = instruction(a -> a.addi(A0, A0, 1));
        int hundred = instruction(a -> a.addi(A0, A0, 100));
        long patched = DATA;
        fixture.place(
                patched,
                a -> {
                    a.word(one);
                    a.ret();
                });
        fixture.set(A1, patched).set(A0, 0).set(5, hundred);
        fixture.execute(
                a -> {
                    a.jalr(1, 0, A1);
                    a.sw(5, 0, A1);
                    a.fence_i();
                    a.jalr(1, 0, A1);
                    a.fence_i();
                    a.jalr(1, 0, A1);
                });
        assertThat(fixture.get(A0)).isEqualTo(201);
    }

    @Test
    void codeWrittenToAPageThatNeverRanNeedsNoHistory() {
        int one = instruction(a -> a.addi(A0, A0, 1));
        int back = instruction(Assembler::ret);
        fixture.set(A1, DATA).set(A0, 0).set(5, one).set(6, back);
        fixture.execute(
                a -> {
                    for (int n = 0; n < 4; n++) {
                        a.sw(5, 8 * n, A1);
                        a.sw(6, 8 * n + 4, A1);
                    }
                    a.fence_i();
                    for (int n = 0; n < 4; n++) {
                        a.jalr(1, 8 * n, A1);
                    }
                });
        assertThat(fixture.get(A0)).isEqualTo(4);
    }

    @Test
    void anInstructionThatReplacesItsSuccessorIsSeenAfterTheFence() {
        int hundred = instruction(a -> a.addi(A0, 0, 100));
        fixture.set(5, hundred).set(A1, RAM + 8).set(A0, 0);
        fixture.execute(
                a -> {
                    a.sw(5, 0, A1);
                    a.fence_i();
                    a.addi(A0, 0, 1);
                });
        assertThat(fixture.get(A0)).isEqualTo(100);
    }

    private static int instruction(Consumer<Assembler> code) {
        byte[] bytes = Assembler.assemble(RAM, code);
        return bytes[0] & 0xff
                | (bytes[1] & 0xff) << 8
                | (bytes[2] & 0xff) << 16
                | (bytes[3] & 0xff) << 24;
    }
}
