package dev.dalang.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

final class VirtioDeviceTypeTest {
    @Test
    void idsAreThoseOfTheSpecification() {
        assertThat(VirtioDeviceType.NET.id()).isEqualTo(1);
        assertThat(VirtioDeviceType.BLOCK.id()).isEqualTo(2);
        assertThat(VirtioDeviceType.RNG.pciDeviceId()).isEqualTo(0x1044);
        assertThat(VirtioDeviceType.PMEM.pciDeviceId()).isEqualTo(0x105b);
    }

    @Test
    void noTwoTypesShareAnIdOrALabel() {
        assertThat(Arrays.stream(VirtioDeviceType.values()).map(VirtioDeviceType::id))
                .doesNotHaveDuplicates();
        assertThat(Arrays.stream(VirtioDeviceType.values()).map(VirtioDeviceType::label))
                .doesNotHaveDuplicates()
                .contains("virtio-9p", "virtio-rng");
    }
}
