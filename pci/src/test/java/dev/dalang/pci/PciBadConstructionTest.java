package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.interrupt.InterruptLine;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.function.UnaryOperator;

/** What cannot be is told at once, with the device and the numbers; nothing is left behind. */
class PciBadConstructionTest {
    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;

    @AfterEach
    void nothingIsLeftBehind() {
        assertThat(root.functions()).hasSize(1);
        assertThat(root.bus().add(TestPciDevice.withMemory()).bar(0))
                .map(BarRange::base)
                .contains(PciMachine.MEMORY32.base());
    }

    private void assertRefused(
            UnaryOperator<PciDeviceSpec.Builder> spec, PciException.Kind kind, String... words) {
        assertThatThrownBy(() -> root.bus().add(new TestPciDevice(spec)))
                .isInstanceOfSatisfying(
                        PciException.class, wrong -> assertThat(wrong.kind()).isEqualTo(kind))
                .hasMessageContaining("test")
                .message()
                .contains(words);
    }

    /** Row C2: sizes. */
    @Test
    void oddSizes() {
        assertRefused(spec -> spec.memoryBar(0, 3000), PciException.Kind.BAR_SIZE, "BAR 0", "bb8");
        assertRefused(spec -> spec.memoryBar(0, 0), PciException.Kind.BAR_SIZE, "BAR 0");
        assertRefused(spec -> spec.memoryBar(1, 8), PciException.Kind.BAR_SIZE, "BAR 1", "16");
        assertRefused(spec -> spec.ioBar(2, 2), PciException.Kind.BAR_SIZE, "BAR 2", "4");
        assertRefused(spec -> spec.rom(1024), PciException.Kind.BAR_SIZE, "ROM", "2048");
        assertRefused(spec -> spec.memoryBar(0, -4096), PciException.Kind.BAR_SIZE, "BAR 0");
    }

    @Test
    void registersThatAreTaken() {
        assertRefused(
                spec -> spec.memoryBar(0, 4096).memoryBar(0, 4096),
                PciException.Kind.BAR_IN_USE,
                "BAR 0");
        assertRefused(
                spec -> spec.memoryBar64(0, 4096).memoryBar(1, 4096),
                PciException.Kind.BAR_IN_USE,
                "BAR 1");
        assertRefused(spec -> spec.memoryBar(7, 4096), PciException.Kind.BAR_INDEX, "7");
        assertRefused(spec -> spec.memoryBar64(5, 4096), PciException.Kind.BAR_INDEX, "BAR 5");
    }

    @Test
    void windowsThatAreExceeded() {
        assertRefused(
                spec -> spec.memoryBar(0, 1L << 31),
                PciException.Kind.BAR_RANGE,
                "00:01.0",
                "BAR 0",
                "2147483648");
        assertRefused(spec -> spec.memoryBar64(0, 1L << 40), PciException.Kind.BAR_RANGE, "BAR 0");
        assertRefused(
                spec -> spec.memoryBar(0, 4096).ioBar(1, 1 << 16),
                PciException.Kind.BAR_RANGE,
                "BAR 1",
                "65536");
        PciRoot bare =
                PciRoot.builder(machine.io, machine.memory, machine.clock)
                        .memory32(new MmioRange(0x1000_0000L, 1 << 20))
                        .build();
        assertThatThrownBy(() -> bare.bus().add(new TestPciDevice(spec -> spec.ioBar(0, 16))))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("no I/O window");
    }

    @Test
    void capabilitiesThatDoNotFit() {
        assertRefused(
                spec -> {
                    for (int i = 0; i < 5; i++) {
                        spec.capability(VendorCapability.of(new byte[56]));
                    }
                    return spec;
                },
                PciException.Kind.CAPABILITY,
                "test");
    }

