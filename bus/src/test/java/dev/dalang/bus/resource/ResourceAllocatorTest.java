package dev.dalang.bus.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.resource.AllocationException.Kind;
import dev.dalang.bus.resource.Resource.MsiIrq;
import dev.dalang.bus.resource.Resource.MsiIrqType;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.List;

class ResourceAllocatorTest {
    private static final long LOW = 0x4000_0000L;
    private static final long HIGH = 0x4_0000_0000L;

    private final ResourceAllocator machine =
            ResourceAllocator.builder()
                    .memory(LOW, 0x10000)
                    .memory(HIGH, 0x100000)
                    .ports(0x1000, 0x100)
                    .interruptLines(1, 3)
                    .messages(0, 64)
                    .memorySlots(0, 8)
                    .build();

    private static void fails(Kind kind, ThrowingCallable call, String... parts) {
        assertThatExceptionOfType(AllocationException.class)
                .isThrownBy(call)
                .returns(kind, AllocationException::kind)
                .extracting(Throwable::getMessage)
                .satisfies(message -> assertThat(parts).allMatch(part -> message.contains(part)));
    }

    private MmioRange memory(ResourceConstraint constraint) {
        return machine.allocate(List.of(constraint)).mmioRanges().getFirst();
    }

    @Test
    void aDeviceGetsAllThatItAsksFor() {
        DeviceResources got =
                machine.allocate(
                        List.of(
                                ResourceConstraint.pio(4),
                                ResourceConstraint.mmio(0x10),
                                ResourceConstraint.legacyIrq(),
                                new ResourceConstraint.PciMsiIrq(4),
                                new ResourceConstraint.PciMsixIrq(5),
                                new ResourceConstraint.GenericIrq(6),
                                ResourceConstraint.memorySlots(2)));
        assertThat(got.pioRanges()).containsExactly(new PioRange(0x1000, 4));
        assertThat(got.mmioRanges()).containsExactly(new MmioRange(LOW, 0x10));
        assertThat(got.legacyIrq()).hasValue(1);
        assertThat(got.msi(MsiIrqType.PCI_MSI)).contains(new MsiIrq(MsiIrqType.PCI_MSI, 0, 4));
        assertThat(got.msi(MsiIrqType.PCI_MSIX)).contains(new MsiIrq(MsiIrqType.PCI_MSIX, 4, 5));
        assertThat(got.msi(MsiIrqType.GENERIC_MSI))
                .contains(new MsiIrq(MsiIrqType.GENERIC_MSI, 9, 6));
        assertThat(got.memorySlots()).containsExactly(0L, 1L);
        // Messages of the MSI capability are aligned to their number.
        assertThat(machine.allocate(List.of(new ResourceConstraint.PciMsiIrq(8))).all())
                .containsExactly(new MsiIrq(MsiIrqType.PCI_MSI, 16, 8));
    }

    @Test
    void memoryIsPlacedAsAsked() {
        assertThat(memory(ResourceConstraint.mmio(0x10)).base()).isEqualTo(LOW);
        assertThat(memory(ResourceConstraint.mmio(0x10)).base()).isEqualTo(LOW + 0x1000);
        assertThat(memory(ResourceConstraint.mmio(0x1000).topDown()).base())
                .isEqualTo(HIGH + 0xff000);
        assertThat(memory(ResourceConstraint.mmio(0x1000).topDown().below4GiB()).base())
                .isEqualTo(LOW + 0xf000);
        assertThat(memory(ResourceConstraint.mmioAt(LOW + 0x8010, 0x10)).base())
                .isEqualTo(LOW + 0x8010);
        assertThat(memory(ResourceConstraint.mmio(0x10, HIGH, -1, 0x10000)).base()).isEqualTo(HIGH);
        // What does not fit into the first window goes into the next.
        assertThat(memory(ResourceConstraint.mmio(0x10000)).base()).isEqualTo(HIGH + 0x1000);
        fails(
                Kind.EXHAUSTED,
                () -> memory(ResourceConstraint.mmio(0x10000).below4GiB()),
                "65536",
                "memory window 0x40000000");
        fails(
                Kind.EXHAUSTED,
                () -> memory(ResourceConstraint.mmioAt(0x1000, 0x10)),
                "0x1000..0x100f");
        fails(Kind.EXHAUSTED, () -> memory(ResourceConstraint.mmioAt(LOW + 0x8000, 0x11)));
    }

