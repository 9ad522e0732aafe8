package dev.dalang.pci;

import static dev.dalang.pci.PmStatus.PowerState.D0;
import static dev.dalang.pci.PmStatus.PowerState.D3HOT;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class PmConfigTest {
    private static final int CONTROL = 17;

    private final PmCapability capability = new PmCapability(true);
    private final PmConfig pm = new PmConfig(capability);
    private final PciConfiguration config = with(capability, pm);

    private static PciConfiguration with(PmCapability capability, PmConfig pm) {
        PciConfiguration config = PciConfiguration.endpoint(1, 2).build();
        config.addCapability(capability, pm);
        return config;
    }

    @Test
    void theCapabilityIsVersion2WithWakeFromD0AndD3() {
        assertThat(config.readRegister(16)).isEqualTo(0xc802_0001);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8);
        assertThat(new PmCapability(false).image()).containsExactly(0x0002_0000, 0);
    }

    /** Row T39: each change is reported once, and the function keeps its state. */
    @Test
    void goingToD3AndBackIsReportedOnceEach() {
        assertThat(config.write(CONTROL, 0, 2, 3).status())
                .isEqualTo(new PmStatus(D0, D3HOT, false, false, false));
        assertThat(config.write(CONTROL, 0, 2, 3).status()).isSameAs(PciCapStatus.NONE);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0xb);
        assertThat(pm.powerState()).isEqualTo(D3HOT);
        PciCapStatus back = config.write(CONTROL, 0, 4, 0).status();
        assertThat(back).isEqualTo(new PmStatus(D3HOT, D0, false, false, false));
        assertThat(((PmStatus) back).isPowerChanged()).isTrue();
        assertThat(pm.powerState()).isEqualTo(D0);
    }

    /** Row T39, its end. */
    @Test
    void wakeStatusIsClearedByAOne() {
        assertThat(pm.signalWake()).isFalse();
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8008);
        config.write(CONTROL, 0, 2, 0x0000);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8008);
        config.write(CONTROL, 0, 2, 0x8000);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8);
        // A one sets nothing.
        config.write(CONTROL, 1, 1, 0x80);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8);
    }

    @Test
    void anEventIsSignalledOnceUntilItIsCleared() {
        config.write(CONTROL, 0, 2, 0x103);
        assertThat(pm.isWakeEnabled()).isTrue();
        assertThat(pm.signalWake()).isTrue();
        assertThat(pm.signalWake()).isFalse();
        config.write(CONTROL, 1, 1, 0x81);
        assertThat(pm.signalWake()).isTrue();
    }

    /** A state that the function does not have: the write completes, and changes nothing. */
    @Test
    void d1AndD2AreIgnored() {
        for (int state = 1; state <= 2; state++) {
            assertThat(config.write(CONTROL, 0, 2, state).status()).isSameAs(PciCapStatus.NONE);
            assertThat(pm.powerState()).isEqualTo(D0);
            config.write(CONTROL, 0, 2, 3);
            config.write(CONTROL, 0, 2, state);
            assertThat(pm.powerState()).isEqualTo(D3HOT);
            config.write(CONTROL, 0, 2, 0);
        }
    }

    @Test
    void eachShapeReachesItsBits() {
        config.write(CONTROL, 1, 1, 0x01);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x108);
        config.write(CONTROL, 0, 1, 0x03);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x10b);
        config.write(CONTROL, 2, 2, 0xffff);
        config.write(CONTROL, 3, 1, 0xff);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x10b);
        config.write(CONTROL, 0, 4, 0xffff_fefc);
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8);
        assertThat(config.write(16, 0, 4, -1).status()).isSameAs(PciCapStatus.NONE);
    }

    @Test
    void aFunctionThatLosesItsStateSaysSo() {
        PmConfig losing = new PmConfig(capability, true);
        PciConfiguration function = with(capability, losing);
        assertThat(function.readRegister(CONTROL)).isZero();
        function.write(CONTROL, 0, 2, 3);
        assertThat(function.write(CONTROL, 0, 2, 0).status())
                .isEqualTo(new PmStatus(D3HOT, D0, false, true, false));
    }

    @Test
    void aFunctionThatCannotWakeHasNoWakeBits() {
        PmConfig silent = new PmConfig(new PmCapability(false));
        PciConfiguration function = with(new PmCapability(false), silent);
        function.write(CONTROL, 0, 2, 0xffff);
        assertThat(function.readRegister(CONTROL)).isEqualTo(0xb);
        assertThat(silent.signalWake()).isFalse();
        assertThat(function.readRegister(CONTROL)).isEqualTo(0xb);
    }

    @Test
    void aResetGoesBackToD0() {
        config.write(CONTROL, 0, 2, 0x103);
        pm.signalWake();
        config.reset();
        assertThat(config.readRegister(CONTROL)).isEqualTo(0x8);
    }

    /** Rows L16 and Q17: the power state is in the snapshot, also of the space as a whole. */
    @Test
    void thePowerStateSurvivesASnapshot() {
        config.write(CONTROL, 0, 2, 0x103);
        pm.signalWake();
        PmConfig restored = new PmConfig(capability);
        PciConfiguration other = with(capability, restored);
        other.restore(config.snapshot());
        assertThat(restored.powerState()).isEqualTo(D3HOT);
        assertThat(restored.isWakeEnabled()).isTrue();
        assertThat(other.readRegister(CONTROL)).isEqualTo(0x810b);
        assertThat(other.write(CONTROL, 0, 2, 0).status())
                .isEqualTo(new PmStatus(D3HOT, D0, false, false, false));
    }

    @Nested
    final class LifeCycle implements SuspendableLifeCycle<PmConfig> {
        @Override
        public PmConfig create() {
            return new PmConfig(new PmCapability(true));
        }

        @Override
        public void mutate(PmConfig object) {
            object.writeRegister(1, 0, 2, 0x103);
        }
    }
}
