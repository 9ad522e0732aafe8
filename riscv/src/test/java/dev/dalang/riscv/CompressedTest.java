package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.FA0;
import static dev.dalang.testkit.riscv.Registers.RA;
import static dev.dalang.testkit.riscv.Registers.S0;
import static dev.dalang.testkit.riscv.Registers.SP;
import static dev.dalang.testkit.riscv.Registers.T3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The C extension: each form does what the instruction that it stands for does. */
class CompressedTest {
    private static final long SEED = 99;

    private final HartFixture fixture = HartFixture.create();
    private final HartFixture witness = HartFixture.create();

    /** A compressed instruction with the instruction that it abbreviates. */
    record Abbreviation(String name, Consumer<Assembler> brief, Consumer<Assembler> full) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Abbreviation abbreviation(
            String name, Consumer<Assembler> brief, Consumer<Assembler> full) {
        return new Abbreviation(name, brief, full);
    }

    static Stream<Abbreviation> arithmetic() {
        Stream.Builder<Abbreviation> all = Stream.builder();
        for (int imm : new int[] {-32, -1, 1, 31}) {
            all.add(
                    abbreviation(
                            "c.addi " + imm, a -> a.c_addi(T3, imm), a -> a.addi(T3, T3, imm)));
            all.add(
                    abbreviation(
                            "c.addiw " + imm, a -> a.c_addiw(T3, imm), a -> a.addiw(T3, T3, imm)));
            all.add(abbreviation("c.li " + imm, a -> a.c_li(T3, imm), a -> a.addi(T3, 0, imm)));
            all.add(
                    abbreviation(
                            "c.lui " + imm, a -> a.c_lui(T3, imm), a -> a.lui(T3, imm & 0xfffff)));
            all.add(
                    abbreviation(
                            "c.andi " + imm, a -> a.c_andi(A0, imm), a -> a.andi(A0, A0, imm)));
        }
        for (int amount : new int[] {1, 31, 32, 63}) {
            all.add(
                    abbreviation(
                            "c.slli " + amount,
                            a -> a.c_slli(T3, amount),
                            a -> a.slli(T3, T3, amount)));
            all.add(
                    abbreviation(
                            "c.srli " + amount,
                            a -> a.c_srli(A0, amount),
                            a -> a.srli(A0, A0, amount)));
            all.add(
                    abbreviation(
                            "c.srai " + amount,
                            a -> a.c_srai(A0, amount),
                            a -> a.srai(A0, A0, amount)));
        }
        for (int imm : new int[] {-512, -16, 16, 496}) {
            all.add(
                    abbreviation(
                            "c.addi16sp " + imm, a -> a.c_addi16sp(imm), a -> a.addi(SP, SP, imm)));
        }
        for (int imm : new int[] {4, 8, 512, 1020}) {
            all.add(
                    abbreviation(
                            "c.addi4spn " + imm,
                            a -> a.c_addi4spn(S0, imm),
                            a -> a.addi(S0, SP, imm)));
        }
        all.add(abbreviation("c.nop", Assembler::c_nop, Assembler::nop));
        all.add(abbreviation("c.addiw 0", a -> a.c_addiw(T3, 0), a -> a.addiw(T3, T3, 0)));
        all.add(abbreviation("c.mv", a -> a.c_mv(A0, T3), a -> a.add(A0, 0, T3)));
        all.add(abbreviation("c.add", a -> a.c_add(A0, T3), a -> a.add(A0, A0, T3)));
        all.add(abbreviation("c.sub", a -> a.c_sub(A0, A1), a -> a.sub(A0, A0, A1)));
        all.add(abbreviation("c.xor", a -> a.c_xor(A0, A1), a -> a.xor(A0, A0, A1)));
        all.add(abbreviation("c.or", a -> a.c_or(A0, A1), a -> a.or(A0, A0, A1)));
        all.add(abbreviation("c.and", a -> a.c_and(A0, A1), a -> a.and(A0, A0, A1)));
        all.add(abbreviation("c.subw", a -> a.c_subw(A0, A1), a -> a.subw(A0, A0, A1)));
        all.add(abbreviation("c.addw", a -> a.c_addw(A0, A1), a -> a.addw(A0, A0, A1)));
        return all.build();
    }

    @ParameterizedTest
    @MethodSource("arithmetic")
    void arithmeticDoesWhatTheFullFormDoes(Abbreviation row) {
        Random random = new Random(SEED);
        fixture.place(RAM, row.brief);
        witness.place(RAM, row.full);
        for (int n = 0; n < 100; n++) {
            for (int register = 1; register < 32; register++) {
                long value = Operand.random(random);
                fixture.set(register, value);
                witness.set(register, value);
            }
            fixture.hart.setPc(RAM);
            witness.hart.setPc(RAM);
            fixture.step(1);
            witness.step(1);
            for (int register = 1; register < 32; register++) {
                assertThat(fixture.get(register))
                        .as("x%d after %s", register, row)
                        .isEqualTo(witness.get(register));
            }
            assertThat(fixture.hart.pc()).isEqualTo(RAM + 2);
        }
    }

