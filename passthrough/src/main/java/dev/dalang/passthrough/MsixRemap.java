package dev.dalang.passthrough;

/**
 * What becomes of an interrupt of the device.
 *
 * @param hostVector the device's number for it, 0..65535
 * @param guestVector the guest's number for it, 0..65535
 * @param targetHart the hart that it goes to
 * @param isActive true while it is delivered
 */
public record MsixRemap(int hostVector, int guestVector, int targetHart, boolean isActive) {
    /** The most that any device has. */
    public static final int MAX_MSIX_VECTORS = 2048;

    /** The greatest number of a vector. */
    public static final int MAX_VECTOR = 0xffff;

    MsixRemap active(boolean active) {
        return new MsixRemap(hostVector, guestVector, targetHart, active);
    }
}
