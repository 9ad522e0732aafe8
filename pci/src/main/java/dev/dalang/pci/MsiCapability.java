package dev.dalang.pci;

/**
 * The MSI capability (PCI Local Bus 3.0 §6.8.1), 10 to 24 bytes. All that a guest writes in it is
 * its live part's business: none of the image is writable.
 *
 * @param vectors vectors that the function asks for: 1, 2, 4, 8, 16 or 32
 * @param address64 true for a message address of 64 bits
 * @param perVectorMask true for mask and pending bits of each vector
 */
public record MsiCapability(int vectors, boolean address64, boolean perVectorMask)
        implements PciCapability {
    private static final int CONTROL_64BIT = 0x80;
    private static final int CONTROL_PER_VECTOR_MASK = 0x100;

    /**
     * Checks the number of vectors.
     *
     * @throws PciException if it is none of those ({@link PciException.Kind#CAPABILITY})
     */
    public MsiCapability {
        if (vectors < 1 || vectors > 32 || Integer.bitCount(vectors) != 1) {
            throw new PciException(
                    PciException.Kind.CAPABILITY,
                    "MSI capability",
                    "expected 1, 2, 4, 8, 16 or 32 vectors, got " + vectors);
        }
    }

    /** {@return the register of the capability that holds the message data, in bits 15:0} */
    public int dataRegister() {
        return address64 ? 3 : 2;
    }

    /** {@return the register that holds the mask bits; the pending bits follow} */
    public int maskRegister() {
        return dataRegister() + 1;
    }

    @Override
    public int id() {
        return PciRegisters.PCI_CAP_ID_MSI;
    }

    @Override
    public int[] image() {
        int[] image = new int[dataRegister() + (perVectorMask ? 3 : 1)];
        int control =
                Integer.numberOfTrailingZeros(vectors) << 1
                        | (address64 ? CONTROL_64BIT : 0)
                        | (perVectorMask ? CONTROL_PER_VECTOR_MASK : 0);
        image[0] = control << 16;
        return image;
    }

    @Override
    public int[] writableMask() {
        return new int[image().length];
    }
}
