package dev.dalang.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SuspendableLifeCycle;
import dev.dalang.testkit.virtio.VirtioPciDriver;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Sleeping, saving, restoring and waking behind both transports. */
final class VirtioSuspendTest {
    /** The life-cycle tests of everything that can be suspended, on a transport that is set up. */
    @Nested
    class Mmio implements SuspendableLifeCycle<VirtioMmioDevice> {
        @Override
        public VirtioMmioDevice create() {
            return new VirtioMachine().slot(new TestVirtioDevice(8, 8)).build();
        }

        @Override
        public void mutate(VirtioMmioDevice device) {
            device.mmioWrite(0, 0x70, 4, 3);
            device.mmioWrite(0, 0x30, 4, 1);
            device.mmioWrite(0, 0x38, 4, 4);
            ((TestVirtioDevice) device.virtio()).fill = 0x5b;
        }
    }

    private static VirtioPciDevice function(VirtioMachine machine) {
        return (VirtioPciDevice) machine.root.function("00:01.0").orElseThrow().device();
    }

    /** Row L6. */
    @Test
    void aDeviceThatIsAwakeIsNotSaved() {
        VirtioMachine machine = new VirtioMachine();
        machine.pci(new TestVirtioDevice(8));
        assertThatThrownBy(() -> function(machine).snapshot())
                .isInstanceOf(VirtioStateException.class);
    }

    @Test
    void aDeviceThatRefusesItsPartLeavesEverythingAsItWas() {
        VirtioMachine from = new VirtioMachine();
        from.start(from.pci(new TestVirtioDevice(8)), 0);
        from.root.sleep();
        VirtioMachine to = new VirtioMachine();
        TestVirtioDevice device = new TestVirtioDevice(8);
        VirtioPciDriver driver = to.pci(device);
        driver.negotiate(0);
        to.root.sleep();
        device.refusesRestore = true;
        to.memory.fill(VirtioMachine.RAM, 1 << 20, (byte) 0);
        Snapshot before = function(to).snapshot();
        assertThatThrownBy(() -> function(to).restore(function(from).snapshot()))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("it will not");
        assertThat(function(to).snapshot()).isEqualTo(before);
        to.root.wake();
        to.start(driver, 0);
        assertThat(function(to).state()).isEqualTo(VirtioState.ACTIVE);
    }

    /** Row L16. */
    @Test
    void thePowerStateIsSaved() {
        VirtioMachine from = new VirtioMachine();
        VirtioPciDriver driver = from.pci(new TestVirtioDevice(8));
        int control = driver.function().capability(1).orElseThrow() + 4;
        driver.function().write(control, 2, 3);
        from.root.sleep();
        VirtioMachine to = new VirtioMachine();
        VirtioPciDriver again = to.pci(new TestVirtioDevice(8));
        to.root.sleep();
        to.root.restore(from.root.snapshot());
        to.root.wake();
        assertThat(again.function().read(control, 2) & 3).isEqualTo(3);
    }
}
