package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SnapshotMutations;

import org.junit.jupiter.api.Test;

import java.util.Map;

class MsiConfigTest {
    private static final MsiSource SOURCE = new MsiSource("port0", 0x3420_8086, 0x08);
    private static final int ENABLE = 1 << 16;

    private final RecordingRouter router = new RecordingRouter();

    private MsiConfig config(int vectors, boolean address64, boolean maskable) {
        return MsiConfig.create(vectors, address64, maskable, router, SOURCE);
    }

    /** Grants 2^bits messages of 0xfee00000 with data 0x4140, and enables. */
    private static MsiStatus enable(MsiConfig msi, int bits) {
        msi.writeRegister(1, 0, 4, 0xfee0_0000);
        msi.writeRegister(msi.capability().dataRegister(), 0, 2, 0x4140);
        return msi.writeRegister(0, 2, 2, 1 | bits << 4);
    }

    @Test
    void capabilityHasTheShapeOfItsKind() {
        assertThat(config(1, false, false).registers()).isEqualTo(3);
        assertThat(config(1, true, false).registers()).isEqualTo(4);
        assertThat(config(32, false, true).registers()).isEqualTo(5);
        assertThat(config(32, true, true).registers()).isEqualTo(6);
        for (boolean wide : new boolean[] {false, true}) {
            for (boolean maskable : new boolean[] {false, true}) {
                MsiConfig msi = config(8, wide, maskable);
                assertThat(msi.registers()).isEqualTo(msi.capability().image().length);
            }
        }
        assertThat(config(8, true, true).capability().image()[0] >>> 16).isEqualTo(0x0186);
    }

    /** H5: one allocation and route when MSI is enabled, kept when it is disabled. */
    @Test
    void enableAllocatesOnceAndRoutes() {
        MsiConfig msi = config(1, true, false);
        assertThat(enable(msi, 0)).isEqualTo(MsiStatus.ENABLED);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 4140");
        assertThat(msi.handle(0)).hasValue(24);
        assertThat(msi.handle(1)).isEmpty();
        assertThat(msi.writeRegister(0, 2, 2, 0)).isEqualTo(MsiStatus.DISABLED);
        assertThat(msi.writeRegister(0, 2, 2, 0)).isEqualTo(MsiStatus.NOTHING_TO_DO);
        assertThat(msi.writeRegister(0, 2, 2, 1)).isEqualTo(MsiStatus.ENABLED);
        assertThat(router.takeRequests()).isEmpty();
    }

    /** H5: edits while enabled route again. */
    @Test
    void editsWhileEnabledRouteAgain() {
        MsiConfig msi = config(1, true, false);
        enable(msi, 0);
        router.takeRequests();
        assertThat(msi.writeRegister(3, 0, 2, 0x4141)).isEqualTo(MsiStatus.CHANGED);
        assertThat(msi.writeRegister(2, 0, 4, 1)).isEqualTo(MsiStatus.CHANGED);
        assertThat(msi.writeRegister(1, 0, 4, 0xfee0_1003)).isEqualTo(MsiStatus.CHANGED);
        assertThat(router.takeRequests())
                .containsExactly(
                        "route 24 fee00000 4141",
                        "route 24 1fee00000 4141",
                        "route 24 1fee01000 4141");
        assertThat(msi.readRegister(1)).isEqualTo(0xfee0_1000);
    }

    @Test
    void editsWhileDisabledRouteOnEnable() {
        MsiConfig msi = config(1, false, false);
        enable(msi, 0);
        msi.writeRegister(0, 2, 1, 0);
        router.takeRequests();
        assertThat(msi.writeRegister(2, 0, 4, 0x1234_5678)).isEqualTo(MsiStatus.NOTHING_TO_DO);
        assertThat(router.takeRequests()).isEmpty();
        msi.writeRegister(0, 2, 1, 1);
        assertThat(router.takeRequests()).containsExactly("route 24 fee00000 5678");
    }

    @Test
    void messagesCarryTheirNumberInTheDatasLowBits() {
        MsiConfig msi = config(4, true, false);
        enable(msi, 2);
        assertThat(router.live().values())
                .containsExactlyInAnyOrder(
                        new MsiMessage(0xfee0_0000L, 0x4140),
                        new MsiMessage(0xfee0_0000L, 0x4141),
                        new MsiMessage(0xfee0_0000L, 0x4142),
                        new MsiMessage(0xfee0_0000L, 0x4143));
        msi.trigger(3);
        msi.trigger(1);
        assertThat(router.takeSignals()).containsExactly(27, 25);
    }

    @Test
    void vectorsShareTheMessagesThatAreGranted() {
        MsiConfig msi = config(8, true, false);
        enable(msi, 1);
        assertThat(msi.grantedVectors()).isEqualTo(2);
        for (int vector = 0; vector < 8; vector++) {
            msi.trigger(vector);
        }
        assertThat(router.takeSignals()).containsExactly(24, 25, 24, 25, 24, 25, 24, 25);
    }

