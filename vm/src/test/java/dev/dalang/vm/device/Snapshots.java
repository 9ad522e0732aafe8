package dev.dalang.vm.device;

import dev.dalang.bus.snapshot.Snapshot;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes hostile snapshots out of good ones. */
final class Snapshots {
    private Snapshots() {}

    /** The snapshot with one field replaced. */
    static Snapshot with(Snapshot snapshot, String field, Object value) {
        Map<String, Object> fields = new TreeMap<>(snapshot.fields());
        fields.put(field, value);
        var builder = Snapshot.builder(snapshot.type(), snapshot.version());
        fields.forEach((name, content) -> put(builder, name, content));
        return builder.build();
    }

    private static void put(Snapshot.Builder builder, String name, Object content) {
        switch (content) {
            case Long number -> builder.put(name, number);
            case String text -> builder.put(name, text);
            case byte[] bytes -> builder.put(name, bytes);
            case Snapshot child -> builder.put(name, child);
            case List<?> list ->
                    builder.put(name, list.stream().map(Snapshot.class::cast).toList());
            default -> throw new IllegalArgumentException(name + " holds " + content);
        }
    }
}
