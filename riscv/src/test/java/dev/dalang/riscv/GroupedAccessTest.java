package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.DEVICE;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.HartFixture.RAM_BYTES;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.HartFixture.Access;
import dev.dalang.riscv.HartFixture.Trap;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.function.Consumer;

/**
 * Loads and stores off one base register, which the translator may find with one look at the TLB:
 * what they do is what they do one by one. Each program runs its accesses several times, as the
 * first time belongs to the interpreter, which fills the TLB.
 */
class GroupedAccessTest {
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @EnumSource(
            value = EngineKind.class,
            names = {"INTERPRETER", "TRANSLATE_AT_ONCE"})
    private @interface WithEachEngine {}

    private static final int ROUNDS = 10;
    private static final int COUNTER = 31;
    private static final long PAGE = 0x1000;
    private static final long VIRTUAL = 0x4000_0000L;

    private static HartFixture fixture(EngineKind engine) {
        return filled(HartFixture.create(engine, RAM_BYTES));
    }

    /** Each eight bytes of data hold their own address. */
    private static HartFixture filled(HartFixture fixture) {
        for (long at = DATA; at < DATA + 4 * PAGE; at += 8) {
            fixture.memory.writeLong(at, at);
        }
        return fixture;
    }

    /** Runs a body several times; it leaves x31 alone. */
    private static void repeat(HartFixture fixture, Consumer<Assembler> body) {
        fixture.execute(
                a -> {
                    a.li(COUNTER, ROUNDS);
                    Label head = a.here();
                    body.accept(a);
                    a.addi(COUNTER, COUNTER, -1);
                    a.bnez(COUNTER, head);
                });
        if (fixture.group.statistics().isPresent()) {
            // Otherwise this would be no test of the translator.
            assertThat(fixture.group.statistics().orElseThrow().regions()).isPositive();
            assertThat(fixture.group.statistics().orElseThrow().failures()).isZero();
        }
    }

    @WithEachEngine
    void mixedSizesInAnyOrderReadAndWriteTheirOwnBytes(EngineKind engine) {
        HartFixture fixture = fixture(engine).set(8, DATA + 64);
        fixture.poke(DATA + 64 - 8, 8, 0xf1f2_f3f4_f5f6_f7f8L);
        fixture.poke(DATA + 64, 8, 0x8182_8384_8586_8788L);

        repeat(
                fixture,
                a -> {
                    a.lb(1, 3, 8);
                    a.lbu(2, 7, 8);
                    a.lh(3, 2, 8);
                    a.lhu(4, -2, 8);
                    a.lw(5, 4, 8);
                    a.lwu(6, -8, 8);
                    a.ld(7, 0, 8);
                    a.ld(9, -8, 8);
                    a.sb(9, 17, 8);
                    a.sh(9, 18, 8);
                    a.sw(9, 20, 8);
                    a.sd(7, 24, 8);
                    a.fld(1, 0, 8);
                    a.flw(2, 4, 8);
                    a.fsd(1, 32, 8);
                    a.fsw(2, 40, 8);
                });

        assertThat(fixture.get(1)).isEqualTo(0xffff_ffff_ffff_ff85L);
        assertThat(fixture.get(2)).isEqualTo(0x81);
        assertThat(fixture.get(3)).isEqualTo(0xffff_ffff_ffff_8586L);
        assertThat(fixture.get(4)).isEqualTo(0xf1f2);
        assertThat(fixture.get(5)).isEqualTo(0xffff_ffff_8182_8384L);
        assertThat(fixture.get(6)).isEqualTo(0xf5f6_f7f8L);
        assertThat(fixture.get(7)).isEqualTo(0x8182_8384_8586_8788L);
        assertThat(fixture.get(9)).isEqualTo(0xf1f2_f3f4_f5f6_f7f8L);
        assertThat(fixture.peek(DATA + 64 + 16, 8) >>> 8).isEqualTo(0xf5f6_f7f8_f7f8_f8L);
        assertThat(fixture.peek(DATA + 64 + 24, 8)).isEqualTo(0x8182_8384_8586_8788L);
        assertThat(fixture.hart.fpRegister(1)).isEqualTo(0x8182_8384_8586_8788L);
        assertThat(fixture.hart.fpRegister(2)).isEqualTo(0xffff_ffff_8182_8384L);
        assertThat(fixture.peek(DATA + 64 + 32, 8)).isEqualTo(0x8182_8384_8586_8788L);
        assertThat(fixture.peek(DATA + 64 + 40, 4)).isEqualTo(0x8182_8384L);
    }

