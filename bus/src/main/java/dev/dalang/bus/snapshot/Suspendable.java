package dev.dalang.bus.snapshot;

/**
 * Something with state that can be put to sleep, saved, restored and woken. {@link #snapshot} and
 * {@link #restore} are called only while asleep; every method comes on the thread that controls the
 * machine, never concurrently with another of them.
 */
public interface Suspendable {
    /** Stops all activity of its own (timers, threads). Idempotent. */
    void sleep();

    /** {@return the state as a value} Asleep only. */
    Snapshot snapshot();

    /**
     * Takes the state of {@code snapshot}. Asleep only. All or nothing.
     *
     * @param snapshot what {@link #snapshot} gave, of this object or of one like it
     * @throws SnapshotException if the snapshot is of another type, of an unknown version, or holds
     *     values that this object could not have; the state is then as before
     */
    void restore(Snapshot snapshot);

    /** Takes up activity again. Idempotent. */
    void wake();
}
