package dev.dalang.bus.snapshot;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The state of one {@link Suspendable} as plain values: a type, a version, and named fields, each a
 * {@code Long}, a {@code String}, a {@code byte[]}, a {@code Snapshot} or a {@code List} of
 * snapshots. Immutable, independent of any serialisation, and equal to another of the same content.
 *
 * <p>Snapshots come from files and from other hosts: depth, names, texts and lists are bounded, so
 * that no walk over one exhausts stack or time, and each accessor checks what it gives.
 */
public final class Snapshot {
    /** The greatest depth of snapshots within snapshots, this one counted. */
    public static final int MAX_DEPTH = 32;

    /** The greatest number of fields of one snapshot, and of elements of one list. */
    public static final int MAX_ELEMENTS = 65_536;

    /** The greatest number of fields in all, with those of snapshots within. */
    public static final int MAX_FIELDS = 1 << 24;

    /** The greatest length of a type and of a field's name, in UTF-16 units. */
    public static final int MAX_NAME_LENGTH = 128;

    /** The greatest length of a text, in UTF-16 units. */
    public static final int MAX_TEXT_LENGTH = 1 << 20;

    private final String type;
    private final int version;
    private final Map<String, Object> fields;
    private final int depth;
    private final long weight;

    private Snapshot(String type, int version, Map<String, Object> fields, int depth, long weight) {
        this.type = type;
        this.version = version;
        this.fields = fields;
        this.depth = depth;
        this.weight = weight;
    }

    /**
     * Begins a snapshot.
     *
     * @param type the type of what is saved; stable across releases
     * @param version the version of the type's format
     * @return an empty builder
     * @throws SnapshotException if the type is empty or too long, or the version negative
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

    /**
     * {@return all fields, ordered by name, with values as the class comment names them} A copy,
     * unmodifiable; bytes are copied too.
     */
    public Map<String, Object> fields() {
        Map<String, Object> copy = new TreeMap<>(fields);
        copy.replaceAll((_, value) -> value instanceof byte[] bytes ? bytes.clone() : value);
        return Collections.unmodifiableMap(copy);
    }

