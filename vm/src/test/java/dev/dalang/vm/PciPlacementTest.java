package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.devices.EduDevice;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code --device} takes. */
class PciPlacementTest {
    @Test
    void aNameStandsForADeviceAnywhere() {
        PciPlacement edu = PciPlacement.parse("edu", 0);
        assertThat(edu.device()).isInstanceOf(EduDevice.class);
        assertThat(edu.id()).isEmpty();
        assertThat(edu.address()).isEmpty();
    }

    @Test
    void nameAndPlaceAreOptions() {
        PciPlacement edu = PciPlacement.parse("edu,id=my-edu,addr=1f.7", 0);
        assertThat(edu.id()).contains("my-edu");
        assertThat(edu.address()).contains(new PciPlacement.Address(31, 7));
        assertThat(PciPlacement.parse("edu,addr=a", 0).address())
                .contains(new PciPlacement.Address(10, 0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "edo",
                "edu,",
                "edu,x",
                "edu,id=",
                "edu,id=a b",
                "edu,addr=",
                "edu,addr=20",
                "edu,addr=1.8",
                "edu,addr=-1",
                "edu,addr=1.",
                "edu,addr=x.y",
                "edu,bootindex=",
                "edu,bootindex=-1",
                "edu,bootindex=4294967296",
                "edu,bootindex=first"
            })
    void anythingElseIsToldWhatIsExpected(String text) {
        assertThatThrownBy(() -> PciPlacement.parse(text, 0))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--device: expected")
                .hasMessageContaining("found");
    }

    @Test
    void aPlaceInTheBootOrderIsANumber() {
        assertThat(PciPlacement.parse("edu,bootindex=7", 0).bootIndex()).hasValue(7);
        assertThat(PciPlacement.parse("edu", 0).bootIndex()).isEmpty();
    }

    @Test
    void twoDevicesAtOnePlaceInTheBootOrderAreRefused() {
        VmBuilder builder =
                Vm.builder()
                        .memory(MemorySize.MiB(64))
                        .device("edu,id=one,bootindex=3")
                        .device("edu,id=two,bootindex=3");
        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("found 3 for one and for two");
    }

    @Test
    void twoDevicesAtOnePlaceAreRefused() {
        VmBuilder builder =
                Vm.builder().memory(MemorySize.MiB(64)).device("edu,addr=3").device("edu,addr=3");
        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("edu")
                .hasMessageContaining("0000:00:03.0");
        assertThatThrownBy(
                        () ->
                                Vm.builder()
                                        .memory(MemorySize.MiB(64))
                                        .device("edu,id=one")
                                        .device("edu,id=one")
                                        .build())
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("one");
    }
}
