package dev.dalang.riscv;

import static dev.dalang.riscv.Operand.register;
import static dev.dalang.riscv.Operand.signed;
import static dev.dalang.riscv.Operand.unsigned;
import static dev.dalang.riscv.Operand.unsignedWord;
import static dev.dalang.riscv.Operand.word;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.math.BigInteger;
import java.util.function.LongBinaryOperator;
import java.util.stream.Stream;

/** Zba, Zbb, Zbc, Zbs and Zicond, against models that work bit by bit or on unbounded integers. */
class BitManipulationTest {
    private final HartFixture fixture = HartFixture.create();

    static Stream<Row> addressGeneration() {
        return Stream.of(
                Row.binary("add.uw", Assembler::add_uw, (a, b) -> scaled(unsignedWord(a), 0, b)),
                Row.binary("sh1add", Assembler::sh1add, (a, b) -> scaled(unsigned(a), 1, b)),
                Row.binary("sh2add", Assembler::sh2add, (a, b) -> scaled(unsigned(a), 2, b)),
                Row.binary("sh3add", Assembler::sh3add, (a, b) -> scaled(unsigned(a), 3, b)),
                Row.binary(
                        "sh1add.uw", Assembler::sh1add_uw, (a, b) -> scaled(unsignedWord(a), 1, b)),
                Row.binary(
                        "sh2add.uw", Assembler::sh2add_uw, (a, b) -> scaled(unsignedWord(a), 2, b)),
                Row.binary(
                        "sh3add.uw",
                        Assembler::sh3add_uw,
                        (a, b) -> scaled(unsignedWord(a), 3, b)));
    }

    static Stream<Row> basic() {
        return Stream.of(
                Row.binary(
                        "andn", Assembler::andn, (a, b) -> register(signed(a).andNot(signed(b)))),
                Row.binary(
                        "orn", Assembler::orn, (a, b) -> register(signed(a).or(signed(b).not()))),
                Row.binary(
                        "xnor",
                        Assembler::xnor,
                        (a, b) -> register(signed(a).xor(signed(b)).not())),
                Row.unary("clz", Assembler::clz, a -> 64 - unsigned(a).bitLength()),
                Row.unary("clzw", Assembler::clzw, a -> 32 - unsignedWord(a).bitLength()),
                Row.unary("ctz", Assembler::ctz, a -> a == 0 ? 64 : unsigned(a).getLowestSetBit()),
                Row.unary(
                        "ctzw",
                        Assembler::ctzw,
                        a -> (int) a == 0 ? 32 : unsignedWord(a).getLowestSetBit()),
                Row.unary("cpop", Assembler::cpop, a -> unsigned(a).bitCount()),
                Row.unary("cpopw", Assembler::cpopw, a -> unsignedWord(a).bitCount()),
                Row.binary("max", Assembler::max, (a, b) -> register(signed(a).max(signed(b)))),
                Row.binary(
                        "maxu", Assembler::maxu, (a, b) -> register(unsigned(a).max(unsigned(b)))),
                Row.binary("min", Assembler::min, (a, b) -> register(signed(a).min(signed(b)))),
                Row.binary(
                        "minu", Assembler::minu, (a, b) -> register(unsigned(a).min(unsigned(b)))),
                Row.unary("sext.b", Assembler::sext_b, a -> (byte) a),
                Row.unary("sext.h", Assembler::sext_h, a -> (short) a),
                Row.unary("zext.h", Assembler::zext_h, a -> (char) a),
                Row.binary("rol", Assembler::rol, (a, b) -> rotate(a, (int) b & 63)),
                Row.binary("ror", Assembler::ror, (a, b) -> rotate(a, 64 - (int) (b & 63))),
                Row.binary("rolw", Assembler::rolw, (a, b) -> rotateWord(a, (int) b & 31)),
                Row.binary("rorw", Assembler::rorw, (a, b) -> rotateWord(a, 32 - (int) (b & 31))),
                Row.unary(
                        "orc.b",
                        Assembler::orc_b,
                        a -> Operand.bytes(a, octet -> octet == 0 ? 0 : 0xff)),
                Row.unary("rev8", Assembler::rev8, BitManipulationTest::reversedBytes));
    }