    /**
     * Tells whether a field exists, for formats in which it is optional.
     *
     * @param name the field's name
     * @return true if it does
     */
    public boolean has(String name) {
        return fields.containsKey(name);
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

    /**
     * Gives a list of an exact number of snapshots.
     *
     * @param name the field's name
     * @param size the number of elements expected
     * @return its value, unmodifiable
     * @throws SnapshotException if the field is missing, of another kind, or of another size
     */
    public List<Snapshot> getList(String name, int size) {
        List<Snapshot> list = getList(name);
        if (list.size() != size) {
            throw new SnapshotException(
                    type + "." + name + ": expected " + size + " elements, got " + list.size());
        }
        return list;
    }

    /**
     * Gives an array of an exact number of 64-bit values.
     *
     * @param name the field's name
     * @param count the number of values expected
     * @return a copy of its value
     * @throws SnapshotException if the field is missing, of another kind, or of another length
     */
    public long[] getLongs(String name, int count) {
        byte[] bytes = (byte[]) field(name, byte[].class);
        if (bytes.length != (long) count * Long.BYTES) {
            throw new SnapshotException(
                    type
                            + "."
                            + name
                            + ": expected "
                            + count
                            + " values of 8 bytes, got "
                            + bytes.length
                            + " bytes");
        }
        long[] values = new long[count];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(values);
        return values;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        if (!(other instanceof Snapshot that)
                || version != that.version
                || !type.equals(that.type)
                || !fields.keySet().equals(that.fields.keySet())) {
            return false;
        }
        for (Map.Entry<String, Object> field : fields.entrySet()) {
            Object mine = field.getValue();
            Object theirs = that.fields.get(field.getKey());
            boolean same =
                    mine instanceof byte[] bytes && theirs instanceof byte[] others
                            ? Arrays.equals(bytes, others)
                            : mine.equals(theirs);
            if (!same) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        int hash = 31 * type.hashCode() + version;
        for (Map.Entry<String, Object> field : fields.entrySet()) {
            Object value = field.getValue();
            hash = 31 * hash + field.getKey().hashCode();
            hash = 31 * hash + (value instanceof byte[] b ? Arrays.hashCode(b) : value.hashCode());
        }
        return hash;
    }

    /** {@return type, version and the fields, long ones by their length} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(type).append(" v").append(version).append(" {");
        String separator = "";
        for (Map.Entry<String, Object> field : fields.entrySet()) {
            text.append(separator).append(field.getKey()).append('=');
            separator = ", ";
            switch (field.getValue()) {
                case byte[] bytes when bytes.length <= 32 -> text.append(Arrays.toString(bytes));
                case byte[] bytes -> text.append(bytes.length).append(" bytes");
                case String string when string.length() > 80 ->
                        text.append(string.length()).append(" characters");
                default -> text.append(field.getValue());
            }
        }
        return text.append('}').toString();
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
                            + kindName(kind)
                            + ", got "
                            + kindName(value.getClass()));
        }
        return value;
    }

    private static String kindName(Class<?> kind) {
        if (kind == Long.class) {
            return "a number";
        }
        if (kind == String.class) {
            return "a text";
        }
        if (kind == byte[].class) {
            return "bytes";
        }
        return List.class.isAssignableFrom(kind) ? "a list of snapshots" : "a snapshot";
    }

    /** Collects the fields of one snapshot. */
    public static final class Builder {
        private final String type;
        private final int version;
        private final Map<String, Object> fields = new TreeMap<>();
        private int depth = 1;
        private long weight;

        private Builder(String type, int version) {
            requireName("a snapshot's type", type);
            if (version < 0) {
                throw new SnapshotException(
                        type + ": expected a version of at least 0, got " + version);
            }
            this.type = type;
            this.version = version;
        }

        /**
         * Adds a number.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
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
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
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
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
         */
        public Builder put(String name, String value) {
            if (value.length() > MAX_TEXT_LENGTH) {
                throw new SnapshotException(
                        type
                                + "."
                                + name
                                + ": expected at most "
                                + MAX_TEXT_LENGTH
                                + " characters, got "
                                + value.length());
            }
            return add(name, value);
        }

        /**
         * Adds a copy of some bytes.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
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
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
         */
        public Builder put(String name, Snapshot value) {
            requireRoom(name, value);
            return add(name, value);
        }

        /**
         * Adds a list of snapshots.
         *
         * @param name the field's name
         * @param value the value
         * @return this
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
         */
        public Builder put(String name, List<Snapshot> value) {
            if (value.size() > MAX_ELEMENTS) {
                throw new SnapshotException(
                        type
                                + "."
                                + name
                                + ": expected at most "
                                + MAX_ELEMENTS
                                + " elements, got "
                                + value.size());
            }
            List<Snapshot> elements = List.copyOf(value);
            for (Object element : elements) {
                // Unchecked casts can bring anything here; nothing else may leave again.
                if (!(element instanceof Snapshot snapshot)) {
                    throw new SnapshotException(
                            type + "." + name + ": expected snapshots, got " + element.getClass());
                }
                requireRoom(name, snapshot);
            }
            return add(name, elements);
        }

        /**
         * Adds a copy of an array of 64-bit values.
         *
         * @param name the field's name
         * @param values the values
         * @return this
         * @throws SnapshotException if the name is taken, or a limit of {@link Snapshot} exceeded
         */
        public Builder put(String name, long[] values) {
            byte[] bytes = new byte[Math.multiplyExact(values.length, Long.BYTES)];
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(values);
            return add(name, bytes);
        }

        private void requireRoom(String name, Snapshot nested) {
            if (nested.depth >= MAX_DEPTH) {
                throw new SnapshotException(
                        type + "." + name + ": expected a depth of at most " + MAX_DEPTH);
            }
            depth = Math.max(depth, nested.depth + 1);
            weight += nested.weight;
        }

        private Builder add(String name, Object value) {
            requireName(type + ": a field's name", name);
            weight++;
            if (fields.size() >= MAX_ELEMENTS || weight > MAX_FIELDS) {
                throw new SnapshotException(
                        type
                                + "."
                                + name
                                + ": expected at most "
                                + MAX_ELEMENTS
                                + " fields, and "
                                + MAX_FIELDS
                                + " with those of snapshots within");
            }
            if (fields.putIfAbsent(name, value) != null) {
                throw new SnapshotException(type + ": field " + name + " is given twice");
            }
            return this;
        }

        private static void requireName(String what, String name) {
            if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
                throw new SnapshotException(
                        what
                                + ": expected 1.."
                                + MAX_NAME_LENGTH
                                + " characters, got "
                                + name.length());
            }
        }

        /** {@return the snapshot of what was added so far} */
        public Snapshot build() {
            return new Snapshot(
                    type,
                    version,
                    Collections.unmodifiableMap(new TreeMap<>(fields)),
                    depth,
                    weight);
        }
    }
}
