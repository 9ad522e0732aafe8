package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.List;

/** Configuration spaces that a guest reads as memory. */
class PciMappedConfigurationTest {
    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;

    private GuestMemory map() {
        return GuestMemory.of(root.mapConfiguration(PciMachine.ECAM, Arena.ofAuto()));
    }

    private void assertSame(GuestMemory memory, int device) {
        PciFunctionDriver function = machine.function(0, device, 0);
        long page = PciMachine.ECAM + function.address().ecamOffset();
        for (int offset = 0; offset < 4096; offset += 4) {
            assertThat(memory.readInt(page + offset))
                    .as("device %d, offset %x", device, offset)
                    .isEqualTo(function.read(offset, 4));
        }
    }

    /** Row C8: the page shows what a read would, after each write as well. */
    @Test
    void thePageShowsWhatAReadWould() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(3).msi(2).intx().express());
        root.bus().add(device);
        GuestMemory memory = map();
        assertSame(memory, 0);
        assertSame(memory, 1);

        PciFunctionDriver driver = machine.function(0, 1, 0);
        driver.bar(0).assign(0x5000_0000L);
        driver.setCommand(0x406);
        driver.msix().enable();
        driver.write(driver.capability(1).orElseThrow() + 4, 2, 3);
        device.host.interrupts().raise();
        assertSame(memory, 1);
        root.reset();
        assertSame(memory, 1);
    }

    @Test
    void readsThroughThePageReachNoDevice() {
        root.bus().add(TestPciDevice.withMemory());
        GuestMemory memory = map();
        long before = machine.counts("pci config mmio").reads();
        for (int i = 0; i < 1000; i++) {
            assertThat(memory.readShort(PciMachine.ECAM + (1 << 15)))
                    .isEqualTo((short) TestPciDevice.VENDOR);
        }
        assertThat(machine.counts("pci config mmio").reads()).isEqualTo(before);
        assertThat(memory.isWritable(PciMachine.ECAM, 4)).as("writes trap").isFalse();
    }

    @Test
    void aFunctionThatDeclinesKeepsItsTrap() {
        root.bus().add(TestPciDevice.withMemory());
        root.bus().add(new TestPciDevice(PciDeviceSpec.Builder::withoutConfigurationMapping));
        root.bus().add(TestPciDevice.withMemory());

        List<MemoryRegion> regions = root.mapConfiguration(PciMachine.ECAM, Arena.ofAuto());

        assertThat(regions)
                .extracting(region -> region.base() - PciMachine.ECAM)
                .containsExactly(0L, 1L << 15, 3L << 15);
        assertThatThrownBy(() -> root.mapConfiguration(PciMachine.ECAM, Arena.ofAuto()))
                .isInstanceOf(PciException.class);
    }

    @Test
    void thePageOfAFunctionThatLeftReadsAsOnes() {
        PciFunction function = root.bus().add(TestPciDevice.withMemory());
        GuestMemory memory = map();
        root.remove(function);
        assertSame(memory, 1);
        assertThat(memory.readInt(PciMachine.ECAM + (1 << 15))).isEqualTo(-1);

        root.bus().add(new TestPciDevice(spec -> spec.memoryBar(0, 8192)), 1, 0);
        assertSame(memory, 1);
    }

    @Test
    void theMultiFunctionBitShowsInThePages() {
        root.bus().add(TestPciDevice.withMemory(), 1, 0);
        GuestMemory memory = map();
        PciFunction second = root.bus().add(TestPciDevice.withMemory(), 1, 1);
        assertThat(memory.readByte(PciMachine.ECAM + (1 << 15) + 0x0e)).isEqualTo((byte) 0x80);
        root.remove(second);
        assertThat(memory.readByte(PciMachine.ECAM + (1 << 15) + 0x0e)).isZero();
    }
}
