package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.FA0;
import static dev.dalang.testkit.riscv.Registers.FA1;
import static dev.dalang.testkit.riscv.Registers.FA2;
import static dev.dalang.testkit.riscv.Registers.FA3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Rounding;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.function.Consumer;
import java.util.stream.Stream;

/** Floating-point registers and state: boxing, moves, signs, classes, {@code fcsr}, FS. */
class FloatRegisterTest {
    private static final long BOX = 0xffff_ffff_0000_0000L;
    private static final int SINGLE_NAN = 0x7fc0_0000;
    private static final long[] UNBOXED = {
        0, 0x3f80_0000L, 0x7fff_ffff_3f80_0000L, 0xffff_fffe_3f80_0000L, 0x4000_0000_4000_0000L
    };

    private final HartFixture fixture = HartFixture.create();

    private FloatRegisterTest set(int register, long bits) {
        fixture.hart.setFpRegister(register, bits);
        return this;
    }

    private long get(int register) {
        return fixture.hart.fpRegister(register);
    }

    private static long box(float value) {
        return BOX | Float.floatToRawIntBits(value) & 0xffff_ffffL;
    }

    @Test
    void aSingleThatIsNotBoxedCountsAsTheCanonicalNan() {
        for (long unboxed : UNBOXED) {
            set(FA1, unboxed).set(FA2, box(1.0f)).set(FA3, box(1.0f));
            fixture.csr(Csr.FCSR, 0);
            fixture.execute(
                    a -> {
                        a.fadd_s(FA0, FA1, FA2);
                        a.fclass_s(A0, FA1);
                        a.feq_s(A1, FA1, FA1);
                    });
            assertThat(get(FA0)).as("%x", unboxed).isEqualTo(BOX | SINGLE_NAN);
            assertThat(fixture.get(A0)).isEqualTo(1 << 9);
            assertThat(fixture.get(A1)).isZero();
            // The canonical NaN is quiet.
            assertThat(fixture.csr(Csr.FFLAGS)).isZero();

            fixture.execute(a -> a.fmin_s(FA0, FA1, FA2));
            assertThat(get(FA0)).isEqualTo(box(1.0f));
            fixture.execute(a -> a.fsgnj_s(FA0, FA1, FA2));
            assertThat(get(FA0)).isEqualTo(BOX | SINGLE_NAN);
            fixture.execute(a -> a.fcvt_d_s(FA0, FA1));
            assertThat(get(FA0)).isEqualTo(0x7ff8_0000_0000_0000L);
            fixture.execute(a -> a.fmadd_s(FA0, FA2, FA3, FA1));
            assertThat(get(FA0)).isEqualTo(BOX | SINGLE_NAN);
            // The sign is taken from the substitute too, so it is positive.
            set(FA1, unboxed | 1L << 31).set(FA2, box(2.0f));
            fixture.execute(a -> a.fsgnj_s(FA0, FA2, FA1));
            assertThat(get(FA0)).isEqualTo(box(2.0f));
        }
    }

