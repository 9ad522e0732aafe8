package dev.dalang.riscv;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * A register-to-register instruction and what it should compute.
 *
 * @param name its mnemonic
 * @param code writes it with the given registers
 * @param model the result from the values of {@code rs1} and {@code rs2}
 * @param isUnary whether there is no {@code rs2}
 */
record Row(String name, Code code, LongBinaryOperator model, boolean isUnary) {
    private static final int INSTRUCTION_BYTES = 4;

    /** Writes an instruction. */
    interface Code {
        void write(Assembler a, int rd, int rs1, int rs2);
    }

    /** Writes an instruction with one source. */
    interface UnaryCode {
        void write(Assembler a, int rd, int rs1);
    }

    static Row binary(String name, Code code, LongBinaryOperator model) {
        return new Row(name, code, model, false);
    }

    static Row unary(String name, UnaryCode code, LongUnaryOperator model) {
        return new Row(
                name,
                (a, rd, rs1, _) -> code.write(a, rd, rs1),
                (x, _) -> model.applyAsLong(x),
                true);
    }

    /** Tries all operands, then each way in which the registers can coincide. */
    void check(HartFixture fixture) {
        Hart hart = fixture.hart;
        long at = HartFixture.RAM;
        fixture.place(at, a -> code.write(a, A0, A1, A2));
        for (Operand.Pair pair : Operand.pairs()) {
            hart.setRegister(A0, 0x0dead);
            hart.setRegister(A1, pair.a());
            hart.setRegister(A2, pair.b());
            hart.setPc(at);
            hart.step(1);
            long expected = model.applyAsLong(pair.a(), pair.b());
            if (hart.register(A0) != expected) {
                assertThat(Long.toHexString(hart.register(A0)))
                        .as("%s of %x and %x", name, pair.a(), pair.b())
                        .isEqualTo(Long.toHexString(expected));
            }
            assertThat(hart.pc()).isEqualTo(at + INSTRUCTION_BYTES);
            assertThat(hart.register(A1)).isEqualTo(pair.a());
            assertThat(hart.register(A2)).isEqualTo(pair.b());
        }
        checkCoincidences(fixture);
    }

    private void checkCoincidences(HartFixture fixture) {
        long p = 0x8123_4567_89ab_cdefL;
        long q = 0xffff_fff0_0000_0013L;
        checkOnce(fixture, A1, A1, A2, p, q, model.applyAsLong(p, q));
        checkOnce(fixture, A2, A1, A2, p, q, model.applyAsLong(p, q));
        checkOnce(fixture, A0, A1, A1, p, p, model.applyAsLong(p, p));
        checkOnce(fixture, A1, A1, A1, p, p, model.applyAsLong(p, p));
        checkOnce(fixture, A0, ZERO, A2, p, q, model.applyAsLong(0, q));
        checkOnce(fixture, A0, A1, ZERO, p, q, model.applyAsLong(p, 0));
        checkOnce(fixture, ZERO, A1, A2, p, q, 0);
    }

    private void checkOnce(
            HartFixture fixture, int rd, int rs1, int rs2, long p, long q, long expected) {
        if (isUnary && rs2 != A2) {
            return;
        }
        fixture.set(rs2, q).set(rs1, p);
        fixture.execute(a -> code.write(a, rd, rs1, rs2));
        assertThat(Long.toHexString(fixture.get(rd)))
                .as("%s x%d, x%d, x%d", name, rd, rs1, rs2)
                .isEqualTo(Long.toHexString(expected));
    }

    @Override
    public String toString() {
        return name;
    }
}
