package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.interrupt.MsiMessage;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** The table, the capability and the pending bits, as a guest sees them: rows M of the plan. */
class MsixConfigTest {
    static final MsixStatus NOTHING = new MsixStatus.NothingToDo();
    static final MsixStatus CHANGED = new MsixStatus.Changed();
    static final long FEE0_0000 = 0xfee0_0000L;

    private final RecordingRouter router = new RecordingRouter();
    private final MsixConfig msix = config(3);

    private MsixConfig config(int vectors) {
        return MsixConfig.create(vectors, router, new MsiSource("disk0", 0x1042_1af4, 0x10));
    }

    private MsixStatus control(int value) {
        return msix.writeMsixCapability(2, 2, value);
    }

    private MsixStatus mask(int vector, int bit) {
        return msix.writeMsixTable(16L * vector + 12, 4, bit);
    }

    private void program(int vector, long address, int data) {
        msix.writeMsixTable(16L * vector, 4, address & 0xffff_ffffL);
        msix.writeMsixTable(16L * vector + 4, 4, address >>> 32);
        msix.writeMsixTable(16L * vector + 8, 4, data);
    }

    /** Vector 0 live: enabled, programmed, unmasked. Records are empty afterwards. */
    private void live() {
        control(0x8000);
        program(0, FEE0_0000, 0x4041);
        mask(0, 0);
        router.takeRequests();
    }

    private static MsixStatus entryChanged(int vector) {
        return new MsixStatus.EntryChanged(vector);
    }

    /** Row M1. */
    @Test
    void entriesAreZeroAndMaskedAtReset() {
        for (int vector = 0; vector < 3; vector++) {
            assertThat(msix.readMsixTable(16L * vector, 8)).isZero();
            assertThat(msix.readMsixTable(16L * vector + 8, 4)).isZero();
            assertThat(msix.readMsixTable(16L * vector + 12, 4)).isEqualTo(1);
            assertThat(msix.isTableMasked(vector)).isTrue();
        }
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(msix.isTableMasked(3)).isTrue();
        assertThat(msix.isTableMasked(-1)).isTrue();
        assertThat(router.takeRequests()).isEmpty();
    }

    /** Row M2. */
    @Test
    void capabilityHasTheTableSizeAndNoLiveBitAtReset() {
        int image = msix.capability(0, 0x6000, 0, 0x7000).image()[0] | PciRegisters.PCI_CAP_ID_MSIX;
        assertThat(image).isEqualTo(0x0002_0011);
        assertThat(msix.readMsixCapability(image)).isEqualTo(0x0002_0011);
        assertThat(msix.readMsixCapability(0xc002_0011)).isEqualTo(0x0002_0011);
        assertThat(msix.isEnabled()).isFalse();
        assertThat(msix.isMasked()).isFalse();
    }

    /** Row M3. */
    @Test
    void capabilityPointsToTableAndPendingBits() {
        int[] image = msix.capability(0, 0x6000, 0, 0x7000).image();
        assertThat(image[1]).isEqualTo(0x6000);
        assertThat(image[2]).isEqualTo(0x7000);
        int[] elsewhere = msix.capability(2, 0x10, 4, 0xffff_fff8L).image();
        assertThat(elsewhere[1]).isEqualTo(0x12);
        assertThat(elsewhere[2]).isEqualTo(0xffff_fffc);
        assertThat(msix.capability(0, 0, 1, 0).writableMask()).containsOnly(0);
    }

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

    /** Row M26. */
    @Test
    void dwordsReadTheFourFields() {
        program(1, 0x1234_5678_9abc_def0L, 0xcafe_f00d);
        mask(1, 0);
        assertThat(msix.readMsixTable(16, 4)).isEqualTo(0x9abc_def0L);
        assertThat(msix.readMsixTable(20, 4)).isEqualTo(0x1234_5678L);
        assertThat(msix.readMsixTable(24, 4)).isEqualTo(0xcafe_f00dL);
        assertThat(msix.readMsixTable(28, 4)).isZero();
    }

