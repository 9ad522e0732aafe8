package dev.dalang.tables.fdt;

import static dev.dalang.tables.fdt.Dtb.FDT_BEGIN_NODE;
import static dev.dalang.tables.fdt.Dtb.FDT_END;
import static dev.dalang.tables.fdt.Dtb.FDT_END_NODE;
import static dev.dalang.tables.fdt.Dtb.FDT_MAGIC;
import static dev.dalang.tables.fdt.Dtb.FDT_PROP;
import static dev.dalang.tables.fdt.Dtb.HEADER_BYTES;
import static dev.dalang.tables.fdt.Dtb.LAST_COMPATIBLE_VERSION;
import static dev.dalang.tables.fdt.Dtb.RESERVATION_BYTES;
import static dev.dalang.tables.fdt.Dtb.VERSION;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Writes one tree as a blob. */
final class DtbWriter {
    private final DeviceTree tree;
    private final ByteArrayOutputStream structure = new ByteArrayOutputStream();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final Map<String, Integer> stringOffsets = new HashMap<>();

    DtbWriter(DeviceTree tree) {
        this.tree = tree;
    }

    byte[] write() {
        resolve(tree.root());
        node(tree.root());
        cell(FDT_END);

        int reservations = HEADER_BYTES;
        int structureAt = reservations + (tree.reservations().size() + 1) * RESERVATION_BYTES;
        int stringsAt = Math.addExact(structureAt, structure.size());
        int total = Math.addExact(stringsAt, strings.size());
        ByteBuffer blob =
                ByteBuffer.allocate(total)
                        .putInt(FDT_MAGIC)
                        .putInt(total)
                        .putInt(structureAt)
                        .putInt(stringsAt)
                        .putInt(reservations)
                        .putInt(VERSION)
                        .putInt(LAST_COMPATIBLE_VERSION)
                        .putInt(tree.bootHart())
                        .putInt(strings.size())
                        .putInt(structure.size());
        for (DeviceTree.Reservation reservation : tree.reservations()) {
            blob.putLong(reservation.address()).putLong(reservation.size());
        }
        return blob.putLong(0)
                .putLong(0)
                .put(structure.toByteArray())
                .put(strings.toByteArray())
                .array();
    }

    /** Gives every referenced node its phandle before any node is written. */
    private static void resolve(DeviceTreeNode node) {
        // A copy of the names: a node that refers to itself gains a property meanwhile.
        for (String property : node.propertyNames().toArray(String[]::new)) {
            node.bytes(property);
        }
        node.children().forEach(DtbWriter::resolve);
    }

    private void node(DeviceTreeNode node) {
        cell(FDT_BEGIN_NODE);
        structure.writeBytes(node.name().getBytes(StandardCharsets.US_ASCII));
        structure.write(0);
        pad();
        for (String property : node.propertyNames()) {
            byte[] value = node.bytes(property);
            cell(FDT_PROP);
            cell(value.length);
            cell(stringOffset(property));
            structure.writeBytes(value);
            pad();
        }
        node.children().forEach(this::node);
        cell(FDT_END_NODE);
    }

    private int stringOffset(String name) {
        return stringOffsets.computeIfAbsent(
                name,
                key -> {
                    int offset = strings.size();
                    strings.writeBytes(key.getBytes(StandardCharsets.US_ASCII));
                    strings.write(0);
                    return offset;
                });
    }

    private void cell(int value) {
        structure.write(value >>> 24);
        structure.write(value >>> 16);
        structure.write(value >>> 8);
        structure.write(value);
    }

    private void pad() {
        while (structure.size() % Integer.BYTES != 0) {
            structure.write(0);
        }
    }
}
