package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.MsiMessage;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Routers that refuse, throw, need more than they get, or come back to the table. */
final class MsixRouterFailureTest extends MsixFixture {
    /** Row M40. */
    @Test
    void failedAllocationMasksTheEntryAgain() {
        control(0x8000);
        program(0, FEE0_0000, 0x4041);
        msix.trigger(0);
        router.failWhen(request -> request.startsWith("allocate"));
        assertThat(mask(0, 0)).isEqualTo(entryChanged(0));
        assertThat(msix.readMsixTable(12, 4)).isEqualTo(1);
        assertThat(msix.errors()).isEqualTo(1);
        assertThat(msix.lastError())
                .hasValueSatisfying(
                        e -> {
                            assertThat(e.error()).isEqualTo(MsixError.ALLOCATE);
                            assertThat(e.label()).isEqualTo("disk0");
                            assertThat(e.vector()).isZero();
                            assertThat(e.handle()).isEqualTo(MsixException.NONE);
                            assertThat(e)
                                    .hasMessageContaining("disk0")
                                    .hasMessageContaining("vector 0");
                        });
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(1);
        router.failNever();
        mask(0, 0);
        assertThat(router.takeSignals()).containsExactly(24);
    }

    /** A handle whose route fails is given back: nothing leaks (Q11). */
    @Test
    void failedRouteGivesTheHandleBackAndMasksTheEntry() {
        control(0x8000);
        program(0, FEE0_0000, 0x4041);
        router.failWhen(request -> request.startsWith("route"));
        mask(0, 0);
        assertThat(router.takeRequests())
                .containsExactly("allocate 0", "route 24 fee00000 4041", "release 24");
        assertThat(msix.isTableMasked(0)).isTrue();
        assertThat(msix.handle(0)).isEmpty();
        assertThat(router.live()).isEmpty();
        assertThat(msix.lastError().orElseThrow().error()).isEqualTo(MsixError.ROUTE);
        assertThat(msix.lastError().orElseThrow().handle()).isEqualTo(24);
    }

    @Test
    void failedEnableLeavesMsixDisabled() {
        for (int vector = 0; vector < 3; vector++) {
            program(vector, FEE0_0000, 0x40 + vector);
            mask(vector, 0);
        }
        msix.trigger(0);
        router.failWhen("allocate 1"::equals);
        assertThat(control(0x8000)).isEqualTo(NOTHING);
        assertThat(msix.isEnabled()).isFalse();
        assertThat(msix.readMsixCapability(0)).isZero();
        assertThat(router.takeRequests())
                .containsExactly("allocate 0", "route 24 fee00000 40", "allocate 1");
        assertThat(router.takeSignals()).isEmpty();
        router.failNever();
        control(0x8000);
        assertThat(router.takeRequests()).doesNotContain("allocate 0").contains("allocate 2");
        assertThat(router.takeSignals()).containsExactly(24);
    }

