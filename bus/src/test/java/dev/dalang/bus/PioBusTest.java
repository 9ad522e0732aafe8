package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class PioBusTest extends BusContract<PioRange> {
    @Override
    Bus<PioRange, String> newBus() {
        return Bus.pio();
    }

    @Override
    PioRange range(long base, long size) {
        return new PioRange(base, size);
    }

    @Override
    long highest() {
        return 0xffff;
    }

    @Test
    void row12ALengthBeyondTheWidthIsInvalid() {
        Bus<PioRange, String> bus = newBus();
        for (long length : new long[] {-1L, Long.MAX_VALUE, 0x1_0001}) {
            assertThatExceptionOfType(BusException.class)
                    .isThrownBy(() -> bus.checkAccess(10, length))
                    .returns(BusException.Kind.INVALID_LENGTH, BusException::kind)
                    .returns(length, BusException::length);
        }
    }

    @Test
    void anAddressBeyondThePortsIsInvalid() {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> newBus().checkAccess(0x1_0000, 1))
                .returns(BusException.Kind.INVALID_RANGE, BusException::kind);
        assertThat(newBus().device(0x1_0000)).isEmpty();
        assertThat(newBus().device(-1)).isEmpty();
    }
}