    @Test
    void aFailureGivesBackWhatWasGranted() {
        fails(
                Kind.EXHAUSTED,
                () ->
                        machine.allocate(
                                List.of(
                                        ResourceConstraint.pio(0x100),
                                        ResourceConstraint.mmio(0x10000),
                                        ResourceConstraint.legacyIrq(2),
                                        new ResourceConstraint.PciMsixIrq(64),
                                        ResourceConstraint.memorySlots(4, 6))),
                "memory slots",
                "1 at 0x8");
        DeviceResources all =
                machine.allocate(
                        List.of(
                                ResourceConstraint.pio(0x100),
                                ResourceConstraint.mmio(0x10000).below4GiB(),
                                ResourceConstraint.mmio(0x100000),
                                ResourceConstraint.legacyIrq(1),
                                ResourceConstraint.legacyIrq(2),
                                ResourceConstraint.legacyIrq(3),
                                new ResourceConstraint.PciMsixIrq(64),
                                ResourceConstraint.memorySlots(8)));
        fails(Kind.EXHAUSTED, () -> machine.allocate(List.of(ResourceConstraint.pio(1))));
        fails(Kind.EXHAUSTED, () -> machine.allocate(List.of(ResourceConstraint.legacyIrq())));
        fails(
                Kind.EXHAUSTED,
                () -> machine.allocate(List.of(new ResourceConstraint.GenericIrq(1))),
                "0 free");
        machine.free(all);
        assertThat(machine.allocate(List.of(ResourceConstraint.pio(0x100))).ranges())
                .containsExactly(new PioRange(0x1000, 0x100));
    }

    @Test
    void freeingIsAllOrNothing() {
        DeviceResources got =
                machine.allocate(
                        List.of(
                                ResourceConstraint.pio(4),
                                ResourceConstraint.mmio(0x10),
                                ResourceConstraint.legacyIrq(),
                                new ResourceConstraint.PciMsixIrq(5),
                                ResourceConstraint.memorySlots(1)));
        DeviceResources more =
                got.append(new Resource.MacAddress("00:00:00:00:00:00"))
                        .append(Resource.mmio(HIGH, 1));
        fails(Kind.NEVER_ALLOCATED, () -> machine.free(more));
        fails(Kind.NEVER_ALLOCATED, () -> machine.free(got.append(Resource.mmio(0x10, 1))));
        // Everything is still given out.
        machine.free(got.append(new Resource.MacAddress("00:00:00:00:00:00")));
        fails(Kind.NEVER_ALLOCATED, () -> machine.free(got));
    }

    @Test
    void whatAMachineLacksIsNamed() {
        ResourceAllocator nothing = ResourceAllocator.builder().build();
        List<ResourceConstraint> each =
                List.of(
                        ResourceConstraint.pio(1),
                        ResourceConstraint.mmio(1),
                        ResourceConstraint.legacyIrq(),
                        new ResourceConstraint.PciMsiIrq(1),
                        ResourceConstraint.memorySlots(1));
        for (ResourceConstraint constraint : each) {
            fails(Kind.UNSUPPORTED, () -> nothing.allocate(List.of(constraint)));
        }
    }

    @Test
    void windowsMustNotOverlap() {
        ResourceAllocator.Builder builder = ResourceAllocator.builder().memory(0x1000, 0x1000);
        fails(Kind.INVALID_RANGE, () -> builder.memory(0x1fff, 1), "0x1000", "0x1fff");
        fails(Kind.INVALID_SIZE, () -> builder.messages(0, 0x1_0000_0001L));
        fails(Kind.INVALID_SIZE, () -> builder.memorySlots(0, 0));
        fails(Kind.INVALID_RANGE, () -> builder.memory(0, 0));
    }

    @Test
    void whatIsGrantedIsWhatTheBusRegisters() {
        IoManager io = IoManager.create();
        DeviceMmio device =
                new DeviceMmio() {
                    @Override
                    public String label() {
                        return "dev0";
                    }

                    @Override
                    public String typeId() {
                        return "dev";
                    }

                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        return base + offset;
                    }

                    @Override
                    public void mmioWrite(long base, long offset, int size, long value) {}
                };
        DeviceResources got =
                machine.allocate(
                        List.of(
                                ResourceConstraint.mmio(0x10),
                                ResourceConstraint.mmio(0x20).topDown()));
        io.registerMmioResources(device, got.ranges());
        assertThat(io.mmioRead(HIGH + 0xff008, 8)).isEqualTo(HIGH + 0xff008);
        assertThat(io.deregisterResources(device, got.ranges()).mmio()).hasSize(2);
    }
}
