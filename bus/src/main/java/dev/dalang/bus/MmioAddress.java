package dev.dalang.bus;

import java.util.Optional;

/**
 * A guest physical address: 64 bits, unsigned.
 *
 * @param value the address
 */
public record MmioAddress(long value) implements BusAddress<MmioAddress> {
    @Override
    public Optional<MmioAddress> checkedAdd(long offset) {
        long sum = value + offset;
        return Long.compareUnsigned(sum, value) < 0
                ? Optional.empty()
                : Optional.of(new MmioAddress(sum));
    }

    @Override
    public int compareTo(MmioAddress other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return Numbers.hex(value);
    }
}