    @Test
    void failedVectorUnderAClearedFunctionMaskIsMaskedAndTheOthersLive() {
        control(0xc000);
        for (int vector = 0; vector < 3; vector++) {
            program(vector, FEE0_0000, 0x40 + vector);
            mask(vector, 0);
            msix.trigger(vector);
        }
        router.failWhen("allocate 1"::equals);
        assertThat(control(0x8000)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isTrue();
        assertThat(router.takeSignals()).containsExactly(24, 25);
        assertThat(msix.isTableMasked(1)).isTrue();
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(0b010);
    }

    @Test
    void failedRouteOfAnEditIsTriedAgainAtTheNextUnmask() {
        live();
        router.failWhen(request -> request.startsWith("route"));
        msix.writeMsixTable(8, 4, 0x9999);
        assertThat(msix.isTableMasked(0)).isFalse();
        router.failNever();
        router.takeRequests();
        mask(0, 1);
        assertThat(router.takeRequests()).containsExactly("route 24 fee00000 9999");
        mask(0, 0);
        assertThat(router.live()).containsEntry(24, new MsiMessage(FEE0_0000, 0x9999));
    }

    @Test
    void routerThatThrowsOnSignalHurtsNobody() {
        List<Integer> signalled = new ArrayList<>();
        MsiRouter broken =
                new MsiRouter() {
                    @Override
                    public int allocate(MsiSource source, int vector) {
                        return 5;
                    }

                    @Override
                    public void allocateAt(MsiSource source, int vector, int handle) {}

                    @Override
                    public void route(MsiSource source, int handle, MsiMessage message) {}

                    @Override
                    public void release(int handle) {}

                    @Override
                    public boolean signal(int handle) {
                        signalled.add(handle);
                        throw new IllegalStateException("broken");
                    }
                };
        MsixConfig config = MsixConfig.create(1, broken, new MsiSource("d", 0, 0));
        config.writeMsixCapability(2, 2, 0x8000);
        config.writeMsixTable(0, 8, FEE0_0000);
        config.writeMsixTable(12, 4, 0);
        config.trigger(0);
        config.writeMsixTable(12, 4, 1);
        config.trigger(0);
        config.writeMsixTable(12, 4, 0);
        assertThat(signalled).containsExactly(5, 5);
        assertThat(config.droppedTriggers()).isEqualTo(2);
        assertThat(broken.keepDescriptors()).isEmpty();
    }

    /** Row M50. */
    @Test
    void functionWithoutAddressWorksWhereTheRouterNeedsNone() {
        MsixConfig unplaced =
                MsixConfig.create(1, router, new MsiSource("d", 0, MsiSource.NO_REQUESTER_ID));
        unplaced.writeMsixCapability(2, 2, 0x8000);
        unplaced.writeMsixTable(0, 8, FEE0_0000);
        unplaced.writeMsixTable(12, 4, 0);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 0");
    }

    /** Row M50. */
    @Test
    void routerThatNeedsAnAddressAnswersWithATypedError() {
        NeedsRequester strict = new NeedsRequester();
        MsixConfig unplaced =
                MsixConfig.create(1, strict, new MsiSource("d", 0, MsiSource.NO_REQUESTER_ID));
        unplaced.writeMsixCapability(2, 2, 0x8000);
        unplaced.writeMsixTable(0, 8, FEE0_0000);
        unplaced.writeMsixTable(12, 4, 0);
        assertThat(unplaced.isTableMasked(0)).isTrue();
        assertThat(unplaced.lastError().orElseThrow())
                .satisfies(e -> assertThat(e.error()).isEqualTo(MsixError.ROUTE))
                .cause()
                .isInstanceOfSatisfying(
                        MsiRouterException.class,
                        e ->
                                assertThat(e.kind())
                                        .isEqualTo(MsiRouterException.Kind.NO_REQUESTER_ID));
        unplaced.setRequesterId(0x0810);
        unplaced.writeMsixTable(12, 4, 0);
        assertThat(unplaced.isTableMasked(0)).isFalse();
        assertThat(strict.requesters).containsExactly(0x0810L);
        unplaced.setRequesterId(0x0910);
        assertThat(strict.requesters).containsExactly(0x0810L, 0x0910L);
    }

    private static final class NeedsRequester implements MsiRouter {
        final List<Long> requesters = new ArrayList<>();

        @Override
        public int allocate(MsiSource source, int vector) {
            return 0;
        }

        @Override
        public void allocateAt(MsiSource source, int vector, int handle) {}

        @Override
        public void route(MsiSource source, int handle, MsiMessage message) {
            if (!source.hasRequesterId()) {
                throw new MsiRouterException(
                        MsiRouterException.Kind.NO_REQUESTER_ID,
                        source.label() + ": the interrupt translation needs a requester id");
            }
            requesters.add(source.requesterId());
        }

        @Override
        public void release(int handle) {}

        @Override
        public boolean signal(int handle) {
            return true;
        }
    }

    /** A message may be routed back to the table: the handler of a signal masks its own vector. */
    @Test
    void signalThatComesBackToTheTableDoesNotHang() {
        List<MsixConfig> self = new ArrayList<>();
        MsiTargetRouter back =
                MsiTargetRouter.create(
                        (address, data) -> {
                            self.get(0).writeMsixTable(12, 4, 1);
                            self.get(0).writeMsixCapability(2, 2, 0);
                            self.get(0).writeMsixCapability(2, 2, 0x8000);
                            return true;
                        },
                        4);
        MsixConfig config = MsixConfig.create(1, back, new MsiSource("d", 0, 0));
        self.add(config);
        config.writeMsixCapability(2, 2, 0x8000);
        config.writeMsixTable(0, 8, FEE0_0000);
        config.trigger(0);
        config.writeMsixTable(12, 4, 0);
        assertThat(config.isTableMasked(0)).isTrue();
        config.writeMsixTable(12, 4, 0);
        config.trigger(0);
        assertThat(config.isTableMasked(0)).isTrue();
        config.trigger(0);
        assertThat(config.isPending(0)).isTrue();
    }
}
