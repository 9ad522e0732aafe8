package dev.dalang.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import org.junit.jupiter.api.Test;

import java.util.List;

/** The life-cycle tests themselves: a good object passes, and each kind of bad one is found. */
class SuspendableLifeCycleTest {
    /** A counter that keeps every rule, with places to break them. */
    private static class Counter implements Suspendable {
        long count;

        @Override
        public void sleep() {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("counter", 1)
                    .put("count", count)
                    .put("name", "counter")
                    .put("bytes", new byte[] {1, 2})
                    .put("inner", Snapshot.builder("inner", 1).put("x", 1).build())
                    .put("list", List.of(Snapshot.builder("element", 1).put("y", 2).build()))
                    .build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            snapshot.expect("counter", 1);
            long restored = snapshot.getInt("count", 0, 100);
            if (!snapshot.equals(SnapshotMutations.with(snapshot(), "count", restored))) {
                throw new SnapshotException("not a counter's");
            }
            count = restored;
        }

        @Override
        public void wake() {}
    }

    private static SuspendableLifeCycle<Counter> tests(java.util.function.Supplier<Counter> maker) {
        return new SuspendableLifeCycle<>() {
            @Override
            public Counter create() {
                return maker.get();
            }

            @Override
            public void mutate(Counter object) {
                object.count += 5;
            }
        };
    }

    @Test
    void anObjectThatKeepsTheRulesPasses() {
        SuspendableLifeCycle<Counter> tests = tests(Counter::new);
        tests.sleepIsIdempotent();
        tests.sleepThenSnapshot();
        tests.snapshotHasNoEffect();
        tests.snapshotThenRestoreHasNoEffect();
        tests.sleepSnapshotWake();
        tests.sleepSnapshotRestoreWake();
        tests.restoreUndoesAMutation();
        tests.aMutationShowsInTheSnapshot();
        tests.aForeignSnapshotIsRefused();
        tests.aMangledSnapshotDoesNoHarm();
    }

    @Test
    void aSleepThatChangesTheStateIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public void sleep() {
                                        count++;
                                    }
                                });
        assertThatExceptionOfType(AssertionError.class).isThrownBy(tests::sleepIsIdempotent);
    }

    @Test
    void aSnapshotThatChangesTheStateIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public Snapshot snapshot() {
                                        count++;
                                        return super.snapshot();
                                    }
                                });
        assertThatExceptionOfType(AssertionError.class).isThrownBy(tests::snapshotHasNoEffect);
    }

    @Test
    void aRestoreThatDoesNothingIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public void restore(Snapshot snapshot) {}
                                });
        assertThatExceptionOfType(AssertionError.class).isThrownBy(tests::restoreUndoesAMutation);
        assertThatExceptionOfType(AssertionError.class).isThrownBy(tests::sleepSnapshotRestoreWake);
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(tests::aForeignSnapshotIsRefused);
    }

    @Test
    void aFieldThatIsNotSavedIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public Snapshot snapshot() {
                                        return SnapshotMutations.with(
                                                super.snapshot(), "count", 0L);
                                    }
                                });
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(tests::aMutationShowsInTheSnapshot);
    }

    @Test
    void aRestoreThatIsNotAllOrNothingIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public void restore(Snapshot snapshot) {
                                        snapshot.expect("counter", 1);
                                        count = snapshot.getInt("count", 0, 100);
                                        snapshot.getString("name");
                                    }
                                });
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(tests::aMangledSnapshotDoesNoHarm)
                .withMessageContaining("name");
    }

    @Test
    void aRestoreThatFailsWithAnotherExceptionIsFound() {
        SuspendableLifeCycle<Counter> tests =
                tests(
                        () ->
                                new Counter() {
                                    @Override
                                    public void restore(Snapshot snapshot) {
                                        super.restore(snapshot.expect("counter", 1));
                                        assertThat(snapshot).isNotNull();
                                    }

                                    @Override
                                    public Snapshot snapshot() {
                                        return super.snapshot();
                                    }

                                    @Override
                                    public void wake() {
                                        if (count == 64) {
                                            throw new IllegalStateException("fell over");
                                        }
                                    }
                                });
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(tests::aMangledSnapshotDoesNoHarm)
                .withMessageContaining("count: number 64");
    }

    @Test
    void mutationsReachEveryDepth() {
        assertThat(SnapshotMutations.of(new Counter().snapshot()))
                .extracting(SnapshotMutations.Mutation::what)
                .contains(
                        "another type",
                        "count missing",
                        "inner: x: a text",
                        "list: element 0: y: number -1",
                        "list: an element less",
                        "bytes: a byte more")
                .doesNotHaveDuplicates();
    }
}
