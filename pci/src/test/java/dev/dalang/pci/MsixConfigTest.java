package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/**
 * What the table and the control bits ask of the router, and what is delivered: rows M of the plan.
 */
final class MsixConfigTest extends MsixFixture {
    /** Row M4. */
    @Test
    void enablingWithAllEntriesMaskedAsksForNothing() {
        assertThat(control(0x8000)).isEqualTo(NOTHING);
        assertThat(msix.isEnabled()).isTrue();
        assertThat(msix.readMsixCapability(0x0002_0011) >>> 16).isEqualTo(0x8002);
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Row M5. */
    @Test
    void firstUnmaskAllocatesAndRoutes() {
        control(0x8000);
        program(0, FEE0_0000, 0x4041);
        assertThat(router.takeRequests()).isEmpty();
        assertThat(mask(0, 0)).isEqualTo(entryChanged(0));
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 4041");
        assertThat(msix.handle(0)).hasValue(24);
        assertThat(msix.handle(1)).isEmpty();
        assertThat(msix.handle(3)).isEmpty();
        assertThat(msix.handle(-1)).isEmpty();
    }

    /** Row M6. */
    @Test
    void addressZeroIsAllocatedAndNotRouted() {
        control(0x8000);
        assertThat(mask(0, 0)).isEqualTo(entryChanged(0));
        assertThat(router.takeRequests()).containsExactly("allocate 0");
        msix.trigger(0);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.droppedTriggers()).isEqualTo(1);
    }

    @Test
    void addressThatComesAfterTheUnmaskIsRouted() {
        control(0x8000);
        mask(0, 0);
        msix.writeMsixTable(0, 4, FEE0_0000);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 0");
        msix.trigger(0);
        assertThat(router.takeSignals()).containsExactly(24);
    }

    @Test
    void addressThatBecomesZeroSendsNoMore() {
        live();
        msix.writeMsixTable(0, 8, 0);
        msix.trigger(0);
        assertThat(router.takeSignals()).isEmpty();
        msix.writeMsixTable(0, 8, FEE0_0000);
        msix.trigger(0);
        assertThat(router.takeSignals()).containsExactly(24);
    }

    /** Row M7. */
    @Test
    void enablingAllocatesWhatIsUnmaskedAlready() {
        program(0, FEE0_0000, 0x4041);
        assertThat(mask(0, 0)).isEqualTo(entryChanged(0));
        assertThat(router.takeRequests()).isEmpty();
        assertThat(control(0x8000)).isEqualTo(NOTHING);
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 4041");
    }

    /** Row M9, and the text that goes with it. */
    @Test
    void clearingTheFunctionMaskAllocatesRoutesAndDelivers() {
        assertThat(control(0xc000)).isEqualTo(CHANGED);
        for (int vector = 0; vector < 3; vector++) {
            program(vector, FEE0_0000, 0x40 + vector);
        }
        assertThat(mask(0, 0)).isEqualTo(NOTHING);
        assertThat(mask(2, 0)).isEqualTo(NOTHING);
        msix.trigger(1);
        msix.trigger(2);
        msix.trigger(2);
        assertThat(router.takeRequests()).isEmpty();
        assertThat(control(0x8000)).isEqualTo(CHANGED);
        assertThat(router.takeRequests())
                .containsExactly(
                        "allocate 0", "route 24 fee00000 40", "allocate 2", "route 25 fee00000 42");
        assertThat(router.takeSignals()).containsExactly(25);
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(0b010);
        mask(1, 0);
        assertThat(router.takeSignals()).containsExactly(26);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
    }

