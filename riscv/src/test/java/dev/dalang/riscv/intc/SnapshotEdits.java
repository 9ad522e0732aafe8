package dev.dalang.riscv.intc;

import dev.dalang.bus.snapshot.Snapshot;

import java.util.List;

/** Copies of snapshots with one field changed: what a hostile snapshot looks like. */
final class SnapshotEdits {
    private SnapshotEdits() {}

    /** A copy of {@code snapshot} in which {@code name} is {@code value}. */
    static Snapshot with(Snapshot snapshot, String name, Object value) {
        Snapshot.Builder copy = Snapshot.builder(snapshot.type(), snapshot.version());
        snapshot.fields().forEach((key, old) -> put(copy, key, key.equals(name) ? value : old));
        return copy.build();
    }

    /** A copy in which byte {@code index} of the field {@code name} is {@code value}. */
    static Snapshot withByte(Snapshot snapshot, String name, int index, int value) {
        byte[] bytes = snapshot.getBytes(name, Integer.MAX_VALUE);
        bytes[index] = (byte) value;
        return with(snapshot, name, bytes);
    }

    /** A copy without the field {@code name}. */
    static Snapshot without(Snapshot snapshot, String name) {
        Snapshot.Builder copy = Snapshot.builder(snapshot.type(), snapshot.version());
        snapshot.fields()
                .forEach(
                        (key, old) -> {
                            if (!key.equals(name)) {
                                put(copy, key, old);
                            }
                        });
        return copy.build();
    }

    /** A copy of another version. */
    static Snapshot ofVersion(Snapshot snapshot, int version) {
        Snapshot.Builder copy = Snapshot.builder(snapshot.type(), version);
        snapshot.fields().forEach((key, old) -> put(copy, key, old));
        return copy.build();
    }

    private static void put(Snapshot.Builder builder, String name, Object value) {
        switch (value) {
            case Long number -> builder.put(name, number);
            case String text -> builder.put(name, text);
            case byte[] bytes -> builder.put(name, bytes);
            case Snapshot child -> builder.put(name, child);
            case List<?> list ->
                    builder.put(name, list.stream().map(Snapshot.class::cast).toList());
            default -> throw new AssertionError(value.getClass());
        }
    }
}
