package dev.dalang.tables.fdt;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;

/**
 * A node of a {@link DeviceTree}. Properties and children keep the order in which they are added;
 * each name is used once. The methods that begin with {@code put} and {@code add} throw {@link
 * DeviceTreeException} for a name that the specification does not allow (§2.2.1 and §2.2.4: up to
 * 31 characters) or that is taken.
 */
public final class DeviceTreeNode {
    private static final String PHANDLE = "phandle";
    private static final Pattern NODE_NAME =
            Pattern.compile("[a-zA-Z][0-9a-zA-Z,._+-]{0,30}(@[0-9a-zA-Z,._+-]{1,31})?");
    private static final Pattern PROPERTY_NAME = Pattern.compile("[0-9a-zA-Z,._+?#-]{1,31}");
    private static final Pattern LABEL = Pattern.compile("[a-zA-Z_][0-9a-zA-Z_]{0,30}");

    /** A property's value; labels in it become phandles when it is asked for. */
    @FunctionalInterface
    private interface Value {
        /** A fresh copy. */
        byte[] bytes(ToIntFunction<String> phandleOf);
    }

    private final DeviceTree tree;
    private final @Nullable DeviceTreeNode parent;
    private final String name;
    private final Map<String, Value> properties = new LinkedHashMap<>();
    private final Map<String, DeviceTreeNode> children = new LinkedHashMap<>();
    private int phandle;

    DeviceTreeNode(DeviceTree tree) {
        this.tree = tree;
        this.parent = null;
        this.name = "";
    }

    private DeviceTreeNode(DeviceTree tree, DeviceTreeNode parent, String name) {
        this.tree = tree;
        this.parent = parent;
        this.name = name;
    }

    /**
     * {@return the name with the unit address, such as {@code serial@10000000}} The root's is
     * empty.
     */
    public String name() {
        return name;
    }

    /** {@return the names from the root to this node, such as {@code /soc/serial@10000000}} */
    public String path() {
        if (parent == null) {
            return "/";
        }
        String prefix = parent.path();
        return prefix.length() == 1 ? prefix + name : prefix + "/" + name;
    }

    /**
     * Adds a child.
     *
     * @param childName such as {@code cpus}, or with a unit address {@code cpu@0}
     * @return the child
     */
    public DeviceTreeNode addNode(String childName) {
        if (!NODE_NAME.matcher(childName).matches()) {
            throw new DeviceTreeException(
                    "%s: expected a node name as in the specification (§2.2.1), got \"%s\""
                            .formatted(path(), childName));
        }
        return addParsed(childName);
    }

    /**
     * Adds a child, named by its unit address in hexadecimal, such as {@code serial@10000000}.
     *
     * @param childName the name before the unit address
     * @param unitAddress the first address of its {@code reg}, unsigned
     * @return the child
     */
    public DeviceTreeNode addNode(String childName, long unitAddress) {
        return addNode(childName + "@" + Long.toHexString(unitAddress));
    }

    /** As {@link #addNode}, for names that come from a blob, which may be longer. */
    DeviceTreeNode addParsed(String childName) {
        var child = new DeviceTreeNode(tree, this, childName);
        if (children.putIfAbsent(childName, child) != null) {
            throw new DeviceTreeException(
                    "%s: expected one node \"%s\", got another".formatted(path(), childName));
        }
        return child;
    }

    /**
     * Labels this node, so that properties of any node can refer to it. A node may have several.
     *
     * @param label unique in the tree; a letter or underscore, then letters, digits, underscores
     * @return this node
     */
    public DeviceTreeNode label(String label) {
        if (!LABEL.matcher(label).matches()) {
            throw new DeviceTreeException(
                    "%s: expected a label of letters, digits and underscores, got \"%s\""
                            .formatted(path(), label));
        }
        tree.register(label, this);
        return this;
    }

    /**
     * Adds a property without a value: its presence says true.
     *
     * @param property its name
     * @return this node
     */
    public DeviceTreeNode putEmpty(String property) {
        return putBytes(property, new byte[0]);
    }

    /**
     * Adds a property of one cell for each value.
     *
     * @param property its name
     * @param values the values, in order
     * @return this node
     */
    public DeviceTreeNode putU32(String property, int... values) {
        return put(property, Cells.create().u32(values));
    }

    /**
     * Adds a property of two cells for each value.
     *
     * @param property its name
     * @param values the values, in order
     * @return this node
     */
    public DeviceTreeNode putU64(String property, long... values) {
        return put(property, Cells.create().u64(values));
    }

    /**
     * Adds a property of cells.
     *
     * @param property its name
     * @param cells the value, which is copied
     * @return this node
     */
    public DeviceTreeNode put(String property, Cells cells) {
        return add(property, cells.copy()::toBytes);
    }

    /**
     * Adds a property that is the phandle of the node with this label.
     *
     * @param property its name
     * @param label the label
     * @return this node
     */
    public DeviceTreeNode putReference(String property, String label) {
        return put(property, Cells.create().phandle(label));
    }

    /**
     * Adds a property of one or several strings.
     *
     * @param property its name
     * @param strings the strings, in order
     * @return this node
     * @throws DeviceTreeException also if a string holds a null character, or there is none
     */
    public DeviceTreeNode putStrings(String property, String... strings) {
        return putStrings(property, List.of(strings));
    }

