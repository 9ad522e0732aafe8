package dev.dalang.riscv.internal.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** NaN boxing, classification, sign injection and immediates: operations on the encoding itself. */
class RegisterFormatTest {
    @Test
    void boxedValueComesBack() {
        for (int bits : new int[] {0, 1, -1, 0x3f80_0000, 0x8000_0000, 0x7f80_0001}) {
            assertThat(NanBox.box(bits) >>> 32).isEqualTo(0xffff_ffffL);
            assertThat(NanBox.unbox(NanBox.box(bits))).isEqualTo(bits);
        }
    }

    @Test
    void valueThatIsNotBoxedIsTheCanonicalNan() {
        assertThat(NanBox.unbox(0x3f80_0000L)).isEqualTo(0x7fc0_0000);
        assertThat(NanBox.unbox(0xffff_fffe_3f80_0000L)).isEqualTo(0x7fc0_0000);
        assertThat(NanBox.unbox(0x7fff_ffff_3f80_0000L)).isEqualTo(0x7fc0_0000);
    }

    @ParameterizedTest
    @CsvSource({
        "ff800000, fff0000000000000, 0",
        "ff7fffff, ffefffffffffffff, 1",
        "80800000, 8010000000000000, 1",
        "807fffff, 800fffffffffffff, 2",
        "80000001, 8000000000000001, 2",
        "80000000, 8000000000000000, 3",
        "00000000, 0000000000000000, 4",
        "00000001, 0000000000000001, 5",
        "007fffff, 000fffffffffffff, 5",
        "00800000, 0010000000000000, 6",
        "7f7fffff, 7fefffffffffffff, 6",
        "7f800000, 7ff0000000000000, 7",
        "7f800001, 7ff0000000000001, 8",
        "ffbfffff, fff7ffffffffffff, 8",
        "7fc00000, 7ff8000000000000, 9",
        "ffffffff, ffffffffffffffff, 9",
    })
    void classifySetsTheBitOfTheClass(String single, String wide, int bit) {
        assertThat(Fp32.classify(Integer.parseUnsignedInt(single, 16))).isEqualTo(1 << bit);
        assertThat(Fp64.classify(Long.parseUnsignedLong(wide, 16))).isEqualTo(1 << bit);
    }

    @Test
    void signInjectionKeepsTheMagnitudeEvenOfNans() {
        int nan = 0x7f80_0001;
        int negative = 0xc000_0000;
        assertThat(Fp32.sgnj(nan, negative)).isEqualTo(0xff80_0001);
        assertThat(Fp32.sgnjn(nan, negative)).isEqualTo(nan);
        assertThat(Fp32.sgnjx(nan, negative)).isEqualTo(0xff80_0001);
        assertThat(Fp32.sgnjx(negative, negative)).isEqualTo(0x4000_0000);
        assertThat(Fp32.sgnjn(negative, negative)).isEqualTo(0x4000_0000);
        assertThat(Fp32.negate(nan)).isEqualTo(0xff80_0001);

        long wideNan = 0x7ff0_0000_0000_0001L;
        long wideNegative = 0xc000_0000_0000_0000L;
        assertThat(Fp64.sgnj(wideNan, wideNegative)).isEqualTo(0xfff0_0000_0000_0001L);
        assertThat(Fp64.sgnjn(wideNan, wideNegative)).isEqualTo(wideNan);
        assertThat(Fp64.sgnjx(wideNan, wideNegative)).isEqualTo(0xfff0_0000_0000_0001L);
        assertThat(Fp64.sgnjx(wideNegative, wideNegative)).isEqualTo(0x4000_0000_0000_0000L);
        assertThat(Fp64.sgnjn(wideNegative, wideNegative)).isEqualTo(0x4000_0000_0000_0000L);
        assertThat(Fp64.negate(wideNan)).isEqualTo(0xfff0_0000_0000_0001L);
    }

    @Test
    void immediatesAreThoseOfTheTable() {
        double[] middle = {
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
            1,
            1.25,
            1.5,
            1.75,
            2,
            2.5,
            3,
            4,
            8,
            16,
            128,
            256,
            0x1p15,
            0x1p16,
            Double.POSITIVE_INFINITY
        };
        for (int i = 0; i < middle.length; i++) {
            checkImmediate(i + 2, (float) middle[i], middle[i]);
        }
        checkImmediate(0, -1f, -1);
        checkImmediate(1, Float.MIN_NORMAL, Double.MIN_NORMAL);
        assertThat(Fp32.loadImmediate(31)).isEqualTo(0x7fc0_0000);
        assertThat(Fp64.loadImmediate(31)).isEqualTo(0x7ff8_0000_0000_0000L);
    }

    private static void checkImmediate(int index, float single, double wide) {
        assertThat(Fp32.loadImmediate(index)).isEqualTo(Float.floatToRawIntBits(single));
        assertThat(Fp64.loadImmediate(index)).isEqualTo(Double.doubleToRawLongBits(wide));
    }
}
