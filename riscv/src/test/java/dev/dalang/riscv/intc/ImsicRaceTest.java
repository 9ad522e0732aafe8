package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.riscv.ImsicFile;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The two races between a device and a hart, each forced at its worst moment. */
class ImsicRaceTest {
    private static final long BASE = 0x2800_0000L;

    /** Runs something between a controller's decision to drive the line and the driving. */
    private static final class LateLine implements InterruptLine {
        private final RecordingLine line = new RecordingLine();
        private Runnable beforeRaise = () -> {};
        private Runnable beforeLower = () -> {};

        @Override
        public void raise() {
            Runnable action = beforeRaise;
            beforeRaise = () -> {};
            action.run();
            line.raise();
        }

        @Override
        public void lower() {
            Runnable action = beforeLower;
            beforeLower = () -> {};
            action.run();
            line.lower();
        }
    }

    private final LateLine late = new LateLine();
    private final Imsic imsic = Imsic.builder(BASE).hart(late).build();
    private final ImsicFile file = imsic.file(0);

    @BeforeEach
    void enableTwoIdentities() {
        file.writeRegister(0x70, 1);
        file.writeRegister(0xc0, 0b110);
    }

    @Test
    void aClaimBeforeTheDeviceRaisesLeavesTheLineLow() {
        late.beforeRaise = () -> assertThat(file.claimTopei()).isEqualTo(1 << 16 | 1);
        imsic.signal(BASE, 1);
        assertThat(file.topei()).isZero();
        assertThat(late.line.isHigh()).isFalse();
    }

    @Test
    void aMessageBeforeTheHartLowersLeavesTheLineHigh() {
        imsic.signal(BASE, 1);
        late.beforeLower = () -> imsic.signal(BASE, 2);
        assertThat(file.claimTopei()).isEqualTo(1 << 16 | 1);
        assertThat(file.topei()).isEqualTo(2 << 16 | 2);
        assertThat(late.line.isHigh()).isTrue();
    }

    @Test
    void disablingBeforeTheDeviceRaisesLeavesTheLineLow() {
        late.beforeRaise = () -> file.updateRegister(0xc0, 0, 0b10);
        imsic.signal(BASE, 1);
        assertThat(late.line.isHigh()).isFalse();
        file.updateRegister(0xc0, 0b10, 0b10);
        assertThat(late.line.isHigh()).isTrue();
    }
}
