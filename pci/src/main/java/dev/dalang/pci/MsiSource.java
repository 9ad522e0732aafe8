package dev.dalang.pci;

/**
 * Who sends messages: what a router is told when it gives out a handle or sets a route.
 *
 * @param label the device's label, for messages and logs
 * @param pciId vendor id in bits 15:0, device id in bits 31:16
 * @param requesterId bus, device and function as they are on the wire (PCIe 6.0 §2.2.6.2), with the
 *     segment above them in bits 31:16; {@link #NO_REQUESTER_ID} if the function has no address yet
 */
public record MsiSource(String label, int pciId, long requesterId) {
    /** The requester id of a function that has no address. */
    public static final long NO_REQUESTER_ID = -1;

    /** The greatest length of a label. */
    static final int MAX_LABEL_LENGTH = 256;

    /** Checks the label and the range of the requester id. */
    public MsiSource {
        if (label.isEmpty() || label.length() > MAX_LABEL_LENGTH) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    "MSI source",
                    "expected a label of 1.."
                            + MAX_LABEL_LENGTH
                            + " characters, got "
                            + label.length());
        }
        if (requesterId < NO_REQUESTER_ID || requesterId > 0xffff_ffffL) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    label,
                    "expected a requester id of 32 bits, or -1 for none, got " + requesterId);
        }
    }

    /** {@return true if the function has an address} */
    public boolean hasRequesterId() {
        return requesterId != NO_REQUESTER_ID;
    }
}
