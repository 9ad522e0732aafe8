package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.PioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** The windows onto a tree: ports, memory, and the virtual configuration space. */
class PciFrontEndsTest {
    private static final int ADDRESS = 0xcf8;
    private static final int DATA = 0xcfc;

    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;
    private final List<String> resets = new ArrayList<>();
    private final PciConfigIo ports = PciConfigIo.of(root, () -> resets.add("reset"));

    PciFrontEndsTest() {
        machine.io.registerPio(new PioRange(PciConfigIo.BASE, PciConfigIo.PORTS), ports);
    }

    private long address(PciAddress function, int register) {
        return PciMachine.VIRTUAL_CONFIG + (function.toConfigAddress(register, 13) & 0xffff_ffffL);
    }

    /** Row R1: parts of the address register are written. */
    @Test
    void aWordIsWrittenIntoTheAddress() {
        machine.io.pioWrite(ADDRESS, 4, 0x1122_3344);
        machine.io.pioWrite(ADDRESS + 2, 2, 0x55aa);

        assertThat(machine.io.pioRead(ADDRESS, 4)).isEqualTo(0x55aa_3344L);
        assertThat(machine.io.pioRead(ADDRESS + 3, 1)).isEqualTo(0x55L);
        assertThat(machine.io.pioRead(ADDRESS + 3, 2)).isEqualTo(0xffff);
    }

    /** Row R2: without bit 31 the data port leads nowhere. */
    @Test
    void withoutTheEnableBitDataReadsAsOnes() {
        root.bus().add(TestPciDevice.withMemory());
        machine.io.pioWrite(ADDRESS, 4, 0x0000_0800);
        assertThat(machine.io.pioRead(DATA, 4)).isEqualTo(0xffff_ffffL);
        machine.io.pioWrite(ADDRESS, 4, 0x8000_0804L);
        long before = machine.io.pioRead(DATA, 4);
        machine.io.pioWrite(ADDRESS, 4, 0x0000_0804);
        machine.io.pioWrite(DATA, 2, 0);
        machine.io.pioWrite(ADDRESS, 4, 0x8000_0804L);
        assertThat(machine.io.pioRead(DATA, 4)).isEqualTo(before);
    }

    @Test
    void registersAreReachedThroughThePorts() {
        root.bus().add(TestPciDevice.withMemory());
        machine.io.pioWrite(ADDRESS, 4, 0x8000_0800L);
        assertThat(machine.io.pioRead(DATA, 4)).isEqualTo(0x0001_1234L);
        assertThat(machine.io.pioRead(DATA + 2, 2)).isEqualTo(1);
        assertThat(machine.io.pioRead(DATA + 1, 2)).isEqualTo(0x0112);
        machine.io.pioWrite(ADDRESS, 4, 0x8000_0804L);
        machine.io.pioWrite(DATA, 2, 0);
        assertThat(machine.function(0, 1, 0).command()).isZero();
        machine.io.pioWrite(DATA, 1, 2);
        assertThat(machine.function(0, 1, 0).command()).isEqualTo(2);
    }

    /** Row R3: a byte to 0xcf9 resets the machine, and is no address. */
    @Test
    void aByteToTheResetPortResets() {
        machine.io.pioWrite(ADDRESS, 4, 0x1122_3344);
        machine.io.pioWrite(ADDRESS + 1, 1, 0x04);
        machine.io.pioWrite(ADDRESS + 1, 1, 0x02);

        assertThat(resets).containsExactly("reset");
        assertThat(machine.io.pioRead(ADDRESS, 4)).isEqualTo(0x1122_3344);
        ports.reset();
        assertThat(machine.io.pioRead(ADDRESS, 4)).isZero();
    }

    @Test
    void aWindowOfOldLayoutReachesTheSameRegisters() {
        root.bus().add(TestPciDevice.withMemory(), 6, 5);
        PciConfigMmio cam = PciConfigMmio.of(root, 8);
        int offset = PciAddress.of(0, 6, 5).toConfigAddress(0, 8);

        assertThat((int) cam.mmioRead(0, offset, 4)).isEqualTo(0x0001_1234);
        assertThat(cam.mmioRead(0, 1L << 24, 4)).isEqualTo(-1);
        assertThat(PciConfigMmio.bytes(4, 8)).isEqualTo(4 << 16);
        assertThat(PciConfigMmio.bytes(256, 12)).isEqualTo(256L << 20);
    }

    @Test
    void onlyThreeLayoutsExist() {
        for (int bits : new int[] {-1, 0, 7, 9, 11, 14, 32}) {
            assertThatThrownBy(() -> PciConfigMmio.of(root, bits))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("8, 12 or 13");
            assertThatThrownBy(() -> PciVirtualConfigMmio.of(root, bits))
                    .isInstanceOf(IllegalArgumentException.class);
            Snapshot wrong =
                    Snapshot.builder("pci-virtual-config-mmio", 1)
                            .put("register-bits", bits)
                            .build();
            assertThatThrownBy(() -> machine.virtualConfig.restore(wrong))
                    .isInstanceOf(SnapshotException.class);
        }
        assertThatThrownBy(() -> PciConfigMmio.bytes(257, 12))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("257");
    }

    /** Rows V14 and V15: the layout is what a snapshot holds. */
    @Test
    void aSnapshotHoldsTheLayout() {
        Snapshot thirteen = machine.virtualConfig.snapshot();
        Snapshot twelve = PciVirtualConfigMmio.of(root, 12).snapshot();
        assertThat(twelve).isNotEqualTo(thirteen);

        machine.virtualConfig.restore(twelve);
        assertThat(machine.virtualConfig.snapshot()).isEqualTo(twelve);
        machine.virtualConfig.restore(thirteen);
        assertThat(machine.virtualConfig.snapshot()).isEqualTo(thirteen);
    }

