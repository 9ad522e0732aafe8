package dev.dalang.riscv;

import static dev.dalang.riscv.Operand.register;
import static dev.dalang.riscv.Operand.signed;
import static dev.dalang.riscv.Operand.signedWord;
import static dev.dalang.riscv.Operand.unsigned;
import static dev.dalang.riscv.Operand.unsignedWord;
import static dev.dalang.riscv.Operand.word;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.math.BigInteger;
import java.util.Random;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** RV64I's arithmetic and the M extension, against arithmetic on unbounded integers. */
class IntegerArithmeticTest {
    private final HartFixture fixture = HartFixture.create();

    static Stream<Row> registerInstructions() {
        return Stream.of(
                Row.binary("add", Assembler::add, (a, b) -> register(signed(a).add(signed(b)))),
                Row.binary(
                        "sub", Assembler::sub, (a, b) -> register(signed(a).subtract(signed(b)))),
                Row.binary("sll", Assembler::sll, IntegerArithmeticTest::shiftLeft),
                Row.binary("slt", Assembler::slt, (a, b) -> less(signed(a), signed(b))),
                Row.binary("sltu", Assembler::sltu, (a, b) -> less(unsigned(a), unsigned(b))),
                Row.binary("xor", Assembler::xor, (a, b) -> register(signed(a).xor(signed(b)))),
                Row.binary("or", Assembler::or, (a, b) -> register(signed(a).or(signed(b)))),
                Row.binary("and", Assembler::and, (a, b) -> register(signed(a).and(signed(b)))),
                Row.binary("srl", Assembler::srl, IntegerArithmeticTest::shiftRight),
                Row.binary("sra", Assembler::sra, IntegerArithmeticTest::shiftRightArithmetic),
                Row.binary("addw", Assembler::addw, (a, b) -> word(signed(a).add(signed(b)))),
                Row.binary("subw", Assembler::subw, (a, b) -> word(signed(a).subtract(signed(b)))),
                Row.binary("sllw", Assembler::sllw, IntegerArithmeticTest::wordShiftLeft),
                Row.binary("srlw", Assembler::srlw, IntegerArithmeticTest::wordShiftRight),
                Row.binary(
                        "sraw", Assembler::sraw, IntegerArithmeticTest::wordShiftRightArithmetic));
    }

    static Stream<Row> multiplications() {
        return Stream.of(
                Row.binary(
                        "mul", Assembler::mul, (a, b) -> register(signed(a).multiply(signed(b)))),
                Row.binary("mulh", Assembler::mulh, (a, b) -> high(signed(a), signed(b))),
                Row.binary("mulhsu", Assembler::mulhsu, (a, b) -> high(signed(a), unsigned(b))),
                Row.binary("mulhu", Assembler::mulhu, (a, b) -> high(unsigned(a), unsigned(b))),
                Row.binary("mulw", Assembler::mulw, (a, b) -> word(signed(a).multiply(signed(b)))),
                Row.binary(
                        "div", Assembler::div, (a, b) -> register(quotient(signed(a), signed(b)))),
                Row.binary(
                        "divu",
                        Assembler::divu,
                        (a, b) -> register(quotient(unsigned(a), unsigned(b)))),
                Row.binary(
                        "rem", Assembler::rem, (a, b) -> register(remainder(signed(a), signed(b)))),
                Row.binary(
                        "remu",
                        Assembler::remu,
                        (a, b) -> register(remainder(unsigned(a), unsigned(b)))),
                Row.binary(
                        "divw",
                        Assembler::divw,
                        (a, b) -> word(quotient(signedWord(a), signedWord(b)))),
                Row.binary(
                        "divuw",
                        Assembler::divuw,
                        (a, b) -> word(quotient(unsignedWord(a), unsignedWord(b)))),
                Row.binary(
                        "remw",
                        Assembler::remw,
                        (a, b) -> word(remainder(signedWord(a), signedWord(b)))),
                Row.binary(
                        "remuw",
                        Assembler::remuw,
                        (a, b) -> word(remainder(unsignedWord(a), unsignedWord(b)))));
    }

    private static long less(BigInteger a, BigInteger b) {
        return a.compareTo(b) < 0 ? 1 : 0;
    }

    private static long shiftLeft(long a, long b) {
        return register(unsigned(a).shiftLeft((int) b & 63));
    }

    private static long shiftRight(long a, long b) {
        return register(unsigned(a).shiftRight((int) b & 63));
    }

    private static long shiftRightArithmetic(long a, long b) {
        return register(signed(a).shiftRight((int) b & 63));
    }

    private static long wordShiftLeft(long a, long b) {
        return word(unsignedWord(a).shiftLeft((int) b & 31));
    }

    private static long wordShiftRight(long a, long b) {
        return word(unsignedWord(a).shiftRight((int) b & 31));
    }

    private static long wordShiftRightArithmetic(long a, long b) {
        return word(signedWord(a).shiftRight((int) b & 31));
    }

