package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A device wakes the guest by PME, with the driver's side played by the model. */
class PciWakeTest {
    private static final int CAP_POWER_MANAGEMENT = 0x01;
    private static final int CAP_EXPRESS = 0x10;
    private static final int D3HOT = 0x3;
    private static final int PME_ENABLE = 0x100;
    private static final int PME_STATUS = 0x8000;
    private static final int ROOT_CONTROL = 0x1c;
    private static final int ROOT_STATUS = 0x20;
    private static final int PME_INTERRUPT_ENABLE = 0x8;
    private static final int ROOT_PME = 0x1_0000;
    private static final int ROOT_PME_PENDING = 0x2_0000;

    private final PciMachine machine = new PciMachine();
    private final PciFunction port = machine.root.bus().add(PciRootPort.of(1));
    private final TestPciDevice device = new TestPciDevice(PciDeviceSpec.Builder::wakes);
    private final PciFunctionDriver portDriver = machine.function(0, 1, 0);
    private final PciFunctionDriver driver = machine.function(1, 0, 0);
    private int control;
    private int root;

    @BeforeEach
    void takePortInHand() {
        port.behind().orElseThrow().add(device);
        control = driver.capability(CAP_POWER_MANAGEMENT).orElseThrow() + 4;
        root = portDriver.capability(CAP_EXPRESS).orElseThrow();
        MsixDriver msix = portDriver.msix();
        msix.enable();
        msix.route(0, 0x2800_0000L, 9);
        portDriver.write(root + ROOT_CONTROL, 2, PME_INTERRUPT_ENABLE);
        machine.messages.clear();
    }

    private int rootStatus() {
        return portDriver.read(root + ROOT_STATUS, 4);
    }

    private int messages() {
        return machine.messages.accepted().size();
    }

    @Test
    void sleepingDeviceWakesTheGuestThroughItsRootPort() {
        driver.write(control, 2, PME_ENABLE | D3HOT);

        device.host.signalWake();

        assertThat(driver.read(control, 2) & PME_STATUS).isNotZero();
        assertThat(rootStatus()).isEqualTo(ROOT_PME | 0x0100);
        assertThat(messages()).isEqualTo(1);

        device.host.signalWake();
        assertThat(rootStatus() & ROOT_PME_PENDING).as("told once").isZero();
        assertThat(messages()).isEqualTo(1);
    }

    @Test
    void eventAfterTheDriverHasSeenToTheFirstIsAnother() {
        driver.write(control, 2, PME_ENABLE);
        device.host.signalWake();
        portDriver.write(root + ROOT_STATUS, 4, ROOT_PME);
        driver.write(control, 2, PME_ENABLE | PME_STATUS);
        assertThat(driver.read(control, 2) & PME_STATUS).isZero();

        device.host.signalWake();

        assertThat(rootStatus()).isEqualTo(ROOT_PME | 0x0100);
        assertThat(messages()).isEqualTo(2);
    }

    @Test
    void eventThatNobodyWantsWaitsForSomebodyToWantIt() {
        device.host.signalWake();
        assertThat(driver.read(control, 2) & PME_STATUS).isNotZero();
        assertThat(rootStatus()).isZero();
        assertThat(messages()).isZero();

        driver.write(control, 2, PME_ENABLE);

        assertThat(rootStatus()).isEqualTo(ROOT_PME | 0x0100);
        assertThat(messages()).isEqualTo(1);
        driver.write(control, 2, PME_ENABLE | D3HOT);
        assertThat(messages()).as("told already").isEqualTo(1);
    }

    @Test
    void eventOfOneFunctionIsNotClearedByAnothers() {
        PciFunction second = machine.root.bus().add(PciRootPort.of(2));
        TestPciDevice other = new TestPciDevice(PciDeviceSpec.Builder::wakes);
        second.behind().orElseThrow().add(other);
        driver.write(control, 2, PME_ENABLE);
        machine.function(2, 0, 0).write(control, 2, PME_ENABLE);

        other.host.signalWake();

        assertThat(rootStatus()).as("another port's").isZero();
        int status = machine.function(0, 2, 0).read(root + ROOT_STATUS, 4);
        assertThat(status).isEqualTo(ROOT_PME | 0x0200);
    }

    @Test
    void onTheRootBusThereIsTheStatusAlone() {
        TestPciDevice integrated = new TestPciDevice(PciDeviceSpec.Builder::wakes);
        machine.root.bus().add(integrated);
        machine.function(0, 2, 0).write(control, 2, PME_ENABLE);

        integrated.host.signalWake();

        assertThat(machine.function(0, 2, 0).read(control, 2) & PME_STATUS).isNotZero();
        assertThat(messages()).isZero();
    }

    @Test
    void deviceThatDoesNotSayThatItWakesDoesNot() {
        TestPciDevice silent = TestPciDevice.withMemory();
        machine.root.bus().add(silent);
        machine.function(0, 2, 0).write(control, 2, PME_ENABLE);

        silent.host.signalWake();

        assertThat(machine.function(0, 2, 0).read(control, 2) & (PME_STATUS | PME_ENABLE)).isZero();
    }

    @Test
    void whatWasToldIsNotToldAgainAfterARestore() {
        driver.write(control, 2, PME_ENABLE);
        device.host.signalWake();
        machine.root.sleep();
        Snapshot taken = machine.root.snapshot();
        machine.root.restore(taken);
        machine.root.wake();
        int told = messages();

        device.host.signalWake();

        assertThat(rootStatus()).isEqualTo(ROOT_PME | 0x0100);
        assertThat(messages()).isEqualTo(told);
    }

    @Test
    void wakingWithoutPowerManagementIsRefused() {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> new TestPciDevice(spec -> spec.wakes().powerManagement(false)))
                .withMessageContaining("needs a power management capability");
    }
}
