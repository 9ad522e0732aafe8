package dev.dalang.bus;

import java.util.Optional;

/**
 * A port: 16 bits, unsigned.
 *
 * @param value the port, 0..0xffff
 */
public record PioAddress(long value) implements BusAddress<PioAddress> {
    /** The highest port. */
    public static final long MAX_VALUE = 0xffff;

    /** Checks that the port is one of 16 bits. */
    public PioAddress {
        if (value < 0 || value > MAX_VALUE) {
            throw new IllegalArgumentException(
                    "expected a port of 0x0..0xffff, got " + Numbers.hex(value));
        }
    }

    @Override
    public Optional<PioAddress> checkedAdd(long offset) {
        return Long.compareUnsigned(offset, MAX_VALUE - value) > 0
                ? Optional.empty()
                : Optional.of(new PioAddress(value + offset));
    }

    @Override
    public int compareTo(PioAddress other) {
        return Long.compare(value, other.value);
    }

    @Override
    public String toString() {
        return Numbers.hex(value);
    }
}
