package dev.dalang.pci;

/**
 * A device, a tree or a configuration space that cannot be set up as asked. The message is one line
 * that names the device and the numbers: what was expected, and what came. What is thrown has
 * changed nothing. Nothing that a guest does leads here.
 */
public final class PciException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Kind {
        /** A number outside its range: a register, a vendor, a count. */
        INVALID_VALUE,
        /** A BAR's index is none of 0..5 and the ROM's, or its kind of header has no such BAR. */
        BAR_INDEX,
        /** A BAR is added twice, or where the upper half of a 64-bit BAR is. */
        BAR_IN_USE,
        /** A BAR's size is no power of two, too small, or more than its width can decode. */
        BAR_SIZE,
        /** A BAR's address is not a multiple of its size. */
        BAR_ALIGNMENT,
        /** A BAR ends above what its width, or the window it lies in, can reach. */
        BAR_RANGE,
        /** An expansion ROM that is not 32-bit memory. */
        ROM_TYPE,
        /** Two ranges share addresses. */
        OVERLAP,
        /** A capability is empty, does not fit, or its masks do not fit its image. */
        CAPABILITY,
        /** Two functions at one address, or an address that the bus does not have. */
        ADDRESS,
        /** A bus number that is taken, or outside what the bridges above decode. */
        BUS_NUMBER,
        /** Something was done twice, or at a time when it cannot be done. */
        STATE
    }

    private final Kind kind;

    /**
     * Makes one.
     *
     * @param kind what was wrong
     * @param device the label of the device, or what else it is about; the message begins with it
     * @param what the rest of the message: numbers, expected and found
     */
    public PciException(Kind kind, String device, String what) {
        super(device + ": " + what);
        this.kind = kind;
    }

    /** {@return what was wrong} */
    public Kind kind() {
        return kind;
    }
}
