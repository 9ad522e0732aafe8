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

    /**
     * Begins a snapshot.
     *
     * @param type the type of what is saved; stable across releases
     * @param version the version of the type's format
     * @return an empty builder
     */
    public static Builder builder(String type, int version) {
        return new Builder(type, version);
    }

    /** {@return the type that {@link #builder} was given} */
    public String type() {
        return type;
    }

    /** {@return the version that {@link #builder} was given} */
    public int version() {
        return version;
    }

    /** {@return all fields, ordered by name, with values as the class comment names them} */
    public Map<String, Object> fields() {
        return fields;
    }

    /**
     * Checks type and version.
     *
     * @param expectedType the type that the caller can restore
     * @param expectedVersion the version that the caller can restore
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

    /**
     * Gives a 64-bit field.
     *
     * @param name the field's name
     * @return its value
     * @throws SnapshotException if the field is missing or of another kind
     */
    public long getLong(String name) {
        return (Long) field(name, Long.class);
    }

    /**
     * Gives a number that must lie in a range.
     *
     * @param name the field's name
     * @param min the least value accepted, signed
     * @param max the greatest value accepted, signed
     * @return its value
     * @throws SnapshotException if the field is missing, of another kind, or outside the range
     */
    public int getInt(String name, int min, int max) {
        long value = getLong(name);
        if (value < min || value > max) {
            throw new SnapshotException(
                    type + "." + name + ": expected " + min + ".." + max + ", got " + value);
        }
        return (int) value;
    }

    /**
     * Gives a boolean.
     *
     * @param name the field's name
     * @return its value
     * @throws SnapshotException if the field is missing, of another kind, or neither 0 nor 1
     */
    public boolean getBoolean(String name) {
        return getInt(name, 0, 1) == 1;
    }

    /**
     * Gives a text.
     *
     * @param name the field's name
     * @return its value
     * @throws SnapshotException if the field is missing or of another kind
     */
    public String getString(String name) {
        return (String) field(name, String.class);
    }

    /**
     * Gives a copy of some bytes.
     *
     * @param name the field's name
     * @param maxLength the greatest length accepted
     * @return a copy of its value
     * @throws SnapshotException if the field is missing, of another kind, or longer
     */
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

    /**
     * Gives a snapshot within this one.
     *
     * @param name the field's name
     * @return its value
     * @throws SnapshotException if the field is missing or of another kind
     */
    public Snapshot getSnapshot(String name) {
        return (Snapshot) field(name, Snapshot.class);
    }

    /**
     * Gives a list of snapshots.
     *
     * @param name the field's name
     * @return its value, unmodifiable
     * @throws SnapshotException if the field is missing or of another kind
     */
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

        /**
         * Adds a number.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, long value) {
            return add(name, value);
        }

        /**
         * Adds a boolean as 0 or 1.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, boolean value) {
            return add(name, value ? 1L : 0L);
        }

        /**
         * Adds a text.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, String value) {
            return add(name, value);
        }

        /**
         * Adds a copy of some bytes.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, byte[] value) {
            return add(name, value.clone());
        }

        /**
         * Adds a snapshot.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, Snapshot value) {
            return add(name, value);
        }

        /**
         * Adds a list of snapshots.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws IllegalArgumentException if the name is taken
         */
        public Builder put(String name, List<Snapshot> value) {
            return add(name, List.copyOf(value));
        }

        private Builder add(String name, Object value) {
            if (fields.putIfAbsent(name, value) != null) {
                throw new IllegalArgumentException(type + ": field " + name + " is given twice");
            }
            return this;
        }

        /** {@return the snapshot of what was added so far} */
        public Snapshot build() {
            return new Snapshot(type, version, Collections.unmodifiableMap(new TreeMap<>(fields)));
        }
    }
}
