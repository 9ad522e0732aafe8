package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class MmioBusTest extends BusContract<MmioRange> {
    @Override
    Bus<MmioRange, String> newBus() {
        return Bus.mmio();
    }

    @Override
    MmioRange range(long base, long size) {
        return new MmioRange(base, size);
    }

    @Override
    long highest() {
        return -1L;
    }

    @Test
    void anyLengthIsAValidLength() {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> newBus().checkAccess(0, -1L))
                .returns(BusException.Kind.NO_DEVICE, BusException::kind);
    }

    @Test
    void rangesOnBothSidesOfTheSignBitAreOrdered() {
        Bus<MmioRange, String> bus = Bus.mmio();
        bus.register(range(Long.MIN_VALUE, 16), "high");
        bus.register(range(Long.MAX_VALUE - 15, 16), "low");
        bus.register(range(-16, 16), "top");
        assertThat(bus.mappings())
                .extracting(BusMapping::device)
                .containsExactly("low", "high", "top");
        assertThat(bus.device(Long.MAX_VALUE).orElseThrow().device()).isEqualTo("low");
        assertThat(bus.device(Long.MIN_VALUE).orElseThrow().device()).isEqualTo("high");
        assertThat(bus.device(Long.MIN_VALUE + 16)).isEmpty();
        assertThat(bus.device(-1).orElseThrow().device()).isEqualTo("top");
        assertThat(bus.device(0)).isEmpty();
    }
}
