package dev.dalang.pci;

/**
 * The image of one capability: its registers at reset, and which of their bits a guest may change.
 * The configuration space writes id and pointer to the next (of an extended capability the whole
 * first register) by itself. Implementations are immutable.
 *
 * <p>What changes while the machine runs is the business of a {@link PciCapConfig}.
 */
public interface PciCapability {
    /** {@return the capability's id: 8 bits, of an extended capability 16} */
    int id();

    /** {@return the version, 1..15; of an extended capability only} */
    default int version() {
        return 1;
    }

    /**
     * {@return the registers at reset, at least one} In the first of them bits 15:0 are ignored,
     * and in that of an extended capability all bits.
     */
    int[] image();

    /** {@return the bits of each register that a guest writes, as many as {@link #image} has} */
    int[] writableMask();

    /**
     * {@return the bits of each register that a guest clears by writing a one, as many as {@link
     * #image} has} None of them is in {@link #writableMask}.
     */
    default int[] writeOneToClearMask() {
        return new int[image().length];
    }
}
