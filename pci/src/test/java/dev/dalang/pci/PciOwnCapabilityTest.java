package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicInteger;

/** Capabilities that a device brings, and what it hears of its function. */
final class PciOwnCapabilityTest {
    private static final int MASTER = 0x4;

    private final PciMachine machine = new PciMachine();

    /** A register that counts how often it is read. */
    private static final class CountingRegister implements PciCapConfig {
        final AtomicInteger reads = new AtomicInteger();

        @Override
        public int registers() {
            return 2;
        }

        @Override
        public int readMask(int register) {
            return register == 1 ? -1 : 0;
        }

        @Override
        public int readRegister(int register) {
            return register == 1 ? reads.incrementAndGet() : 0;
        }

        @Override
        public boolean hasReadEffects(int register) {
            return register == 1;
        }

        @Override
        public PciCapStatus writeRegister(int register, int offset, int size, int value) {
            return PciCapStatus.NONE;
        }
    }

    @Test
    void leadingCapabilitiesStandBeforeThoseThatAreMadeForTheDevice() {
        machine.root
                .bus()
                .add(
                        new TestPciDevice(
                                spec ->
                                        spec.memoryBar(0, 4096)
                                                .capability(VendorCapability.of((byte) 2))
                                                .leadingCapability(VendorCapability.of((byte) 1))
                                                .express()
                                                .msix(1)));
        PciFunctionDriver function = machine.driver.function(new PciBdf(0, 1, 0));
        assertThat(function.capabilities().stream().map(at -> function.read(at, 1)))
                .containsExactly(0x09, 0x11, 0x01, 0x10, 0x09);
        assertThat(function.read(0x43, 1)).isEqualTo(1);
    }

    @Test
    void aRegisterWhoseReadingHasEffectsIsReadByGuestsAlone() {
        CountingRegister register = new CountingRegister();
        machine.root
                .bus()
                .add(
                        new TestPciDevice(
                                spec ->
                                        spec.withoutConfigurationMapping()
                                                .leadingCapability(
                                                        VendorCapability.of(new byte[5]),
                                                        register)));
        PciFunctionDriver function = machine.driver.function(new PciBdf(0, 1, 0));
        function.write(0x44, 4, 5);
        machine.root.sleep();
        machine.root.restore(machine.root.snapshot());
        machine.root.wake();
        assertThat(register.reads).hasValue(0);
        assertThat(function.read(0x44, 1)).isEqualTo(1);
        assertThat(function.read(0x44, 4)).isEqualTo(2);
    }

    @Test
    void theDeviceHearsOfBusMasteringOnce() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                    @Override
                    public void busMasterChanged(boolean isEnabled) {
                        calls.add("master " + isEnabled);
                    }
                };
        machine.root.bus().add(device);
        PciFunctionDriver function = machine.driver.function(new PciBdf(0, 1, 0));
        int command = function.read(4, 2);
        device.calls.clear();
        function.write(4, 2, command | MASTER);
        function.write(4, 1, command | MASTER);
        function.write(4, 2, command & ~MASTER);
        assertThat(device.calls).containsExactly("master true", "master false");
    }
}
