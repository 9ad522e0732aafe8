package dev.dalang.virtio;

import static dev.dalang.testkit.virtio.VirtioTransportDriver.NEEDS_RESET;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.SUSPEND;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_NOTIFICATION_DATA;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_PACKED;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_SUSPEND;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.MmioRange;
import dev.dalang.pci.PciBar;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.SplitDriverQueue;
import dev.dalang.testkit.virtio.VirtioMmioDriver;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A device behind virtio-mmio. */
final class VirtioMmioDeviceTest {
    private final VirtioMachine machine = new VirtioMachine();
    private final TestVirtioDevice device = new TestVirtioDevice(256, 64);

    private VirtioMmioDevice transport;

    private VirtioMmioDriver plug(long features) {
        transport = machine.slot(device).features(features).build();
        return machine.mmio(transport);
    }

    private VirtioMmioDriver plug() {
        return plug(VirtioFeatures.STANDARD);
    }

    @Test
    void theDeviceIsIdentified() {
        VirtioMmioDriver driver = plug();
        assertThat(driver.deviceId()).isEqualTo(4);
        assertThat(driver.vendorId()).isEqualTo(0x474e_4c44);
        assertThat(driver.deviceFeatures())
                .isEqualTo(VirtioFeatures.STANDARD & ~VirtioFeatures.VIRTIO_F_RING_RESET);
        assertThat(List.of(0, 1, 2).stream().map(driver::maxQueueSize)).containsExactly(256, 64, 0);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, VIRTIO_F_RING_PACKED})
    void aBufferIsFilledAndTheWireRaisedUntilItIsAcknowledged(long layout) {
        VirtioMmioDriver driver = plug(VirtioFeatures.STANDARD | layout);
        DriverQueue queue = machine.start(driver, layout);
        queue.add(machine.heap.writable(16));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(machine.slotWire.isRaised()).isTrue();
        assertThat(driver.read(0x60)).isEqualTo(1);
        assertThat(driver.read(0x60)).as("reading clears nothing").isEqualTo(1);
        driver.write(0x64, 2);
        assertThat(machine.slotWire.isRaised()).isTrue();
        assertThat(driver.acknowledgeInterrupts()).isEqualTo(1);
        assertThat(machine.slotWire.isRaised()).isFalse();
    }

    @Test
    void registersTakeFourBytesAndTheConfigurationAny() {
        System.arraycopy(new byte[] {1, 2, 3, 4, 5, 6}, 0, device.config, 0, 6);
        VirtioMmioDriver driver = plug();
        driver.write(0x70, 1);
        for (int size : new int[] {1, 2, 8}) {
            assertThat(driver.read(0, size)).isZero();
            assertThat(driver.read(0x70, size)).isZero();
            driver.write(0x70, size, 3);
        }
        assertThat(driver.read(2, 4)).as("not aligned").isZero();
        assertThat(driver.status()).isEqualTo(1);
        assertThat(driver.readConfig(0, 8)).isEqualTo(0x0605_0403_0201L);
        assertThat(driver.readConfig(1, 2)).isEqualTo(0x0302);
        assertThat(driver.readConfig(5, 4)).isEqualTo(6);
        driver.writeConfig(4, 1, 9);
        assertThat(device.config[4]).isEqualTo((byte) 9);
        assertThat(driver.read(0x20)).as("written only").isZero();
    }

    @Test
    void aQueueThatIsNotInMemoryUndoesTheActivation() {
        VirtioMmioDriver driver = plug();
        driver.negotiate(0);
        driver.placeQueue(0, 8, 0x1000, 0x2000, 0x3000);
        driver.enableQueue(0, true);
        driver.ready();
        assertThat(driver.status() & NEEDS_RESET).isNotZero();
        assertThat(driver.acknowledgeInterrupts()).isEqualTo(2);
        assertThat(machine.start(driver, 0)).isInstanceOf(SplitDriverQueue.class);
        assertThat(transport.state()).isEqualTo(VirtioState.ACTIVE);
    }

    @Test
    void aNotificationNamesItsQueue() {
        VirtioMmioDriver driver = plug(VirtioFeatures.STANDARD | VIRTIO_F_NOTIFICATION_DATA);
        DriverQueue queue = machine.start(driver, VIRTIO_F_NOTIFICATION_DATA);
        queue.add(machine.heap.writable(4));
        driver.write(0x50, 1 << 16 | 9);
        driver.write(0x50, -1);
        assertThat(queue.poll()).isFalse();
        driver.write(0x50, 1 << 16);
        assertThat(queue.poll()).isTrue();
    }

    @Test
    void aSuspendedDeviceHoldsItsInterruptsBack() {
        VirtioMmioDriver driver = plug();
        machine.start(driver, VIRTIO_F_SUSPEND);
        int ready = driver.status();
        driver.setStatus(ready | SUSPEND);
        device.active.interrupt().queue(0);
        assertThat(driver.read(0x60)).isZero();
        driver.setStatus(ready);
        assertThat(driver.read(0x60)).isEqualTo(1);
        assertThat(machine.slotWire.isRaised()).isTrue();
    }

    @Test
    void aResetLowersTheWire() {
        VirtioMmioDriver driver = plug();
        machine.start(driver, 0);
        device.host.configChanged();
        assertThat(machine.slotWire.isRaised()).isTrue();
        driver.reset();
        assertThat(machine.slotWire.isRaised()).isFalse();
        assertThat(driver.configGeneration()).isEqualTo(1);
    }

    @Test
    void anEmptySlotHasTheDeviceZero() {
        machine.io.registerMmio(
                new MmioRange(VirtioMachine.SLOT, 0x1000), new VirtioMmioSlot("slot"));
        VirtioMmioDriver driver = new VirtioMmioDriver(machine.io, VirtioMachine.SLOT);
        assertThat(driver.deviceId()).isZero();
        driver.setStatus(1);
        assertThat(driver.status()).isZero();
    }

    /** A device with shared memory. */
    private static class Sharing extends TestVirtioDevice implements VirtioSharedMemory {
        final List<String> asked = new ArrayList<>();
        SharedMemoryMapper mapper;
        Optional<MmioRange> range = Optional.empty();

        Sharing() {
            super(8);
        }

        @Override
        public SharedMemoryRegion sharedMemoryRegion() {
            return new SharedMemoryRegion(3, 0x3000);
        }

        @Override
        public void setSharedMemoryMapper(SharedMemoryMapper given) {
            asked.add("mapper");
            mapper = given;
        }

        @Override
        public SharedMemoryPrepareType sharedMemoryPrepareType() {
            asked.add("prepare");
            return SharedMemoryPrepareType.SINGLE_MAPPING_ON_FIRST;
        }

        @Override
        public boolean exposesDescriptorsWithViommu() {
            asked.add("viommu");
            return false;
        }

        @Override
        public void setSharedMemoryRegion(Optional<MmioRange> given) {
            range = given;
        }
    }

    @Test
    void sharedMemoryIsWhereTheRegistersSay() {
        Sharing sharing = new Sharing();
        MmioRange place = new MmioRange(VirtioMachine.SHARED, 0x4000);
        VirtioMmioDriver driver = machine.mmio(machine.slot(sharing).sharedMemory(place).build());
        assertThat(driver.sharedMemoryLength(3)).isEqualTo(0x3000);
        assertThat(driver.sharedMemoryBase(3)).isEqualTo(VirtioMachine.SHARED);
        assertThat(driver.sharedMemoryLength(0)).isEqualTo(-1);
        assertThat(driver.sharedMemoryBase(0)).isEqualTo(-1);
        MemorySegment memory = Arena.ofAuto().allocate(4096, 8);
        sharing.mapper.addMapping(0x1000, memory, true);
        machine.io.mmioWrite(VirtioMachine.SHARED + 0x1008, 8, 0x1122_3344_5566_7788L);
        assertThat(memory.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(machine.io.mmioRead(VirtioMachine.SHARED + 0x100a, 2)).isEqualTo(0x5566);
        assertThat(machine.io.mmioRead(VirtioMachine.SHARED, 4)).isEqualTo(0xffff_ffffL);
        machine.start(driver, 0);
        assertThat(sharing.range).contains(place);
    }

    /** Row T41. */
    @Test
    void sharedMemoryOverPciIsBarTwo() {
        Sharing sharing = new Sharing();
        var driver = machine.pci(sharing);
        var structure = driver.find(8).orElseThrow();
        assertThat(structure.bytes()).isEqualTo(24);
        assertThat(structure.bar()).isEqualTo(2);
        assertThat(structure.id()).isEqualTo(3);
        assertThat(structure.length()).isEqualTo(0x3000);
        var bar = driver.function().bar(2);
        assertThat(bar.size()).isEqualTo(0x4000);
        assertThat(bar.is64() && bar.isPrefetchable()).isTrue();
        assertThat(sharing.mapper).isNotNull();
        bar.assign(0x4_8000_0000L);
        machine.start(driver, 0);
        assertThat(sharing.range).contains(new MmioRange(0x4_8000_0000L, 0x4000));
        bar.assign(0x4_9000_0000L);
        assertThat(sharing.range).as("it moved").contains(new MmioRange(0x4_9000_0000L, 0x4000));
        assertThat(sharing.asked).containsExactly("viommu", "prepare", "mapper");
        MemorySegment memory = Arena.ofAuto().allocate(4096, 8);
        sharing.mapper.addMapping(0x2000, memory, false);
        memory.set(ValueLayout.JAVA_INT, 0, 77);
        bar.write(0x2000, 4, 1);
        assertThat(bar.read(0x2000, 4)).isEqualTo(77);
        assertThatThrownBy(() -> sharing.mapper.addMapping(0x2800, memory, true))
                .isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> sharing.mapper.addMapping(0x2001, memory, true))
                .isInstanceOf(VirtioException.class);
        sharing.mapper.removeMapping(0x2000);
        assertThat(bar.read(0x2000, 4)).isEqualTo(0xffff_ffffL);
        assertThatThrownBy(() -> sharing.mapper.removeMapping(0x2000))
                .isInstanceOf(VirtioException.class);
    }

    @Test
    void whatTheTransportLacksIsRefused() {
        class OwnBars extends TestVirtioDevice implements VirtioPciBars {
            OwnBars() {
                super(8);
            }

            @Override
            public List<PciBar> bars() {
                return List.of(PciBar.memory32(2, 4096));
            }

            @Override
            public long readBar(int bar, long offset, int size) {
                return bar;
            }

            @Override
            public void writeBar(int bar, long offset, int size, long value) {}
        }
        assertThatThrownBy(() -> machine.slot(new OwnBars()).build())
                .isInstanceOf(VirtioException.class)
                .hasMessageContaining("BARs");
        assertThatThrownBy(() -> machine.slot(new Sharing()).build())
                .isInstanceOf(VirtioException.class)
                .hasMessageContaining("0x3000");
        assertThat(machine.pci(new OwnBars()).function().bar(2).read(0, 4)).isEqualTo(2);
    }
}
