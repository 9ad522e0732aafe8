package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Where a device is after each way in which giving or taking its state can fail. */
class DeviceMigrationTest {
    private final ScriptedMigration device = new ScriptedMigration();
    private final DeviceMigration migration =
            new DeviceMigration(device, () -> device.calls.add("reset"));

    @Test
    void theNumbersOfStatesAreVfios() {
        for (MigrationState state : MigrationState.values()) {
            assertThat(MigrationState.of(state.number())).contains(state);
        }
        assertThat(MigrationState.STOP_COPY.number()).isEqualTo(3);
        assertThat(MigrationState.of(8)).isEmpty();
        assertThat(MigrationState.of(-1)).isEmpty();
    }

    @Test
    void whatABackendDoesNotSayItCannot() {
        BackendMigration plain =
                new BackendMigration() {
                    @Override
                    public boolean hasPreCopy() {
                        return false;
                    }

                    @Override
                    public boolean hasPeerToPeer() {
                        return false;
                    }

                    @Override
                    public MigrationState state() {
                        return MigrationState.RUNNING;
                    }

                    @Override
                    public void enter(MigrationState next) {}

                    @Override
                    public long readData(MemorySegment target) {
                        return 0;
                    }

                    @Override
                    public void writeData(MemorySegment source) {}
                };
        assertThat(plain.hasDirtyLog()).isFalse();
        assertThatThrownBy(() -> plain.startDirtyLog(4096, List.of()))
                .hasMessageContaining("EOPNOTSUPP");
        assertThatThrownBy(plain::stopDirtyLog).hasMessageContaining("EOPNOTSUPP");
        assertThatThrownBy(() -> plain.takeDirty(new DmaRange(0, 1), 1))
                .hasMessageContaining("EOPNOTSUPP");
    }

    @Test
    void aStateIsTakenPieceByPiece() throws BackendException {
        migration.stop();
        assertThat(migration.save()).containsExactly(1, 2, 3);
        assertThat(device.calls)
                .containsExactly("STOP", "STOP_COPY", "read", "read", "read", "STOP");
        assertThat(device.now).isEqualTo(MigrationState.STOP);
        migration.run();
        assertThat(device.now).isEqualTo(MigrationState.RUNNING);
    }

    private void assertSaveFails(String... calls) {
        device.now = MigrationState.STOP;
        assertThatThrownBy(migration::save).isInstanceOf(BackendException.class);
        assertThat(device.calls).containsExactly(calls);
    }

    @Test
    void aDeviceThatDoesNotBeginIsStopped() {
        device.failing.add("STOP_COPY");
        assertSaveFails("STOP_COPY", "STOP");
    }

    @Test
    void aDeviceThatNeitherBeginsNorStopsIsReset() {
        device.failing.addAll(List.of("STOP_COPY", "STOP"));
        assertSaveFails("STOP_COPY", "STOP", "reset");
    }

    @Test
    void aDeviceThatCannotBeReadIsStopped() {
        device.failing.add("read");
        assertSaveFails("STOP_COPY", "read", "STOP");
    }

    @Test
    void aDeviceThatCanNeitherBeReadNorStoppedIsReset() {
        device.failing.addAll(List.of("read", "STOP"));
        assertSaveFails("STOP_COPY", "read", "STOP", "reset");
    }

    @Test
    void aStateWithoutAnEndIsRefused() {
        device.endless = true;
        device.now = MigrationState.STOP;
        assertThatThrownBy(migration::save).hasMessageContaining("at most");
        assertThat(device.now).isEqualTo(MigrationState.STOP);
    }

    @Test
    void aStateIsGiven() throws BackendException {
        device.now = MigrationState.STOP;
        byte[] state = new byte[100_000];
        state[99_999] = 7;
        migration.load(state);
        assertThat(device.calls).containsExactly("RESUMING", "write", "write", "STOP");
        assertThat(device.taken).isEqualTo(state);
    }

    private void assertLoadFails(String... calls) {
        device.now = MigrationState.STOP;
        assertThatThrownBy(() -> migration.load(new byte[] {1}))
                .isInstanceOf(BackendException.class);
        assertThat(device.calls).containsExactly(calls);
    }

    @Test
    void aDeviceThatDoesNotResumeIsStopped() {
        device.failing.add("RESUMING");
        assertLoadFails("RESUMING", "STOP");
    }

    @Test
    void aDeviceThatNeitherResumesNorStopsIsReset() {
        device.failing.addAll(List.of("RESUMING", "STOP"));
        assertLoadFails("RESUMING", "STOP", "reset");
    }

    @Test
    void aDeviceWithHalfAStateIsReset() {
        device.failing.add("write");
        assertLoadFails("RESUMING", "write", "reset");
    }

