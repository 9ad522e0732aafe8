package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.devices.EduDevice;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciRoot;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

class BootOrderTest {
    private final PciRoot root =
            PciRoot.builder(
                            IoManager.create(),
                            () -> {
                                throw new AssertionError("nobody asks for memory");
                            },
                            SystemVirtualClock.asleep())
                    .memory32(new MmioRange(VirtMap.PCI_MMIO32, VirtMap.PCI_MMIO32_BYTES))
                    .build();
    private final BootOrder order = new BootOrder();

    /** A disk as virtio has them. */
    private static final class Disk implements PciDevice {
        @Override
        public PciDeviceSpec spec() {
            return PciDeviceSpec.builder("disk", 0x1af4, 0x1042).build();
        }

        @Override
        public String bootorderNode(String unit) {
            return "scsi@" + unit + "/disk@0,0";
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            return -1;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("disk", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {}
    }

    private String file() {
        return new String(order.toFile().orElseThrow(), StandardCharsets.US_ASCII);
    }

    /** Row A1. */
    @Test
    void disksStandInTheOrderOfTheirIndexes() {
        order.add(2, root.bus().add(new Disk(), 4, 0));
        order.add(1, root.bus().add(new Disk(), 5, 0));

        assertThat(file()).isEqualTo("/pci@i0cf8/scsi@5/disk@0,0\n/pci@i0cf8/scsi@4/disk@0,0\n\0");
    }

    @Test
    void numbersAreHexadecimalAndFunctionsNamed() {
        order.add(0, root.bus().add(new Disk(), 10, 0));
        order.add(9, root.bus().add(new EduDevice(), 10, 3));

        assertThat(file()).isEqualTo("/pci@i0cf8/scsi@a/disk@0,0\n/pci@i0cf8/pci1234,11e8@a,3\n\0");
    }

    /** Row A2. */
    @Test
    void withoutIndexesThereIsNoFile() {
        assertThat(order.toFile()).isEmpty();
    }
}
