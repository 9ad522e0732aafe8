package dev.dalang.bus;

import java.util.Optional;

/**
 * An address on a bus, for the edges of an API. Hot paths carry the bare {@code long}. Addresses
 * are unsigned and ordered as such.
 *
 * @param <A> the width
 */
public sealed interface BusAddress<A extends BusAddress<A>> extends Comparable<A>
        permits MmioAddress, PioAddress {
    /** {@return the address as an unsigned number} */
    long value();

    /**
     * Adds an offset.
     *
     * @param offset unsigned
     * @return the sum; empty if it exceeds the greatest address of the width
     */
    Optional<A> checkedAdd(long offset);

    /**
     * Adds an offset that is known to fit.
     *
     * @param offset unsigned
     * @return the sum
     * @throws ArithmeticException if it exceeds the greatest address of the width
     */
    default A plus(long offset) {
        return checkedAdd(offset)
                .orElseThrow(
                        () ->
                                new ArithmeticException(
                                        Numbers.hex(value())
                                                + " + "
                                                + Numbers.hex(offset)
                                                + " exceeds the address width"));
    }

    /**
     * Gives the distance from a lower or equal address.
     *
     * @param lower the address to subtract
     * @return the distance, unsigned
     * @throws ArithmeticException if {@code lower} is higher than this
     */
    default long minus(A lower) {
        if (Long.compareUnsigned(lower.value(), value()) > 0) {
            throw new ArithmeticException(
                    Numbers.hex(lower.value()) + " lies above " + Numbers.hex(value()));
        }
        return value() - lower.value();
    }
}
