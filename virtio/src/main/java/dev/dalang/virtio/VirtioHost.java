package dev.dalang.virtio;

import dev.dalang.bus.time.VirtualClock;

/** What a device gets from its transport once and for all. Any thread. */
public interface VirtioHost {
    /** {@return the machine's time} */
    VirtualClock clock();

    /**
     * Tells that the configuration space has changed by itself: its generation goes up, and the
     * driver is interrupted if it is ready. Never waits.
     */
    void configChanged();
}
