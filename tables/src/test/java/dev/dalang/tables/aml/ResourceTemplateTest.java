package dev.dalang.tables.aml;

import static dev.dalang.tables.aml.AmlTest.hex;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** By hand from §6.4. The first bytes are the buffer's: operator, length, size. */
class ResourceTemplateTest {
    private static final String END = " 79 00";

    @Test
    void anEmptyTemplateHasItsEndTag() {
        assertThat(hex(ResourceTemplate.create().toValue())).isEqualTo("11 05 0a 02" + END);
    }

    @Test
    void registersAreFixedMemory() {
        assertThat(hex(ResourceTemplate.create().memory(0x1000_0000, 0x100).toValue()))
                .isEqualTo("11 11 0a 0e 86 09 00 01 00 00 00 10 00 01 00 00" + END);
        assertThat(hex(ResourceTemplate.create().memory(0xffff_f000L, 0x1000).toValue()))
                .isEqualTo("11 11 0a 0e 86 09 00 01 00 f0 ff ff 00 10 00 00" + END);
    }

    @Test
    void highRegistersAreAnAddressSpaceThatTheDeviceConsumes() {
        assertThat(hex(ResourceTemplate.create().memory(0xffff_f000L, 0x1001).toValue()))
                .isEqualTo(
                        "11 33 0a 30 8a 2b 00 00 0d 01"
                                + " 00 00 00 00 00 00 00 00 00 f0 ff ff 00 00 00 00"
                                + " 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00"
                                + " 01 10 00 00 00 00 00 00"
                                + END);
    }

    @Test
    void aLowWindowHas32Bits() {
        assertThat(
                        hex(
                                ResourceTemplate.create()
                                        .memoryWindow(0x4000_0000, 0x4000_0000, false)
                                        .toValue()))
                .isEqualTo(
                        "11 1f 0a 1c 87 17 00 00 0c 01"
                                + " 00 00 00 00 00 00 00 40 ff ff ff 7f 00 00 00 00 00 00 00 40"
                                + END);
    }

    @Test
    void aHighWindowHas64Bits() {
        assertThat(
                        hex(
                                ResourceTemplate.create()
                                        .memoryWindow(0x4_0000_0000L, 0x4_0000_0000L, true)
                                        .toValue()))
                .isEqualTo(
                        "11 33 0a 30 8a 2b 00 00 0c 07"
                                + " 00 00 00 00 00 00 00 00 00 00 00 00 04 00 00 00"
                                + " ff ff ff ff 07 00 00 00 00 00 00 00 00 00 00 00"
                                + " 00 00 00 00 04 00 00 00"
                                + END);
    }

    @Test
    void portsAreTranslatedFromMemory() {
        assertThat(hex(ResourceTemplate.create().ioWindow(0, 0x1_0000, 0x300_0000).toValue()))
                .isEqualTo(
                        "11 1f 0a 1c 87 17 00 01 0c 13"
                                + " 00 00 00 00 00 00 00 00 ff ff 00 00 00 00 00 03 00 00 01 00"
                                + END);
        assertThat(hex(ResourceTemplate.create().ports(0xcf8, 8).toValue()))
                .isEqualTo("11 0d 0a 0a 47 01 f8 0c f8 0c 01 08" + END);
    }

    @Test
    void busesAreWords() {
        assertThat(hex(ResourceTemplate.create().busNumbers(0, 255).toValue()))
                .isEqualTo("11 15 0a 12 88 0d 00 02 0c 00 00 00 00 00 ff 00 00 00 00 01" + END);
    }

    @Test
    void interruptsSayWhatTriggersThem() {
        assertThat(hex(ResourceTemplate.create().levelInterrupt(10, false).toValue()))
                .isEqualTo("11 0e 0a 0b 89 06 00 01 01 0a 00 00 00" + END);
        assertThat(hex(ResourceTemplate.create().levelInterrupt(35, true).toValue()))
                .isEqualTo("11 0e 0a 0b 89 06 00 09 01 23 00 00 00" + END);
        assertThat(hex(ResourceTemplate.create().edgeInterrupt(-1).toValue()))
                .isEqualTo("11 0e 0a 0b 89 06 00 03 01 ff ff ff ff" + END);
        assertThat(hex(ResourceTemplate.create().lowInterrupt(1, true).toValue()))
                .isEqualTo("11 0e 0a 0b 89 06 00 0d 01 01 00 00 00" + END);
    }

    @Test
    void descriptorsFollowEachOther() {
        assertThat(hex(ResourceTemplate.create().memory(0, 1).levelInterrupt(1, false).toValue()))
                .isEqualTo(
                        "11 1a 0a 17 86 09 00 01 00 00 00 00 01 00 00 00"
                                + " 89 06 00 01 01 01 00 00 00"
                                + END);
    }

    @Test
    void aRangeThatDoesNotFitIsRefused() {
        ResourceTemplate template = ResourceTemplate.create();

        assertThatThrownBy(() -> template.memory(-0x1000, 0x1001))
                .isInstanceOf(AmlException.class)
                .hasMessageContaining("0x1001 bytes at 0xfffffffffffff000");
        assertThatThrownBy(() -> template.memory(0, 0)).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.memory(0, 0x1_0000_0000L))
                .isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.memoryWindow(-4096, 8192, false))
                .isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.ioWindow(1, 0x1_0000, 0))
                .isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.busNumbers(1, 0)).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.busNumbers(0, 256)).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> template.ports(0, 256)).isInstanceOf(AmlException.class);
        assertThat(hex(template.toValue())).isEqualTo("11 05 0a 02" + END);
    }
}
