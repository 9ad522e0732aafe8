package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SnapshotMutations;
import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigurationSnapshotTest {
    private static PciConfiguration full() {
        PciConfiguration config =
                PciConfiguration.endpoint(0x1234, 0x11e8).label("edu").interruptPin(1).build();
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        config.addBar(PciBar.io(1, 0x20).at(0x1000));
        config.addBar(PciBar.memory64(2, 0x1_0000).prefetch().at(0x4_0000_0000L));
        config.addBar(PciBar.rom(0x800));
        PmCapability pm = new PmCapability(true);
        config.addCapability(pm, new PmConfig(pm));
        config.addCapability(PcieCapability.of(PciePortType.ENDPOINT));
        config.addExtendedCapability(ExtendedCapability.serialNumber(7), null);
        return config;
    }

    /** Row C9, with BARs. */
    @Test
    void movedBarsAreRestored() {
        PciConfiguration config = full();
        Snapshot before = config.snapshot();
        config.write(4, 0, 4, 0x5000_0000);
        config.write(6, 0, 4, 0x8000_0000);
        config.write(7, 0, 4, 9);
        config.write(1, 0, 2, 2);
        Snapshot after = config.snapshot();
        assertThat(after).isNotEqualTo(before);

        PciConfiguration fresh = full();
        fresh.restore(after);
        assertThat(fresh.snapshot()).isEqualTo(after);
        assertThat(fresh.barRanges()).isEqualTo(config.barRanges());
        assertThat(fresh.barAddress(2)).isEqualTo(0x9_8000_0000L);

        config.restore(before);
        assertThat(config.snapshot()).isEqualTo(before);
        assertThat(config.barRanges()).isEqualTo(full().barRanges());
    }

    /** Row C9, with capabilities: what a function consists of is not state, and must agree. */
    @Test
    void aSnapshotOfAFunctionWithOtherPartsIsRefused() {
        Snapshot full = full().snapshot();
        PciConfiguration bare =
                PciConfiguration.endpoint(0x1234, 0x11e8).label("edu").interruptPin(1).build();
        Snapshot before = bare.snapshot();
        assertThat(before).isNotEqualTo(full);
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> bare.restore(full))
                .withMessageContaining("expected BARs");
        assertThat(bare.snapshot()).isEqualTo(before);

        PciConfiguration other = full();
        assertThatExceptionOfType(SnapshotException.class).isThrownBy(() -> other.restore(before));
        assertThat(other.snapshot()).isEqualTo(full);

        PciConfiguration more = full();
        more.addCapability(VendorCapability.of((byte) 1));
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> more.restore(full))
                .withMessageContaining("capabilities: expected 4 elements, got 3");
    }

    @Test
    void aSnapshotOfAnotherDeviceIsRefused() {
        PciConfiguration one = PciConfiguration.endpoint(1, 2).build();
        for (PciConfiguration other :
                new PciConfiguration[] {
                    PciConfiguration.endpoint(1, 3).build(),
                    PciConfiguration.endpoint(1, 2).subsystem(1, 1).build(),
                    PciConfiguration.endpoint(1, 2).conventional().build(),
                    PciConfiguration.bridge(1, 2).build()
                }) {
            assertThatExceptionOfType(SnapshotException.class)
                    .isThrownBy(() -> one.restore(other.snapshot()));
        }
    }

    /** Low bits of a BAR, ids, and the heads of capabilities are not for a snapshot to set. */
    @ParameterizedTest
    @ValueSource(ints = {0x01, 0x0e, 0x06, 0x10, 0x11, 0x14, 0x30, 0x34, 0x40, 0x41, 0x49, 0x102})
    void aSnapshotCannotForgeWhatIsFixed(int offset) {
        PciConfiguration config = full();
        Snapshot good = config.snapshot();
        byte[] registers = good.getBytes("registers", 4096);
        registers[offset] ^= 0x12;
        Snapshot forged = SnapshotMutations.with(good, "registers", registers);
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> config.restore(forged))
                .withMessageStartingWith("pci-configuration.registers: expected");
        assertThat(config.snapshot()).isEqualTo(good);
    }

    @Test
    void aBarThatIsBeingSizedStaysSo() {
        PciConfiguration config = full();
        config.write(4, 0, 4, -1);
        PciConfiguration restored = full();
        restored.restore(config.snapshot());
        assertThat(restored.barRange(0)).isEmpty();
        assertThat(restored.write(4, 0, 4, 0x4000_0000).added()).hasSize(1);
    }

    @Test
    void onlyABarCanBeSized() {
        PciConfiguration config = full();
        Snapshot good = config.snapshot();
        config.restore(SnapshotMutations.with(good, "sizing", 0xffffL));
        assertThat(config.barRanges()).isEmpty();
        for (int register = 4; register < 8; register++) {
            config.write(register, 0, 4, config.readRegister(register));
        }
        config.write(12, 0, 1, 0);
        assertThat(config.snapshot()).isEqualTo(good);
    }

    /** That a window takes 64-bit addresses, and a bridge's other fixed bits. */
    @ParameterizedTest
    @ValueSource(ints = {0x1b, 0x1e, 0x20, 0x24, 0x26})
    void aSnapshotCannotForgeABridgesAbilities(int offset) {
        PciConfiguration config = PciConfiguration.bridge(1, 2).build();
        Snapshot good = config.snapshot();
        byte[] registers = good.getBytes("registers", 4096);
        registers[offset] ^= 0x01;
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(
                        () -> config.restore(SnapshotMutations.with(good, "registers", registers)));
        assertThat(config.snapshot()).isEqualTo(good);
    }

    @Test
    void theMultiFunctionBitIsTheTreesAndNotInTheSnapshot() {
        PciConfiguration config = full();
        Snapshot alone = config.snapshot();
        config.setMultiFunction(true);
        assertThat(config.snapshot()).isEqualTo(alone);
        config.restore(alone);
        assertThat(config.readRegister(3)).isEqualTo(0x0080_0000);
    }

    @Test
    void aLivePartThatRefusesTakesBackTheWhole() {
        PciConfiguration config = PciConfiguration.endpoint(1, 2).build();
        var first = new RecordingCapConfig(0xffff_0000);
        var second = new RecordingCapConfig(0xffff_0000);
        config.addCapability(TestCapability.readOnly(9, 0), first);
        config.addCapability(TestCapability.readOnly(9, 0), second);
        config.write(16, 2, 2, 1);
        config.write(17, 2, 2, 2);
        config.write(1, 0, 2, 4);
        Snapshot saved = config.snapshot();
        config.write(16, 2, 2, 3);
        config.write(17, 2, 2, 4);
        config.write(1, 0, 2, 6);
        Snapshot before = config.snapshot();

        second.refusing = true;
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> config.restore(saved))
                .withMessage("refused 131072");
        assertThat(config.snapshot()).isEqualTo(before);
        assertThat(config.readRegister(16)).isEqualTo(0x0003_4409);

        second.refusing = false;
        config.restore(saved);
        assertThat(config.snapshot()).isEqualTo(saved);
        assertThat(config.readRegister(16)).isEqualTo(0x0001_4409);
    }

    @Nested
    final class Endpoint implements SuspendableLifeCycle<PciConfiguration> {
        @Override
        public PciConfiguration create() {
            return full();
        }

        @Override
        public void mutate(PciConfiguration object) {
            object.write(1, 0, 2, 7);
            object.write(4, 0, 4, -1);
            object.write(17, 0, 2, 0x103);
        }
    }

    @Nested
    final class Bridge implements SuspendableLifeCycle<PciConfiguration> {
        @Override
        public PciConfiguration create() {
            PciConfiguration config = PciConfiguration.bridge(0x1b36, 0xc).label("port").build();
            config.addBar(PciBar.memory64(0, 0x1000));
            config.addCapability(PcieCapability.withSlot(PciePortType.ROOT_PORT, 1));
            return config;
        }

        @Override
        public void mutate(PciConfiguration object) {
            object.write(6, 0, 4, 0x0002_0100);
            object.write(8, 0, 4, 0x4010_4000);
        }
    }
}