    /** Rows V5, V6, V7: present, absent, and the host bridge. */
    @Test
    void aRegisterOfTheTrappedPageIsTheDevices() {
        root.bus().add(TestPciDevice.withMemory());

        assertThat(machine.io.mmioRead(address(PciAddress.of(0, 1, 0), 2), 4))
                .isEqualTo(0xdead_0002L);
        assertThat(machine.io.mmioRead(address(PciAddress.of(0, 2, 0), 2), 4)).isZero();
        assertThat(machine.io.mmioRead(address(PciAddress.of(9, 2, 0), 2), 4)).isZero();
        assertThat(machine.io.mmioRead(address(PciAddress.of(0, 0, 0), 2), 4)).isZero();
    }

    /** Rows V8 and V9: writes go to the device, once, or nowhere. */
    @Test
    void aWriteReachesTheDeviceOnce() {
        TestPciDevice device = TestPciDevice.withMemory();
        root.bus().add(device);
        device.calls.clear();

        machine.io.mmioWrite(address(PciAddress.of(0, 1, 0), 1025), 4, 0x1122_3344);
        machine.io.mmioWrite(address(PciAddress.of(0, 0, 0), 1025), 4, 1);
        machine.io.mmioWrite(address(PciAddress.of(0, 7, 0), 1025), 4, 1);

        assertThat(device.calls).containsExactly("virtual 1025 11223344");
    }

    /** Rows V11 and V13: other shapes read zero, and are dropped. */
    @Test
    void otherShapesDoNotReachTheDevice() {
        TestPciDevice device = TestPciDevice.withMemory();
        root.bus().add(device);
        device.calls.clear();
        long at = address(PciAddress.of(0, 1, 0), 2);

        assertThat(machine.io.mmioRead(at, 1)).isZero();
        assertThat(machine.io.mmioRead(at, 2)).isZero();
        assertThat(machine.io.mmioRead(at, 8)).isZero();
        assertThat(machine.io.mmioRead(at + 2, 4)).isZero();
        machine.io.mmioWrite(at, 1, 1);
        machine.io.mmioWrite(at, 2, 1);
        machine.io.mmioWrite(at, 8, 1);
        machine.io.mmioWrite(at + 1, 4, 1);

        assertThat(device.calls).isEmpty();
        assertThat(machine.virtualConfig.refused()).isEqualTo(8);
    }

    /** Row V17: a register may be a queue. */
    @Test
    void aRegisterMayHaveSideEffects() {
        root.bus()
                .add(
                        new TestPciDevice(spec -> spec) {
                            private final List<Integer> queued = new ArrayList<>(List.of(5, 9));

                            @Override
                            public int readVirtualConfig(int register) {
                                return queued.isEmpty() ? 0 : queued.removeFirst();
                            }
                        });
        long at = address(PciAddress.of(0, 1, 0), 2);

        assertThat(machine.io.mmioRead(at, 4)).isEqualTo(5);
        assertThat(machine.io.mmioRead(at, 4)).isEqualTo(9);
        assertThat(machine.io.mmioRead(at, 4)).isZero();
    }

    /** Row V19: where the space goes. */
    @Test
    void theSpaceGoesBehindMemory() {
        PciVirtualConfigMmio.Region small = PciVirtualConfigMmio.place(256L << 20, 64L << 20);
        assertThat(small.base()).isEqualTo(0x1_0000_0000L);
        assertThat(small.size()).isEqualTo(0x800_0000L);
        assertThat(small.end()).isEqualTo(0x1_0800_0000L);
        assertThat(PciVirtualConfigMmio.place(0x8000_0000L + (16L << 30) + 1, 256L << 20))
                .isEqualTo(new PciVirtualConfigMmio.Region(0x4_8020_0000L, 512L << 20));
    }

    @Test
    void theSharedPageIsMemory() {
        TestPciDevice device = TestPciDevice.withMemory();
        device.page = Arena.ofAuto().allocate(4096, 4096);
        root.bus().add(device, 3, 0);
        TestPciDevice plain = TestPciDevice.withMemory();
        root.bus().add(plain, 4, 0);

        List<MemoryRegion> regions =
                PciVirtualConfigMmio.sharedPages(root, PciMachine.VIRTUAL_CONFIG);
        long page = PciMachine.VIRTUAL_CONFIG + (3 << 16) + 0x1000;
        assertThat(regions).extracting(MemoryRegion::base).containsExactly(page);
        GuestMemory memory = GuestMemory.of(regions);
        memory.writeInt(page + 8, 0x7788);

        assertThat(device.page.get(ValueLayout.JAVA_INT, 8)).isEqualTo(0x7788);
        assertThat(machine.io.mmioRead(page + 8, 4)).as("where it traps").isEqualTo(0x7788);
        machine.io.mmioWrite(page + 12, 4, 0x99);
        assertThat(memory.readInt(page + 12)).isEqualTo(0x99);
        assertThat(machine.io.mmioRead(page + (1 << 16), 4))
                .as("a device without a shared page")
                .isEqualTo(0xdead_0400L);
    }

    @Test
    void aSharedPageOfAnotherSizeIsRefused() {
        TestPciDevice device = TestPciDevice.withMemory();
        device.page = MemorySegment.ofArray(new byte[4096]);
        assertThatThrownBy(() -> root.bus().add(device))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("4096");
        assertThat(root.functions()).hasSize(1);
    }
}
