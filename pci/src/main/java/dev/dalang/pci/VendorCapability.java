package dev.dalang.pci;

/**
 * A vendor-specific capability (PCI Local Bus 3.0 §6.7, appendix H): id, next, its length in bytes,
 * then what the vendor likes; virtio's structures are of this kind.
 */
public final class VendorCapability implements PciCapability {
    private static final int HEADER_BYTES = 3;
    private static final int MAX_BYTES = PciRegisters.PCI_CFG_SPACE_SIZE - CapabilityList.FIRST;

    private final int[] image;
    private final int[] writable;

    private VendorCapability(int[] image, int[] writable) {
        this.image = image;
        this.writable = writable;
    }

    /**
     * Makes one that a guest can only read.
     *
     * @param body what follows the length byte
     * @return the capability
     * @throws PciException if it cannot fit into configuration space ({@link
     *     PciException.Kind#CAPABILITY})
     */
    public static VendorCapability of(byte... body) {
        return of(body, new byte[body.length]);
    }

    /**
     * Makes one that a guest can write in part.
     *
     * @param body what follows the length byte
     * @param writableMask the bits of {@code body} that a guest writes; as long
     * @return the capability
     * @throws PciException if it cannot fit into configuration space, or the lengths differ ({@link
     *     PciException.Kind#CAPABILITY})
     */
    public static VendorCapability of(byte[] body, byte[] writableMask) {
        int bytes = HEADER_BYTES + body.length;
        if (bytes > MAX_BYTES || writableMask.length != body.length) {
            throw new PciException(
                    PciException.Kind.CAPABILITY,
                    "vendor-specific capability",
                    "expected a body of at most "
                            + (MAX_BYTES - HEADER_BYTES)
                            + " bytes and a mask as long, got "
                            + body.length
                            + " and "
                            + writableMask.length);
        }
        int[] image = words(body);
        image[0] |= bytes << 16;
        return new VendorCapability(image, words(writableMask));
    }

    @Override
    public int id() {
        return PciRegisters.PCI_CAP_ID_VNDR;
    }

    @Override
    public int[] image() {
        return image.clone();
    }

    @Override
    public int[] writableMask() {
        return writable.clone();
    }

    private static int[] words(byte[] body) {
        int[] words = new int[(HEADER_BYTES + body.length + 3) / 4];
        for (int i = 0; i < body.length; i++) {
            int at = HEADER_BYTES + i;
            words[at / 4] |= (body[i] & 0xff) << at % 4 * 8;
        }
        return words;
    }
}
