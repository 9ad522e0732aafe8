package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

/** What a device is told, and may say, whose real registers are elsewhere. */
class PciElsewhereTest {
    private final PciMachine machine = new PciMachine();

    private PciFunctionDriver add(PciDevice device) {
        machine.root.bus().add(device, 1, 0);
        return machine.function(0, 1, 0);
    }

    @Test
    void theCommandIsToldBeforeWhatFollowsFromIt() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                    @Override
                    public void commandWritten(int command, int cleared) {
                        calls.add("command %x cleared %x".formatted(command, cleared));
                    }

                    @Override
                    public void busMasterChanged(boolean isEnabled) {
                        calls.add("master " + isEnabled);
                    }
                };
        PciFunctionDriver driver = add(device);
        driver.setCommand(0);
        device.calls.clear();

        driver.setCommand(PciFunctionDriver.COMMAND_MEMORY | PciFunctionDriver.COMMAND_MASTER);
        assertThat(device.calls)
                .containsExactly("command 6 cleared 0", "master true", "bar 0 40000000");
        device.calls.clear();
        driver.write(6, 2, 0x8100);
        assertThat(device.calls).containsExactly("command 6 cleared 8100");
        device.calls.clear();
        driver.write(4, 4, 0x4000_0002);
        assertThat(device.calls).containsExactly("command 2 cleared 4000", "master false");
    }

    @Test
    void theDeviceHasTheLastWordAboutARead() {
        PciFunctionDriver driver =
                add(
                        new TestPciDevice(spec -> spec.withoutConfigurationMapping()) {
                            @Override
                            public int configRead(int register, int value) {
                                return register == 1 ? value | 1 << 31 : value;
                            }
                        });
        assertThat(driver.read(6, 2) & 0x8000).isEqualTo(0x8000);
        assertThat(driver.vendor()).isEqualTo(TestPciDevice.VENDOR);
    }

    @Test
    void tableAndPendingBitsLieInTwoBars() {
        PciFunctionDriver driver =
                add(
                        new TestPciDevice(
                                spec ->
                                        spec.memoryBar(0, 4096)
                                                .memoryBar(2, 4096)
                                                .msix(4, 2, 0x100, 0, 0x200)));
        MsixDriver msix = driver.msix();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        int capability = driver.capability(0x11).orElseThrow();
        assertThat(driver.read(capability + 4, 4)).isEqualTo(0x102);
        assertThat(driver.read(capability + 8, 4)).isEqualTo(0x200);
        PciFunction function = machine.root.functions().getLast();
        msix.enable();
        function.interrupts().triggerMessage(3);
        assertThat(driver.bar(0).read(0x200, 8)).isEqualTo(8);
        assertThat(driver.bar(2).read(0x200, 4)).as("the device's").isEqualTo(0x400);
        assertThat(driver.bar(0).read(0x100, 4)).as("the device's").isEqualTo(0x100);
        msix.route(3, 0x2800_0000L, 1);
        assertThat(driver.bar(0).read(0x200, 8)).isZero();
        assertThat(machine.messages.accepted()).hasSize(1);
    }
}
