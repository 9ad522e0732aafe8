package dev.dalang.riscv.internal.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.SplittableRandom;

/** Conversions between the formats, and the modular conversion that only binary64 has. */
class FormatConversionTest {
    private static final int[] INITIAL_FLAGS = {0, FpStatus.NX, 31};

    private final FpStatus status = new FpStatus();

    @Test
    void wideningAgreesWithTheOracle() {
        for (long a : Operands.binary32(0).integerCorners()) {
            checkWidening(a);
        }
        Operands operands = Operands.binary32(1);
        for (int i = 0; i < 20_000; i++) {
            checkWidening(operands.next());
        }
    }

    private void checkWidening(long a) {
        Oracle.Result expected = Oracle.BINARY64.convert(Oracle.BINARY32, a, RoundingMode.RNE);
        for (int initial : INITIAL_FLAGS) {
            status.flags = initial;
            long result = Fp64.fromFp32((int) a, status);
            check(result, expected, initial, a);
        }
    }

    @Test
    void narrowingAgreesWithTheOracleAroundEveryCorner() {
        for (long narrow : Operands.binary32(0).integerCorners()) {
            long wide = Fp64.fromFp32((int) narrow, status);
            long halfUnit = 1L << 28; // between two neighbouring normal binary32 numbers
            for (long offset = -2; offset <= 2; offset++) {
                checkNarrowing(wide + offset);
                checkNarrowing(wide + halfUnit + offset);
                checkNarrowing(wide - halfUnit + offset);
            }
        }
        for (long wide : Operands.binary64(0).corners()) {
            checkNarrowing(wide);
        }
    }

    @Test
    void narrowingAgreesWithTheOracleOnRandomValues() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 20_000; i++) {
            long exponent = 1023L + random.nextInt(-155, 131);
            long fraction = random.nextLong() >>> 12;
            if (random.nextBoolean()) {
                fraction &= -1L << random.nextInt(24, 53);
            }
            checkNarrowing(random.nextLong() & Long.MIN_VALUE | exponent << 52 | fraction);
        }
    }

    private void checkNarrowing(long a) {
        for (int rm = 0; rm <= RoundingMode.RMM; rm++) {
            Oracle.Result expected = Oracle.BINARY32.convert(Oracle.BINARY64, a, rm);
            for (int initial : INITIAL_FLAGS) {
                status.flags = initial;
                long result = Fp32.fromFp64(a, rm, status) & 0xffff_ffffL;
                check(result, expected, initial, a);
            }
        }
    }

    @Test
    void modularConversionAgreesWithTheOracle() {
        for (long a : Operands.binary64(0).integerCorners()) {
            checkModular(a);
        }
        Operands operands = Operands.binary64(3);
        for (int i = 0; i < 20_000; i++) {
            checkModular(operands.next());
        }
    }

    private void checkModular(long a) {
        Oracle.Result expected = Oracle.BINARY64.toInt32Modular(a);
        for (int initial : INITIAL_FLAGS) {
            status.flags = initial;
            long result = Fp64.toInt32Modular(a, status);
            check(result, expected, initial, a);
        }
    }

    @Test
    void modularConversionKeepsTheLowBits() {
        assertThat(modular(0x1p32 + 5)).isEqualTo(5);
        assertThat(modular(-0x1p32 - 5)).isEqualTo(-5);
        assertThat(modular(0x1p31)).isEqualTo(Integer.MIN_VALUE);
        assertThat(modular(0x1p53 + 2)).isEqualTo(2);
        assertThat(modular(0x1.0000000000001p83)).isEqualTo(Integer.MIN_VALUE);
        assertThat(modular(0x1p84)).isZero();
        assertThat(modular(Double.NEGATIVE_INFINITY)).isZero();
        assertThat(modular(Double.NaN)).isZero();
        assertThat(status.flags).isEqualTo(FpStatus.NV);
    }

    private long modular(double x) {
        return Fp64.toInt32Modular(Double.doubleToRawLongBits(x), status);
    }

    private void check(long result, Oracle.Result expected, int initial, long a) {
        if (result != expected.bits() || status.flags != (initial | expected.flags())) {
            assertThat("%x with flags %x".formatted(result, status.flags))
                    .as("%x, flags %x", a, initial)
                    .isEqualTo(
                            "%x with flags %x"
                                    .formatted(expected.bits(), initial | expected.flags()));
        }
    }
}