    /**
     * Adds a property of strings, as {@link #putStrings(String, String...)} does.
     *
     * @param property its name
     * @param strings the strings, in order
     * @return this node
     */
    public DeviceTreeNode putStrings(String property, Collection<String> strings) {
        if (strings.isEmpty() || strings.stream().anyMatch(s -> s.indexOf('\0') >= 0)) {
            throw new DeviceTreeException(
                    "%s: property \"%s\": expected strings without null characters, got %s"
                            .formatted(path(), property, strings));
        }
        return putBytes(
                property, (String.join("\0", strings) + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Adds a property of bytes.
     *
     * @param property its name
     * @param bytes the value, which is copied
     * @return this node
     */
    public DeviceTreeNode putBytes(String property, byte[] bytes) {
        byte[] copy = bytes.clone();
        return add(property, _ -> copy.clone());
    }

    private DeviceTreeNode add(String property, Value value) {
        if (!PROPERTY_NAME.matcher(property).matches()) {
            throw new DeviceTreeException(
                    "%s: expected a property name of 1 to 31 of [0-9a-zA-Z,._+?#-], got \"%s\""
                            .formatted(path(), property));
        }
        if (property.equals(PHANDLE)) {
            throw new DeviceTreeException(
                    "%s: a phandle is given by labelling the node and referring to it"
                            .formatted(path()));
        }
        addUnchecked(property, value);
        return this;
    }

    /** As {@link #putBytes}, for names that come from a blob, which may be longer. */
    void putParsed(String property, byte[] bytes) {
        addUnchecked(property, _ -> bytes.clone());
        if (property.equals(PHANDLE) && bytes.length == Integer.BYTES) {
            phandle = ByteBuffer.wrap(bytes).getInt();
            tree.reservePhandle(phandle);
        }
    }

    private void addUnchecked(String property, Value value) {
        if (properties.putIfAbsent(property, value) != null) {
            throw new DeviceTreeException(
                    "%s: expected one property \"%s\", got another".formatted(path(), property));
        }
    }

    /**
     * Removes a property if there is one.
     *
     * @param property its name
     * @return this node
     */
    public DeviceTreeNode remove(String property) {
        properties.remove(property);
        return this;
    }

    /** {@return the children, in order} */
    public Collection<DeviceTreeNode> children() {
        return Collections.unmodifiableCollection(children.values());
    }

    /**
     * {@return the child of this name with its unit address} Empty if there is none.
     *
     * @param childName the name with the unit address if any
     */
    public Optional<DeviceTreeNode> child(String childName) {
        return Optional.ofNullable(children.get(childName));
    }

    /** {@return the names of the properties, in order} */
    public Set<String> propertyNames() {
        return Collections.unmodifiableSet(properties.keySet());
    }

    /**
     * {@return whether there is such a property}
     *
     * @param property its name
     */
    public boolean has(String property) {
        return properties.containsKey(property);
    }

    /**
     * {@return a copy of a property's value}
     *
     * @param property its name
     * @throws DeviceTreeException if there is no such property, or it refers to an unknown label
     */
    public byte[] bytes(String property) {
        Value value = properties.get(property);
        if (value == null) {
            throw new DeviceTreeException(
                    "%s: expected a property \"%s\", found none".formatted(path(), property));
        }
        return value.bytes(label -> tree.phandleOf(label, this, property));
    }

    /**
     * {@return a property's value as cells}
     *
     * @param property its name
     * @throws DeviceTreeException as {@link #bytes}, or if the length is not a multiple of 4
     */
    public int[] cells(String property) {
        byte[] bytes = bytes(property);
        if (bytes.length % Integer.BYTES != 0) {
            throw new DeviceTreeException(
                    "%s: property \"%s\": expected whole cells, got %d bytes"
                            .formatted(path(), property, bytes.length));
        }
        int[] cells = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).asIntBuffer().get(cells);
        return cells;
    }

    /**
     * {@return the one cell of a property}
     *
     * @param property its name
     * @throws DeviceTreeException as {@link #bytes}, or if it is not one cell
     */
    public int u32(String property) {
        int[] cells = cells(property);
        if (cells.length != 1) {
            throw new DeviceTreeException(
                    "%s: property \"%s\": expected one cell, got %d"
                            .formatted(path(), property, cells.length));
        }
        return cells[0];
    }

    /**
     * {@return the strings of a property}
     *
     * @param property its name
     * @throws DeviceTreeException as {@link #bytes}, or if the last string is not terminated
     */
    public List<String> strings(String property) {
        byte[] bytes = bytes(property);
        var strings = new ArrayList<String>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == 0) {
                strings.add(new String(bytes, start, i - start, StandardCharsets.UTF_8));
                start = i + 1;
            }
        }
        if (start != bytes.length || strings.isEmpty()) {
            throw new DeviceTreeException(
                    "%s: property \"%s\": expected strings that end with a null character"
                            .formatted(path(), property));
        }
        return strings;
    }

    /**
     * {@return the one string of a property}
     *
     * @param property its name
     * @throws DeviceTreeException as {@link #strings}, or if there are several
     */
    public String string(String property) {
        List<String> strings = strings(property);
        if (strings.size() != 1) {
            throw new DeviceTreeException(
                    "%s: property \"%s\": expected one string, got %s"
                            .formatted(path(), property, strings));
        }
        return strings.getFirst();
    }

    /** This node's phandle; taken from {@code next} if it has none yet. */
    int phandle(IntSupplier next) {
        if (phandle == 0) {
            phandle = next.getAsInt();
            addUnchecked(PHANDLE, Cells.create().u32(phandle)::toBytes);
        }
        return phandle;
    }
}