    /** Row M10. */
    @Test
    void editOfALiveVectorRoutesAgain() {
        live();
        assertThat(msix.writeMsixTable(8, 4, 0x4042)).isEqualTo(NOTHING);
        assertThat(router.takeRequests()).containsExactly("route 24 fee00000 4042");
        msix.writeMsixTable(8, 4, 0x4042);
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Row M11. */
    @Test
    void editOfAMaskedLiveVectorRoutesAgain() {
        live();
        mask(0, 1);
        msix.writeMsixTable(0, 4, 0xfee0_1000L);
        assertThat(router.takeRequests()).containsExactly("route 24 fee01000 4041");
        mask(0, 0);
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Row M13. */
    @Test
    void maskingALiveVectorAsksForNothing() {
        live();
        assertThat(mask(0, 1)).isEqualTo(entryChanged(0));
        assertThat(mask(0, 1)).isEqualTo(NOTHING);
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Rows M14 and M15. */
    @Test
    void triggerOfAMaskedVectorPendsAndIsDeliveredOnUnmask() {
        live();
        mask(0, 1);
        long before = msix.readMsixTable(8, 8);
        msix.trigger(0);
        msix.trigger(0);
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(1);
        assertThat(msix.isPending(0)).isTrue();
        assertThat(msix.isPending(1)).isFalse();
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readMsixTable(8, 8)).isEqualTo(before);
        assertThat(mask(0, 0)).isEqualTo(entryChanged(0));
        assertThat(router.takeSignals()).containsExactly(24);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
    }

    /** Row M16. */
    @Test
    void triggerBeforeTheFirstUnmaskIsDeliveredAfterTheRouteIsThere() {
        control(0x8000);
        program(1, FEE0_0000, 0x4041);
        msix.trigger(1);
        assertThat(msix.readPbaEntries(0, 4)).isEqualTo(2);
        assertThat(mask(1, 0)).isEqualTo(entryChanged(1));
        assertThat(router.takeRequests()).containsExactly("allocate 1", "route 24 fee00000 4041");
        assertThat(router.takeSignals()).containsExactly(24);
        assertThat(msix.readPbaEntries(0, 4)).isZero();
    }

    /** Rows M17 and M18. */
    @Test
    void functionMaskHoldsMessagesBackUntilItIsCleared() {
        live();
        program(1, FEE0_0000, 0x4042);
        mask(1, 0);
        assertThat(control(0xc000)).isEqualTo(CHANGED);
        assertThat(msix.isMasked()).isTrue();
        msix.trigger(0);
        msix.trigger(1);
        msix.trigger(2);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(0b111);
        assertThat(control(0x8000)).isEqualTo(CHANGED);
        assertThat(router.takeSignals()).containsExactly(24, 25);
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(0b100);
    }

    /** Row M20. */
    @Test
    void triggerOfALiveVectorSignalsOnce() {
        live();
        msix.trigger(0);
        assertThat(router.takeSignals()).containsExactly(24);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
    }

    /** Row M22. */
    @Test
    void triggerOfAVectorThatThereIsNotIsDroppedAndCounted() {
        live();
        for (int vector : new int[] {3, 4, 64, 2048, 0xffff, -1, Integer.MIN_VALUE}) {
            msix.trigger(vector);
        }
        assertThat(msix.droppedTriggers()).isEqualTo(7);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readPbaEntries(0, 8)).isZero();
    }

    @Test
    void dataAndUnmaskInOneWriteRouteTheNewDataOnly() {
        control(0x8000);
        msix.writeMsixTable(0, 8, FEE0_0000);
        assertThat(msix.writeMsixTable(8, 8, 0x77)).isEqualTo(entryChanged(0));
        assertThat(router.takeRequests()).containsExactly("allocate 0", "route 24 fee00000 77");
        msix.writeMsixTable(8, 8, 0x1_0000_0078L);
        msix.trigger(0);
        msix.writeMsixTable(8, 8, 0x79);
        assertThat(router.takeRequests())
                .containsExactly("route 24 fee00000 78", "route 24 fee00000 79");
        assertThat(router.takeSignals()).containsExactly(24);
    }

    /** Row M39. */
    @Test
    void disableAndEnableWithoutEditsAskForNothing() {
        live();
        assertThat(control(0)).isEqualTo(NOTHING);
        assertThat(control(0x8000)).isEqualTo(NOTHING);
        assertThat(router.takeRequests()).isEmpty();
        msix.trigger(0);
        assertThat(router.takeSignals()).containsExactly(24);
    }

    /** Q9: an edit while disabled reaches the router when MSI-X is enabled again. */
    @Test
    void editsWhileDisabledAreRoutedOnEnable() {
        live();
        control(0);
        program(0, FEE0_0000, 0x5555);
        mask(0, 1);
        assertThat(router.takeRequests()).isEmpty();
        control(0x8000);
        assertThat(router.takeRequests()).containsExactly("route 24 fee00000 5555");
        mask(0, 0);
        assertThat(router.takeRequests()).isEmpty();
    }

    @Test
    void triggersWhileDisabledPendAndAreDeliveredOnEnable() {
        live();
        control(0);
        msix.trigger(0);
        msix.trigger(0);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(1);
        control(0x8000);
        assertThat(router.takeSignals()).containsExactly(24);
        control(0);
        control(0x8000);
        assertThat(router.takeSignals()).isEmpty();
    }

    @Test
    void pendingMaskedVectorStaysPendingOnEnable() {
        live();
        mask(0, 1);
        control(0);
        msix.trigger(0);
        control(0x8000);
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(1);
    }

    /** Row M48. */
    @Test
    void destroyReleasesTheLastVectorFirst() {
        live();
        program(2, FEE0_0000, 0x4043);
        mask(2, 0);
        router.takeRequests();
        router.failWhen("release 25"::equals);
        msix.destroy();
        assertThat(router.takeRequests()).containsExactly("release 25", "release 24");
        router.failNever();
        msix.destroy();
        msix.trigger(0);
        control(0);
        control(0x8000);
        mask(1, 0);
        assertThat(router.takeRequests()).isEmpty();
        assertThat(router.takeSignals()).isEmpty();
        assertThat(msix.handle(0)).isEmpty();
    }

    @Test
    void clearedPendingBitIsNotDelivered() {
        live();
        mask(0, 1);
        msix.trigger(0);
        msix.clearPending(0);
        msix.clearPending(99);
        mask(0, 0);
        assertThat(router.takeSignals()).isEmpty();
    }

    @Test
    void resetReleasesEverythingAndIsAsNew() {
        List<Integer> published = new ArrayList<>();
        msix.setCapMapping((register, value, mask) -> published.add(value & mask));
        live();
        mask(0, 1);
        msix.trigger(0);
        control(0xc000);
        msix.reset();
        assertThat(router.takeRequests()).containsExactly("release 24");
        assertThat(published).containsExactly(0);
        assertAsAtReset();
        assertThat(msix.isEnabled()).isFalse();
        assertThat(msix.isMasked()).isFalse();
        live();
        msix.trigger(0);
        assertThat(router.takeSignals()).containsExactly(25);
    }

    @Test
    void descriptorsToKeepAreTheRouters() {
        assertThat(msix.keepDescriptors()).containsExactly(7);
    }
}
