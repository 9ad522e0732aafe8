package dev.dalang.bus.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.dalang.bus.BusException;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.resource.AllocationException.Kind;
import dev.dalang.bus.resource.Resource.MsiIrq;
import dev.dalang.bus.resource.Resource.MsiIrqType;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.OptionalLong;

/** The resource fixtures of the seed, and the checks that it lacks. */
class DeviceResourcesTest {
    private static final MsiIrq MSI = new MsiIrq(MsiIrqType.PCI_MSI, 0x6666, 0x8888);
    private static final MsiIrq MSIX = new MsiIrq(MsiIrqType.PCI_MSIX, 0x8888, 0x16666);
    private static final MsiIrq GENERIC = new MsiIrq(MsiIrqType.GENERIC_MSI, 0x16688, 0x16888);

    private final DeviceResources resources =
            DeviceResources.NONE
                    .append(Resource.pio(0, 5))
                    .append(Resource.mmio(0x12345678L, 0x87654321L))
                    .append(new Resource.LegacyIrq(0x168))
                    .append(MSI)
                    .append(MSIX)
                    .append(GENERIC)
                    .append(new Resource.MacAddress("00:08:63:66:86:88"))
                    .append(new Resource.MemorySlot(0x100));

    private static void fails(Kind kind, ThrowingCallable call) {
        assertThatExceptionOfType(AllocationException.class)
                .isThrownBy(call)
                .returns(kind, AllocationException::kind);
    }

    @Test
    void everyResourceIsFound() {
        assertThat(resources.all()).hasSize(8);
        assertThat(resources.pioRanges()).containsExactly(new PioRange(0, 5));
        assertThat(resources.mmioRanges()).containsExactly(new MmioRange(0x12345678L, 0x87654321L));
        assertThat(resources.legacyIrq()).hasValue(0x168);
        assertThat(resources.msi(MsiIrqType.PCI_MSI)).contains(MSI);
        assertThat(resources.msi(MsiIrqType.PCI_MSIX)).contains(MSIX);
        assertThat(resources.msi(MsiIrqType.GENERIC_MSI)).contains(GENERIC);
        assertThat(resources.macAddress()).contains("00:08:63:66:86:88");
        assertThat(resources.memorySlots()).containsExactly(0x100L);
        assertThat(resources.ranges())
                .containsExactly(new PioRange(0, 5), new MmioRange(0x12345678L, 0x87654321L));
    }

    @Test
    void rangesAndSlotsComeAllAndInOrderTheRestComesFirst() {
        DeviceResources twice =
                resources
                        .append(Resource.pio(8, 1))
                        .append(Resource.mmio(0, 1))
                        .append(new Resource.LegacyIrq(1))
                        .append(new MsiIrq(MsiIrqType.PCI_MSI, 1, 1))
                        .append(new Resource.MacAddress("FF:FF:FF:FF:FF:FF"))
                        .append(new Resource.MemorySlot(0x100));
        assertThat(twice.pioRanges()).containsExactly(new PioRange(0, 5), new PioRange(8, 1));
        assertThat(twice.mmioRanges()).hasSize(2);
        assertThat(twice.memorySlots()).containsExactly(0x100L, 0x100L);
        assertThat(twice.legacyIrq()).hasValue(0x168);
        assertThat(twice.msi(MsiIrqType.PCI_MSI)).contains(MSI);
        assertThat(twice.macAddress()).contains("00:08:63:66:86:88");
        assertThat(resources.all()).hasSize(8);
    }

    @Test
    void aDeviceThatGotNothingHasNothing() {
        assertThat(DeviceResources.NONE.ranges()).isEmpty();
        assertThat(DeviceResources.NONE.legacyIrq()).isEmpty();
        assertThat(DeviceResources.NONE.msi(MsiIrqType.PCI_MSI)).isEmpty();
        assertThat(DeviceResources.NONE.macAddress()).isEmpty();
    }

