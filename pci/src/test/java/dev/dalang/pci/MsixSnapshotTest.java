package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SnapshotMutations;

import org.junit.jupiter.api.Test;

import java.util.Map;

/** Snapshots of MSI-X, and their restore: rows M42 to M46. */
class MsixSnapshotTest {
    private final RecordingRouter router = new RecordingRouter();

    /** Two vectors with handles 10 and 20, as row M42 has them. */
    private MsixConfig saved() {
        MsixConfig config = MsixConfig.create(2, router, new MsiSource("net0", 0x1041_1af4, 0x18));
        router.failWhen(request -> false);
        config.writeMsixCapability(2, 2, 0x8000);
        for (int vector = 0; vector < 2; vector++) {
            config.writeMsixTable(16L * vector, 8, 0xa0 + vector);
            config.writeMsixTable(16L * vector + 8, 8, 0xd0 + vector);
        }
        config.sleep();
        config.restore(SnapshotMutations.with(config.snapshot(), "handles", longs(10, 20)));
        router.takeRequests();
        return config;
    }

    private static byte[] longs(long... values) {
        return (byte[]) Snapshot.builder("x", 0).put("x", values).build().fields().get("x");
    }

    private MsixConfig other(RecordingRouter its) {
        MsixConfig config = MsixConfig.create(10, its, new MsiSource("some_device", 10, 0x20));
        config.sleep();
        return config;
    }

    /** Row M42. */
    @Test
    void snapshotHoldsHandlesTableMasksAndPendingBits() {
        MsixConfig config = saved();
        config.trigger(1);
        Snapshot snapshot = config.snapshot();
        assertThat(snapshot.getLongs("handles", 2)).containsExactly(10, 20);
        assertThat(snapshot.getLongs("table", 4)).containsExactly(0xa0, 0xd0, 0xa1, 0xd1);
        assertThat(snapshot.getLongs("pending", 1)).containsExactly(0b10);
        assertThat(snapshot.getBoolean("enabled")).isTrue();
        assertThat(snapshot.getBoolean("masked")).isFalse();
        assertThat(snapshot.getLong("vectors")).isEqualTo(2);
        assertThat(MsixConfig.numVectors(snapshot)).isEqualTo(2);
    }

    /** Row M43. */
    @Test
    void coldRestoreTakesHandlesAndRoutesInOrderAndAdoptsTheSnapshot() {
        Snapshot snapshot = saved().snapshot();
        RecordingRouter fresh = new RecordingRouter();
        MsixConfig config = other(fresh);
        config.restore(snapshot);
        assertThat(fresh.takeRequests())
                .containsExactly("at 10", "route 10 a0 d0", "at 20", "route 20 a1 d1");
        assertThat(config.numVectors()).isEqualTo(2);
        assertThat(config.label()).isEqualTo("net0");
        assertThat(config.snapshot()).isEqualTo(snapshot);
        assertThat(config.snapshot().getLong("pciId")).isEqualTo(0x1041_1af4);
        config.wake();
        config.trigger(1);
        assertThat(fresh.takeSignals()).containsExactly(20);
    }

    /** Row M44. */
    @Test
    void warmRestoreReleasesFirst() {
        MsixConfig config = saved();
        config.restore(config.snapshot());
        assertThat(router.takeRequests())
                .containsExactly(
                        "release 10",
                        "release 20",
                        "at 10",
                        "route 10 a0 d0",
                        "at 20",
                        "route 20 a1 d1");
    }

    @Test
    void functionWithACapabilityRefusesAnotherNumberOfVectors() {
        Snapshot snapshot = saved().snapshot();
        MsixConfig config = other(new RecordingRouter());
        config.fixVectors();
        MsixException why = refusal(config, snapshot);
        assertThat(why.error()).isEqualTo(MsixError.INVALID_SNAPSHOT);
        assertThat(why).hasMessageContaining("10").hasMessageContaining("2");
        assertThat(config.numVectors()).isEqualTo(10);
    }

    private static MsixException refusal(MsixConfig config, Snapshot snapshot) {
        Snapshot before = config.snapshot();
        SnapshotException e =
                catchThrowableOfType(SnapshotException.class, () -> config.restore(snapshot));
        assertThat(config.snapshot()).isEqualTo(before);
        return (MsixException) e.getCause();
    }