    private static long high(BigInteger a, BigInteger b) {
        return register(a.multiply(b).shiftRight(64));
    }

    /** Division by zero gives all ones (unprivileged spec §13.2); overflow is the residue. */
    private static BigInteger quotient(BigInteger a, BigInteger b) {
        return b.signum() == 0 ? BigInteger.ONE.negate() : a.divide(b);
    }

    private static BigInteger remainder(BigInteger a, BigInteger b) {
        return b.signum() == 0 ? a : a.remainder(b);
    }

    @ParameterizedTest
    @MethodSource("registerInstructions")
    void aRegisterInstructionComputesWhatItsModelDoes(Row row) {
        row.check(fixture);
    }

    @ParameterizedTest
    @MethodSource("multiplications")
    void aMultiplicationOrDivisionComputesWhatItsModelDoes(Row row) {
        row.check(fixture);
    }

    /** An instruction with an immediate. */
    record Immediate(String name, Row.Code code, LongBinaryOperator model, int bits) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Immediate> immediateInstructions() {
        return Stream.of(
                new Immediate(
                        "addi", Assembler::addi, (a, i) -> register(signed(a).add(signed(i))), 12),
                new Immediate(
                        "addiw", Assembler::addiw, (a, i) -> word(signed(a).add(signed(i))), 12),
                new Immediate("slti", Assembler::slti, (a, i) -> less(signed(a), signed(i)), 12),
                new Immediate(
                        "sltiu", Assembler::sltiu, (a, i) -> less(unsigned(a), unsigned(i)), 12),
                new Immediate(
                        "xori", Assembler::xori, (a, i) -> register(signed(a).xor(signed(i))), 12),
                new Immediate(
                        "ori", Assembler::ori, (a, i) -> register(signed(a).or(signed(i))), 12),
                new Immediate(
                        "andi", Assembler::andi, (a, i) -> register(signed(a).and(signed(i))), 12),
                new Immediate("slli", Assembler::slli, IntegerArithmeticTest::shiftLeft, 6),
                new Immediate("srli", Assembler::srli, IntegerArithmeticTest::shiftRight, 6),
                new Immediate(
                        "srai", Assembler::srai, IntegerArithmeticTest::shiftRightArithmetic, 6),
                new Immediate("slliw", Assembler::slliw, IntegerArithmeticTest::wordShiftLeft, 5),
                new Immediate("srliw", Assembler::srliw, IntegerArithmeticTest::wordShiftRight, 5),
                new Immediate(
                        "sraiw",
                        Assembler::sraiw,
                        IntegerArithmeticTest::wordShiftRightArithmetic,
                        5));
    }

    @ParameterizedTest
    @MethodSource("immediateInstructions")
    void anImmediateInstructionComputesWhatItsModelDoes(Immediate row) {
        Random random = new Random(7);
        int[] immediates =
                row.bits == 12
                        ? IntStream.concat(
                                        IntStream.of(-2048, -2047, -1, 0, 1, 2046, 2047),
                                        random.ints(10, -2048, 2048))
                                .toArray()
                        : IntStream.range(0, 1 << row.bits).toArray();
        for (int immediate : immediates) {
            fixture.place(HartFixture.RAM, a -> row.code.write(a, A0, A1, immediate));
            for (long value : Operand.values()) {
                fixture.set(A0, 0x0dead).set(A1, value);
                fixture.hart.setPc(HartFixture.RAM);
                fixture.step(1);
                assertThat(fixture.get(A0))
                        .as("%s of %x and %d", row, value, immediate)
                        .isEqualTo(row.model.applyAsLong(value, immediate));
            }
        }
    }

    @Test
    void luiAndAuipcSignExtendTheirWord() {
        for (int immediate : new int[] {0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345}) {
            long shifted = (long) immediate << 44 >> 32;
            fixture.execute(
                    a -> {
                        a.lui(A0, immediate);
                        a.auipc(A1, immediate);
                    });
            assertThat(fixture.get(A0)).isEqualTo(shifted);
            assertThat(fixture.get(A1)).isEqualTo(HartFixture.RAM + 4 + shifted);
        }
    }

    @Test
    void registerZeroStaysZero() {
        fixture.set(A0, 5);
        fixture.execute(
                a -> {
                    a.addi(ZERO, A0, 1);
                    a.lui(ZERO, 1);
                    a.mul(ZERO, A0, A0);
                    a.add(A1, ZERO, ZERO);
                });
        assertThat(fixture.get(ZERO)).isZero();
        assertThat(fixture.get(A1)).isZero();
    }

    @Test
    void everyRegisterHoldsItsOwnValue() {
        for (int register = 1; register < 32; register++) {
            fixture.set(register, 0x0101_0101_0101_0101L * register);
        }
        fixture.execute(
                a -> {
                    for (int register = 1; register < 32; register++) {
                        a.addi(register, register, register);
                    }
                });
        for (int register = 1; register < 32; register++) {
            assertThat(fixture.get(register))
                    .isEqualTo(0x0101_0101_0101_0101L * register + register);
        }
    }
}
