package dev.dalang.riscv;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.FA0;
import static dev.dalang.testkit.riscv.Registers.FA1;
import static dev.dalang.testkit.riscv.Registers.FA2;
import static dev.dalang.testkit.riscv.Registers.FA3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.internal.fp.Operands;
import dev.dalang.riscv.internal.fp.Oracle;
import dev.dalang.testkit.riscv.Rounding;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * F, D and Zfa on the hart, in every rounding mode given in the instruction or in {@code frm}: the
 * registers, the boxing, and the flags that accumulate. What they compute is tested exhaustively
 * beside the arithmetic itself.
 */
class FloatArithmeticTest {
    private static final long SEED = 0xf10a7;
    private static final int CASES = 400;
    private static final List<Rounding> MODES =
            List.of(Rounding.RNE, Rounding.RTZ, Rounding.RDN, Rounding.RUP, Rounding.RMM);
    private static final long BOX = 0xffff_ffff_0000_0000L;

    private final HartFixture fixture = HartFixture.create();
    private final Random random = new Random(SEED);

    static Stream<FloatRow> instructions() {
        return FloatRow.all();
    }

    @ParameterizedTest
    @MethodSource("instructions")
    void anInstructionGivesTheResultAndRaisesTheFlags(FloatRow row) {
        boolean toInteger = row.result() == FloatRow.Result.INTEGER;
        int rd = toInteger ? A0 : FA0;
        int rs1 = row.fromInteger() ? A1 : FA1;
        for (Rounding rm : Rounding.values()) {
            fixture.place(at(rm), a -> row.code().write(a, rd, rs1, FA2, FA3, rm));
        }
        boolean narrow = row.source().equals(Oracle.BINARY32);
        Operands operands = narrow ? Operands.binary32(SEED) : Operands.binary64(SEED);
        long[] corners = operands.corners();
        for (int n = 0; n < CASES; n++) {
            long a =
                    row.fromInteger()
                            ? operands.nextInteger()
                            : n < corners.length ? corners[n] : operands.next();
            long b = operands.nextNear(a);
            long c = operands.nextNear(row.model().apply(a, b, 0, 0).bits());
            for (Rounding mode : MODES) {
                check(row, a, b, c, mode.bits(), mode);
                check(row, a, b, c, mode.bits(), Rounding.DYN);
            }
        }
    }

    private static long at(Rounding rm) {
        return HartFixture.RAM + 16L * rm.bits();
    }

    private void check(FloatRow row, long a, long b, long c, int mode, Rounding rm) {
        boolean narrow = row.source().equals(Oracle.BINARY32);
        long box = narrow ? BOX : 0;
        int initial = random.nextInt(32);
        Hart hart = fixture.hart;
        // A static mode does not look at frm.
        hart.setCsr(Csr.FCSR, (rm == Rounding.DYN ? mode : random.nextInt(8)) << 5 | initial);
        hart.setRegister(A1, a);
        hart.setFpRegister(FA1, a | box);
        hart.setFpRegister(FA2, b | box);
        hart.setFpRegister(FA3, c | box);
        hart.setPc(at(rm));
        hart.step(1);

        Oracle.Result expected = row.model().apply(a, b, c, mode);
        long actual =
                row.result() == FloatRow.Result.INTEGER ? hart.register(A0) : hart.fpRegister(FA0);
        long bits = expected.bits() | (row.result() == FloatRow.Result.SINGLE ? BOX : 0);
        long flags = hart.csr(Csr.FFLAGS);
        if (actual != bits || flags != (initial | expected.flags())) {
            assertThat("%x, flags %x".formatted(actual, flags))
                    .as("%s %x, %x, %x in mode %d (%s)", row, a, b, c, mode, rm)
                    .isEqualTo("%x, flags %x".formatted(bits, initial | expected.flags()));
        }
        assertThat(hart.pc()).isEqualTo(at(rm) + 4);
    }
}
