package dev.dalang.riscv.internal.fp;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Operands for the arithmetic's tests: the corners of a format, and random ones near them. */
public final class Operands {
    private final SplittableRandom random;
    private final int fractionBits;
    private final int exponentBits;
    private final long signBit;

    private Operands(long seed, int fractionBits, int exponentBits) {
        this.random = new SplittableRandom(seed);
        this.fractionBits = fractionBits;
        this.exponentBits = exponentBits;
        this.signBit = 1L << (fractionBits + exponentBits);
    }

    public static Operands binary64(long seed) {
        return new Operands(seed, 52, 11);
    }

    public static Operands binary32(long seed) {
        return new Operands(seed, 23, 8);
    }

    /** Raw bits, of either sign, zero-extended. */
    public long next() {
        long fraction = fraction() & (1L << fractionBits) - 1;
        return (random.nextLong() & signBit) | exponent() << fractionBits | fraction;
    }

    /**
     * Often a number made from another so that the two interact: equal, neighbouring, a few binary
     * places apart, or with exponents that add up to a limit.
     */
    public long nextNear(long other) {
        int bias = (1 << exponentBits - 1) - 1;
        long exponent = (other & signBit - 1) >>> fractionBits;
        long fraction = fraction() & (1L << fractionBits) - 1;
        long sign = random.nextLong() & signBit;
        return switch (random.nextInt(8)) {
            case 0 -> other ^ sign;
            case 1 -> (other + random.nextInt(-3, 4)) & (signBit << 1) - 1 ^ sign;
            case 2, 3 -> {
                long distance = random.nextInt(-fractionBits - 4, fractionBits + 5);
                yield sign | clamp(exponent + distance) << fractionBits | fraction;
            }
            case 4 -> {
                // The product is near the smallest normal or subnormal number.
                long sum = 2L * bias - bias - random.nextInt(-3, fractionBits + 3);
                yield sign | clamp(sum - exponent + 1) << fractionBits | fraction;
            }
            case 5 -> {
                // The quotient, or the product, is near the largest number.
                long sum = random.nextBoolean() ? 3L * bias - exponent : exponent - bias;
                yield sign | clamp(sum + random.nextInt(-2, 3)) << fractionBits | fraction;
            }
            default -> next();
        };
    }

    private long clamp(long exponent) {
        return Math.clamp(exponent, 0, (1 << exponentBits) - 1);
    }

    private long exponent() {
        int max = (1 << exponentBits) - 1;
        int bias = max >> 1;
        return switch (random.nextInt(8)) {
            case 0 -> random.nextInt(3);
            case 1 -> max - random.nextInt(4);
            case 2, 3 -> bias + random.nextInt(-fractionBits, fractionBits + 12);
            case 4, 5 -> bias + random.nextInt(-3, 4);
            default -> random.nextInt(max + 1);
        };
    }

