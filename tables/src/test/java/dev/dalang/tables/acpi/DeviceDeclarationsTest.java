package dev.dalang.tables.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.tables.aml.AmlException;

import org.junit.jupiter.api.Test;

import java.util.HexFormat;
import java.util.List;

/** What a declaration refuses, and the parts of it that are worth their bytes by hand. */
class DeviceDeclarationsTest {
    @Test
    void hartsAreNumbered() {
        assertThat(PlatformDevices.harts(2)).hasSize(2);
        assertThat(
                        HexFormat.ofDelimiter(" ")
                                .formatHex(PlatformDevices.harts(17).get(16).toBytes()))
                .isEqualTo(
                        "5b 82 1b 43 30 31 30 08 5f 48 49 44 0d 41 43 50 49 30 30 30 37 00 08 5f 55"
                                + " 49 44 0a 10");
        assertThatThrownBy(() -> PlatformDevices.harts(0)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> PlatformDevices.harts(4097)).isInstanceOf(AcpiException.class);
    }

    @Test
    void registersOfVirtualConfigurationBelongToAFunction() {
        assertThat(VirtualConfigAml.registers(0x1fff_e000L)).hasSize(5);
        assertThatThrownBy(() -> VirtualConfigAml.registers(0x1000))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("0x1000");
        assertThatThrownBy(() -> VirtualConfigAml.registers(0x2000_0000L))
                .isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> VirtualConfigAml.registers(-0x2000))
                .isInstanceOf(AcpiException.class);
    }

    @Test
    void aBridgeHasLinksOnlyIfItHasWires() {
        assertThat(PciHostBridge.of("PC00", 0, 0, 0).toTerms()).hasSize(1);
        assertThat(PciHostBridge.of("PC00", 0, 0, 0).interrupts(32).toTerms()).hasSize(5);
        assertThatThrownBy(() -> PciHostBridge.of("PC00", 256, 0, 0))
                .isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> PciHostBridge.of("PC00", 0, 0, 256))
                .isInstanceOf(AmlException.class);
    }

    @Test
    void anEventIsGivenOnce() {
        GenericEventDevice events = GenericEventDevice.create().on(1, List.of());

        assertThatThrownBy(() -> events.on(1, List.of())).isInstanceOf(AcpiException.class);
    }
}
