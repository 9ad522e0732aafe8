package dev.dalang.pci;

/**
 * Images of extended capabilities that have no live part (PCI Express 6.0 §7.9). For {@link
 * PciConfiguration#addExtendedCapability}.
 */
public final class ExtendedCapability implements PciCapability {
    private static final int MAX_BODY_REGISTERS = 0x3fd;

    private final int id;
    private final int[] image;

    private ExtendedCapability(int id, int[] image) {
        this.id = id;
        this.image = image;
    }

    /**
     * A device serial number (§7.9.3).
     *
     * @param serialNumber the number, an EUI-64
     * @return the capability
     */
    public static ExtendedCapability serialNumber(long serialNumber) {
        return new ExtendedCapability(
                PciRegisters.PCI_EXT_CAP_ID_DSN,
                new int[] {0, (int) serialNumber, (int) (serialNumber >>> 32)});
    }

    /**
     * A vendor-specific extended capability (§7.9.5).
     *
     * @param vendorId what the vendor calls this structure, 0..0xffff
     * @param revision its revision, 0..15
     * @param body the registers behind the vendor-specific header
     * @return the capability
     * @throws PciException if a number is outside its range, or the body cannot fit ({@link
     *     PciException.Kind#CAPABILITY})
     */
    public static ExtendedCapability vendor(int vendorId, int revision, int... body) {
        if (vendorId < 0
                || vendorId > 0xffff
                || revision < 0
                || revision > 0xf
                || body.length > MAX_BODY_REGISTERS) {
            throw new PciException(
                    PciException.Kind.CAPABILITY,
                    "vendor-specific extended capability",
                    "expected an id of 16 bits, a revision of 4 bits and at most "
                            + MAX_BODY_REGISTERS
                            + " registers, got id "
                            + vendorId
                            + ", revision "
                            + revision
                            + ", "
                            + body.length
                            + " registers");
        }
        int[] image = new int[2 + body.length];
        image[1] = vendorId | revision << 16 | image.length * Integer.BYTES << 20;
        System.arraycopy(body, 0, image, 2, body.length);
        return new ExtendedCapability(PciRegisters.PCI_EXT_CAP_ID_VNDR, image);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public int[] image() {
        return image.clone();
    }

    @Override
    public int[] writableMask() {
        return new int[image.length];
    }
}