    @Test
    void aDeviceThatDoesNotRunIsReset() {
        device.now = MigrationState.STOP;
        device.failing.add("RUNNING");
        assertThatThrownBy(migration::run).isInstanceOf(MigrationException.class);
        assertThat(device.calls).containsExactly("RUNNING", "reset");
    }

    // ---------------------------------------------------------------- what it writes

    private static List<Long> harvest(GuestMemory memory) {
        List<Long> pages = new ArrayList<>();
        memory.harvestDirtyPages(pages::add);
        return pages;
    }

    @Test
    void whatTheDeviceWritesIsAddedToWhatTheMachineWrites() throws BackendException {
        GuestMemory memory =
                GuestMemory.of(
                        TestMachine.region(0x8000_0000L),
                        new MemoryRegion(
                                0x9000_0000L, TestMachine.region(0).segment().asReadOnly()));
        memory.startDirtyTracking();
        migration.startDirtyLog(memory);
        memory.writeByte(0x8000_5000L, (byte) 1);
        device.dirty = new long[] {0b1001, 1};

        migration.mergeDirty(memory);
        migration.stopDirtyLog();
        migration.mergeDirty(memory);
        migration.stopDirtyLog();

        assertThat(harvest(memory))
                .containsExactlyInAnyOrder(
                        0x8000_0000L, 0x8000_1000L, 0x8000_5000L, 0x8000_6000L, 0x8000_7000L);
        assertThat(device.calls)
                .containsExactly("start log of 1", "dirty 0x80000000 by 8192", "stop log");
    }

    @Test
    void withoutMemoryNothingIsNoted() throws BackendException {
        migration.startDirtyLog(GuestMemory.of());
        migration.stopDirtyLog();
        assertThat(device.calls).isEmpty();
    }

    @Test
    void aPageOfNoPowerOfTwoIsRefused() {
        device.pageBytes = 5000;
        assertThatThrownBy(() -> migration.startDirtyLog(GuestMemory.of(TestMachine.region(0))))
                .hasMessageContaining("power of two");
        assertThat(device.calls).containsExactly("start log of 1", "stop log");
    }

    // ---------------------------------------------------------------- in a machine

    @Test
    void aMachineIsSavedAndRestoredWithItsDevice() {
        ScriptedBackend backend = Devices.rich().migration(device).build();
        TestMachine machine = new TestMachine();
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(Devices.open(backend)));
        MsixDriver msix = driver.msix();
        msix.enable();
        msix.route(2, 0x2800_0000L, 3);

        machine.root.sleep();
        Snapshot snapshot = machine.root.snapshot();
        machine.root.wake();
        assertThat(device.now).isEqualTo(MigrationState.RUNNING);

        ScriptedMigration other = new ScriptedMigration();
        ScriptedBackend second = Devices.rich().migration(other).build();
        TestMachine twin = new TestMachine();
        twin.add(PassthroughFunction.of(Devices.open(second)));
        twin.root.sleep();
        twin.root.restore(snapshot);
        twin.root.wake();

        assertThat(other.taken).containsExactly(1, 2, 3);
        assertThat(other.now).isEqualTo(MigrationState.RUNNING);
        assertThat(second.armedVectors(InterruptKind.MSIX)).contains(2);
        second.signal(InterruptKind.MSIX, 2);
        assertThat(twin.messages.accepted()).hasSize(1);
    }

    @Test
    void aDeviceThatLosesItsWayIsProgrammedAgain() {
        ScriptedBackend backend = Devices.rich().migration(device).build();
        TestMachine machine = new TestMachine();
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(Devices.open(backend)));
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        driver.msix().enable();
        machine.root.sleep();
        device.failing.addAll(List.of("read", "STOP"));
        backend.clearCalls();

        assertThatThrownBy(machine.root::snapshot).isInstanceOf(SnapshotException.class);

        assertThat(backend.calls())
                .containsExactly(
                        "disable MSIX", "reset", "arm MSIX 0+1", "write region 7 at 0x4: 0x7");
    }

    /** One library takes neither of its interrupts nor of its reset while it is stopped. */
    @Test
    void aDeviceThatIsStoppedRunsBeforeItIsTakenBack() {
        ScriptedBackend backend = Devices.rich().migration(device).build();
        TestMachine machine = new TestMachine();
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(Devices.open(backend)));
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        driver.msix().enable();
        machine.root.sleep();
        backend.clearCalls();
        device.calls.clear();
        List<String> before = new ArrayList<>();
        device.whenEntering = _ -> before.addAll(backend.calls());

        machine.root.close();

        assertThat(device.calls).containsExactly("RUNNING");
        assertThat(before).containsExactly("write region 7 at 0x4: 0x0");
        assertThat(backend.calls()).contains("disable MSIX", "reset");
    }
}
