package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

import java.util.function.LongFunction;

/** The address operations of the seed, for both widths. */
class BusAddressTest {
    private static <A extends BusAddress<A>> void checkAll(LongFunction<A> make, long max) {
        A zero = make.apply(0);
        A five = zero.checkedAdd(5).orElseThrow();
        assertThat(five.compareTo(zero)).isPositive();
        assertThat(zero.compareTo(five)).isNegative();
        assertThat(five.minus(zero)).isEqualTo(5);
        assertThat(zero.plus(5)).isEqualTo(five).hasSameHashCodeAs(five);
        assertThat(zero.checkedAdd(max)).contains(make.apply(max));
        A top = make.apply(max);
        assertThat(top.checkedAdd(0)).contains(top);
        assertThat(top.checkedAdd(1)).isEmpty();
        assertThat(make.apply(1).checkedAdd(max)).isEmpty();
        assertThat(five.checkedAdd(-1)).isEmpty();
        assertThat(top.value()).isEqualTo(max);
        assertThat(top.compareTo(five)).isPositive();
        assertThat(top.compareTo(make.apply(max))).isZero();
        assertThat(top.minus(zero)).isEqualTo(max);
        assertThatExceptionOfType(ArithmeticException.class)
                .isThrownBy(() -> top.plus(1))
                .withMessageContaining("exceeds");
        assertThatExceptionOfType(ArithmeticException.class).isThrownBy(() -> zero.minus(five));
    }

    @Test
    void memoryAddressesAreUnsigned64Bit() {
        checkAll(MmioAddress::new, -1L);
        assertThat(new MmioAddress(Long.MIN_VALUE).compareTo(new MmioAddress(Long.MAX_VALUE)))
                .isPositive();
        assertThat(new MmioAddress(0x1000)).hasToString("0x1000");
    }

    @Test
    void portsAreUnsigned16Bit() {
        checkAll(PioAddress::new, 0xffff);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PioAddress(0x1_0000))
                .withMessageContaining("0x10000");
        assertThatIllegalArgumentException().isThrownBy(() -> new PioAddress(-1));
        assertThat(new PioAddress(0x3f8)).hasToString("0x3f8");
    }
}
