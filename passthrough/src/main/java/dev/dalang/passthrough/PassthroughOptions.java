package dev.dalang.passthrough;

import java.util.OptionalInt;

/**
 * How a device is taken over. Immutable; each method gives another.
 *
 * @param isResetRequired true to refuse a device that cannot be reset: what one machine left in it,
 *     another would find
 * @param isMsixRelocated true to give the guest the tables of MSI-X in a place where the device has
 *     nothing, rather than where the device has its own
 * @param vendor a vendor id to show instead of the device's
 * @param deviceId a device id to show instead of the device's
 */
public record PassthroughOptions(
        boolean isResetRequired,
        boolean isMsixRelocated,
        OptionalInt vendor,
        OptionalInt deviceId) {
    /** The device as it is; it must be resettable. */
    public static final PassthroughOptions DEFAULT =
            new PassthroughOptions(true, false, OptionalInt.empty(), OptionalInt.empty());

    /** Checks the ids. */
    public PassthroughOptions {
        if (vendor.isPresent() && (vendor.getAsInt() & ~0xffff) != 0
                || vendor.orElse(0) == 0xffff
                || deviceId.isPresent() && (deviceId.getAsInt() & ~0xffff) != 0) {
            throw new IllegalArgumentException(
                    "expected a vendor id of 0..0xfffe and a device id of 0..0xffff, got %s and %s"
                            .formatted(vendor, deviceId));
        }
    }

    /** {@return these, with devices that cannot be reset} */
    public PassthroughOptions withoutReset() {
        return new PassthroughOptions(false, isMsixRelocated, vendor, deviceId);
    }

    /** {@return these, with the tables of MSI-X elsewhere} */
    public PassthroughOptions relocatingMsix() {
        return new PassthroughOptions(isResetRequired, true, vendor, deviceId);
    }

    /**
     * Shows other ids.
     *
     * @param vendorId 0..0xfffe
     * @param id 0..0xffff
     * @return these, with the ids
     */
    public PassthroughOptions identity(int vendorId, int id) {
        return new PassthroughOptions(
                isResetRequired, isMsixRelocated, OptionalInt.of(vendorId), OptionalInt.of(id));
    }
}