    @Test
    void badSnapshotsAreRefusedBeforeAnythingIsReleased() {
        MsixConfig config = saved();
        Snapshot good = config.snapshot();
        Map<String, Object> bad =
                Map.of(
                        "vectors",
                        0L,
                        "handles",
                        longs(10, 10),
                        "pending",
                        longs(0b100),
                        "table",
                        longs(0, 0, 0),
                        "requesterId",
                        1L << 32,
                        "label",
                        "");
        bad.forEach(
                (name, value) -> {
                    MsixException why = refusal(config, SnapshotMutations.with(good, name, value));
                    assertThat(why.error()).isEqualTo(MsixError.INVALID_SNAPSHOT);
                    assertThat(why.label()).isEqualTo("net0");
                });
        Map<String, Object> alsoBad =
                Map.of(
                        "vectors", 2049L,
                        "handles", longs(10, -2),
                        "pending", longs(0, 0),
                        "table", longs(0, 0, 0, 2L << 32));
        alsoBad.forEach(
                (name, value) ->
                        assertThat(
                                        refusal(config, SnapshotMutations.with(good, name, value))
                                                .error())
                                .isEqualTo(MsixError.INVALID_SNAPSHOT));
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Row M46. */
    @Test
    void failedRouteRollsBack() {
        MsixConfig config = saved();
        config.wake();
        config.writeMsixTable(8, 4, 0xdd);
        config.writeMsixTable(28, 4, 1);
        config.trigger(1);
        config.sleep();
        Snapshot snapshot = SnapshotMutations.with(config.snapshot(), "handles", longs(30, 40));
        router.takeRequests();
        router.failWhen("route 40 a1 d1"::equals);
        MsixException why = refusal(config, snapshot);
        assertThat(why.error()).isEqualTo(MsixError.ROUTE);
        assertThat(why.vector()).isEqualTo(1);
        assertThat(why.handle()).isEqualTo(40);
        assertThat(why.label()).isEqualTo("net0");
        assertThat(router.live())
                .containsOnly(
                        Map.entry(10, new MsiMessage(0xa0, 0xdd)),
                        Map.entry(20, new MsiMessage(0xa1, 0xd1)));
        config.wake();
        config.trigger(0);
        config.writeMsixTable(28, 4, 0);
        assertThat(router.takeSignals()).containsExactly(10, 20);
    }

    @Test
    void failedAllocationRollsBackAColdRestore() {
        Snapshot snapshot = saved().snapshot();
        RecordingRouter fresh = new RecordingRouter();
        MsixConfig config = other(fresh);
        fresh.failWhen("at 20"::equals);
        MsixException why = refusal(config, snapshot);
        assertThat(why.error()).isEqualTo(MsixError.ALLOCATE);
        assertThat(why.handle()).isEqualTo(20);
        assertThat(fresh.live()).isEmpty();
        assertThat(config.numVectors()).isEqualTo(10);
    }

    @Test
    void failedReleaseRollsBack() {
        MsixConfig config = saved();
        router.failWhen("release 20"::equals);
        MsixException why = refusal(config, config.snapshot());
        assertThat(why.error()).isEqualTo(MsixError.RELEASE);
        assertThat(router.live()).containsOnlyKeys(10, 20);
        config.wake();
        config.trigger(0);
        config.trigger(1);
        assertThat(router.takeSignals()).containsExactly(10, 20);
    }

    @Test
    void rollBackThatFindsAHandleTakenTakesAnother() {
        MsixConfig config = saved();
        router.failWhen(request -> request.equals("release 20") || request.equals("at 10"));
        SnapshotException e =
                catchThrowableOfType(
                        SnapshotException.class, () -> config.restore(config.snapshot()));
        assertThat(e.getCause().getSuppressed()).hasSize(1);
        assertThat(config.handle(0)).hasValue(26);
        config.wake();
        config.trigger(0);
        assertThat(router.takeSignals()).containsExactly(26);
    }

    @Test
    void rollBackThatFindsNoHandleMasksTheVector() {
        MsixConfig config = saved();
        router.failWhen(request -> !request.equals("release 10"));
        SnapshotException e =
                catchThrowableOfType(
                        SnapshotException.class, () -> config.restore(config.snapshot()));
        assertThat(e.getCause().getSuppressed()).hasSize(1);
        assertThat(config.handle(0)).isEmpty();
        assertThat(config.isTableMasked(0)).isTrue();
        assertThat(config.isTableMasked(1)).isFalse();
        router.failNever();
        config.wake();
        config.trigger(0);
        config.writeMsixTable(12, 4, 0);
        assertThat(router.takeSignals()).containsExactly(26);
    }

    /** Row M21: such a vector can only come from a snapshot. */
    @Test
    void unmaskedVectorWithoutHandleDropsTriggers() {
        MsixConfig config = saved();
        config.restore(SnapshotMutations.with(config.snapshot(), "handles", longs(-1, 20)));
        config.wake();
        config.trigger(0);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(config.readPbaEntries(0, 8)).isZero();
        assertThat(config.droppedTriggers()).isEqualTo(1);
    }

    @Test
    void pendingBitsOfASnapshotAreDeliveredOnWakeOnce() {
        MsixConfig config = saved();
        config.trigger(0);
        Snapshot snapshot = config.snapshot();
        RecordingRouter fresh = new RecordingRouter();
        MsixConfig restored = other(fresh);
        restored.restore(snapshot);
        assertThat(fresh.takeSignals()).isEmpty();
        restored.wake();
        restored.wake();
        assertThat(fresh.takeSignals()).containsExactly(10);
        assertThat(restored.readPbaEntries(0, 8)).isZero();
    }

    @Test
    void sleepHoldsMessagesBackUntilWake() {
        MsixConfig config = saved();
        config.trigger(0);
        config.trigger(0);
        assertThat(router.takeSignals()).isEmpty();
        config.wake();
        assertThat(router.takeSignals()).containsExactly(10);
    }

    @Test
    void restorePublishesTheLiveBits() {
        Snapshot snapshot = saved().snapshot();
        MsixConfig config = other(new RecordingRouter());
        int[] page = new int[3];
        config.setCapMapping(
                (register, value, mask) -> page[register] = page[register] & ~mask | value & mask);
        config.restore(snapshot);
        assertThat(page[0]).isEqualTo(0x8000_0000);
    }
}
