package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.PageTables.ALL;
import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.FA0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Accesses that lie in two pages, and the translations that fences drop. */
class PageCrossingTest {
    private static final long PAGE = 0x1234_0000L;
    private static final long NEXT = PAGE + 0x1000;

    private final HartFixture fixture = HartFixture.create();
    private PageTables tables;

    @BeforeEach
    void mapCode() {
        tables = new PageTables(fixture, 8);
        tables.map(RAM, RAM, ALL).map(HartFixture.M_SINK, HartFixture.M_SINK, ALL);
        fixture.csr(Csr.SATP, tables.satp()).in(S);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7})
    void anAccessIsPutTogetherFromTwoFrames(int inFirst) {
        tables.map(PAGE, DATA + 0x5000, ALL).map(NEXT, DATA, ALL);
        long address = NEXT - inFirst;
        fixture.set(A1, address).set(A0, 0x8877_6655_4433_2211L);
        fixture.execute(
                a -> {
                    a.sd(A0, 0, A1);
                    a.ld(A2, 0, A1);
                });
        assertThat(fixture.get(A2)).isEqualTo(0x8877_6655_4433_2211L);
        for (int n = 0; n < 8; n++) {
            long physical = n < inFirst ? DATA + 0x6000 - inFirst + n : DATA + n - inFirst;
            assertThat(fixture.peek(physical, 1)).isEqualTo(0x11L * (n + 1));
        }
    }

    @Test
    void aFaultOnTheSecondPageIsReportedThereAndNothingIsStored() {
        tables.map(PAGE, DATA, ALL);
        fixture.set(A1, NEXT - 4).set(A0, -1);
        fixture.hart.setFpRegister(FA0, -1);
        assertThat(fixture.in(S).trap(a -> a.ld(A2, 0, A1)))
                .isEqualTo(new HartFixture.Trap(M, Cause.LOAD_PAGE_FAULT, RAM, NEXT));
        assertThat(fixture.in(S).trap(a -> a.sd(A0, 0, A1)))
                .isEqualTo(new HartFixture.Trap(M, Cause.STORE_PAGE_FAULT, RAM, NEXT));
        assertThat(fixture.in(S).trap(a -> a.fsd(FA0, 0, A1)))
                .isEqualTo(new HartFixture.Trap(M, Cause.STORE_PAGE_FAULT, RAM, NEXT));
        assertThat(fixture.peek(DATA + 0xffc, 4)).isZero();
        fixture.set(A1, NEXT - 1);
        assertThat(fixture.in(S).trap(a -> a.lhu(A2, 0, A1)).tval()).isEqualTo(NEXT);
        assertThat(fixture.in(S).trap(a -> a.sw(A0, 0, A1)).tval()).isEqualTo(NEXT);
        assertThat(fixture.get(A2)).isZero();
    }

    @Test
    void aFaultOnTheFirstPageComesFirst() {
        tables.map(NEXT, DATA, ALL);
        fixture.set(A1, NEXT - 4).set(A0, -1);
        assertThat(fixture.in(S).trap(a -> a.ld(A2, 0, A1)))
                .isEqualTo(new HartFixture.Trap(M, Cause.LOAD_PAGE_FAULT, RAM, NEXT - 4));
        assertThat(fixture.in(S).trap(a -> a.sd(A0, 0, A1)).tval()).isEqualTo(NEXT - 4);
        assertThat(fixture.peek(DATA, 4)).isZero();
    }

    @Test
    void aStoreIntoAReadOnlySecondPageStoresNothing() {
        tables.map(PAGE, DATA, ALL).map(NEXT, DATA + 0x1000, ALL & ~PageTables.W);
        fixture.set(A1, NEXT - 4).set(A0, -1);
        assertThat(fixture.trap(a -> a.sd(A0, 0, A1)))
                .isEqualTo(new HartFixture.Trap(M, Cause.STORE_PAGE_FAULT, RAM, NEXT));
        assertThat(fixture.peek(DATA + 0xffc, 8)).isZero();
    }

    @Test
    void anInstructionIsPutTogetherFromTwoFrames() {
        tables.map(PAGE, DATA + 0x5000, ALL).map(NEXT, DATA, ALL);
        fixture.place(DATA + 0x5ffe, a -> a.addi(A0, ZERO, 321));
        // Its second half is elsewhere.
        fixture.poke(DATA, 2, fixture.peek(DATA + 0x6000, 2)).poke(DATA + 0x6000, 2, 0);
        fixture.hart.fenceInstructions();
        fixture.hart.setPc(NEXT - 2);
        fixture.step(1);
        assertThat(fixture.get(A0)).isEqualTo(321);
        assertThat(fixture.hart.pc()).isEqualTo(NEXT + 2);
    }

    @Test
    void aFaultOnTheSecondHalfOfAnInstructionTellsBothAddresses() {
        tables.map(PAGE, DATA, ALL);
        fixture.place(DATA + 0xffe, a -> a.addi(A0, ZERO, 321));
        assertThat(fixture.runFrom(NEXT - 2))
                .isEqualTo(new HartFixture.Trap(M, Cause.INSTRUCTION_PAGE_FAULT, NEXT - 2, NEXT));
        // A short instruction in the same place needs no second page.
        fixture.place(DATA + 0xffe, a -> a.c_li(A0, 21));
        assertThat(fixture.in(S).runFrom(NEXT - 2))
                .isEqualTo(new HartFixture.Trap(M, Cause.INSTRUCTION_PAGE_FAULT, NEXT, NEXT));
        assertThat(fixture.get(A0)).isEqualTo(21);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void everyFormOfTheFenceMakesAChangeOfAnEntryVisible(int form) {
        tables.map(PAGE, DATA, ALL).map(NEXT, DATA + 0x1000, ALL);
        fixture.poke(DATA, 8, 1).poke(DATA + 0x5000, 8, 2);
        fixture.set(A1, PAGE).execute(a -> a.ld(A0, 0, A1));
        assertThat(fixture.get(A0)).isEqualTo(1);
        tables.map(PAGE, DATA + 0x5000, ALL);
        fixture.execute(
                a -> {
                    switch (form) {
                        case 0 -> a.sfence_vma();
                        case 1 -> a.sfence_vma(A1, ZERO);
                        case 2 -> a.sfence_vma(ZERO, A2);
                        case 3 -> a.sfence_vma(A1, A2);
                        case 4 -> {
                            a.sfence_w_inval();
                            a.sinval_vma(A1, ZERO);
                            a.sfence_inval_ir();
                        }
                        default -> {
                            a.sfence_w_inval();
                            a.sinval_vma(ZERO, ZERO);
                            a.sfence_inval_ir();
                        }
                    }
                    a.ld(A0, 0, A1);
                });
        assertThat(fixture.get(A0)).isEqualTo(2);
    }

    @Test
    void aFenceOfOneAddressDropsTheWholeSuperpageThatHoldsIt() {
        tables.map(0x4000_0000L, RAM, ALL, 1);
        long first = 0x4000_0000L + DATA - RAM;
        fixture.poke(DATA, 8, 1).poke(DATA + 0x8000, 8, 2);
        fixture.set(A1, first).set(A2, first + 0x8000);
        fixture.execute(
                a -> {
                    a.ld(A0, 0, A1);
                    a.ld(A0, 0, A2);
                });
        // The superpage goes away; the fence names another of its addresses.
        tables.entry(0x4000_0000L, 1, 0);
        assertThat(
                        fixture.trap(
                                a -> {
                                    a.sfence_vma(A1, ZERO);
                                    a.ld(A0, 0, A2);
                                }))
                .isEqualTo(new HartFixture.Trap(M, Cause.LOAD_PAGE_FAULT, RAM + 4, first + 0x8000));
    }

    @Test
    void aFenceDropsTranslationsOfCode() {
        tables.map(PAGE, DATA, ALL);
        fixture.place(DATA, a -> a.addi(A0, ZERO, 1));
        fixture.place(DATA + 0x5000, a -> a.addi(A0, ZERO, 2));
        fixture.hart.setPc(PAGE);
        fixture.step(1);
        assertThat(fixture.get(A0)).isEqualTo(1);
        tables.map(PAGE, DATA + 0x5000, ALL);
        fixture.set(A1, PAGE).execute(a -> a.sfence_vma(A1, ZERO));
        fixture.hart.setPc(PAGE);
        fixture.step(1);
        assertThat(fixture.get(A0)).isEqualTo(2);
    }

    @Test
    void aNewRootIsUsedAtOnceAfterTheFence() {
        tables.map(PAGE, DATA, ALL);
        fixture.poke(DATA, 8, 1).set(A1, PAGE).execute(a -> a.ld(A0, 0, A1));
        fixture.csr(Csr.SATP, 0).in(M);
        fixture.set(A1, DATA).execute(a -> a.ld(A0, 0, A1));
        assertThat(fixture.get(A0)).isEqualTo(1);
        fixture.csr(Csr.SATP, tables.satp() | 5L << 44).in(S).set(A1, PAGE);
        fixture.execute(
                a -> {
                    a.sfence_vma();
                    a.ld(A0, 0, A1);
                });
        assertThat(fixture.get(A0)).isEqualTo(1);
    }
}
