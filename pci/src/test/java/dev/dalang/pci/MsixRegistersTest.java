package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/**
 * The table, the capability and the pending bits, as a guest reads and writes them: rows M of the
 * plan.
 */
final class MsixRegistersTest extends MsixFixture {
    /** Row M1. */
    @Test
    void entriesAreZeroAndMaskedAtReset() {
        assertAsAtReset();
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
}
