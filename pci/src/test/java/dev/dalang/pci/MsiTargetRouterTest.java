package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.pci.MsiRouterException.Kind;
import dev.dalang.testkit.ScriptedMsiTarget;

import org.junit.jupiter.api.Test;

class MsiTargetRouterTest {
    private static final MsiSource SOURCE = new MsiSource("disk0", 0x1042_1af4, 0x10);

    private final ScriptedMsiTarget target = new ScriptedMsiTarget();
    private final MsiTargetRouter router = MsiTargetRouter.create(target, 3);

    private static Kind refusal(Runnable request) {
        return catchThrowableOfType(MsiRouterException.class, request::run).kind();
    }

    @Test
    void signalWritesTheRoutesDataToItsAddress() {
        int handle = router.allocate(SOURCE, 0);
        assertThat(router.signal(handle)).isFalse();
        router.route(SOURCE, handle, new MsiMessage(0x2800_0000L, 5));
        assertThat(router.signal(handle)).isTrue();
        router.route(SOURCE, handle, new MsiMessage(0x2800_1000L, 6));
        assertThat(router.signal(handle)).isTrue();
        assertThat(target.accepted())
                .containsExactly(new MsiMessage(0x2800_0000L, 5), new MsiMessage(0x2800_1000L, 6));
    }

    @Test
    void signalTellsWhenNothingTakesTheMessage() {
        int handle = router.allocate(SOURCE, 0);
        router.route(SOURCE, handle, new MsiMessage(0x8000_0000L, 5));
        target.script(_ -> false);
        assertThat(router.signal(handle)).isFalse();
    }

    @Test
    void signalOfAHandleThatIsNotGivenOutDeliversNothing() {
        int handle = router.allocate(SOURCE, 0);
        router.route(SOURCE, handle, new MsiMessage(0x2800_0000L, 5));
        router.release(handle);
        for (int other : new int[] {handle, 2, 3, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertThat(router.signal(other)).isFalse();
        }
        assertThat(router.signal(router.allocate(SOURCE, 0))).isFalse();
        assertThat(target.accepted()).isEmpty();
    }

    @Test
    void exhaustionIsReportedWithNumbers() {
        for (int vector = 0; vector < 3; vector++) {
            router.allocate(SOURCE, vector);
        }
        assertThatThrownBy(() -> router.allocate(SOURCE, 7))
                .isInstanceOfSatisfying(
                        MsiRouterException.class,
                        e -> assertThat(e.kind()).isEqualTo(Kind.EXHAUSTED))
                .hasMessageContaining("disk0")
                .hasMessageContaining("vector 7")
                .hasMessageContaining("all 3");
        assertThat(router.handlesInUse()).isEqualTo(3);
        router.release(1);
        assertThat(router.allocate(SOURCE, 7)).isEqualTo(1);
    }

    /** Q11: a vector that could not be set up leaves its handle to others. */
    @Test
    void failedVectorsLeakNoHandle() {
        MsiTargetRouter one = MsiTargetRouter.create(target, 1);
        MsiRouter refusing =
                new MsiRouter() {
                    @Override
                    public int allocate(MsiSource source, int vector) {
                        return one.allocate(source, vector);
                    }

                    @Override
                    public void allocateAt(MsiSource source, int vector, int handle) {
                        one.allocateAt(source, vector, handle);
                    }

                    @Override
                    public void route(MsiSource source, int handle, MsiMessage message) {
                        throw new MsiRouterException(Kind.HOST, "no room in the routing table");
                    }

                    @Override
                    public void release(int handle) {
                        one.release(handle);
                    }

                    @Override
                    public boolean signal(int handle) {
                        return one.signal(handle);
                    }
                };
        MsixConfig config = MsixConfig.create(1, refusing, SOURCE);
        config.writeMsixCapability(2, 2, 0x8000);
        config.writeMsixTable(0, 8, 0x2800_0000L);
        for (int i = 0; i < 100; i++) {
            config.writeMsixTable(12, 4, 0);
            assertThat(one.handlesInUse()).isZero();
        }
    }

    /** Q12: a handle that a snapshot brought is not given out again. */
    @Test
    void restoredHandlesAreReserved() {
        router.allocateAt(SOURCE, 0, 0);
        router.allocateAt(SOURCE, 1, 2);
        assertThat(router.allocate(SOURCE, 2)).isEqualTo(1);
        assertThat(refusal(() -> router.allocate(SOURCE, 3))).isEqualTo(Kind.EXHAUSTED);
        assertThat(refusal(() -> router.allocateAt(SOURCE, 3, 2))).isEqualTo(Kind.HANDLE_IN_USE);
    }

    @Test
    void handlesThatThereAreNotAreRefused() {
        assertThat(refusal(() -> router.allocateAt(SOURCE, 0, 3))).isEqualTo(Kind.UNKNOWN_HANDLE);
        assertThat(refusal(() -> router.allocateAt(SOURCE, 0, -1))).isEqualTo(Kind.UNKNOWN_HANDLE);
        assertThat(refusal(() -> router.release(0))).isEqualTo(Kind.UNKNOWN_HANDLE);
        assertThat(refusal(() -> router.route(SOURCE, 0, new MsiMessage(1, 1))))
                .isEqualTo(Kind.UNKNOWN_HANDLE);
        assertThatThrownBy(() -> MsiTargetRouter.create(target, 0))
                .isInstanceOf(PciException.class);
        assertThatThrownBy(() -> MsiTargetRouter.create(target, 65_537))
                .isInstanceOf(PciException.class);
        assertThat(router.handles()).isEqualTo(3);
    }

    /** Two functions share a router: what one gives back the other may have, and not before. */
    @Test
    void functionsShareTheHandlesOfAMachine() {
        MsixConfig first = live(2);
        MsixConfig second = live(2);
        assertThat(second.handle(0)).hasValue(2);
        assertThat(second.isTableMasked(1)).isTrue();
        assertThat(second.lastError().orElseThrow()).hasMessageContaining("all 3");
        first.destroy();
        second.writeMsixTable(28, 4, 0);
        assertThat(second.handle(1)).hasValue(0);
    }

    private MsixConfig live(int vectors) {
        MsixConfig config = MsixConfig.create(vectors, router, SOURCE);
        config.writeMsixCapability(2, 2, 0x8000);
        for (int vector = 0; vector < vectors; vector++) {
            config.writeMsixTable(16L * vector, 8, 0x2800_0000L);
            config.writeMsixTable(16L * vector + 8, 8, vector);
        }
        return config;
    }
}
