package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

/** MSI-X of three vectors, and a router that records what it is asked for. */
abstract class MsixFixture {
    static final MsixStatus NOTHING = new MsixStatus.NothingToDo();
    static final MsixStatus CHANGED = new MsixStatus.Changed();
    static final long FEE0_0000 = 0xfee0_0000L;

    final RecordingRouter router = new RecordingRouter();
    final MsixConfig msix = config(3);

    MsixConfig config(int vectors) {
        return MsixConfig.create(vectors, router, new MsiSource("disk0", 0x1042_1af4, 0x10));
    }

    MsixStatus control(int value) {
        return msix.writeMsixCapability(2, 2, value);
    }

    MsixStatus mask(int vector, int bit) {
        return msix.writeMsixTable(16L * vector + 12, 4, bit);
    }

    void program(int vector, long address, int data) {
        msix.writeMsixTable(16L * vector, 4, address & 0xffff_ffffL);
        msix.writeMsixTable(16L * vector + 4, 4, address >>> 32);
        msix.writeMsixTable(16L * vector + 8, 4, data);
    }

    /** Vector 0 live: enabled, programmed, unmasked. Records are empty afterwards. */
    void live() {
        control(0x8000);
        program(0, FEE0_0000, 0x4041);
        mask(0, 0);
        router.takeRequests();
    }

    static MsixStatus entryChanged(int vector) {
        return new MsixStatus.EntryChanged(vector);
    }

    /** Row M1. */
    void assertAsAtReset() {
        for (int vector = 0; vector < 3; vector++) {
            assertThat(msix.readMsixTable(16L * vector, 8)).isZero();
            assertThat(msix.readMsixTable(16L * vector + 8, 4)).isZero();
            assertThat(msix.readMsixTable(16L * vector + 12, 4)).isEqualTo(1);
            assertThat(msix.isTableMasked(vector)).isTrue();
        }
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(msix.isTableMasked(3)).isTrue();
        assertThat(msix.isTableMasked(-1)).isTrue();
    }
}