    static Stream<Row> carryless() {
        return Stream.of(
                Row.binary("clmul", Assembler::clmul, (a, b) -> register(polynomial(a, b))),
                Row.binary(
                        "clmulh",
                        Assembler::clmulh,
                        (a, b) -> register(polynomial(a, b).shiftRight(64))),
                Row.binary(
                        "clmulr",
                        Assembler::clmulr,
                        (a, b) -> register(polynomial(a, b).shiftRight(63))));
    }

    static Stream<Row> singleBit() {
        return Stream.of(
                Row.binary("bclr", Assembler::bclr, BitManipulationTest::cleared),
                Row.binary("bext", Assembler::bext, BitManipulationTest::extracted),
                Row.binary("binv", Assembler::binv, BitManipulationTest::inverted),
                Row.binary("bset", Assembler::bset, BitManipulationTest::withBit));
    }

    static Stream<Row> conditional() {
        return Stream.of(
                Row.binary("czero.eqz", Assembler::czero_eqz, (a, b) -> b == 0 ? 0 : a),
                Row.binary("czero.nez", Assembler::czero_nez, (a, b) -> b != 0 ? 0 : a));
    }

    private static long scaled(BigInteger index, int shift, long base) {
        return register(index.shiftLeft(shift).add(signed(base)));
    }

    private static long rotate(long a, int left) {
        BigInteger twice = unsigned(a).shiftLeft(64).or(unsigned(a));
        return register(twice.shiftRight(64 - left));
    }

    private static long rotateWord(long a, int left) {
        BigInteger twice = unsignedWord(a).shiftLeft(32).or(unsignedWord(a));
        return word(twice.shiftRight(32 - left));
    }

    private static long reversedBytes(long a) {
        BigInteger result = BigInteger.ZERO;
        for (int n = 0; n < 8; n++) {
            result = result.shiftLeft(8).or(signed(a >>> 8 * n & 0xff));
        }
        return register(result);
    }

    private static BigInteger polynomial(long a, long b) {
        BigInteger product = BigInteger.ZERO;
        for (int n = 0; n < 64; n++) {
            if (unsigned(b).testBit(n)) {
                product = product.xor(unsigned(a).shiftLeft(n));
            }
        }
        return product;
    }

    private static long cleared(long a, long index) {
        return register(signed(a).clearBit((int) index & 63));
    }

    private static long extracted(long a, long index) {
        return signed(a).testBit((int) index & 63) ? 1 : 0;
    }

    private static long inverted(long a, long index) {
        return register(signed(a).flipBit((int) index & 63));
    }

    private static long withBit(long a, long index) {
        return register(signed(a).setBit((int) index & 63));
    }

    @ParameterizedTest
    @MethodSource({"addressGeneration", "basic", "carryless", "singleBit", "conditional"})
    void anInstructionComputesWhatItsModelDoes(Row row) {
        row.check(fixture);
    }

    /** An instruction with a shift amount. */
    record Shift(String name, Row.Code code, LongBinaryOperator model, int amounts) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Shift> shifts() {
        return Stream.of(
                new Shift(
                        "slli.uw",
                        Assembler::slli_uw,
                        (a, n) -> register(unsignedWord(a).shiftLeft((int) n)),
                        64),
                new Shift("rori", Assembler::rori, (a, n) -> rotate(a, 64 - (int) n), 64),
                new Shift("roriw", Assembler::roriw, (a, n) -> rotateWord(a, 32 - (int) n), 32),
                new Shift("bclri", Assembler::bclri, BitManipulationTest::cleared, 64),
                new Shift("bexti", Assembler::bexti, BitManipulationTest::extracted, 64),
                new Shift("binvi", Assembler::binvi, BitManipulationTest::inverted, 64),
                new Shift("bseti", Assembler::bseti, BitManipulationTest::withBit, 64));
    }

    @ParameterizedTest
    @MethodSource("shifts")
    void anImmediateShiftComputesWhatItsModelDoesForEveryAmount(Shift row) {
        for (int amount = 0; amount < row.amounts; amount++) {
            int n = amount;
            fixture.place(HartFixture.RAM, a -> row.code.write(a, A0, A1, n));
            for (long value : Operand.values()) {
                fixture.set(A0, 0x0dead).set(A1, value);
                fixture.hart.setPc(HartFixture.RAM);
                fixture.step(1);
                assertThat(fixture.get(A0))
                        .as("%s of %x by %d", row, value, n)
                        .isEqualTo(row.model.applyAsLong(value, n));
            }
        }
    }
}