    @WithEachEngine
    void aMisalignedBaseIsServedAllTheSame(EngineKind engine) {
        for (int shift = 1; shift < 8; shift++) {
            HartFixture fixture = fixture(engine).set(8, DATA + 0x100 + shift);

            repeat(
                    fixture,
                    a -> {
                        a.ld(5, 0, 8);
                        a.lw(6, 8, 8);
                        a.sd(5, 64, 8);
                        a.sh(6, 80, 8);
                    });

            assertThat(fixture.get(5)).isEqualTo(fixture.peek(DATA + 0x100 + shift, 8));
            assertThat(fixture.get(6)).isEqualTo((int) fixture.peek(DATA + 0x108 + shift, 4));
            assertThat(fixture.peek(DATA + 0x140 + shift, 8)).isEqualTo(fixture.get(5));
            assertThat(fixture.peek(DATA + 0x150 + shift, 2)).isEqualTo(fixture.get(6) & 0xffff);
        }
    }

    @WithEachEngine
    void accessesMayStraddleTwoPages(EngineKind engine) {
        for (int before = 8; before <= 64; before += 8) {
            HartFixture fixture = fixture(engine).set(8, DATA + PAGE - before).set(7, 42);

            repeat(
                    fixture,
                    a -> {
                        for (int n = 0; n < 6; n++) {
                            a.ld(10 + n, 8 * n, 8);
                        }
                        a.sd(7, 56, 8);
                    });

            for (int n = 0; n < 6; n++) {
                assertThat(fixture.get(10 + n)).isEqualTo(DATA + PAGE - before + 8L * n);
            }
            assertThat(fixture.peek(DATA + PAGE - before + 56, 8)).isEqualTo(42);
        }
    }

    @WithEachEngine
    void theSecondPageMayBeElsewhere(EngineKind engine) {
        HartFixture fixture = fixture(engine);
        tables(fixture)
                .map(VIRTUAL, DATA, PageTables.ALL)
                .map(VIRTUAL + PAGE, DATA + 3 * PAGE, PageTables.ALL);
        fixture.set(8, VIRTUAL + PAGE - 16).set(7, 42);

        repeat(
                fixture,
                a -> {
                    a.ld(10, 0, 8);
                    a.ld(11, 8, 8);
                    a.ld(12, 16, 8);
                    a.sd(7, 24, 8);
                });

        assertThat(fixture.get(10)).isEqualTo(DATA + PAGE - 16);
        assertThat(fixture.get(11)).isEqualTo(DATA + PAGE - 8);
        assertThat(fixture.get(12)).isEqualTo(DATA + 3 * PAGE);
        assertThat(fixture.peek(DATA + 3 * PAGE + 8, 8)).isEqualTo(42);
    }

    @WithEachEngine
    void anAbsentSecondPageTrapsExactlyThere(EngineKind engine) {
        HartFixture fixture = fixture(engine);
        PageTables tables =
                tables(fixture)
                        .map(VIRTUAL, DATA, PageTables.ALL)
                        .map(VIRTUAL + PAGE, DATA + PAGE, PageTables.ALL);
        fixture.set(8, VIRTUAL + PAGE - 16).set(7, 42).set(9, 0);
        repeat(fixture, GroupedAccessTest::twoPages);
        // The code has its region, and the TLB both pages; now the second goes.
        tables.map(VIRTUAL + PAGE, DATA + PAGE, 0);
        fixture.hart.flushTlb();
        fixture.set(9, 0).set(11, 77).set(12, 77).set(7, 43);

        Trap trap = fixture.in(PrivilegeMode.S).trap(GroupedAccessTest::twoPages);

        assertThat(trap.cause()).isEqualTo(Cause.LOAD_PAGE_FAULT);
        assertThat(trap.epc()).isEqualTo(RAM + 12);
        assertThat(trap.tval()).isEqualTo(VIRTUAL + PAGE);
        assertThat(fixture.get(11)).isEqualTo(DATA + PAGE - 8);
        assertThat(fixture.get(9)).isOne();
        assertThat(fixture.get(12)).isEqualTo(77);
        assertThat(fixture.peek(DATA + PAGE - 16, 8)).isEqualTo(43);
    }

