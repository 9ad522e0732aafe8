package dev.dalang.testkit;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import org.junit.jupiter.api.Test;

/**
 * The life-cycle tests that every {@link Suspendable} runs. A test class implements this interface
 * and inherits them:
 *
 * {@snippet :
 * class UartLifeCycleTest implements SuspendableLifeCycle<Uart> {
 *     @Override
 *     public Uart create() {
 *         return new Uart();
 *     }
 *
 *     @Override
 *     public void mutate(Uart uart) {
 *         uart.mmioWrite(0, 7, 1, 0x5a);
 *     }
 * }
 * }
 *
 * @param <S> what is tested
 */
public interface SuspendableLifeCycle<S extends Suspendable> {
    /**
     * Makes a new object. Every call makes one of the same configuration.
     *
     * @return a fresh object, awake or asleep
     */
    S create();

    /**
     * Changes the state of an object so that its snapshot changes. Called while it sleeps.
     *
     * @param object what {@link #create} made
     */
    void mutate(S object);

    /**
     * Called after each test with every object that it used; closes what must be closed.
     *
     * @param object what {@link #create} made
     */
    default void dispose(S object) {
        object.sleep();
    }

    /** Sleeping twice is sleeping once. */
    @Test
    default void sleepIsIdempotent() {
        S object = create();
        object.sleep();
        Snapshot once = object.snapshot();
        object.sleep();
        assertEquals(once, object.snapshot());
        object.wake();
        object.wake();
        dispose(object);
    }

    /** A snapshot can be taken asleep, and the object woken again. */
    @Test
    default void sleepThenSnapshot() {
        S object = create();
        object.sleep();
        Snapshot taken = object.snapshot();
        assertEquals(taken.type(), object.snapshot().type());
        assertEquals(taken.version(), object.snapshot().version());
        dispose(object);
    }

    /** Taking a snapshot changes nothing: the next one equals it. */
    @Test
    default void snapshotHasNoEffect() {
        S object = create();
        object.sleep();
        mutate(object);
        assertEquals(object.snapshot(), object.snapshot());
        dispose(object);
    }

    /** Restoring an object's own snapshot changes nothing. */
    @Test
    default void snapshotThenRestoreHasNoEffect() {
        S object = create();
        object.sleep();
        mutate(object);
        Snapshot taken = object.snapshot();
        object.restore(taken);
        assertEquals(taken, object.snapshot());
        dispose(object);
    }

    /** An object that was saved goes on as if it had not been. */
    @Test
    default void sleepSnapshotWake() {
        S object = create();
        object.sleep();
        mutate(object);
        Snapshot taken = object.snapshot();
        object.wake();
        object.sleep();
        assertEquals(taken.type(), object.snapshot().type());
        object.restore(taken);
        assertEquals(taken, object.snapshot());
        dispose(object);
    }

    /** A restored object can be woken, put to sleep and saved again. */
    @Test
    default void sleepSnapshotRestoreWake() {
        S object = create();
        object.sleep();
        mutate(object);
        Snapshot taken = object.snapshot();
        S other = create();
        other.sleep();
        other.restore(taken);
        assertEquals(taken, other.snapshot());
        other.wake();
        other.sleep();
        assertEquals(taken.type(), other.snapshot().type());
        dispose(object);
        dispose(other);
    }

    /** A restore undoes what happened since the snapshot. */
    @Test
    default void restoreUndoesAMutation() {
        S object = create();
        object.sleep();
        Snapshot before = object.snapshot();
        mutate(object);
        object.restore(before);
        assertEquals(before, object.snapshot());
        dispose(object);
    }

    /** What changes the state changes the snapshot. */
    @Test
    default void aMutationShowsInTheSnapshot() {
        S object = create();
        object.sleep();
        Snapshot before = object.snapshot();
        mutate(object);
        assertNotEquals(before, object.snapshot());
        dispose(object);
    }

    /** A snapshot of something else, or of another format, is refused and changes nothing. */
    @Test
    default void aForeignSnapshotIsRefused() {
        S object = create();
        object.sleep();
        mutate(object);
        Snapshot before = object.snapshot();
        Snapshot foreign = Snapshot.builder("something-else", before.version()).build();
        Snapshot future = SnapshotMutations.withVersion(before, before.version() + 1);
        assertThrows(SnapshotException.class, () -> object.restore(foreign));
        assertThrows(SnapshotException.class, () -> object.restore(future));
        assertEquals(before, object.snapshot());
        dispose(object);
    }

    /**
     * A mangled snapshot is refused with a {@link SnapshotException}, the state then being as
     * before, or it is restored; in both cases the object lives on.
     */
    @Test
    default void aMangledSnapshotDoesNoHarm() {
        S object = create();
        object.sleep();
        Snapshot good = object.snapshot();
        mutate(object);
        Snapshot before = object.snapshot();
        for (SnapshotMutations.Mutation mutation : SnapshotMutations.of(good)) {
            try {
                object.restore(mutation.snapshot());
            } catch (SnapshotException refused) {
                assertEquals(before, object.snapshot(), () -> "state after " + mutation.what());
                continue;
            } catch (RuntimeException | Error harm) {
                throw new AssertionError("restore of a snapshot with " + mutation.what(), harm);
            }
            assertDoesNotThrow(
                    () -> {
                        object.wake();
                        object.sleep();
                        object.restore(before);
                    },
                    () -> "life after a snapshot with " + mutation.what());
        }
        dispose(object);
    }
}
