package dev.dalang.bus.time;

/**
 * The machine's time. Nothing of a machine reads the host's clock directly, so that a machine can
 * be paused, restored and replayed. Any thread.
 */
public interface VirtualClock {
    /**
     * {@return the nanoseconds since the machine was first started} Monotonic; stands still while
     * the machine sleeps.
     */
    long nanos();

    /**
     * {@return the guest's wall clock: nanoseconds since 1970-01-01T00:00Z, derived from {@link
     * #nanos}}
     */
    long wallClockNanos();

    /**
     * Makes a disarmed timer.
     *
     * @param onExpiry called once per expiry, on the clock's own thread: it must be short, must not
     *     block, and may arm the timer again
     * @return the timer
     */
    Timer newTimer(Runnable onExpiry);

    /** A one-shot timer. Any thread. */
    interface Timer {
        /**
         * Arms or re-arms the timer; a deadline that has passed fires at once, and {@link
         * Long#MAX_VALUE} never. Does not allocate.
         *
         * @param deadlineNanos the time of expiry, in terms of {@link VirtualClock#nanos}
         */
        void arm(long deadlineNanos);

        /** Disarms the timer. An expiry that has already begun still runs to its end. */
        void cancel();
    }
}
