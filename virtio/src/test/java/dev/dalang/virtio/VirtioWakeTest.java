package dev.dalang.virtio;

import static dev.dalang.testkit.virtio.VirtioTransportDriver.SUSPEND;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_SUSPEND;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRootPort;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.virtio.VirtioPciDriver;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A device that its driver has suspended and switched off wakes the guest, behind a root port. */
final class VirtioWakeTest {
    private static final int CAP_POWER_MANAGEMENT = 1;
    private static final int CAP_EXPRESS = 0x10;
    private static final int D3HOT = 3;
    private static final int PME_ENABLE = 0x100;
    private static final int PME_STATUS = 0x8000;
    private static final int ROOT_CONTROL = 0x1c;
    private static final int ROOT_STATUS = 0x20;
    private static final int PME_INTERRUPT_ENABLE = 8;
    private static final int ROOT_PME = 0x1_0000;
    private static final int PORT_DATA = 99;

    private final VirtioMachine machine = new VirtioMachine();
    private final TestVirtioDevice device = new TestVirtioDevice(8);
    private final PciFunction port = machine.root.bus().add(PciRootPort.of(1));
    private final PciFunctionDriver portDriver = machine.ecam.function(new PciBdf(0, 1, 0));
    private VirtioPciDriver driver;
    private int control;
    private int root;
    private int ready;

    @BeforeEach
    void bringUp() {
        port.behind().orElseThrow().add(VirtioPciDevice.of(device));
        portDriver.setCommand(portDriver.command() | 2 | VirtioMachine.MASTER);
        PciFunctionDriver function = machine.ecam.function(new PciBdf(1, 0, 0));
        function.setCommand(function.command() | 2 | VirtioMachine.MASTER);
        driver = new VirtioPciDriver(function);
        machine.enableMsix(driver);
        machine.start(driver, VIRTIO_F_SUSPEND);
        ready = driver.status();
        control = function.capability(CAP_POWER_MANAGEMENT).orElseThrow() + 4;
        root = portDriver.capability(CAP_EXPRESS).orElseThrow();
        MsixDriver msix = portDriver.msix();
        msix.enable();
        msix.route(0, VirtioMachine.MESSAGES, PORT_DATA);
        portDriver.write(root + ROOT_CONTROL, 2, PME_INTERRUPT_ENABLE);
        machine.messages.clear();
    }

    private void setPower(int value) {
        driver.function().write(control, 2, value);
    }

    private int pme() {
        return driver.function().read(control, 2) & PME_STATUS;
    }

    /** Row T31. */
    @Test
    void anInterruptOfASuspendedDeviceInD3WakesTheGuestOnce() {
        driver.setStatus(ready | SUSPEND);
        setPower(D3HOT | PME_ENABLE);
        VirtioInterrupt interrupt = device.active.interrupt();
        interrupt.queue(0);
        interrupt.queue(0);
        interrupt.config();
        assertThat(pme()).isNotZero();
        assertThat(portDriver.read(root + ROOT_STATUS, 4)).isEqualTo(ROOT_PME | 0x0100);
        assertThat(machine.vectors()).containsExactly(PORT_DATA);

        portDriver.write(root + ROOT_STATUS, 4, ROOT_PME);
        setPower(PME_STATUS);
        driver.setStatus(ready);
        assertThat(machine.vectors()).containsExactly(PORT_DATA, 1, 1, 0);
    }

    /** Row T31: without PME enabled there is nothing but the status. */
    @Test
    void nobodyIsWokenWhoDoesNotWantIt() {
        driver.setStatus(ready | SUSPEND);
        setPower(D3HOT);
        device.active.interrupt().queue(0);
        assertThat(pme()).isNotZero();
        assertThat(machine.vectors()).isEmpty();
    }

    /** Row T31: in D0 an interrupt that is held back wakes nobody. */
    @Test
    void aDeviceThatIsOnWakesNobody() {
        setPower(PME_ENABLE);
        driver.setStatus(ready | SUSPEND);
        device.active.interrupt().queue(0);
        assertThat(pme()).isZero();
        setPower(D3HOT | PME_ENABLE);
        assertThat(pme()).as("what came before counts once it is off").isNotZero();
        assertThat(machine.vectors()).containsExactly(PORT_DATA);
    }

    /** Rows T31 and L16: the power state and what is to wake outlive a snapshot. */
    @Test
    void aRestoredDeviceWakesTheGuest() {
        driver.setStatus(ready | SUSPEND);
        setPower(D3HOT | PME_ENABLE);
        machine.root.sleep();
        Snapshot taken = machine.root.snapshot();
        VirtioWakeTest other = new VirtioWakeTest();
        other.bringUp();
        other.driver.reset();
        machine.memory
                .regions()
                .forEach(region -> other.machine.memory.copyIn(region.base(), region.segment()));
        other.machine.root.sleep();
        other.machine.root.restore(taken);
        other.machine.root.wake();
        other.machine.messages.clear();
        other.device.active.interrupt().queue(0);
        assertThat(other.pme()).isNotZero();
        assertThat(other.machine.vectors()).containsExactly(PORT_DATA);
    }
}