    private static void twoPages(Assembler a) {
        a.sd(7, 0, 8);
        a.ld(11, 8, 8);
        a.addi(9, 9, 1);
        a.ld(12, 16, 8);
        a.addi(9, 9, 1);
        a.sd(7, 24, 8);
    }

    @WithEachEngine
    void aStoreToAReadOnlyPageTrapsAfterTheLoadsBeforeIt(EngineKind engine) {
        HartFixture fixture = fixture(engine);
        tables(fixture).map(VIRTUAL, DATA, PageTables.ALL & ~PageTables.W);
        fixture.set(8, VIRTUAL + 64).set(7, 42).set(9, 0);
        // Fills the TLB for reading, and makes regions of loads alone.
        repeat(
                fixture,
                a -> {
                    a.ld(10, 0, 8);
                    a.ld(11, 8, 8);
                });
        fixture.set(10, 0).set(11, 77).set(9, 0);

        for (int n = 0; n < 5; n++) {
            Trap trap =
                    fixture.set(9, 0)
                            .in(PrivilegeMode.S)
                            .trap(
                                    a -> {
                                        a.ld(10, 0, 8);
                                        a.addi(9, 9, 1);
                                        a.sd(7, 8, 8);
                                        a.ld(11, 16, 8);
                                    });

            assertThat(trap.cause()).isEqualTo(Cause.STORE_PAGE_FAULT);
            assertThat(trap.epc()).isEqualTo(RAM + 8);
            assertThat(trap.tval()).isEqualTo(VIRTUAL + 72);
            assertThat(fixture.get(10)).isEqualTo(DATA + 64);
            assertThat(fixture.get(9)).isOne();
            assertThat(fixture.get(11)).isEqualTo(77);
            assertThat(fixture.peek(DATA + 72, 8)).isEqualTo(DATA + 72);
        }
    }

    @WithEachEngine
    void aLoadThatOverwritesItsBaseIsFollowedWhereItLeads(EngineKind engine) {
        HartFixture fixture = fixture(engine).set(8, DATA);
        for (int n = 0; n <= 3 * ROUNDS; n++) {
            fixture.poke(DATA + 64L * n, 8, DATA + 64L * (n + 1));
            fixture.poke(DATA + 64L * n + 8, 8, n);
        }

        repeat(
                fixture,
                a -> {
                    a.ld(5, 8, 8);
                    a.ld(8, 0, 8);
                    a.ld(6, 8, 8);
                    a.ld(8, 0, 8);
                    a.ld(7, 8, 8);
                    a.sd(7, 16, 8);
                });

        assertThat(fixture.get(8)).isEqualTo(DATA + 64 * 2 * ROUNDS);
        assertThat(fixture.get(5)).isEqualTo(2 * ROUNDS - 2);
        assertThat(fixture.get(6)).isEqualTo(2 * ROUNDS - 1);
        assertThat(fixture.get(7)).isEqualTo(2 * ROUNDS);
        assertThat(fixture.peek(DATA + 64 * 2 * ROUNDS + 16, 8)).isEqualTo(2 * ROUNDS);
    }

