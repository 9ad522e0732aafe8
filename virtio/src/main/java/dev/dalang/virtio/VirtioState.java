package dev.dalang.virtio;

/**
 * The states of a virtio device.
 *
 * <pre>
 *                     restore (of an inactive device)
 *      ------------------------------------------------------------
 *      |                                                          v
 * asleep (new) -- restore (of an active one) --&gt; asleep (active)   asleep (inactive)
 *    ^     |                                     ^     |               ^     |
 *  sleep  wake                                 sleep  wake           sleep  wake
 *    |     v                                     |     v               |     v
 *     new  ------------- activate ----------&gt;  active  -- reset --&gt;  inactive
 *                                                      &lt;-- activate --
 * </pre>
 *
 * <p>Restoring begins from an inactive sleeping device as well as from a new one: there is nothing
 * in the one that is not in the other. A snapshot of a new device makes a new device.
 */
public enum VirtioState {
    /** Never activated. */
    NEW("new"),
    /** A driver uses it. */
    ACTIVE("active"),
    /** No driver uses it any more. */
    INACTIVE("inactive"),
    /** Asleep, never activated. */
    ASLEEP_NEW("asleep (new)"),
    /** Asleep, and active when it wakes. */
    ASLEEP_ACTIVE("asleep (active)"),
    /** Asleep, and inactive when it wakes. */
    ASLEEP_INACTIVE("asleep (inactive)");

    private final String text;

    VirtioState(String text) {
        this.text = text;
    }

    /** {@return whether it can be saved and restored} */
    public boolean isAsleep() {
        return switch (this) {
            case NEW, ACTIVE, INACTIVE -> false;
            case ASLEEP_NEW, ASLEEP_ACTIVE, ASLEEP_INACTIVE -> true;
        };
    }

    /** {@return whether it has queues, or had when it fell asleep} */
    public boolean isActive() {
        return this == ACTIVE || this == ASLEEP_ACTIVE;
    }

    VirtioState asleep() {
        return switch (this) {
            case NEW, ASLEEP_NEW -> ASLEEP_NEW;
            case ACTIVE, ASLEEP_ACTIVE -> ASLEEP_ACTIVE;
            case INACTIVE, ASLEEP_INACTIVE -> ASLEEP_INACTIVE;
        };
    }

    VirtioState awake() {
        return switch (this) {
            case NEW, ASLEEP_NEW -> NEW;
            case ACTIVE, ASLEEP_ACTIVE -> ACTIVE;
            case INACTIVE, ASLEEP_INACTIVE -> INACTIVE;
        };
    }

    @Override
    public String toString() {
        return text;
    }
}
