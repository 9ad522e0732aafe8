package dev.dalang.passthrough;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/** A device did not go into the state that it was told to. */
public final class MigrationException extends BackendException {
    private static final long serialVersionUID = 1L;

    private final @Nullable MigrationState reached;

    /**
     * Makes one.
     *
     * @param next the state that it was told to go into
     * @param reached where it is now; empty if it does not say
     * @param errno what it answered
     */
    public MigrationException(MigrationState next, Optional<MigrationState> reached, int errno) {
        super(
                "enter migration state " + next,
                errno,
                "it is in " + reached.map(Enum::name).orElse("a state that it does not tell"));
        this.reached = reached.orElse(null);
    }

    /** {@return where it is now; empty if it does not say} */
    public Optional<MigrationState> reached() {
        return Optional.ofNullable(reached);
    }
}
