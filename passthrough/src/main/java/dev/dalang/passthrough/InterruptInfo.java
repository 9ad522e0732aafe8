package dev.dalang.passthrough;

/**
 * What there is of one kind of interrupt.
 *
 * @param count how many; 0 if the device has none of the kind
 * @param isMaskable true if they can be masked one by one
 * @param isAutoMasked true if each is masked as it is signalled, until it is unmasked
 * @param isFixed true if the number that is armed cannot change while any is: to arm others, the
 *     kind is disabled first
 */
public record InterruptInfo(int count, boolean isMaskable, boolean isAutoMasked, boolean isFixed) {
    /** None. */
    public static final InterruptInfo NONE = new InterruptInfo(0, false, false, false);

    /** The most that a device has of one kind. */
    public static final int MAX_COUNT = 2048;

    /** Checks the count. */
    public InterruptInfo {
        if (count < 0 || count > MAX_COUNT) {
            throw new IllegalArgumentException(
                    "expected 0..%d interrupts, got %d".formatted(MAX_COUNT, count));
        }
    }
}
