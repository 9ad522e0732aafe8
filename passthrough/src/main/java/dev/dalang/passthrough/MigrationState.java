package dev.dalang.passthrough;

import java.util.Optional;

/** What a device that can give its state away is doing: VFIO's migration, version 2. */
public enum MigrationState {
    /** It failed; only a reset leads out. */
    ERROR(0),
    /** It does nothing by itself, and its state does not change. */
    STOP(1),
    /** It works. */
    RUNNING(2),
    /** It is stopped, and its state is read. */
    STOP_COPY(3),
    /** It is stopped, and a state is written. */
    RESUMING(4),
    /** It works but for what it does to other devices. */
    RUNNING_P2P(5),
    /** It works, and its state is read. */
    PRE_COPY(6),
    /** As {@link #PRE_COPY}, but for what it does to other devices. */
    PRE_COPY_P2P(7);

    private final int number;

    MigrationState(int number) {
        this.number = number;
    }

    /** {@return the number that VFIO has for it} */
    public int number() {
        return number;
    }

    /**
     * Finds a state by its number.
     *
     * @param number that VFIO has for it
     * @return the state; empty if there is none of the number
     */
    public static Optional<MigrationState> of(int number) {
        for (MigrationState state : values()) {
            if (state.number == number) {
                return Optional.of(state);
            }
        }
        return Optional.empty();
    }
}