    @Test
    void grantsAreChecked() {
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> Resource.pio(0, 0));
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> Resource.mmio(-1, 2));
        fails(Kind.OUT_OF_RANGE, () -> new Resource.LegacyIrq(-1));
        fails(Kind.OUT_OF_RANGE, () -> new Resource.LegacyIrq(0x1_0000_0000L));
        fails(Kind.OUT_OF_RANGE, () -> new Resource.MemorySlot(-1));
        fails(Kind.INVALID_SIZE, () -> new MsiIrq(MsiIrqType.PCI_MSI, 0, 0));
        fails(Kind.INVALID_SIZE, () -> new MsiIrq(MsiIrqType.PCI_MSI, 0xffff_ffffL, 2));
        fails(Kind.OUT_OF_RANGE, () -> new MsiIrq(MsiIrqType.PCI_MSI, -1, 2));
        for (String mac : new String[] {"", "00:08:63:66:86", "00:08:63:66:86:8g", "0:8:6:6:8:8"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Resource.MacAddress(mac))
                    .withMessageContaining("52:54:00:12:34:56");
        }
    }

    @Test
    void requestsHaveTheSeedsDefaults() {
        ResourceConstraint.PioAddress pio = ResourceConstraint.pio(8);
        assertThat(pio.alignment()).isEqualTo(1);
        assertThat(pio.size()).isEqualTo(8);
        assertThat(pio.min()).isZero();
        assertThat(pio.max()).isEqualTo(0xffff);
        ResourceConstraint.MmioAddress mmio = ResourceConstraint.mmio(8);
        assertThat(mmio.alignment()).isEqualTo(0x1000);
        assertThat(mmio.size()).isEqualTo(8);
        assertThat(mmio.min()).isZero();
        assertThat(mmio.max()).isEqualTo(-1L);
        assertThat(ResourceConstraint.pio(8, 15, 40, 4))
                .isEqualTo(new ResourceConstraint.PioAddress(15, 40, 4, 8, Placement.LOWEST));
        assertThat(ResourceConstraint.mmio(8, 15, 40, 4))
                .isEqualTo(new ResourceConstraint.MmioAddress(15, 40, 4, 8, Placement.LOWEST));
        assertThat(ResourceConstraint.legacyIrq().line()).isEmpty();
        assertThat(ResourceConstraint.legacyIrq(5).line()).hasValue(5);
        assertThat(ResourceConstraint.memorySlots(3))
                .isEqualTo(new ResourceConstraint.MemorySlot(OptionalLong.empty(), 3));
        assertThat(ResourceConstraint.memorySlots(3, 7).slot()).hasValue(7);
        assertThat(ResourceConstraint.mmioAt(0x1000, 0x10))
                .isEqualTo(
                        new ResourceConstraint.MmioAddress(
                                0x1000, 0x100f, 1, 0x10, Placement.LOWEST));
        assertThat(mmio.topDown().placement()).isEqualTo(Placement.HIGHEST);
        assertThat(mmio.below4GiB().max()).isEqualTo(0xffff_ffffL);
        assertThat(ResourceConstraint.mmio(8, 15, 40, 4).below4GiB().max()).isEqualTo(40);
    }

    @Test
    void requestsThatCannotBeMetCannotBeBuilt() {
        fails(Kind.INVALID_SIZE, () -> ResourceConstraint.pio(0));
        fails(Kind.INVALID_SIZE, () -> ResourceConstraint.mmio(0));
        fails(Kind.INVALID_SIZE, () -> ResourceConstraint.mmioAt(0x1000, 0));
        fails(Kind.INVALID_ALIGNMENT, () -> ResourceConstraint.pio(1, 0, 10, 3));
        fails(Kind.INVALID_ALIGNMENT, () -> ResourceConstraint.mmio(1, 0, 10, 0));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.pio(1, 10, 9, 1));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.mmio(1, -1, 0, 1));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.mmio(11, 0, 9, 1));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.pio(1, 0, 0x1_0000, 1));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.pio(0x1_0001));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.mmioAt(-1, 2));
        fails(Kind.INVALID_RANGE, () -> ResourceConstraint.mmio(8, 1L << 32, -1, 1).below4GiB());
        fails(Kind.OUT_OF_RANGE, () -> ResourceConstraint.legacyIrq(-1));
        fails(Kind.OUT_OF_RANGE, () -> ResourceConstraint.memorySlots(1, -1));
        fails(Kind.INVALID_SIZE, () -> ResourceConstraint.memorySlots(0));
        fails(Kind.INVALID_SIZE, () -> new ResourceConstraint.PciMsiIrq(0));
        fails(Kind.INVALID_SIZE, () -> new ResourceConstraint.PciMsiIrq(3));
        fails(Kind.INVALID_SIZE, () -> new ResourceConstraint.PciMsiIrq(64));
        fails(Kind.INVALID_SIZE, () -> new ResourceConstraint.PciMsixIrq(2049));
        fails(Kind.INVALID_SIZE, () -> new ResourceConstraint.GenericIrq(0));
    }
}
