package dev.dalang.tables.fdt;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A device tree: nodes with properties, and the memory that a guest's firmware must leave alone.
 * Labels name nodes for references within the tree; a referenced node gets a {@code phandle}, and
 * the labels themselves do not become part of the blob.
 *
 * <p>A machine's tree may be changed by whoever adds a device to it: find the node, add to it.
 */
public final class DeviceTree {
    /**
     * Memory that is not to be used for anything but what the owner of the tree says.
     *
     * @param address first byte, guest physical, unsigned
     * @param size bytes, unsigned
     */
    public record Reservation(long address, long size) {}

    private final DeviceTreeNode root = new DeviceTreeNode(this);
    private final List<Reservation> reservations = new ArrayList<>();
    private final Map<String, DeviceTreeNode> labels = new HashMap<>();
    private int nextPhandle = 1;
    private int bootHart;

    private DeviceTree() {}

    /** {@return a tree of a root node without properties} */
    public static DeviceTree create() {
        return new DeviceTree();
    }

    /**
     * Reads a blob (Devicetree Specification 0.4 §5) of version 16 or 17. The blob may come from
     * anywhere: the work and the memory are bounded by its length.
     *
     * @param blob the blob; what stands behind its total size is ignored
     * @return the tree
     * @throws DeviceTreeException if the blob is malformed
     */
    public static DeviceTree parse(byte[] blob) {
        return new DtbReader(blob).read();
    }

    /** {@return the root node} */
    public DeviceTreeNode root() {
        return root;
    }

    /**
     * Finds a node by its path, such as {@code /soc/serial@10000000}.
     *
     * @param path from the root, such as {@code /soc/serial@10000000}
     * @return the node
     * @throws DeviceTreeException if there is none
     */
    public DeviceTreeNode node(String path) {
        if (!path.startsWith("/")) {
            throw new DeviceTreeException(
                    "expected a path that begins with a slash, got \"" + path + "\"");
        }
        DeviceTreeNode node = root;
        for (String name : path.substring(1).split("/")) {
            if (!name.isEmpty()) {
                DeviceTreeNode parent = node;
                node =
                        node.child(name)
                                .orElseThrow(
                                        () ->
                                                new DeviceTreeException(
                                                        "%s: expected a node \"%s\", found none"
                                                                .formatted(parent.path(), name)));
            }
        }
        return node;
    }

    /**
     * Reserves memory.
     *
     * @param address first byte, unsigned
     * @param size bytes, unsigned, at least 1; the last byte lies below 2<sup>64</sup>
     * @return this tree
     * @throws DeviceTreeException if the range is empty or wraps
     */
    public DeviceTree reserve(long address, long size) {
        if (size == 0 || Long.compareUnsigned(address + (size - 1), address) < 0) {
            throw new DeviceTreeException(
                    "reservation: expected a range within 64 bits, got 0x%x bytes at 0x%x"
                            .formatted(size, address));
        }
        reservations.add(new Reservation(address, size));
        return this;
    }

    /** {@return the reserved ranges in the order they were added} */
    public List<Reservation> reservations() {
        return Collections.unmodifiableList(reservations);
    }

    /**
     * Sets the header's {@code boot_cpuid_phys}; it is 0 by default.
     *
     * @param hartId the physical id of the hart that boots
     * @return this tree
     */
    public DeviceTree bootHart(int hartId) {
        bootHart = hartId;
        return this;
    }

    /** {@return the header's {@code boot_cpuid_phys}} */
    public int bootHart() {
        return bootHart;
    }

    /**
     * Writes the tree as a blob of version 17 that programs for version 16 can read.
     *
     * @return the blob
     * @throws DeviceTreeException if a property refers to a label that no node has; the message
     *     names the property
     */
    public byte[] toBytes() {
        return new DtbWriter(this).write();
    }

    void register(String label, DeviceTreeNode node) {
        DeviceTreeNode earlier = labels.putIfAbsent(label, node);
        if (earlier != null) {
            throw new DeviceTreeException(
                    "%s: expected a label of its own, got \"%s\", which %s has"
                            .formatted(node.path(), label, earlier.path()));
        }
    }

    /** The phandle of a labelled node, which gets one if it has none. */
    int phandleOf(String label, DeviceTreeNode user, String property) {
        DeviceTreeNode target = labels.get(label);
        if (target == null) {
            throw new DeviceTreeException(
                    "%s: property \"%s\" refers to the label \"%s\", which no node has"
                            .formatted(user.path(), property, label));
        }
        return target.phandle(() -> nextPhandle++);
    }

    /** Keeps phandles that a blob brought from being given to other nodes. */
    void reservePhandle(int phandle) {
        if (phandle > 0 && phandle < Integer.MAX_VALUE) {
            nextPhandle = Math.max(nextPhandle, phandle + 1);
        }
    }
}