    /** Random, or sparse: few ones, few zeros, at either end. */
    private long fraction() {
        long bits = random.nextLong();
        return switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> -1L << random.nextInt(fractionBits);
            case 2 -> (1L << random.nextInt(fractionBits)) - 1;
            case 3 -> {
                long one = 1L << random.nextInt(fractionBits);
                yield one | 1L << random.nextInt(fractionBits);
            }
            case 4 -> bits << random.nextInt(fractionBits);
            case 5 -> bits << fractionBits - 3; // three leading places
            default -> bits;
        };
    }

    /** A 64-bit integer with a random number of significant bits, often near a rounding tie. */
    public long nextInteger() {
        long bits = random.nextLong() >>> random.nextInt(64);
        return switch (random.nextInt(4)) {
            case 0 -> bits & -1L << random.nextInt(64);
            case 1 -> -bits;
            case 2 -> (1L << random.nextInt(64)) + random.nextInt(-2, 3);
            default -> bits;
        };
    }

    public int nextRoundingMode() {
        return random.nextInt(5);
    }

    int nextFlags() {
        return switch (random.nextInt(3)) {
            case 0 -> 0;
            case 1 -> FpStatus.NX;
            default -> 31;
        };
    }

    /**
     * Corner values of both signs: zeros, subnormals, limits, neighbours of one, NaNs, integers.
     */
    public long[] corners() {
        long one = ((1L << exponentBits - 1) - 1) << fractionBits;
        long leading = 1L << fractionBits;
        long infinity = ((1L << exponentBits) - 1) << fractionBits;
        LongStream positive =
                LongStream.of(
                        0,
                        1,
                        2,
                        3,
                        leading >>> 1,
                        leading - 1,
                        leading,
                        leading + 1,
                        leading + leading - 1,
                        2 * leading,
                        one - leading - 1,
                        one - leading, // 0.5
                        one - leading + 1,
                        one - 2,
                        one - 1,
                        one,
                        one + 1,
                        one + 2,
                        one + leading / 2, // 1.5
                        one + leading / 2 + 1,
                        one + leading, // 2
                        one + leading + leading / 2, // 3
                        one + leading + leading / 4, // 2.5
                        one + 53 * leading,
                        one + 24 * leading,
                        one - 53 * leading,
                        one - 24 * leading + 1,
                        infinity - leading,
                        infinity - 2,
                        infinity - 1,
                        infinity,
                        infinity + 1, // signalling
                        infinity + leading / 2 - 1, // signalling
                        infinity + leading / 2, // canonical
                        infinity + leading - 1);
        return withNegatives(positive).toArray();
    }

    /** A third of the corner values, of each kind one, for operations with three operands. */
    public long[] fewCorners() {
        long[] corners = corners();
        return IntStream.range(0, corners.length)
                .filter(i -> i % 6 < 2)
                .mapToLong(i -> corners[i])
                .toArray();
    }

    /** Values around powers of two, around the limits of the integer types, and around ties. */
    public long[] integerCorners() {
        LongStream.Builder positive = LongStream.builder();
        for (int power : new int[] {0, 1, 7, 8, 23, 24, 30, 31, 32, 33, 51, 52, 53}) {
            addNeighbours(positive, Math.scalb(1.0, power));
            addNeighbours(positive, Math.scalb(1.0, power) - 0.5);
            addNeighbours(positive, Math.scalb(1.0, power) + 0.5);
        }
        for (int power : new int[] {62, 63, 64, 65, 83, 84, 85}) {
            addNeighbours(positive, Math.scalb(1.0, power));
        }
        for (int quarters = 0; quarters <= 32; quarters++) {
            addNeighbours(positive, quarters / 4.0);
        }
        return LongStream.concat(LongStream.of(corners()), withNegatives(positive.build()))
                .distinct()
                .toArray();
    }

    /** 64-bit integers around powers of two, and around ties of both formats. */
    public static long[] integers() {
        LongStream.Builder values = LongStream.builder();
        for (int power = 0; power < 64; power++) {
            for (int offset = -2; offset <= 2; offset++) {
                values.add((1L << power) + offset);
                values.add(-(1L << power) + offset);
                for (int below : new int[] {23, 24, 25, 52, 53, 54}) {
                    if (below <= power) {
                        values.add((1L << power) + (1L << power - below) + offset);
                        values.add((1L << power) + (3L << power - below) + offset);
                    }
                }
            }
        }
        return values.build().distinct().toArray();
    }

    private void addNeighbours(LongStream.Builder values, double x) {
        long bits =
                fractionBits == 52
                        ? Double.doubleToRawLongBits(x)
                        : Float.floatToRawIntBits((float) x);
        for (long neighbour = Math.max(0, bits - 2); neighbour <= bits + 2; neighbour++) {
            values.add(neighbour);
        }
    }

    private LongStream withNegatives(LongStream positive) {
        return positive.flatMap(x -> LongStream.of(x, x | signBit));
    }
}
