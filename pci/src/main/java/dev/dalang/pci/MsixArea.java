package dev.dalang.pci;

/**
 * Where in a function's BARs the table and the pending bits of MSI-X lie.
 *
 * @param bar the BAR of the table; -1 if there is no MSI-X
 * @param table offset of the table
 * @param tableBytes its size
 * @param pendingBar the BAR of the pending bits
 * @param pending offset of the pending bits
 * @param pendingBytes their size
 * @param isAlone true if the BAR is for nothing else
 */
record MsixArea(
        int bar,
        long table,
        long tableBytes,
        int pendingBar,
        long pending,
        long pendingBytes,
        boolean isAlone) {
    private static final MsixArea NONE = new MsixArea(-1, 0, 0, -1, 0, 0, false);

    static MsixArea of(PciDeviceSpec spec) {
        return spec.msixPlacement()
                .map(
                        place ->
                                new MsixArea(
                                        place.bar(),
                                        place.tableOffset(),
                                        16L * spec.msixVectors(),
                                        place.pbaBar(),
                                        place.pbaOffset(),
                                        MsixCapability.pbaBytes(spec.msixVectors()),
                                        spec.hasBarForMsix()))
                .orElse(NONE);
    }

    boolean isIn(int index) {
        return index == bar || index == pendingBar;
    }

    boolean isTable(int index, long offset) {
        return index == bar && offset >= table && offset < table + tableBytes;
    }

    boolean isPending(int index, long offset) {
        return index == pendingBar && offset >= pending && offset < pending + pendingBytes;
    }
}
