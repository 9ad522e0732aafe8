package dev.dalang.testkit;

import dev.dalang.bus.snapshot.Snapshot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Snapshots as an attacker would write them: a good one with one thing wrong. */
public final class SnapshotMutations {
    private static final long[] NUMBERS = {
        Long.MIN_VALUE,
        -1,
        0,
        1,
        2,
        3,
        7,
        8,
        63,
        64,
        255,
        256,
        4095,
        65_535,
        65_536,
        Integer.MAX_VALUE,
        1L << 31,
        0xffff_ffffL,
        1L << 32,
        Long.MAX_VALUE
    };

    /**
     * One wrong snapshot.
     *
     * @param what what is wrong with it, for messages
     * @param snapshot the snapshot
     */
    public record Mutation(String what, Snapshot snapshot) {}

    private SnapshotMutations() {}

    /**
     * Derives wrong snapshots: each field, at every depth, missing, of every other kind, of extreme
     * values, and of lengths one less and one more; each type and version replaced. Some of them
     * may still be valid.
     *
     * @param good the snapshot to begin with
     * @return the wrong ones, always the same ones in the same order
     */
    public static List<Mutation> of(Snapshot good) {
        List<Mutation> all = new ArrayList<>();
        all.add(new Mutation("another type", copy(good, good.type() + "x", good.version(), "")));
        all.add(new Mutation("another version", withVersion(good, good.version() + 1)));
        good.fields()
                .forEach(
                        (name, value) -> {
                            all.add(
                                    new Mutation(
                                            name + " missing",
                                            copy(good, good.type(), good.version(), name)));
                            for (Change change : changes(value)) {
                                all.add(
                                        new Mutation(
                                                name + ": " + change.what,
                                                with(good, name, change.value)));
                            }
                        });
        return all;
    }

    /**
     * Replaces the version.
     *
     * @param snapshot what to copy
     * @param version the copy's version
     * @return the copy
     */
    public static Snapshot withVersion(Snapshot snapshot, int version) {
        return copy(snapshot, snapshot.type(), version, "");
    }

    /**
     * Replaces one field, or adds it.
     *
     * @param snapshot what to copy
     * @param name the field's name
     * @param value a value of one of the kinds that {@link Snapshot} names
     * @return the copy
     */
    public static Snapshot with(Snapshot snapshot, String name, Object value) {
        Snapshot.Builder builder = Snapshot.builder(snapshot.type(), snapshot.version());
        snapshot.fields()
                .forEach(
                        (field, old) -> {
                            if (!field.equals(name)) {
                                put(builder, field, old);
                            }
                        });
        put(builder, name, value);
        return builder.build();
    }

    private record Change(String what, Object value) {}

    private static List<Change> changes(Object value) {
        List<Change> changes = new ArrayList<>();
        if (!(value instanceof Long)) {
            changes.add(new Change("a number", 1L));
        }
        if (!(value instanceof String)) {
            changes.add(new Change("a text", "text"));
        }
        if (!(value instanceof byte[])) {
            changes.add(new Change("bytes", new byte[8]));
        }
        if (!(value instanceof List<?>)) {
            changes.add(new Change("a list", List.of()));
        }
        if (!(value instanceof Snapshot)) {
            changes.add(new Change("a snapshot", Snapshot.builder("other", 1).build()));
        }
        switch (value) {
            case Long number -> {
                for (long other : NUMBERS) {
                    changes.add(new Change("number " + other, other));
                }
                changes.add(new Change("one more", number + 1));
                changes.add(new Change("one less", number - 1));
            }
            case String text -> {
                changes.add(new Change("an empty text", ""));
                changes.add(new Change("a longer text", text + "x"));
                changes.add(new Change("a long text", "x".repeat(70_000)));
            }
            case byte[] bytes -> {
                changes.add(new Change("no bytes", new byte[0]));
                changes.add(new Change("a byte more", Arrays.copyOf(bytes, bytes.length + 1)));
                changes.add(
                        new Change(
                                "a byte less",
                                Arrays.copyOf(bytes, Math.max(0, bytes.length - 1))));
                byte[] ones = new byte[bytes.length];
                Arrays.fill(ones, (byte) 0xff);
                changes.add(new Change("all bits set", ones));
            }
            case Snapshot nested -> {
                for (Mutation mutation : of(nested)) {
                    changes.add(new Change(mutation.what, mutation.snapshot));
                }
            }
            case List<?> list -> changes.addAll(listChanges(list));
            default -> throw new IllegalArgumentException("not a snapshot's value: " + value);
        }
        return changes;
    }

    private static List<Change> listChanges(List<?> list) {
        List<Change> changes = new ArrayList<>();
        List<Snapshot> elements = list.stream().map(Snapshot.class::cast).toList();
        List<Snapshot> more = new ArrayList<>(elements);
        more.add(Snapshot.builder("other", 1).build());
        changes.add(new Change("an element more", more));
        if (!elements.isEmpty()) {
            changes.add(new Change("an element less", elements.subList(1, elements.size())));
            List<Snapshot> twice = new ArrayList<>(elements);
            twice.add(elements.getFirst());
            changes.add(new Change("an element twice", twice));
            // One element stands for all: lists can be long.
            for (Mutation mutation : of(elements.getFirst())) {
                List<Snapshot> mangled = new ArrayList<>(elements);
                mangled.set(0, mutation.snapshot);
                changes.add(new Change("element 0: " + mutation.what, mangled));
            }
        }
        return changes;
    }

    private static Snapshot copy(Snapshot snapshot, String type, int version, String without) {
        Snapshot.Builder builder = Snapshot.builder(type, version);
        for (Map.Entry<String, Object> field : snapshot.fields().entrySet()) {
            if (!field.getKey().equals(without)) {
                put(builder, field.getKey(), field.getValue());
            }
        }
        return builder.build();
    }

    private static void put(Snapshot.Builder builder, String name, Object value) {
        switch (value) {
            case Long number -> builder.put(name, number.longValue());
            case String text -> builder.put(name, text);
            case byte[] bytes -> builder.put(name, bytes);
            case Snapshot nested -> builder.put(name, nested);
            case List<?> list ->
                    builder.put(name, list.stream().map(Snapshot.class::cast).toList());
            default -> throw new IllegalArgumentException("not a snapshot's value: " + value);
        }
    }
}