    @WithEachEngine
    void aBaseThatMovesBetweenTwoAccessesIsLookedUpAgain(EngineKind engine) {
        HartFixture fixture = fixture(engine).set(8, DATA).set(9, 0).set(10, 0);

        repeat(
                fixture,
                a -> {
                    a.ld(5, 0, 8);
                    a.ld(6, 8, 8);
                    a.addi(8, 8, 256);
                    a.ld(7, 8, 8);
                    a.sd(0, 16, 8);
                    a.sub(9, 7, 6);
                });

        assertThat(fixture.get(7)).isEqualTo(DATA + 256 * ROUNDS + 8);
        assertThat(fixture.get(9)).isEqualTo(256);
        for (int n = 1; n <= ROUNDS; n++) {
            assertThat(fixture.peek(DATA + 256L * n + 16, 8)).isZero();
        }
    }

    @WithEachEngine
    void codeThatBeginsInsideAnInstructionHasGroupsOfItsOwn(EngineKind engine) {
        HartFixture fixture = fixture(engine).set(8, DATA).set(20, 0).set(21, 0);

        repeat(
                fixture,
                a -> {
                    Label inside = a.label();
                    a.ld(5, 0, 8);
                    a.ld(6, 8, 8);
                    a.addi(8, 8, 64);
                    a.andi(7, COUNTER, 1);
                    a.bnez(7, inside);
                    // LUI x6, whose upper half is C.LD x9, 0(x8).
                    a.half(0x4337);
                    a.bind(inside);
                    a.half(0x6004);
                    a.ld(5, 8, 8);
                    a.add(21, 21, 5);
                    a.ld(5, 16, 8);
                    a.add(20, 20, 5);
                });

        long sum = 0;
        for (int n = 1; n <= ROUNDS; n++) {
            sum += DATA + 64L * n;
        }
        assertThat(fixture.get(21)).isEqualTo(sum + 8 * ROUNDS);
        assertThat(fixture.get(20)).isEqualTo(sum + 16 * ROUNDS);
    }

    @WithEachEngine
    void theEndOfRamIsNotItsBeginning(EngineKind engine) {
        for (int bytes : new int[] {RAM_BYTES, RAM_BYTES + 0x3000, RAM_BYTES + 0x1000}) {
            HartFixture fixture = HartFixture.create(engine, bytes);
            long end = RAM + bytes;
            fixture.poke(end - 16, 8, 11).poke(end - 8, 8, 22);
            fixture.io.answer = 0x77;
            fixture.set(8, end - 16).set(7, 33);

            repeat(
                    fixture,
                    a -> {
                        a.ld(10, 0, 8);
                        a.ld(11, 8, 8);
                        a.ld(12, 16, 8);
                        a.sd(7, 24, 8);
                    });

            assertThat(fixture.get(10)).isEqualTo(11);
            assertThat(fixture.get(11)).isEqualTo(22);
            assertThat(fixture.get(12)).isEqualTo(0x77);
            assertThat(fixture.io.accesses)
                    .hasSize(2 * ROUNDS)
                    .contains(new Access(false, end, 8, 0x77), new Access(true, end + 8, 8, 33));
        }
    }

    @WithEachEngine
    void allOfRamIsReachedWhateverItsSize(EngineKind engine) {
        for (int bytes : new int[] {RAM_BYTES, RAM_BYTES + 0x3000}) {
            HartFixture fixture = HartFixture.create(engine, bytes);
            int step = 0x1_9000;
            int count = bytes / step - 4;
            for (int n = 0; n < count; n++) {
                fixture.poke(DATA + (long) n * step % (bytes - 0x10_0000), 8, n + 1L);
            }
            fixture.set(9, 0).set(13, step);
            long last = RAM + bytes - 16;
            fixture.poke(last, 8, 1000).poke(last + 8, 8, 2000).set(14, last);

            repeat(
                    fixture,
                    a -> {
                        a.ld(10, 0, 14);
                        a.ld(11, 8, 14);
                        a.sub(14, 14, 13);
                        a.sd(10, 0, 14);
                        a.sd(11, 8, 14);
                    });

            for (int n = 1; n <= ROUNDS; n++) {
                assertThat(fixture.peek(last - (long) n * step, 8)).isEqualTo(1000);
                assertThat(fixture.peek(last - (long) n * step + 8, 8)).isEqualTo(2000);
            }
        }
    }

