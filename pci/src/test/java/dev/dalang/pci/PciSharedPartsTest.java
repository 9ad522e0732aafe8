package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.pci.PciBarMemory.Area;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** What a device says that another process may reach by itself. */
final class PciSharedPartsTest {
    private static final int PAGE = 4096;
    private static final MemoryBacking FILE = new MemoryBacking.File(Path.of("bar"), 2 * PAGE);

    /** A page of registers, four of memory, and ports. */
    private static PciDeviceSpec.Builder device() {
        return PciDeviceSpec.builder("device", 1, 2)
                .memoryBar(0, PAGE)
                .memoryBar64(2, 4 * PAGE)
                .ioBar(4, 16);
    }

    private static PciBarMemory memory(int bar, Area... areas) {
        return new PciBarMemory(bar, FILE, List.of(areas));
    }

    private static void refused(PciDeviceSpec.Builder device, PciException.Kind kind) {
        assertThatThrownBy(device::build)
                .isInstanceOfSatisfying(
                        PciException.class, wrong -> assertThat(wrong.kind()).isEqualTo(kind));
    }

    private static void refused(PciBarMemory memory) {
        refused(device().barMemory(memory), PciException.Kind.BAR_RANGE);
    }

    @Test
    void partsOfABarAreMemory() {
        PciBarMemory memory = memory(2, new Area(0, PAGE), new Area(3 * PAGE, PAGE));
        assertThat(device().barMemory(memory).build().barMemory()).containsExactly(memory);
        assertThat(device().build().barMemory()).isEmpty();
    }

    @Test
    void partsAreWholePagesInOrderInsideTheBar() {
        refused(memory(2));
        refused(memory(2, new Area(0, 100)));
        refused(memory(2, new Area(100, PAGE)));
        refused(memory(2, new Area(0, 0)));
        refused(memory(2, new Area(0, -PAGE)));
        refused(memory(2, new Area(-PAGE, PAGE)));
        refused(memory(2, new Area(0, 5 * PAGE)));
        refused(memory(2, new Area(4 * PAGE, PAGE)));
        refused(memory(2, new Area(PAGE, Long.MIN_VALUE)));
        refused(memory(2, new Area(PAGE, PAGE), new Area(0, PAGE)));
        refused(memory(2, new Area(0, 2 * PAGE), new Area(PAGE, PAGE)));
        refused(
                new PciBarMemory(
                        2, new MemoryBacking.Descriptor(3, 100), List.of(new Area(0, PAGE))));
    }

    @Test
    void onlyMemoryBarsHaveSuchPartsAndOnce() {
        Area page = new Area(0, PAGE);
        refused(device().barMemory(memory(4, page)), PciException.Kind.BAR_INDEX);
        refused(device().barMemory(memory(1, page)), PciException.Kind.BAR_INDEX);
        refused(
                device().barMemory(memory(2, page)).barMemory(memory(2, page)),
                PciException.Kind.OVERLAP);
    }

    @Test
    void noPartHoldsAnythingOfMsix() {
        refused(
                device().msix(4, 2, 0x1ff8, 0x3000).barMemory(memory(2, new Area(0x2000, PAGE))),
                PciException.Kind.BAR_RANGE);
        refused(
                device().msix(4, 2, 0, 0x2ff8).barMemory(memory(2, new Area(0x2000, PAGE))),
                PciException.Kind.BAR_RANGE);
        PciBarMemory beside = memory(2, new Area(PAGE, PAGE), new Area(0x3000, PAGE));
        assertThat(device().msix(4, 2, 0, 0x2ff8).barMemory(beside).build().barMemory())
                .containsExactly(beside);
    }

    @Test
    void aDoorbellIsARegisterOfABar() {
        PciDoorbell any = new PciDoorbell(0, 0xffc, 4, OptionalLong.empty());
        PciDoorbell port = new PciDoorbell(4, 15, 1, OptionalLong.of(0xff));
        assertThat(device().doorbell(any).doorbell(port).build().doorbells())
                .containsExactly(any, port);
        refused(
                device().doorbell(new PciDoorbell(0, 0x1000, 4, OptionalLong.empty())),
                PciException.Kind.BAR_RANGE);
        refused(
                device().doorbell(new PciDoorbell(1, 0, 4, OptionalLong.empty())),
                PciException.Kind.BAR_RANGE);
        refused(
                device().rom(2048).doorbell(new PciDoorbell(6, 0, 4, OptionalLong.empty())),
                PciException.Kind.BAR_RANGE);
        refused(device().doorbell(any).doorbell(any), PciException.Kind.OVERLAP);
        refused(
                device().msix(4, 0, 0x800, 0xc00)
                        .doorbell(new PciDoorbell(0, 0x838, 8, OptionalLong.empty())),
                PciException.Kind.BAR_RANGE);
    }

    @Test
    void aDoorbellThatNoneCanBeIsRefusedAtOnce() {
        for (int size : new int[] {0, 3, 16, -4}) {
            assertThatThrownBy(() -> new PciDoorbell(0, 0, size, OptionalLong.empty()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> new PciDoorbell(0, 2, 4, OptionalLong.empty()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PciDoorbell(0, -4, 4, OptionalLong.empty()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PciDoorbell(0, 0, 1, OptionalLong.of(0x100)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(new PciDoorbell(0, 0, 8, OptionalLong.of(-1)).value()).hasValue(-1);
    }
}
