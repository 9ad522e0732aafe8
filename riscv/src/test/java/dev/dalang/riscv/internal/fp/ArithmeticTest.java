package dev.dalang.riscv.internal.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.stream.Stream;

/** Every operation against the oracle: results and flags, in every rounding mode. */
class ArithmeticTest {
    private static final int[] INITIAL_FLAGS = {0, FpStatus.NX, 31};
    private static final int CASES = 8_000;
    private static final long SEED = Long.getLong("dalang.seed", 0x5eed);

    @BeforeAll
    static void printSeed() {
        System.out.println("arithmetic: -Ddalang.seed=" + SEED);
    }

    static Stream<Arguments> operations() {
        return Arrays.stream(Operation.values())
                .flatMap(
                        operation ->
                                Stream.of(
                                        Arguments.of(operation, Oracle.BINARY64),
                                        Arguments.of(operation, Oracle.BINARY32)));
    }

    @ParameterizedTest
    @MethodSource("operations")
    void cornerValuesAgreeWithTheOracle(Operation operation, Oracle format) {
        Operands operands = operands(format, 0);
        long[] none = {0};
        long[] corners = operation.arity == 3 ? operands.fewCorners() : operands.corners();
        long[] first =
                switch (operation.arity) {
                    case 0 -> Operands.integers();
                    case 1 -> operands.integerCorners();
                    default -> corners;
                };
        long[] second = operation.arity >= 2 ? corners : none;
        long[] third = operation.arity == 3 ? corners : none;
        for (long a : first) {
            for (long b : second) {
                for (long c : third) {
                    for (int rm = 0; rm <= RoundingMode.RMM; rm++) {
                        check(operation, format, a, b, c, rm);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("operations")
    void randomValuesAgreeWithTheOracle(Operation operation, Oracle format) {
        Operands operands = operands(format, SEED + operation.name().hashCode());
        for (int i = 0; i < CASES; i++) {
            long a = operation.arity == 0 ? operands.nextInteger() : operands.next();
            long b = operands.nextNear(a);
            long c =
                    operation.arity == 3
                            ? operands.nextNear(operation.expected(format, a, b, 0, 0).bits())
                            : 0;
            check(operation, format, a, b, c, operands.nextRoundingMode());
            check(operation, format, a, b, c, RoundingMode.RNE);
        }
    }

    private static void check(Operation operation, Oracle format, long a, long b, long c, int rm) {
        Oracle.Result expected = operation.expected(format, a, b, c, rm);
        FpStatus status = new FpStatus();
        for (int initial : INITIAL_FLAGS) {
            status.flags = initial;
            long result = operation.implementation(format).apply(a, b, c, rm, status);
            if (format.equals(Oracle.BINARY32) && operation.givesNumber()) {
                result &= 0xffff_ffffL;
            }
            if (result != expected.bits() || status.flags != (initial | expected.flags())) {
                assertThat(describe(result, status.flags))
                        .as("%s(%x, %x, %x) rm=%d flags=%x", operation, a, b, c, rm, initial)
                        .isEqualTo(describe(expected.bits(), initial | expected.flags()));
            }
        }
    }

    private static String describe(long bits, int flags) {
        return "%x with flags %x".formatted(bits, flags);
    }

    private static Operands operands(Oracle format, long seed) {
        return format.equals(Oracle.BINARY64) ? Operands.binary64(seed) : Operands.binary32(seed);
    }
}
