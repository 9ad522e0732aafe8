package dev.dalang.pci;

/**
 * The MSI-X capability, 12 bytes (PCI Local Bus 3.0 §6.8.2). A guest's writes to its two live bits,
 * enable and function mask, are its live part's business: none of the image is writable.
 *
 * @param vectors entries of the table, 1..2048
 * @param tableBar the BAR that the table is in, 0..5
 * @param tableOffset its offset there, a multiple of 8, unsigned 32 bits
 * @param pbaBar the BAR that the pending bits are in, 0..5
 * @param pbaOffset their offset there, a multiple of 8, unsigned 32 bits
 */
public record MsixCapability(
        int vectors, int tableBar, long tableOffset, int pbaBar, long pbaOffset)
        implements PciCapability {
    /** The most vectors that a function can have. */
    public static final int MAX_VECTORS = 2048;

    /** Bytes of one entry of the table. */
    public static final int ENTRY_BYTES = 16;

    /**
     * Checks the ranges, and that table and pending bits do not overlap.
     *
     * @throws PciException if a number is not as the parameters say ({@link
     *     PciException.Kind#CAPABILITY})
     */
    public MsixCapability {
        if (vectors < 1 || vectors > MAX_VECTORS) {
            throw error("expected 1..2048 vectors, got " + vectors);
        }
        check("table", tableBar, tableOffset);
        check("pending bits", pbaBar, pbaOffset);
        if (tableBar == pbaBar
                && tableOffset < pbaOffset + pbaBytes(vectors)
                && pbaOffset < tableOffset + (long) vectors * ENTRY_BYTES) {
            throw error(
                    "the table at 0x"
                            + Long.toHexString(tableOffset)
                            + " and the pending bits at 0x"
                            + Long.toHexString(pbaOffset)
                            + " of BAR "
                            + tableBar
                            + " overlap, with "
                            + vectors
                            + " vectors");
        }
    }

    /**
     * Gives the size of the pending bits.
     *
     * @param vectors entries of the table
     * @return bytes, a multiple of 8
     */
    public static int pbaBytes(int vectors) {
        return (vectors + 63) / 64 * 8;
    }

    @Override
    public int id() {
        return PciRegisters.PCI_CAP_ID_MSIX;
    }

    @Override
    public int[] image() {
        return new int[] {
            vectors - 1 << 16, (int) tableOffset | tableBar, (int) pbaOffset | pbaBar
        };
    }

    @Override
    public int[] writableMask() {
        return new int[3];
    }

    private static void check(String what, int bar, long offset) {
        if (bar < 0 || bar > 5 || offset < 0 || offset > 0xffff_fff8L || (offset & 7) != 0) {
            throw error(
                    what
                            + ": expected a BAR of 0..5 and an offset of 0..0xfffffff8 that is a"
                            + " multiple of 8, got BAR "
                            + bar
                            + ", offset 0x"
                            + Long.toHexString(offset));
        }
    }

    private static PciException error(String what) {
        return new PciException(PciException.Kind.CAPABILITY, "MSI-X capability", what);
    }
}