    @Test
    void placesThatAreTakenOrDoNotExist() {
        PciFunction there = root.bus().add(TestPciDevice.withMemory(), 3, 2);
        assertThatThrownBy(() -> root.bus().add(TestPciDevice.withMemory(), 3, 2))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("0000:00:03.2")
                .hasMessageContaining("taken");
        assertThatThrownBy(() -> root.bus().add(TestPciDevice.withMemory(), 32, 0))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("32");
        assertThatThrownBy(() -> root.bus().add(TestPciDevice.withMemory(), 1, 8))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("8");
        assertThatThrownBy(() -> root.bus().add(TestPciDevice.withMemory(), -1, 0))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("-1");
        root.remove(there);
    }

    @Test
    void aBusThatIsFull() {
        PciMachine full = new PciMachine();
        for (int device = 1; device < 32; device++) {
            full.root.bus().add(TestPciDevice.withMemory());
        }
        assertThatThrownBy(() -> full.root.bus().add(TestPciDevice.withMemory()))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("32")
                .hasMessageContaining("taken");
    }

    @Test
    void specificationsThatCannotBe() {
        assertThatThrownBy(() -> PciDeviceSpec.builder("No Name", 1, 1))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("No Name");
        assertThatThrownBy(() -> PciDeviceSpec.builder("a", 0xffff, 1))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("0xffff");
        assertThatThrownBy(() -> PciDeviceSpec.builder("a", 1, 0x1_0000))
                .isInstanceOf(PciException.class);
        PciDeviceSpec.Builder builder = PciDeviceSpec.builder("a", 1, 1);
        for (int vectors : new int[] {0, 3, 64, -1}) {
            assertThatThrownBy(() -> builder.msi(vectors)).isInstanceOf(PciException.class);
        }
        for (int vectors : new int[] {0, 2049, -1}) {
            assertThatThrownBy(() -> builder.msix(vectors))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("0x800");
        }
        assertThatThrownBy(() -> builder.classCode(1 << 24)).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> builder.revision(256)).isInstanceOf(PciException.class);
    }

    @Test
    void tablesOfMsixThatDoNotFit() {
        assertThatThrownBy(() -> spec().msix(2, 0, 0, 0x100).build())
                .hasMessageContaining("memory BAR");
        assertThatThrownBy(() -> spec().memoryBar(0, 4096).msix(2, 0, 0, 16).build())
                .hasMessageContaining("overlap");
        assertThatThrownBy(() -> spec().memoryBar(0, 4096).msix(2, 0, 4, 0x100).build())
                .hasMessageContaining("multiple of 8");
        assertThatThrownBy(() -> spec().memoryBar(0, 4096).msix(512, 0, 0, 0x2000).build())
                .hasMessageContaining("0x2000");
        assertThatThrownBy(() -> spec().ioBar(0, 256).msix(1, 0, 0, 0x80).build())
                .hasMessageContaining("memory BAR");
        PciDeviceSpec.Builder noBarLeft =
                spec().memoryBar64(0, 4096).memoryBar64(2, 4096).memoryBar64(4, 4096).msix(1);
        assertThatThrownBy(noBarLeft::build).hasMessageContaining("no BAR is left");
        assertThat(spec().msix(2048).build().bars())
                .singleElement()
                .satisfies(bar -> assertThat(bar.size()).isEqualTo(65536));
    }

    private static PciDeviceSpec.Builder spec() {
        return PciDeviceSpec.builder("test", 1, 1);
    }

    @Test
    void treesThatCannotBe() {
        PciRoot.Builder builder = PciRoot.builder(machine.io, machine.memory, machine.clock);
        assertThatThrownBy(() -> builder.buses(257))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("257");
        assertThatThrownBy(() -> builder.buses(0)).isInstanceOf(PciException.class);
        InterruptLine wire = machine.wires.getFirst();
        assertThatThrownBy(() -> builder.wires(List.of(wire)))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("4");
        assertThat(builder.ports(new PioRange(0x2000, 16)).build().apertures()).hasSize(1);
    }

    @Test
    void aDeviceThatCannotBeAttachedIsNotAdded() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2)) {
                    @Override
                    public void attach(PciHost given) {
                        throw new IllegalStateException("no");
                    }
                };
        assertThatThrownBy(() -> root.bus().add(device)).hasMessage("no");
        assertThat(device.calls).containsExactly("detach");
    }
}
