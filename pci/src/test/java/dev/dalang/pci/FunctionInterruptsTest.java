package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.RecordingInterruptLine;

import org.junit.jupiter.api.Test;

/** Which interrupt a device's trigger becomes. */
class FunctionInterruptsTest {
    private static final MsiSource SOURCE = new MsiSource("net0", 0x1041_1af4, 0x18);

    private final RecordingRouter router = new RecordingRouter();
    private final RecordingInterruptLine wire = new RecordingInterruptLine();
    private final MsixConfig msix = MsixConfig.create(3, router, SOURCE);
    private final MsiConfig msi = MsiConfig.create(2, true, false, router, SOURCE);
    private final IntxLine intx = IntxLine.create();
    private final FunctionInterrupts interrupts = FunctionInterrupts.of(msix, msi, intx);

    FunctionInterruptsTest() {
        intx.connect(wire);
    }

    private void enableMsix() {
        for (int vector = 0; vector < 3; vector++) {
            msix.writeMsixTable(16L * vector, 8, 0xfee0_0000L);
            msix.writeMsixTable(16L * vector + 8, 8, vector);
        }
        msix.writeMsixCapability(2, 2, 0x8000);
    }

    private void enableMsi() {
        msi.writeRegister(1, 0, 4, 0xfee0_0000);
        msi.writeRegister(0, 2, 2, 0x11);
    }

    /** Row M23. */
    @Test
    void withoutMessagesTheWireIsAssertedUntilTheDeviceLowersIt() {
        interrupts.trigger(1);
        interrupts.trigger(2);
        assertThat(wire.isRaised()).isTrue();
        assertThat(wire.rises()).isEqualTo(1);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(interrupts.isMessageSignalled()).isFalse();
        interrupts.lower();
        assertThat(wire.isRaised()).isFalse();
    }

    /** Row M24. */
    @Test
    void noVectorDoesNothingWhileMessagesAreUsed() {
        enableMsix();
        interrupts.trigger(PciInterrupts.NO_VECTOR);
        assertThat(interrupts.triggerMessage(PciInterrupts.NO_VECTOR)).isTrue();
        assertThat(wire.isRaised()).isFalse();
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(msix.droppedTriggers()).isZero();
    }

    /** Row M24, its other half: a device's own status drives the wire, where no message is sent. */
    @Test
    void deviceWithAStatusRegisterDrivesTheWireItself() {
        assertThat(interrupts.triggerMessage(PciInterrupts.NO_VECTOR)).isFalse();
        assertThat(interrupts.triggerMessage(0)).isFalse();
        assertThat(wire.isRaised()).isFalse();
        interrupts.raise();
        assertThat(wire.isRaised()).isTrue();
    }

    @Test
    void msixIsUsedWhileItIsEnabled() {
        enableMsix();
        interrupts.trigger(2);
        interrupts.trigger(0);
        assertThat(router.takeSignals()).containsExactly(26, 24);
        assertThat(wire.rises()).isZero();
        interrupts.trigger(3);
        assertThat(msix.droppedTriggers()).isEqualTo(1);
        assertThat(wire.rises()).isZero();
        msix.writeMsixCapability(2, 2, 0xc000);
        interrupts.trigger(1);
        assertThat(msix.isPending(1)).isTrue();
    }

    @Test
    void msiIsUsedWhileItIsEnabledAndVectorsShareItsMessages() {
        enableMsi();
        assertThat(interrupts.isMessageSignalled()).isTrue();
        interrupts.trigger(0);
        interrupts.trigger(1);
        interrupts.trigger(2);
        assertThat(router.takeSignals()).containsExactly(24, 25, 24);
        interrupts.trigger(3);
        assertThat(msi.droppedTriggers()).isEqualTo(1);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(wire.rises()).isZero();
    }

    @Test
    void wireGoesDownWhileMessagesAreUsed() {
        interrupts.raise();
        enableMsix();
        assertThat(wire.isRaised()).isFalse();
        msix.writeMsixCapability(2, 2, 0);
        assertThat(wire.isRaised()).isTrue();
        enableMsi();
        assertThat(wire.isRaised()).isFalse();
        msi.reset();
        assertThat(wire.isRaised()).isTrue();
    }

    @Test
    void restoredEnableBitTakesTheWireDown() {
        enableMsix();
        msix.sleep();
        var snapshot = msix.snapshot();
        msix.wake();
        msix.writeMsixCapability(2, 2, 0);
        interrupts.raise();
        msix.restore(snapshot);
        assertThat(wire.isRaised()).isFalse();
        assertThat(interrupts.intx().isAsserted()).isTrue();
    }

    @Test
    void functionWithTheWireAloneHasOneVector() {
        FunctionInterrupts alone = FunctionInterrupts.of(null, null, intx);
        assertThat(alone.vectors()).isEqualTo(1);
        assertThat(interrupts.vectors()).isEqualTo(3);
        alone.trigger(0);
        assertThat(wire.isRaised()).isTrue();
        assertThat(alone.isMessageSignalled()).isFalse();
    }

    @Test
    void functionWithMsiAlonePassesItsVectors() {
        FunctionInterrupts alone = FunctionInterrupts.of(null, msi, intx);
        assertThat(alone.vectors()).isEqualTo(2);
        enableMsi();
        alone.trigger(1);
        alone.trigger(-1);
        assertThat(router.takeSignals()).containsExactly(25);
        assertThat(msi.droppedTriggers()).isEqualTo(1);
    }
}