    @Test
    void storesAndRawMovesTakeTheLowBitsWhateverTheBox() {
        set(FA1, 0x1234_5678_9abc_def0L);
        fixture.set(A1, DATA);
        fixture.execute(
                a -> {
                    a.fsw(FA1, 0, A1);
                    a.fmv_x_w(A0, FA1);
                });
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x9abc_def0L);
        assertThat(fixture.get(A0)).isEqualTo(0xffff_ffff_9abc_def0L);
        fixture.execute(a -> a.fmv_x_d(A0, FA1));
        assertThat(fixture.get(A0)).isEqualTo(0x1234_5678_9abc_def0L);
    }

    @Test
    void movesFromIntegerRegistersAreRawAndBoxed() {
        fixture.set(A0, 0x1234_5678_9abc_def0L);
        fixture.execute(
                a -> {
                    a.fmv_w_x(FA0, A0);
                    a.fmv_d_x(FA1, A0);
                });
        assertThat(get(FA0)).isEqualTo(BOX | 0x9abc_def0L);
        assertThat(get(FA1)).isEqualTo(0x1234_5678_9abc_def0L);
    }

    @Test
    void signInjectionTouchesTheSignAloneAndRaisesNothing() {
        long signalling = 0x7ff0_0000_0000_0001L;
        set(FA1, signalling).set(FA2, Long.MIN_VALUE);
        fixture.execute(
                a -> {
                    a.fsgnj_d(FA0, FA1, FA2);
                    a.fmv_x_d(A0, FA0);
                });
        assertThat(get(FA0)).isEqualTo(signalling | Long.MIN_VALUE);
        fixture.execute(a -> a.fsgnjn_d(FA0, FA1, FA2));
        assertThat(get(FA0)).isEqualTo(signalling);
        fixture.execute(a -> a.fsgnjx_d(FA0, FA2, FA2));
        assertThat(get(FA0)).isZero();

        set(FA1, box(-1.5f)).set(FA2, box(2.0f));
        fixture.execute(a -> a.fsgnj_s(FA0, FA1, FA2));
        assertThat(get(FA0)).isEqualTo(box(1.5f));
        fixture.execute(a -> a.fsgnjn_s(FA0, FA1, FA2));
        assertThat(get(FA0)).isEqualTo(box(-1.5f));
        fixture.execute(a -> a.fsgnjx_s(FA0, FA1, FA2));
        assertThat(get(FA0)).isEqualTo(box(-1.5f));
        assertThat(fixture.csr(Csr.FFLAGS)).isZero();
    }

    @Test
    void everyClassHasItsBit() {
        double[] doubles = {
            Double.NEGATIVE_INFINITY,
            -1.0,
            -Double.MIN_VALUE,
            -0.0,
            0.0,
            Double.MIN_VALUE,
            1.0,
            Double.POSITIVE_INFINITY
        };
        for (int bit = 0; bit < doubles.length; bit++) {
            set(FA1, Double.doubleToRawLongBits(doubles[bit]));
            fixture.execute(a -> a.fclass_d(A0, FA1));
            assertThat(fixture.get(A0)).isEqualTo(1L << bit);
        }
        float[] floats = {
            Float.NEGATIVE_INFINITY,
            -1.0f,
            -Float.MIN_VALUE,
            -0.0f,
            0.0f,
            Float.MIN_VALUE,
            1.0f,
            Float.POSITIVE_INFINITY
        };
        for (int bit = 0; bit < floats.length; bit++) {
            set(FA1, box(floats[bit]));
            fixture.execute(a -> a.fclass_s(A0, FA1));
            assertThat(fixture.get(A0)).isEqualTo(1L << bit);
        }
        set(FA1, 0x7ff0_0000_0000_0001L).set(FA2, BOX | 0xff80_0001L);
        fixture.execute(
                a -> {
                    a.fclass_d(A0, FA1);
                    a.fclass_s(A1, FA2);
                });
        assertThat(fixture.get(A0)).isEqualTo(1 << 8);
        assertThat(fixture.get(A1)).isEqualTo(1 << 8);
        set(FA1, 0xfff8_0000_0000_0000L).set(FA2, BOX | 0xffc0_0000L);
        fixture.execute(
                a -> {
                    a.fclass_d(A0, FA1);
                    a.fclass_s(A1, FA2);
                });
        assertThat(fixture.get(A0)).isEqualTo(1 << 9);
        assertThat(fixture.get(A1)).isEqualTo(1 << 9);
        assertThat(fixture.csr(Csr.FFLAGS)).isZero();
    }

    @Test
    void theConstantsOfZfaAreThoseOfItsTable() {
        // Unprivileged spec, Zfa, table of immediates; the two that depend on the format are apart.
        double[] values = {
            -1.0,
            0,
            0x1p-16,
            0x1p-15,
            0x1p-8,
            0x1p-7,
            0.0625,
            0.125,
            0.25,
            0.3125,
            0.375,
            0.4375,
            0.5,
            0.625,
            0.75,
            0.875,
            1.0,
            1.25,
            1.5,
            1.75,
            2.0,
            2.5,
            3.0,
            4.0,
            8.0,
            16.0,
            128.0,
            256.0,
            32768.0,
            65536.0,
            Double.POSITIVE_INFINITY,
            Double.NaN
        };
        for (int n = 0; n < 32; n++) {
            int index = n;
            fixture.execute(
                    a -> {
                        a.fli_s(FA0, index);
                        a.fli_d(FA1, index);
                    });
            float single = n == 1 ? Float.MIN_NORMAL : (float) values[n];
            double wide = n == 1 ? Double.MIN_NORMAL : values[n];
            assertThat(get(FA0)).as("fli.s %d", n).isEqualTo(box(single));
            assertThat(get(FA1)).as("fli.d %d", n).isEqualTo(Double.doubleToRawLongBits(wide));
        }
    }

    @Test
    void theParametersOfFcsrAreOneRegister() {
        fixture.csr(Csr.FCSR, 0xffff_ffff_ffff_ff00L);
        assertThat(fixture.csr(Csr.FCSR)).isZero();
        fixture.csr(Csr.FCSR, 0xff);
        assertThat(fixture.csr(Csr.FFLAGS)).isEqualTo(0x1f);
        assertThat(fixture.csr(Csr.FRM)).isEqualTo(7);
        fixture.csr(Csr.FRM, 0xfa).csr(Csr.FFLAGS, 0xe5);
        assertThat(fixture.csr(Csr.FCSR)).isEqualTo(2 << 5 | 5);
        fixture.set(A1, 0x1234)
                .execute(
                        a -> {
                            a.csrrw(A0, Csr.FCSR, A1);
                            a.csrrci(A1, Csr.FRM, 1);
                        });
        assertThat(fixture.get(A0)).isEqualTo(2 << 5 | 5);
        assertThat(fixture.get(A1)).isEqualTo(1);
        assertThat(fixture.csr(Csr.FCSR)).isEqualTo(0x14);
    }

    static Stream<Consumer<Assembler>> roundedInstructions() {
        return Stream.of(
                a -> a.fadd_s(FA0, FA1, FA2),
                a -> a.fdiv_d(FA0, FA1, FA2),
                a -> a.fsqrt_s(FA0, FA1),
                a -> a.fmadd_d(FA0, FA1, FA2, FA3),
                a -> a.fcvt_w_s(A0, FA1),
                a -> a.fcvt_s_l(FA0, A0),
                a -> a.fcvt_s_d(FA0, FA1),
                a -> a.fround_d(FA0, FA1));
    }

    @ParameterizedTest
    @MethodSource("roundedInstructions")
    void aReservedDynamicModeIsIllegal(Consumer<Assembler> instruction) {
        for (int frm = 5; frm <= 7; frm++) {
            fixture.csr(Csr.FRM, frm);
            HartFixture.Trap trap = fixture.trap(instruction);
            assertThat(trap.cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
            assertThat(trap.tval()).isEqualTo(fixture.peek(RAM, 4));
        }
    }

    @ParameterizedTest
    @MethodSource("roundedInstructions")
    void aReservedStaticModeIsIllegal(Consumer<Assembler> instruction) {
        fixture.place(RAM, instruction);
        int word = (int) fixture.peek(RAM, 4);
        for (int rm = 5; rm <= 6; rm++) {
            int reserved = word & ~0x7000 | rm << 12;
            HartFixture.Trap trap = fixture.trap(a -> a.word(reserved));
            assertThat(trap.cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
            assertThat(trap.tval()).isEqualTo(reserved & 0xffff_ffffL);
        }
    }

    @Test
    void aReservedDynamicModeDoesNotConcernInstructionsWithoutAMode() {
        fixture.csr(Csr.FRM, 7);
        set(FA1, box(1.0f));
        fixture.execute(
                a -> {
                    a.fsgnj_s(FA0, FA1, FA1);
                    a.fmin_s(FA0, FA1, FA1);
                    a.feq_s(A0, FA1, FA1);
                    a.fclass_s(A1, FA1);
                    a.fadd_s(FA0, FA1, FA1, Rounding.RTZ);
                });
        assertThat(get(FA0)).isEqualTo(box(2.0f));
    }

    static Stream<Consumer<Assembler>> floatInstructions() {
        return Stream.of(
                a -> a.flw(FA0, 0, A1),
                a -> a.fld(FA0, 0, A1),
                a -> a.fsw(FA0, 0, A1),
                a -> a.fsd(FA0, 0, A1),
                a -> a.fadd_s(FA0, FA1, FA2),
                a -> a.fmadd_d(FA0, FA1, FA2, FA3),
                a -> a.fsgnj_d(FA0, FA1, FA2),
                a -> a.feq_d(A0, FA1, FA2),
                a -> a.fclass_s(A0, FA1),
                a -> a.fmv_x_d(A0, FA1),
                a -> a.fmv_w_x(FA0, A0),
                a -> a.fcvt_l_d(A0, FA1),
                a -> a.fcvt_d_w(FA0, A0),
                a -> a.fli_s(FA0, 3),
                a -> a.csrr(A0, Csr.FFLAGS),
                a -> a.csrr(A0, Csr.FRM),
                a -> a.csrw(Csr.FCSR, A0),
                a -> a.c_fld(FA0, 0, A1),
                a -> a.c_fsd(FA0, 0, A1),
                a -> a.c_fldsp(FA0, 0),
                a -> a.c_fsdsp(FA0, 0));
    }

    @ParameterizedTest
    @MethodSource("floatInstructions")
    void withFsOffAnyFloatingPointInstructionIsIllegal(Consumer<Assembler> instruction) {
        fixture.set(A1, DATA).set(2, DATA).clearBits(Csr.MSTATUS, Csr.MSTATUS_FS);
        HartFixture.Trap trap = fixture.trap(instruction);
        assertThat(trap.cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        boolean brief = (fixture.peek(RAM, 1) & 3) != 3;
        assertThat(trap.tval()).isEqualTo(fixture.peek(RAM, brief ? 2 : 4));
    }

    static Stream<Consumer<Assembler>> changingInstructions() {
        return Stream.of(
                a -> a.flw(FA0, 0, A1),
                a -> a.fld(FA0, 0, A1),
                a -> a.fadd_s(FA0, FA1, FA2),
                a -> a.fmadd_d(FA0, FA1, FA2, FA3),
                a -> a.fsgnj_d(FA0, FA1, FA2),
                a -> a.fmv_w_x(FA0, A0),
                a -> a.fcvt_d_w(FA0, A0),
                a -> a.csrw(Csr.FCSR, A0),
                a -> a.csrwi(Csr.FFLAGS, 1),
                a -> a.c_fldsp(FA0, 0));
    }

    @ParameterizedTest
    @MethodSource("changingInstructions")
    void aChangeOfTheStateMakesItDirty(Consumer<Assembler> instruction) {
        for (long before : new long[] {Csr.MSTATUS_FS_INITIAL, Csr.MSTATUS_FS_CLEAN}) {
            fixture.csr(Csr.MSTATUS, before).set(A1, DATA).set(2, DATA);
            assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_SD).isZero();
            fixture.execute(instruction);
            assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_FS).isEqualTo(Csr.MSTATUS_FS);
            assertThat(fixture.csr(Csr.MSTATUS)).as("SD is the sign").isNegative();
            assertThat(fixture.csr(Csr.SSTATUS)).as("SD is the sign").isNegative();
        }
    }

    @Test
    void flagsRaisedByAComparisonMakeTheStateDirty() {
        set(FA1, 0x7ff0_0000_0000_0001L);
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_FS_CLEAN);
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_FS_CLEAN).execute(a -> a.feq_d(A0, FA1, FA1));
        assertThat(fixture.csr(Csr.FFLAGS)).isEqualTo(0x10);
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_FS).isEqualTo(Csr.MSTATUS_FS);
    }

    @Test
    void aStoreLeavesTheStateClean() {
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_FS_CLEAN).set(A1, DATA);
        fixture.execute(
                a -> {
                    a.fsd(FA0, 0, A1);
                    a.fsw(FA0, 0, A1);
                });
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_FS).isEqualTo(Csr.MSTATUS_FS_CLEAN);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x0400_0053, // half precision add: no Zfh
                0x0600_0053, // quad precision add: no Q
                0x0400_0043, // half precision fmadd
                0x5820_8053, // fsqrt.s with rs2 = 2
                0x2000_b053, // fsgnj.s with a reserved function
                0xa000_3053, // comparison 3
                0xa000_7053, // comparison 7
                0xc040_0053, // fcvt from single to integer kind 4
                0xc280_0053, // fcvtmod with a mode that is not rtz
                0xe000_2053, // fmv/fclass function 2
                0xe010_0053, // fmv.x.w with rs2 = 1
                0xf020_0053, // fmv.w.x with rs2 = 2
                0x4000_0053, // fcvt.s.s
                0x4210_0053, // fcvt.d.d
                0x0000_1007, // flh
                0x0000_4007, // flq
                0x0000_1027, // fsh
            })
    void encodingsThatAreNotDefinedAreIllegal(int word) {
        HartFixture.Trap trap = fixture.trap(a -> a.word(word));
        assertThat(trap.cause()).as("%08x", word).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(trap.tval()).isEqualTo(word & 0xffff_ffffL);
    }
}
