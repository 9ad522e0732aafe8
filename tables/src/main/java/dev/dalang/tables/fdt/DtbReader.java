package dev.dalang.tables.fdt;

import static dev.dalang.tables.fdt.Dtb.FDT_BEGIN_NODE;
import static dev.dalang.tables.fdt.Dtb.FDT_END;
import static dev.dalang.tables.fdt.Dtb.FDT_END_NODE;
import static dev.dalang.tables.fdt.Dtb.FDT_MAGIC;
import static dev.dalang.tables.fdt.Dtb.FDT_NOP;
import static dev.dalang.tables.fdt.Dtb.FDT_PROP;
import static dev.dalang.tables.fdt.Dtb.HEADER_BYTES;
import static dev.dalang.tables.fdt.Dtb.LAST_COMPATIBLE_VERSION;
import static dev.dalang.tables.fdt.Dtb.RESERVATION_BYTES;
import static dev.dalang.tables.fdt.Dtb.VERSION;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;

/** Reads one blob, believing nothing in it. */
final class DtbReader {
    /** A larger blob does not occur; the bound also keeps sums of offsets within an int. */
    private static final int BLOB_BYTES = 64 << 20;

    /** Longer names do not occur; the bound keeps names that share bytes from multiplying work. */
    private static final int NAME_BYTES = 255;

    /** Deeper nesting does not occur; the bound keeps those who walk the tree from overflowing. */
    private static final int DEPTH = 64;

    private final byte[] bytes;
    private final ByteBuffer blob;
    private int at;
    private int structureEnd;
    private int stringsAt;
    private int stringsEnd;

    DtbReader(byte[] blob) {
        this.bytes = blob.clone();
        this.blob = ByteBuffer.wrap(bytes);
    }

    DeviceTree read() {
        if (bytes.length < HEADER_BYTES) {
            throw malformed("a header of %d bytes, got %d in all", HEADER_BYTES, bytes.length);
        }
        expect(bytes.length <= BLOB_BYTES, "at most 64 MiB", bytes.length);
        expect(blob.getInt(0) == FDT_MAGIC, "magic 0xd00dfeed", blob.getInt(0));
        int total = blob.getInt(4);
        expect(total >= HEADER_BYTES && total <= bytes.length, "a total size in range", total);
        int version = blob.getInt(20);
        expect(version >= LAST_COMPATIBLE_VERSION, "version 16 or later", version);
        expect(blob.getInt(24) <= VERSION && blob.getInt(24) >= 0, "version 17", blob.getInt(24));

        at = block(8, 4, total);
        stringsAt = block(12, 1, total);
        int stringsSize = blob.getInt(32);
        expect(
                stringsSize >= 0 && stringsSize <= total - stringsAt,
                "a strings block in range",
                stringsSize);
        stringsEnd = stringsAt + stringsSize;
        structureEnd = total;
        if (version >= VERSION) {
            int size = blob.getInt(36);
            expect(size >= 0 && size <= total - at, "a structure block in range", size);
            structureEnd = at + size;
        }

        DeviceTree tree = DeviceTree.create().bootHart(blob.getInt(28));
        reservations(tree, block(16, 8, total), total);
        structure(tree);
        return tree;
    }

    private int block(int field, int alignment, int total) {
        int offset = blob.getInt(field);
        expect(
                offset >= HEADER_BYTES && offset <= total && offset % alignment == 0,
                "a block within the blob",
                offset);
        return offset;
    }

    private void reservations(DeviceTree tree, int start, int total) {
        for (int entry = start; ; entry += RESERVATION_BYTES) {
            expect(entry <= total - RESERVATION_BYTES, "an end of the reservations", entry);
            long address = blob.getLong(entry);
            long size = blob.getLong(entry + Long.BYTES);
            if (address == 0 && size == 0) {
                return;
            }
            if (size != 0) {
                tree.reserve(address, size);
            }
        }
    }

    private void structure(DeviceTree tree) {
        var open = new ArrayDeque<DeviceTreeNode>();
        boolean rootSeen = false;
        while (true) {
            int token = cell();
            switch (token) {
                case FDT_BEGIN_NODE -> {
                    String name = name(at, structureEnd);
                    at = align(at + name.length() + 1);
                    DeviceTreeNode parent = open.peek();
                    expect(open.size() < DEPTH, "at most 64 nodes above each other", at);
                    if (parent == null) {
                        expect(!rootSeen && name.isEmpty(), "one root node without a name", at);
                        rootSeen = true;
                        open.push(tree.root());
                    } else {
                        expect(!name.isEmpty() && name.indexOf('/') < 0, "a node name", at);
                        open.push(parent.addParsed(name));
                    }
                }
                case FDT_END_NODE -> {
                    expect(!open.isEmpty(), "an open node before its end", at);
                    open.pop();
                }
                case FDT_PROP -> {
                    int length = cell();
                    int nameOffset = cell();
                    expect(length >= 0 && length <= structureEnd - at, "a value in range", length);
                    expect(
                            nameOffset >= 0 && nameOffset < stringsEnd - stringsAt,
                            "a property name in range",
                            nameOffset);
                    DeviceTreeNode node = open.peek();
                    if (node == null) {
                        throw malformed("a node around each property, at %d, token %d", at, token);
                    }
                    byte[] value = new byte[length];
                    System.arraycopy(bytes, at, value, 0, length);
                    at = align(at + length);
                    node.putParsed(name(stringsAt + nameOffset, stringsEnd), value);
                }
                case FDT_NOP -> {
                    // A place that an editor of the blob has emptied.
                }
                case FDT_END -> {
                    expect(rootSeen && open.isEmpty(), "every node closed at the end", at);
                    return;
                }
                default -> throw malformed("a token at offset %d, got 0x%x", at - 4, token);
            }
        }
    }

    private int cell() {
        expect(at <= structureEnd - Integer.BYTES, "an end token", at);
        int value = blob.getInt(at);
        at += Integer.BYTES;
        return value;
    }

    private String name(int start, int end) {
        int limit = (int) Math.min(end, (long) start + NAME_BYTES + 1);
        for (int i = start; i < limit; i++) {
            if (bytes[i] == 0) {
                return new String(bytes, start, i - start, StandardCharsets.US_ASCII);
            }
        }
        throw malformed("a name of at most %d characters at offset %d", NAME_BYTES, start);
    }

    private static int align(int offset) {
        return offset + 3 & ~3;
    }

    private static void expect(boolean condition, String expected, int found) {
        if (!condition) {
            throw new DeviceTreeException(
                    "device tree blob: expected %s, got %d (0x%x)"
                            .formatted(expected, found, found));
        }
    }

    private static DeviceTreeException malformed(String expected, int first, int second) {
        return new DeviceTreeException(
                "device tree blob: expected " + expected.formatted(first, second));
    }
}
