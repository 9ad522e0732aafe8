package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.testkit.RecordingInterruptLine;

import org.junit.jupiter.api.Test;

class IntxTest {
    private final RecordingInterruptLine wire = new RecordingInterruptLine();
    private final RecordingInterruptLine status = new RecordingInterruptLine();
    private final IntxLine intx = IntxLine.create();

    IntxTest() {
        intx.connect(wire);
        intx.connectStatus(status);
    }

    @Test
    void wireFollowsTheDevice() {
        intx.raise();
        intx.raise();
        assertThat(wire.isRaised()).isTrue();
        assertThat(intx.isActive()).isTrue();
        intx.lower();
        assertThat(wire.isRaised()).isFalse();
        assertThat(wire.rises()).isEqualTo(1);
    }

    @Test
    void interruptDisableHidesTheWireAndNotTheStatus() {
        intx.raise();
        intx.disable(true);
        assertThat(wire.isRaised()).isFalse();
        assertThat(status.isRaised()).isTrue();
        assertThat(intx.isAsserted()).isTrue();
        intx.disable(false);
        assertThat(wire.isRaised()).isTrue();
        intx.disable(true);
        intx.lower();
        assertThat(status.isRaised()).isFalse();
        intx.disable(false);
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void messagesHideTheWire() {
        intx.raise();
        intx.useMessages(true);
        assertThat(wire.isRaised()).isFalse();
        intx.useMessages(false);
        assertThat(wire.isRaised()).isTrue();
    }

    @Test
    void wireThatIsConnectedLateGetsTheLevel() {
        intx.raise();
        RecordingInterruptLine later = new RecordingInterruptLine();
        intx.connect(later);
        assertThat(later.isRaised()).isTrue();
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void resampleDrivesTheLevelAgain() {
        intx.raise();
        wire.lower();
        intx.resample();
        assertThat(wire.isRaised()).isTrue();
        intx.lower();
        intx.resample();
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void resetLowersEverything() {
        intx.raise();
        intx.reset();
        assertThat(wire.isRaised()).isFalse();
        assertThat(status.isRaised()).isFalse();
    }

    @Test
    void lineWithoutWireDoesNoHarm() {
        IntxLine loose = IntxLine.create();
        loose.raise();
        assertThat(loose.isAsserted()).isTrue();
        loose.lower();
        assertThat(loose.isAsserted()).isFalse();
    }

    @Test
    void sharedWireIsTheOrOfItsInputs() {
        SharedInterruptLine shared = SharedInterruptLine.of(wire);
        SharedInterruptLine.Input first = shared.input();
        SharedInterruptLine.Input second = shared.input();
        first.raise();
        second.raise();
        second.raise();
        first.lower();
        first.lower();
        assertThat(wire.isRaised()).isTrue();
        second.lower();
        assertThat(wire.isRaised()).isFalse();
        assertThat(wire.rises()).isEqualTo(1);
        assertThat(shared.isActive()).isFalse();
    }

    @Test
    void closedInputLetsGoOfTheWireForGood() {
        SharedInterruptLine shared = SharedInterruptLine.of(wire);
        SharedInterruptLine.Input input = shared.input();
        input.raise();
        input.close();
        input.close();
        input.raise();
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void resampleOfASharedWireRaisesItWhileAnyInputIsActive() {
        SharedInterruptLine shared = SharedInterruptLine.of(wire);
        shared.input().raise();
        wire.lower();
        shared.resample();
        assertThat(wire.isRaised()).isTrue();
    }

    @Test
    void manyThreadsLeaveASharedWireRight() throws InterruptedException {
        SharedInterruptLine shared = SharedInterruptLine.of(wire);
        Thread[] threads = new Thread[3];
        SharedInterruptLine.Input[] inputs = new SharedInterruptLine.Input[3];
        for (int i = 0; i < threads.length; i++) {
            SharedInterruptLine.Input input = shared.input();
            inputs[i] = input;
            threads[i] =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int round = 0; round < 20_000; round++) {
                                            input.set((round & 1) != 0);
                                        }
                                    });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wire.isRaised()).isTrue();
        for (SharedInterruptLine.Input input : inputs) {
            assertThat(wire.isRaised()).isTrue();
            input.lower();
        }
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void pinsSwizzleThroughBridges() {
        assertThat(InterruptPin.INTA.swizzle(0)).isEqualTo(InterruptPin.INTA);
        assertThat(InterruptPin.INTA.swizzle(3)).isEqualTo(InterruptPin.INTD);
        assertThat(InterruptPin.INTD.swizzle(1)).isEqualTo(InterruptPin.INTA);
        assertThat(InterruptPin.INTC.swizzle(31)).isEqualTo(InterruptPin.INTB);
        assertThat(InterruptPin.NONE.swizzle(5)).isEqualTo(InterruptPin.NONE);
        // A function's INTB in slot 2 of a bus, below a bridge in slot 1, below a root port in 4.
        assertThat(InterruptPin.INTB.wire(2, 1, 4)).isEqualTo((1 + 2 + 1 + 4) % 4);
        assertThat(InterruptPin.INTA.wire(5)).isEqualTo(1);
        assertThat(InterruptPin.NONE.wire(5)).isEqualTo(-1);
    }

    @Test
    void pinsAreAssignedByFunction() {
        InterruptPin[] expected = {
            InterruptPin.INTA, InterruptPin.INTB, InterruptPin.INTC, InterruptPin.INTD
        };
        for (int function = 0; function < 8; function++) {
            assertThat(InterruptPin.ofFunction(function)).isEqualTo(expected[function % 4]);
        }
        for (InterruptPin pin : InterruptPin.values()) {
            assertThat(InterruptPin.of(pin.code())).isEqualTo(pin);
        }
        assertThatThrownBy(() -> InterruptPin.of(5)).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> InterruptPin.of(-1)).isInstanceOf(PciException.class);
    }
}
