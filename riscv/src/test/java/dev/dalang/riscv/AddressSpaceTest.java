package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.PageTables.ALL;
import static dev.dalang.riscv.PageTables.G;
import static dev.dalang.riscv.PageTables.N;
import static dev.dalang.riscv.PageTables.U;
import static dev.dalang.testkit.riscv.Registers.*;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;

/**
 * Address spaces and the fences between them (privileged spec §12.1.11 and §12.2.1): what is kept
 * of one is not used in another, and a fence drops all that it names. Data is accessed in M-mode
 * with MPRV; code runs where it is mapped.
 */
class AddressSpaceTest {
    private static final int SV39 = 8;

    /** More than a hart may remember at a time. */
    private static final int SPACES = 7;

    private static final long PAGE = 0x8_0000_0000L;
    private static final long ROOTS = RAM + 0x20_0000;
    private static final long ROOT_BYTES = 0x1_0000;

    private HartFixture fixture = HartFixture.create();

    private PageTables space(int asid) {
        return new PageTables(fixture, SV39, ROOTS + ROOT_BYTES * asid, asid);
    }

    private AddressSpaceTest enter(PageTables tables) {
        fixture.csr(Csr.SATP, tables.satp());
        return this;
    }

    /** What a mode finds at an address; a fault fails. */
    private long load(PrivilegeMode mode, long address) {
        fixture.place(RAM, a -> a.ld(A0, 0, A1));
        fixture.in(PrivilegeMode.M).set(A1, address);
        fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_MPP);
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_MPRV | (long) mode.encoding() << 11);
        fixture.hart.setPc(RAM);
        fixture.hart.step(1);
        assertThat(fixture.hart.pc()).as("behind the load").isEqualTo(RAM + 4);
        fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_MPRV);
        return fixture.get(A0);
    }

    private static long page(int number) {
        return DATA + 0x1000L * number;
    }

    private void fill(int count) {
        for (int n = 0; n < count; n++) {
            fixture.poke(page(n), 8, 100 + n);
        }
    }

    /**
     * SFENCE.VMA, with the page of an address if it is not 0, and a space if it is not negative.
     */
    private void fence(long address, int asid) {
        fixture.in(PrivilegeMode.M)
                .set(A1, address)
                .set(A2, asid)
                .execute(a -> a.sfence_vma(address == 0 ? 0 : A1, asid < 0 ? 0 : A2));
    }

    @ParameterizedTest
    @EnumSource(
            value = PrivilegeMode.class,
            names = {"U", "S"})
    void eachSpaceKeepsItsOwnPages(PrivilegeMode mode) {
        fill(SPACES);
        List<PageTables> spaces = new ArrayList<>();
        for (int n = 0; n < SPACES; n++) {
            spaces.add(space(n).map(PAGE, page(n), mode == PrivilegeMode.U ? ALL | U : ALL));
        }
        for (int round = 0; round < 3; round++) {
            for (int n = 0; n < SPACES; n++) {
                assertThat(enter(spaces.get(n)).load(mode, PAGE)).isEqualTo(100 + n);
                assertThat(enter(spaces.get(0)).load(mode, PAGE)).isEqualTo(100);
            }
        }
    }

    @Test
    void theSupervisorMayUseTheUsersPagesOfItsSpace() {
        fill(2);
        PageTables one = space(1).map(PAGE, page(0), ALL | U);
        PageTables other = space(2).map(PAGE, page(1), ALL | U);
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_SUM);
        for (int round = 0; round < 2; round++) {
            assertThat(enter(one).load(PrivilegeMode.S, PAGE)).isEqualTo(100);
            assertThat(enter(other).load(PrivilegeMode.S, PAGE)).isEqualTo(101);
        }
    }

    @Test
    void eachSpaceRunsItsOwnCode() {
        for (int n = 0; n < 2; n++) {
            int value = n;
            fixture.place(
                    page(n),
                    a -> {
                        a.li(A0, 7 + value);
                        a.ebreak();
                    });
        }
        PageTables one = space(1).map(PAGE, page(0), ALL | U);
        PageTables other = space(2).map(PAGE, page(1), ALL | U);
        for (int round = 0; round < 3; round++) {
            enter(one).fixture.in(PrivilegeMode.U).runFrom(PAGE);
            assertThat(fixture.get(A0)).isEqualTo(7);
            enter(other).fixture.in(PrivilegeMode.U).runFrom(PAGE);
            assertThat(fixture.get(A0)).isEqualTo(8);
        }
    }

    @Test
    void bareModeIsASpaceOfItsOwn() {
        fill(2);
        PageTables tables = space(1).map(page(0), page(1), ALL);
        assertThat(enter(tables).load(PrivilegeMode.S, page(0))).isEqualTo(101);
        fixture.csr(Csr.SATP, 0);
        assertThat(load(PrivilegeMode.S, page(0))).isEqualTo(100);
        assertThat(enter(tables).load(PrivilegeMode.S, page(0))).isEqualTo(101);
    }

    @Test
    void anotherRootWithTheSameNumberIsAnotherSpace() {
        fill(2);
        PageTables one = new PageTables(fixture, SV39, ROOTS, 3).map(PAGE, page(0), ALL | U);
        PageTables other =
                new PageTables(fixture, SV39, ROOTS + ROOT_BYTES, 3).map(PAGE, page(1), ALL | U);
        assertThat(enter(one).load(PrivilegeMode.U, PAGE)).isEqualTo(100);
        assertThat(enter(other).load(PrivilegeMode.U, PAGE)).isEqualTo(101);
        one.map(PAGE, page(1), ALL | U);
        other.map(PAGE, page(0), ALL | U);
        fence(0, 3);
        assertThat(enter(one).load(PrivilegeMode.U, PAGE)).isEqualTo(101);
        assertThat(enter(other).load(PrivilegeMode.U, PAGE)).isEqualTo(100);
    }

    /** Whatever a fence names, and in whichever space it is executed, it drops what it has to. */
    @ParameterizedTest
    @ValueSource(strings = {"all", "space", "page", "page of space"})
    void aFenceReachesSpacesThatTheHartIsNotIn(String named) {
        fill(4);
        for (PrivilegeMode mode : List.of(PrivilegeMode.U, PrivilegeMode.S)) {
            long flags = mode == PrivilegeMode.U ? ALL | U : ALL;
            PageTables one = space(1).map(PAGE, page(0), flags);
            PageTables other = space(2).map(PAGE, page(1), flags);
            assertThat(enter(one).load(mode, PAGE)).isEqualTo(100);
            assertThat(enter(other).load(mode, PAGE)).isEqualTo(101);
            one.map(PAGE, page(2), flags);
            switch (named) {
                case "all" -> fence(0, -1);
                case "space" -> fence(0, 1);
                case "page" -> fence(PAGE, -1);
                default -> fence(PAGE, 1);
            }
            assertThat(enter(one).load(mode, PAGE)).isEqualTo(102);
            assertThat(enter(other).load(mode, PAGE)).isEqualTo(101);
            one.map(PAGE, page(3), flags);
            fence(0, -1);
            assertThat(enter(one).load(mode, PAGE)).isEqualTo(103);
        }
    }

    @Test
    void aFenceInASpaceDropsItsManyPages() {
        PageTables tables = space(1);
        int count = 192;
        fill(count);
        for (int n = 0; n < count; n++) {
            tables.map(PAGE + 0x1000L * n, page(n), ALL | U);
        }
        enter(tables);
        for (int round = 0; round < 2; round++) {
            for (int n = 0; n < count; n++) {
                assertThat(load(PrivilegeMode.U, PAGE + 0x1000L * n)).isEqualTo(100 + n);
                tables.map(PAGE + 0x1000L * n, page(count - 1 - n), ALL | U);
            }
            // What is mapped anew is found after the fence, and each page after one of its own.
            fence(0, 1);
            for (int n = 0; n < count; n++) {
                assertThat(load(PrivilegeMode.U, PAGE + 0x1000L * n))
                        .isEqualTo(100 + count - 1 - n);
                fence(PAGE + 0x1000L * n, -1);
                assertThat(load(PrivilegeMode.U, PAGE + 0x1000L * n))
                        .isEqualTo(100 + count - 1 - n);
                tables.map(PAGE + 0x1000L * n, page(n), ALL | U);
            }
            fence(0, 1);
        }
    }

    @Test
    void aGlobalPageIsDroppedByAFenceOfItsAddressOrOfEverything() {
        fill(3);
        PageTables one = space(1).map(PAGE, page(0), ALL | G);
        PageTables other = space(2).map(PAGE, page(0), ALL | G);
        assertThat(enter(one).load(PrivilegeMode.S, PAGE)).isEqualTo(100);
        assertThat(enter(other).load(PrivilegeMode.S, PAGE)).isEqualTo(100);
        one.map(PAGE, page(1), ALL | G);
        other.map(PAGE, page(1), ALL | G);
        fence(PAGE, -1);
        assertThat(load(PrivilegeMode.S, PAGE)).isEqualTo(101);
        assertThat(enter(one).load(PrivilegeMode.S, PAGE)).isEqualTo(101);
        one.map(PAGE, page(2), ALL | G);
        other.map(PAGE, page(2), ALL | G);
        fence(0, -1);
        assertThat(load(PrivilegeMode.S, PAGE)).isEqualTo(102);
        assertThat(enter(other).load(PrivilegeMode.S, PAGE)).isEqualTo(102);
    }

    /** A leaf's translations are all dropped with any of its addresses. */
    @Test
    void aFenceOfOneAddressDropsAWholeSuperpage() {
        fixture = HartFixture.create(HartGroup.defaultEngine(), 8 << 20);
        fixture.poke(RAM + 0x40_3000, 8, 44);
        fixture.poke(RAM + 0x60_3000, 8, 66);
        PageTables tables = space(1).map(PAGE, RAM + 0x40_0000, ALL | G, 1);
        assertThat(enter(tables).load(PrivilegeMode.S, PAGE + 0x3000)).isEqualTo(44);
        tables.map(PAGE, RAM + 0x60_0000, ALL | G, 1);
        fence(PAGE + 0x1F_F000, -1);
        assertThat(load(PrivilegeMode.S, PAGE + 0x3000)).isEqualTo(66);
    }

    @Test
    void aFenceOfOneAddressDropsAWholeRunOfPages() {
        fixture.poke(DATA + 0x5000, 8, 5);
        fixture.poke(DATA + 0x1_5000, 8, 15);
        PageTables tables = space(1);
        for (int n = 0; n < 16; n++) {
            tables.map(PAGE + 0x1000L * n, DATA | 0x8000, ALL | N);
        }
        assertThat(enter(tables).load(PrivilegeMode.S, PAGE + 0x5000)).isEqualTo(5);
        for (int n = 0; n < 16; n++) {
            tables.map(PAGE + 0x1000L * n, DATA + 0x1_0000 | 0x8000, ALL | N);
        }
        fence(PAGE + 0xF000, -1);
        assertThat(load(PrivilegeMode.S, PAGE + 0x5000)).isEqualTo(15);
    }

    @Test
    void whatWasRestoredIsInItsOwnSpace() {
        fill(2);
        PageTables one = space(1).map(PAGE, page(0), ALL);
        PageTables other = space(2).map(PAGE, page(1), ALL);
        assertThat(enter(one).load(PrivilegeMode.S, PAGE)).isEqualTo(100);
        var saved = fixture.hart.snapshot();
        assertThat(enter(other).load(PrivilegeMode.S, PAGE)).isEqualTo(101);
        fixture.hart.restore(saved);
        assertThat(load(PrivilegeMode.S, PAGE)).isEqualTo(100);
    }
}
