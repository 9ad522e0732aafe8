package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.pci.PciBar;

import org.junit.jupiter.api.Test;

import java.util.Optional;

class PciConfigPassthroughTest {
    private final PciConfigPassthrough plain =
            PciConfigPassthrough.of(0x1af4, 0x1041, Optional.empty());

    @Test
    void theIdsAreTheFirstFourBytes() {
        assertThat(plain.readConfig(0)).isEqualTo(0xf4);
        assertThat(plain.readConfig(1)).isEqualTo(0x1a);
        assertThat(plain.readConfig(2)).isEqualTo(0x41);
        assertThat(plain.readConfig(3)).isEqualTo(0x10);
        assertThat(plain.readConfig32(0)).isEqualTo(0x1041_1af4);
    }

    @Test
    void theCommandIsKeptAndTheIdsAreNot() {
        plain.writeConfig(4, 0x07);
        plain.writeConfig(0, 0xaa);

        assertThat(plain.readConfig(4)).isEqualTo(0x07);
        assertThat(plain.readConfig(0)).isEqualTo(0xf4);
        plain.reset();
        assertThat(plain.readConfig(4)).isZero();
    }

    @Test
    void aMisalignedReadIsNotRounded() {
        assertThat(plain.readConfig32(2)).isEqualTo(-1);
        assertThat(plain.readConfig(1, 2)).isEqualTo(0xffff);
        assertThat(plain.readConfig(0x1000, 4)).isEqualTo(-1);
        plain.writeConfig(3, 2, 0);
        assertThat(plain.readConfig32(0)).isEqualTo(0x1041_1af4);
    }

    @Test
    void barsTellTheirSizes() {
        PciConfigPassthrough config = Devices.open(Devices.rich().build()).configuration();
        assertThat(config.bars()).extracting(PciBar::index).containsExactly(0, 2, 3, PciBar.ROM);

        config.writeConfig(0x10, 4, -1);
        config.writeConfig(0x14, 4, -1);
        config.writeConfig(0x18, 4, -1);
        config.writeConfig(0x1c, 4, -1);
        assertThat(config.readConfig32(0x10)).isEqualTo(0xffff_8004);
        assertThat(config.readConfig32(0x14)).isEqualTo(-1);
        assertThat(config.readConfig32(0x18)).isEqualTo(0xffff_f000);
        assertThat(config.readConfig32(0x1c) & 0xffff).isEqualTo(0xffe1);
        config.writeConfig(0x18, 2, 0x1000);
        assertThat(config.readConfig32(0x18) & 0xffff).isEqualTo(0x1000);
    }
}