    @WithEachEngine
    void aDeviceSeesEachAccessOnceAndInOrder(EngineKind engine) {
        HartFixture fixture = fixture(engine).set(8, DEVICE).set(7, 9);
        fixture.io.answer = 0x1234_5678;

        repeat(
                fixture,
                a -> {
                    a.lw(5, 0, 8);
                    a.sw(7, 4, 8);
                    a.lbu(6, 8, 8);
                });

        assertThat(fixture.io.accesses).hasSize(3 * ROUNDS);
        for (int n = 0; n < 3 * ROUNDS; n += 3) {
            assertThat(fixture.io.accesses.subList(n, n + 3))
                    .containsExactly(
                            new Access(false, DEVICE, 4, 0x1234_5678),
                            new Access(true, DEVICE + 4, 4, 9),
                            new Access(false, DEVICE + 8, 1, 0x1234_5678));
        }
        assertThat(fixture.get(6)).isEqualTo(0x78);
    }

    @WithEachEngine
    void aCsrThatTakesThePageAwayEndsAGroup(EngineKind engine) {
        HartFixture fixture = fixture(engine);
        tables(fixture).map(VIRTUAL, DATA, PageTables.ALL | PageTables.U);
        fixture.set(8, VIRTUAL).set(6, Csr.MSTATUS_SUM);
        repeat(
                fixture,
                a -> {
                    a.csrs(Csr.SSTATUS, 6);
                    a.ld(10, 0, 8);
                    a.ld(11, 8, 8);
                });
        fixture.set(11, 77);

        for (int n = 0; n < 5; n++) {
            Trap trap =
                    fixture.in(PrivilegeMode.S)
                            .trap(
                                    a -> {
                                        a.csrs(Csr.SSTATUS, 6);
                                        a.ld(10, 0, 8);
                                        a.csrc(Csr.SSTATUS, 6);
                                        a.ld(11, 8, 8);
                                        a.ld(12, 16, 8);
                                    });

            assertThat(trap.cause()).isEqualTo(Cause.LOAD_PAGE_FAULT);
            assertThat(trap.epc()).isEqualTo(RAM + 12);
            assertThat(trap.tval()).isEqualTo(VIRTUAL + 8);
            assertThat(fixture.get(11)).isEqualTo(77);
        }
    }

    @WithEachEngine
    void aChangedPageTableIsSeenBehindTheFence(EngineKind engine) {
        HartFixture fixture = fixture(engine);
        PageTables tables = tables(fixture).map(VIRTUAL, DATA, PageTables.ALL);
        long entry = tables.entryAddress(VIRTUAL, 0);
        long window = VIRTUAL + 0x10_0000;
        tables.map(window, entry & -PAGE, PageTables.ALL);
        fixture.set(8, VIRTUAL + 0x100)
                .set(14, window + (entry & PAGE - 1))
                .set(15, PageTables.leaf(DATA, PageTables.ALL))
                .set(16, PageTables.leaf(DATA + PAGE, PageTables.ALL));

        repeat(
                fixture,
                a -> {
                    a.ld(10, 0, 8);
                    a.ld(11, 8, 8);
                    a.sd(16, 0, 14);
                    a.sfence_vma();
                    a.ld(12, 0, 8);
                    a.ld(13, 8, 8);
                    a.sd(15, 0, 14);
                    a.sfence_vma();
                });

        assertThat(fixture.get(10)).isEqualTo(DATA + 0x100);
        assertThat(fixture.get(11)).isEqualTo(DATA + 0x108);
        assertThat(fixture.get(12)).isEqualTo(DATA + PAGE + 0x100);
        assertThat(fixture.get(13)).isEqualTo(DATA + PAGE + 0x108);
    }

    /** Tables with RAM where it is; the hart is in S-mode, and uses them. */
    private static PageTables tables(HartFixture fixture) {
        PageTables tables = new PageTables(fixture, 8);
        for (long at = 0; at < RAM_BYTES; at += 2 << 20) {
            tables.map(RAM + at, RAM + at, PageTables.ALL, 1);
        }
        fixture.csr(Csr.SATP, tables.satp()).in(PrivilegeMode.S);
        return tables;
    }
}
