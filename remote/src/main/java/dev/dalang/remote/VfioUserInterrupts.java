package dev.dalang.remote;

/**
 * What a device has of one kind of interrupt, numbered as VFIO does: 0 is the wired one, 1 are
 * messages of MSI, 2 of MSI-X, 3 errors, 4 the wish to have the device back.
 *
 * @param kind the number
 * @param count how many there are
 * @param isMaskable true if they can be masked one by one
 * @param isAutoMasked true if each is masked as it is signalled, until it is unmasked
 * @param isFixed true if the number that has events cannot change while any has
 */
public record VfioUserInterrupts(
        int kind, int count, boolean isMaskable, boolean isAutoMasked, boolean isFixed) {
    /** The wired interrupt. */
    public static final int INTX = 0;

    /** Messages of MSI. */
    public static final int MSI = 1;

    /** Messages of MSI-X. */
    public static final int MSIX = 2;

    /** The most that a device may have of one kind. */
    public static final int MAX_COUNT = 2048;
}