    /** Row M27. */
    @Test
    void qwordsReadAndWriteAddressAndDataWithControl() {
        msix.writeMsixTable(32, 8, 0x8234_5678_9abc_def0L);
        msix.writeMsixTable(40, 8, 0x8000_0001L);
        assertThat(msix.readMsixTable(32, 8)).isEqualTo(0x8234_5678_9abc_def0L);
        assertThat(msix.readMsixTable(40, 8)).isEqualTo(0x8000_0001L);
        assertThat(msix.isTableMasked(2)).isFalse();
        msix.writeMsixTable(40, 8, 0x1_0000_0007L);
        assertThat(msix.readMsixTable(40, 8)).isEqualTo(0x1_0000_0007L);
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

    /** Rows M29 and M30. */
    @Test
    void badShapesReadZeroAndWriteNothing() {
        program(0, -1, -1);
        long low = msix.readMsixTable(0, 8);
        long high = msix.readMsixTable(8, 8);
        int[][] bad = {
            {0, 1}, {0, 2}, {0, 3}, {12, 1}, {2, 4}, {1, 4}, {2, 8}, {4, 8}, {12, 8}, {3, 2},
            {0, 0}, {0, -4}, {0, 16}, {0, 5}
        };
        for (int[] shape : bad) {
            assertThat(msix.readMsixTable(shape[0], shape[1])).isZero();
            assertThat(msix.writeMsixTable(shape[0], shape[1], 0)).isEqualTo(NOTHING);
        }
        assertThat(msix.readMsixTable(0, 8)).isEqualTo(low);
        assertThat(msix.readMsixTable(8, 8)).isEqualTo(high);
    }

    /** Row M31. */
    @Test
    void entriesThatThereAreNotReadZeroAndWriteNothing() {
        for (long offset : new long[] {48, 56, 0x8000, 1L << 40, -16, -8, Long.MIN_VALUE}) {
            assertThat(msix.writeMsixTable(offset, 8, -1)).isEqualTo(NOTHING);
            assertThat(msix.writeMsixTable(offset, 4, 0)).isEqualTo(NOTHING);
            assertThat(msix.readMsixTable(offset, 8)).isZero();
            assertThat(msix.readMsixTable(offset, 4)).isZero();
        }
    }

    /** Row M32. */
    @Test
    void vectorControlStoresTheMaskBitOnly() {
        mask(0, 0);
        msix.writeMsixTable(12, 4, 0xffff_ffffL);
        assertThat(msix.readMsixTable(12, 4)).isEqualTo(1);
        msix.writeMsixTable(12, 4, 0xffff_fffeL);
        assertThat(msix.readMsixTable(12, 4)).isZero();
    }

    /** Row M34, and the shapes of the pending bit array. */
    @Test
    void pendingBitsReadInDwordsAndQwords() {
        MsixConfig wide = config(130);
        for (int vector : new int[] {0, 31, 32, 63, 64, 127, 129}) {
            wide.trigger(vector);
        }
        assertThat(wide.readPbaEntries(0, 8)).isEqualTo(0x8000_0001_8000_0001L);
        assertThat(wide.readPbaEntries(0, 4)).isEqualTo(0x8000_0001L);
        assertThat(wide.readPbaEntries(4, 4)).isEqualTo(0x8000_0001L);
        assertThat(wide.readPbaEntries(8, 8)).isEqualTo(0x8000_0000_0000_0001L);
        assertThat(wide.readPbaEntries(16, 8)).isEqualTo(2);
        assertThat(wide.pbaBytes()).isEqualTo(24);
        assertThat(wide.tableBytes()).isEqualTo(2080);
        long[][] nothing = {
            {24, 8},
            {24, 4},
            {32, 8},
            {1 << 20, 8},
            {-8, 8},
            {-4, 4},
            {4, 8},
            {2, 4},
            {0, 1},
            {0, 2},
            {1, 1},
            {0, 0}
        };
        for (long[] shape : nothing) {
            assertThat(wide.readPbaEntries(shape[0], (int) shape[1])).isZero();
        }
    }

    /** Row M35. */
    @Test
    void writesToPendingBitsAreIgnored() {
        msix.trigger(1);
        msix.writePbaEntries(0, 8, 0);
        msix.writePbaEntries(0, 4, 5);
        assertThat(msix.readPbaEntries(0, 8)).isEqualTo(2);
    }

    /** Row M36. */
    @Test
    void dwordWriteAtTheCapabilitysBeginReachesTheControlBits() {
        assertThat(msix.writeMsixCapability(0, 4, 0xc000_0000L)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isTrue();
        assertThat(msix.isMasked()).isTrue();
        assertThat(msix.writeMsixCapability(0, 4, 0x3fff_ffffL)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isFalse();
        assertThat(msix.isMasked()).isFalse();
    }

    /** Row M37. */
    @Test
    void byteWriteOfTheControlBitsCounts() {
        assertThat(msix.writeMsixCapability(3, 1, 0x80)).isEqualTo(NOTHING);
        assertThat(msix.isEnabled()).isTrue();
        assertThat(msix.writeMsixCapability(3, 1, 0x40)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isFalse();
        assertThat(msix.isMasked()).isTrue();
    }

    @Test
    void writesBesideTheControlBitsChangeNothing() {
        control(0xc000);
        long[][] beside = {
            {0, 1}, {1, 1}, {2, 1}, {0, 2}, {0, 3}, {4, 4}, {4, 1}, {8, 4}, {-1, 4}, {-4, 8}, {3, 0}
        };
        for (long[] shape : beside) {
            assertThat(msix.writeMsixCapability((int) shape[0], (int) shape[1], 0))
                    .isEqualTo(NOTHING);
        }
        assertThat(msix.isEnabled()).isTrue();
        assertThat(msix.isMasked()).isTrue();
        assertThat(msix.writeMsixCapability(0, 8, 0)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isFalse();
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

    /** Row M49. */
    @Test
    void capabilityRegistersHaveTheirLiveBits() {
        assertThat(msix.registers()).isEqualTo(3);
        assertThat(msix.readMask(0)).isEqualTo(0xc000_0000);
        assertThat(msix.readMask(1)).isZero();
        assertThat(msix.readMask(2)).isZero();
        assertThat(msix.writeRegister(0, 2, 2, 0xc000)).isEqualTo(CHANGED);
        assertThat(msix.readRegister(0)).isEqualTo(0xc000_0000);
        assertThat(msix.readRegister(1)).isZero();
        assertThat(msix.writeRegister(1, 0, 4, -1)).isEqualTo(NOTHING);
        assertThat(msix.writeRegister(0, 0, 4, 0x8000_0000)).isEqualTo(CHANGED);
        assertThat(msix.isEnabled()).isTrue();
        assertThat(msix.isMasked()).isFalse();
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

    /** Row M51. */
    @Test
    void oneAndTwoThousandAndFortyEightVectorsAreFine() {
        MsixConfig most = config(2048);
        assertThat(most.capability(0, 0, 0, 0x8000).image()[0]).isEqualTo(0x07ff_0000);
        most.trigger(2047);
        assertThat(most.readPbaEntries(248, 8)).isEqualTo(Long.MIN_VALUE);
        assertThat(config(1).capability(0, 0, 0, 0x10).image()[0]).isZero();
        for (int count : new int[] {0, -1, 2049}) {
            assertThatThrownBy(() -> config(count))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("disk0")
                    .hasMessageContaining("1..2048")
                    .hasMessageContaining(String.valueOf(count));
            assertThatThrownBy(() -> new MsixCapability(count, 0, 0, 0, 0))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining(String.valueOf(count));
        }
    }

    @Test
    void capabilityRefusesPlacesThatCannotBe() {
        assertThatThrownBy(() -> msix.capability(6, 0, 0, 0)).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> msix.capability(0, 4, 0, 0)).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> msix.capability(0, 0, -1, 0)).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> msix.capability(0, 0, 0, 1L << 32))
                .isInstanceOf(PciException.class);
        assertThatThrownBy(() -> msix.capability(0, 0, 0, 0x28)).isInstanceOf(PciException.class);
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
        entriesAreZeroAndMaskedAtReset();
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
