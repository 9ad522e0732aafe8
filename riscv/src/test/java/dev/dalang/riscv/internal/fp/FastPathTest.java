package dev.dalang.riscv.internal.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.stream.Stream;

/**
 * The host's arithmetic against the integers', in round-to-nearest-even: many more cases than the
 * oracle can do. {@code -Ddalang.fp.rounds=N} runs N times as many, each round with its own seed.
 */
class FastPathTest {
    private static final int CASES = 300_000;
    private static final long SEED = Long.getLong("dalang.seed", 0xfa57);

    @BeforeAll
    static void printSeed() {
        System.out.println("host and integers: -Ddalang.seed=" + SEED);
    }

    static Stream<Arguments> operations() {
        return Arrays.stream(Arithmetic.values())
                .flatMap(
                        operation ->
                                Stream.of(
                                        Arguments.of(operation, Oracle.BINARY64),
                                        Arguments.of(operation, Oracle.BINARY32)));
    }

    /** The operations with two implementations. */
    enum Arithmetic {
        ADD(Operation.ADD),
        SUB(Operation.SUB),
        MUL(Operation.MUL),
        DIV(Operation.DIV),
        SQRT(Operation.SQRT),
        FMA(Operation.FMA);

        private final Operation operation;

        Arithmetic(Operation operation) {
            this.operation = operation;
        }

        private long soft(SoftFloat format, long a, long b, long c, FpStatus s) {
            return switch (this) {
                case ADD -> format.add(a, b, RoundingMode.RNE, s);
                case SUB -> format.add(a, format.negate(b), RoundingMode.RNE, s);
                case MUL -> format.multiply(a, b, RoundingMode.RNE, s);
                case DIV -> format.divide(a, b, RoundingMode.RNE, s);
                case SQRT -> format.squareRoot(a, RoundingMode.RNE, s);
                case FMA -> format.fusedMultiplyAdd(a, b, c, RoundingMode.RNE, s);
            };
        }
    }

    @ParameterizedTest
    @MethodSource("operations")
    void hostAndIntegersAgree(Arithmetic arithmetic, Oracle format) {
        int rounds = Integer.getInteger("dalang.fp.rounds", 1);
        for (int round = 0; round < rounds; round++) {
            compare(arithmetic, format, SEED + round);
        }
    }

    private static void compare(Arithmetic arithmetic, Oracle format, long seed) {
        boolean wide = format.equals(Oracle.BINARY64);
        Operands operands = wide ? Operands.binary64(seed) : Operands.binary32(seed);
        SoftFloat soft = wide ? SoftFloat.BINARY64 : SoftFloat.BINARY32;
        Operation.Implementation host = arithmetic.operation.implementation(format);
        long mask = wide ? -1 : 0xffff_ffffL;
        FpStatus softStatus = new FpStatus();
        FpStatus hostStatus = new FpStatus();
        for (int i = 0; i < CASES; i++) {
            long a = operands.next();
            long b = operands.nextNear(a);
            softStatus.flags = 0;
            long addend = soft.multiply(a, b, RoundingMode.RNE, softStatus);
            long c = operands.nextNear(addend);
            int flags = operands.nextFlags();
            softStatus.flags = flags;
            hostStatus.flags = flags;
            long expected = arithmetic.soft(soft, a, b, c, softStatus);
            long result = host.apply(a, b, c, RoundingMode.RNE, hostStatus) & mask;
            if (result != expected || hostStatus.flags != softStatus.flags) {
                assertThat("%x with flags %x".formatted(result, hostStatus.flags))
                        .as("%s(%x, %x, %x) seed=%d flags=%x", arithmetic, a, b, c, seed, flags)
                        .isEqualTo("%x with flags %x".formatted(expected, softStatus.flags));
            }
        }
    }
}