    @Test
    void loadsAndStoresReachAllTheirOffsets() {
        for (int n = 0; n < 32; n++) {
            int word = 4 * n;
            int dword = 8 * n;
            long pattern = 0x8000_0001_9000_0000L + n;
            fixture.poke(DATA + dword, 8, pattern);
            fixture.set(A1, DATA).execute(a -> a.c_ld(A0, dword, A1));
            assertThat(fixture.get(A0)).isEqualTo(pattern);
            fixture.execute(a -> a.c_fld(FA0, dword, A1));
            assertThat(fixture.hart.fpRegister(FA0)).isEqualTo(pattern);

            fixture.poke(DATA + word, 4, pattern);
            fixture.execute(a -> a.c_lw(A0, word, A1));
            assertThat(fixture.get(A0)).isEqualTo((int) pattern);

            fixture.set(A2, DATA + 0x1000).set(A0, ~pattern);
            fixture.execute(a -> a.c_sd(A0, dword, A2));
            assertThat(fixture.peek(DATA + 0x1000 + dword, 8)).isEqualTo(~pattern);
            fixture.hart.setFpRegister(FA0, pattern);
            fixture.execute(a -> a.c_fsd(FA0, dword, A2));
            assertThat(fixture.peek(DATA + 0x1000 + dword, 8)).isEqualTo(pattern);
            fixture.execute(a -> a.c_sw(A0, word, A2));
            assertThat(fixture.peek(DATA + 0x1000 + word, 4)).isEqualTo(~pattern & 0xffff_ffffL);
        }
    }

    @Test
    void stackLoadsAndStoresReachAllTheirOffsets() {
        fixture.set(SP, DATA);
        for (int n = 0; n < 64; n++) {
            int word = 4 * n;
            int dword = 8 * n;
            long pattern = 0x8000_0001_9000_0000L + n;
            fixture.set(T3, pattern).execute(a -> a.c_sdsp(T3, dword));
            assertThat(fixture.peek(DATA + dword, 8)).isEqualTo(pattern);
            fixture.execute(a -> a.c_ldsp(A0, dword));
            assertThat(fixture.get(A0)).isEqualTo(pattern);
            fixture.execute(a -> a.c_fldsp(FA0, dword));
            assertThat(fixture.hart.fpRegister(FA0)).isEqualTo(pattern);

            fixture.set(T3, ~pattern).execute(a -> a.c_swsp(T3, word));
            assertThat(fixture.peek(DATA + word, 4)).isEqualTo(~pattern & 0xffff_ffffL);
            fixture.execute(a -> a.c_lwsp(A0, word));
            assertThat(fixture.get(A0)).isEqualTo((int) ~pattern);

            fixture.hart.setFpRegister(FA0, pattern);
            fixture.execute(a -> a.c_fsdsp(FA0, dword));
            assertThat(fixture.peek(DATA + dword, 8)).isEqualTo(pattern);
        }
    }

    @Test
    void jumpsReachTheirDistancesAndLinkBehindTwoBytes() {
        long place = RAM + 0x4000;
        for (int distance : new int[] {-2048, -2, 2, 32, 1024, 2046}) {
            fixture.place(place, a -> a.c_j(distance));
            fixture.hart.setPc(place);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(place + distance);
        }
        fixture.set(T3, RAM + 0x123);
        fixture.place(place, a -> a.c_jr(T3));
        fixture.hart.setPc(place);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x122);

        fixture.place(place, a -> a.c_jalr(T3));
        fixture.hart.setPc(place);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x122);
        assertThat(fixture.get(RA)).isEqualTo(place + 2);

        fixture.set(RA, RAM + 0x200);
        fixture.hart.setPc(place);
        fixture.place(place, a -> a.c_jalr(RA));
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x200);
        assertThat(fixture.get(RA)).isEqualTo(place + 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {-256, -2, 2, 32, 64, 254})
    void branchesReachTheirDistances(int distance) {
        long place = RAM + 0x4000;
        for (long value : new long[] {0, 1, 1L << 32, Long.MIN_VALUE}) {
            fixture.set(A0, value);
            fixture.place(place, a -> a.c_beqz(A0, distance));
            fixture.hart.setPc(place);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(place + (value == 0 ? distance : 2));

            fixture.place(place, a -> a.c_bnez(A0, distance));
            fixture.hart.setPc(place);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(place + (value != 0 ? distance : 2));
        }
    }

    @Test
    void aBreakpointOfTwoBytesTrapsAtItself() {
        HartFixture.Trap trap = fixture.trap(Assembler::c_ebreak);
        assertThat(trap.cause()).isEqualTo(Cause.BREAKPOINT);
        assertThat(trap.epc()).isEqualTo(RAM);
    }

    @Test
    void hintsDoNothing() {
        fixture.set(T3, 7);
        fixture.execute(
                a -> {
                    a.half(0x0005); // c.nop with an immediate
                    a.half(0x4005); // c.li x0, 1
                    a.half(0x6005); // c.lui x0, 1
                    a.half(0x0e01); // c.addi t3, 0
                    a.half(0x0e02); // c.slli t3, 0
                    a.half(0x8072); // c.mv x0, t3
                    a.half(0x9072); // c.add x0, t3
                    a.half(0x8101); // c.srli a0, 0
                    a.half(0x8501); // c.srai a0, 0
                });
        assertThat(fixture.get(T3)).isEqualTo(7);
        assertThat(fixture.get(0)).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x0000, // defined illegal
                0x0004, // c.addi4spn with immediate 0
                0x2001, // c.addiw x0
                0x6101, // c.addi16sp 0
                0x6e01, // c.lui t3, 0
                0x4002, // c.lwsp x0
                0x6002, // c.ldsp x0
                0x8002, // c.jr x0
                0x9c41, // reserved in the C.SUBW group
                0x9c61, // reserved in the C.SUBW group
                0x8000, // funct3 100 of quadrant 0, without Zcb
                0x9c00, // the same
            })
    void reservedFormsAreIllegalAndTheirBitsAreReported(int half) {
        HartFixture.Trap trap = fixture.trap(a -> a.half(half));
        assertThat(trap.cause()).as("%04x", half).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(trap.epc()).isEqualTo(RAM);
        assertThat(trap.tval()).isEqualTo(half);
    }
}
