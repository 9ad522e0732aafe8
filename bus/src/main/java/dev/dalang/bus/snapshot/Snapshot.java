package dev.dalang.bus.snapshot;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The state of one {@link Suspendable} as plain values: a type, a version, and named fields, each a
 * {@code Long}, a {@code String}, a {@code byte[]}, a {@code Snapshot} or a {@code List} of
 * snapshots. Immutable, and independent of any serialisation.
 */
public final class Snapshot {
    private final String type;
    private final int version;
    private final Map<String, Object> fields;

    private Snapshot(String type, int version, Map<String, Object> fields) {
        this.type = type;
        this.version = version;
        this.fields = fields;
    }

    /** Begins a snapshot of {@code type} in format {@code version}. */
    public static Builder builder(String type, int version) {
        return new Builder(type, version);
    }

    /** The type that {@link #builder} was given. */
    public String type() {
        return type;
    }

    /** The version that {@link #builder} was given. */
    public int version() {
        return version;
    }

    /** All fields, ordered by name. The values are those that the class comment names. */
    public Map<String, Object> fields() {
        return fields;
    }

    /**
     * Checks type and version.
     *
     * @return this
     * @throws SnapshotException if either differs
     */
    public Snapshot expect(String expectedType, int expectedVersion) {
        if (!type.equals(expectedType)) {
            throw new SnapshotException(
                    "expected a snapshot of " + expectedType + ", got one of " + type);
        }
        if (version != expectedVersion) {
            throw new SnapshotException(
                    type
                            + ": expected version "
                            + expectedVersion
                            + ", got version "
                            + version
                            + "; restore it with the release that wrote it");
        }
        return this;
    }

    /** A 64-bit field. */
    public long getLong(String name) {
        return (Long) field(name, Long.class);
    }

    /** A field that must lie in {@code min..max}, signed and inclusive. */
    public int getInt(String name, int min, int max) {
        long value = getLong(name);
        if (value < min || value > max) {
            throw new SnapshotException(
                    type + "." + name + ": expected " + min + ".." + max + ", got " + value);
        }
        return (int) value;
    }

    /** A field that is 0 or 1. */
    public boolean getBoolean(String name) {
        return getInt(name, 0, 1) == 1;
    }

    /** A text field. */
    public String getString(String name) {
        return (String) field(name, String.class);
    }

    /** A copy of a field of bytes of at most {@code maxLength}. */
    public byte[] getBytes(String name, int maxLength) {
        byte[] bytes = (byte[]) field(name, byte[].class);
        if (bytes.length > maxLength) {
            throw new SnapshotException(
                    type
                            + "."
                            + name
                            + ": expected at most "
                            + maxLength
                            + " bytes, got "
                            + bytes.length);
        }
        return bytes.clone();
    }

    /** A field that is a snapshot itself. */
    public Snapshot getSnapshot(String name) {
        return (Snapshot) field(name, Snapshot.class);
    }

    /** A field that is a list of snapshots. */
    public List<Snapshot> getList(String name) {
        return ((List<?>) field(name, List.class)).stream().map(Snapshot.class::cast).toList();
    }

    private Object field(String name, Class<?> kind) {
        Object value = fields.get(name);
        if (value == null) {
            throw new SnapshotException(type + ": field " + name + " is missing");
        }
        if (!kind.isInstance(value)) {
            throw new SnapshotException(
                    type
                            + "."
                            + name
                            + ": expected "
                            + kind.getSimpleName()
                            + ", got "
                            + value.getClass().getSimpleName());
        }
        return value;
    }

    /** Collects the fields of one snapshot. */
    public static final class Builder {
        private final String type;
        private final int version;
        private final Map<String, Object> fields = new TreeMap<>();

        private Builder(String type, int version) {
            this.type = type;
            this.version = version;
        }

        /** Adds a number. */
        public Builder put(String name, long value) {
            return add(name, value);
        }

        /** Adds a boolean as 0 or 1. */
        public Builder put(String name, boolean value) {
            return add(name, value ? 1L : 0L);
        }

        /** Adds a text. */
        public Builder put(String name, String value) {
            return add(name, value);
        }

        /** Adds a copy of some bytes. */
        public Builder put(String name, byte[] value) {
            return add(name, value.clone());
        }

        /** Adds a snapshot. */
        public Builder put(String name, Snapshot value) {
            return add(name, value);
        }

        /** Adds a list of snapshots. */
        public Builder put(String name, List<Snapshot> value) {
            return add(name, List.copyOf(value));
        }

        private Builder add(String name, Object value) {
            if (fields.putIfAbsent(name, value) != null) {
                throw new IllegalArgumentException(type + ": field " + name + " is given twice");
            }
            return this;
        }

        /** The snapshot. */
        public Snapshot build() {
            return new Snapshot(type, version, Collections.unmodifiableMap(new TreeMap<>(fields)));
        }
    }
}