    @Test
    void moreMessagesThanAskedForAreNotGranted() {
        MsiConfig msi = config(4, true, false);
        for (int bits = 3; bits < 8; bits++) {
            msi.writeRegister(0, 2, 1, bits << 4);
            assertThat(msi.readRegister(0)).isEqualTo(2 << 20);
        }
    }

    @Test
    void grantThatChangesWhileEnabledRoutesAgain() {
        MsiConfig msi = config(2, true, false);
        msi.writeRegister(3, 0, 2, 0x41);
        msi.writeRegister(1, 0, 4, 0xfee0_0000);
        msi.writeRegister(0, 2, 2, 1);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 41");
        msi.writeRegister(0, 2, 2, 0x11);
        assertThat(router.takeRequests())
                .containsExactly("route 24 fee00000 40", "allocate 1", "route 25 fee00000 41");
    }

    @Test
    void triggerWhileDisabledDoesNothing() {
        MsiConfig msi = config(1, true, true);
        assertThat(msi.triggerIfEnabled(0)).isFalse();
        msi.trigger(0);
        assertThat(msi.pending()).isZero();
        enable(msi, 0);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msi.triggerIfEnabled(0)).isTrue();
        assertThat(router.takeSignals()).containsExactly(24);
    }

    @Test
    void maskedMessagePendsAndIsDeliveredOnUnmask() {
        MsiConfig msi = config(4, true, true);
        int[] page = new int[6];
        msi.setCapMapping((register, value, mask) -> page[register] = value);
        enable(msi, 2);
        msi.writeRegister(4, 0, 4, 0b1010);
        msi.trigger(1);
        msi.trigger(1);
        msi.trigger(0);
        msi.trigger(3);
        assertThat(router.takeSignals()).containsExactly(24);
        assertThat(msi.readRegister(5)).isEqualTo(0b1010);
        assertThat(page[5]).isEqualTo(0b1010);
        msi.writeRegister(5, 0, 4, 0);
        assertThat(msi.readRegister(5)).isEqualTo(0b1010);
        msi.writeRegister(4, 0, 1, 0b1000);
        assertThat(router.takeSignals()).containsExactly(25);
        assertThat(page[5]).isEqualTo(0b1000);
        msi.clearPending(3);
        assertThat(page[5]).isZero();
        msi.writeRegister(4, 0, 1, 0);
        assertThat(router.takeSignals()).isEmpty();
    }

    @Test
    void maskedMessageIsRoutedWhenItIsFirstUnmasked() {
        MsiConfig msi = config(2, false, true);
        msi.writeRegister(3, 0, 4, 0b01);
        enable(msi, 1);
        assertThat(router.takeRequests()).containsExactly("allocate 1", "route 24 fee00000 4141");
        msi.trigger(0);
        msi.writeRegister(3, 0, 4, 0);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 25 fee00000 4140");
        assertThat(router.takeSignals()).containsExactly(25);
    }

    @Test
    void pendingBitOfAMessageThatIsGrantedNoLongerMovesToTheOneInItsPlace() {
        MsiConfig msi = config(4, true, true);
        enable(msi, 2);
        msi.writeRegister(4, 0, 4, -1);
        assertThat(msi.masks()).isEqualTo(0b1111);
        msi.trigger(3);
        msi.writeRegister(0, 2, 2, 0x11);
        assertThat(msi.pending()).isEqualTo(0b10);
    }

    @Test
    void writesOfAnyShapeChangeTheirBytesOnly() {
        MsiConfig msi = config(1, true, false);
        msi.writeRegister(1, 0, 4, 0x1234_5678);
        msi.writeRegister(1, 1, 1, 0xab);
        msi.writeRegister(1, 2, 2, 0xcdef);
        assertThat(msi.readRegister(1)).isEqualTo(0xcdef_ab78);
        msi.writeRegister(3, 0, 4, -1);
        assertThat(msi.readRegister(3)).isEqualTo(0xffff);
        msi.writeRegister(3, 2, 2, 0);
        assertThat(msi.readRegister(3)).isEqualTo(0xffff);
        msi.writeRegister(0, 0, 4, ENABLE | 0xffff);
        assertThat(msi.readRegister(0)).isEqualTo(ENABLE);
        int[][] bad = {{0, 2, 4}, {0, -1, 1}, {0, 0, 0}, {0, 3, 2}, {9, 0, 4}, {-1, 0, 4}};
        for (int[] shape : bad) {
            assertThat(msi.writeRegister(shape[0], shape[1], shape[2], 0))
                    .isEqualTo(MsiStatus.NOTHING_TO_DO);
        }
        assertThat(msi.isEnabled()).isTrue();
        assertThat(msi.readRegister(9)).isZero();
    }

    @Test
    void failedEnableLeavesMsiDisabled() {
        MsiConfig msi = config(2, true, false);
        router.failWhen("allocate 1"::equals);
        assertThat(enable(msi, 1)).isEqualTo(MsiStatus.NOTHING_TO_DO);
        assertThat(msi.isEnabled()).isFalse();
        assertThat(msi.lastError().orElseThrow().error()).isEqualTo(MsixError.ALLOCATE);
        router.failNever();
        assertThat(msi.writeRegister(0, 2, 1, 0x11)).isEqualTo(MsiStatus.ENABLED);
        msi.trigger(1);
        assertThat(router.takeSignals()).containsExactly(25);
    }

    @Test
    void triggerOfAVectorThatThereIsNotIsDroppedAndCounted() {
        MsiConfig msi = config(2, true, false);
        enable(msi, 1);
        msi.trigger(2);
        msi.trigger(-1);
        msi.trigger(Integer.MAX_VALUE);
        assertThat(msi.droppedTriggers()).isEqualTo(3);
        assertThat(router.takeSignals()).isEmpty();
        for (int count : new int[] {0, 3, 64, -1}) {
            assertThatThrownBy(() -> config(count, true, false))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("port0")
                    .hasMessageContaining(String.valueOf(count));
        }
    }

    @Test
    void destroyAndResetReleaseTheLastMessageFirst() {
        MsiConfig msi = config(2, true, true);
        enable(msi, 1);
        router.takeRequests();
        msi.writeRegister(4, 0, 4, 3);
        msi.trigger(0);
        msi.reset();
        assertThat(router.takeRequests()).containsExactly("release 25", "release 24");
        assertThat(msi.pending()).isZero();
        for (int register = 0; register < 6; register++) {
            assertThat(msi.readRegister(register)).isZero();
        }
        enable(msi, 1);
        router.takeRequests();
        msi.destroy();
        msi.destroy();
        assertThat(router.takeRequests()).containsExactly("release 27", "release 26");
        msi.trigger(0);
        enable(msi, 0);
        assertThat(router.takeRequests()).isEmpty();
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msi.keepDescriptors()).containsExactly(7);
    }

    @Test
    void restoreTakesTheSnapshotsHandlesAndRoutes() {
        MsiConfig msi = config(2, true, true);
        enable(msi, 1);
        msi.writeRegister(4, 0, 4, 1);
        msi.trigger(0);
        msi.sleep();
        msi.trigger(1);
        Snapshot snapshot = msi.snapshot();
        RecordingRouter fresh = new RecordingRouter();
        MsiConfig other = MsiConfig.create(2, true, true, fresh, new MsiSource("x", 0, -1));
        other.sleep();
        other.restore(snapshot);
        assertThat(fresh.takeRequests())
                .containsExactly(
                        "at 24", "route 24 fee00000 4140", "at 25", "route 25 fee00000 4141");
        assertThat(other.snapshot()).isEqualTo(snapshot);
        other.wake();
        assertThat(fresh.takeSignals()).containsExactly(25);
        assertThat(other.pending()).isEqualTo(1);
    }

    @Test
    void badSnapshotsAreRefusedBeforeAnythingIsReleased() {
        MsiConfig msi = config(2, false, false);
        enable(msi, 1);
        msi.sleep();
        router.takeRequests();
        Snapshot good = msi.snapshot();
        Map<String, Object> bad =
                Map.of(
                        "vectors", 4L,
                        "granted", 2L,
                        "address", 1L << 32,
                        "data", 1L << 16,
                        "masks", 1L,
                        "pending", 4L);
        bad.forEach(
                (name, value) -> {
                    SnapshotException e =
                            catchThrowableOfType(
                                    SnapshotException.class,
                                    () -> msi.restore(SnapshotMutations.with(good, name, value)));
                    assertThat(((MsixException) e.getCause()).error())
                            .isEqualTo(MsixError.INVALID_SNAPSHOT);
                    assertThat(msi.snapshot()).isEqualTo(good);
                });
        assertThat(router.takeRequests()).isEmpty();
    }

    @Test
    void failedRestoreRollsBack() {
        MsiConfig msi = config(2, true, false);
        enable(msi, 1);
        msi.sleep();
        Snapshot before = msi.snapshot();
        router.failWhen("at 25"::equals);
        SnapshotException e =
                catchThrowableOfType(SnapshotException.class, () -> msi.restore(before));
        assertThat(((MsixException) e.getCause()).handle()).isEqualTo(25);
        router.failNever();
        msi.wake();
        msi.trigger(0);
        assertThat(router.takeSignals()).containsExactly(24);
    }
}
