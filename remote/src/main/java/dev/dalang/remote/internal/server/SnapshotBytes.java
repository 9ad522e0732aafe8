package dev.dalang.remote.internal.server;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A snapshot as bytes, for another server of ours. */
final class SnapshotBytes {
    private static final int MAGIC = 0x646c_6731;
    private static final int LONG = 1;
    private static final int TEXT = 2;
    private static final int BYTES = 3;
    private static final int SNAPSHOT = 4;
    private static final int LIST = 5;

    private SnapshotBytes() {}

    static byte[] write(Snapshot snapshot) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream to = new DataOutputStream(bytes)) {
            to.writeInt(MAGIC);
            write(snapshot, to);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }

    private static void write(Snapshot snapshot, DataOutputStream to) throws IOException {
        writeText(snapshot.type(), to);
        to.writeInt(snapshot.version());
        Map<String, Object> fields = snapshot.fields();
        to.writeInt(fields.size());
        for (Map.Entry<String, Object> field : fields.entrySet()) {
            writeText(field.getKey(), to);
            switch (field.getValue()) {
                case Long value -> {
                    to.writeByte(LONG);
                    to.writeLong(value);
                }
                case String text -> {
                    to.writeByte(TEXT);
                    writeText(text, to);
                }
                case byte[] value -> {
                    to.writeByte(BYTES);
                    to.writeInt(value.length);
                    to.write(value);
                }
                case Snapshot nested -> {
                    to.writeByte(SNAPSHOT);
                    write(nested, to);
                }
                case List<?> list -> {
                    to.writeByte(LIST);
                    to.writeInt(list.size());
                    for (Object element : list) {
                        write((Snapshot) element, to);
                    }
                }
                default -> throw new IllegalStateException("a field of " + field.getValue());
            }
        }
    }

    private static void writeText(String text, DataOutputStream to) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        to.writeInt(bytes.length);
        to.write(bytes);
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws SnapshotException if it is something else
     */
    static Snapshot read(byte[] bytes) {
        ByteArrayInputStream source = new ByteArrayInputStream(bytes);
        try (DataInputStream from = new DataInputStream(source)) {
            if (from.readInt() != MAGIC) {
                throw new SnapshotException("these bytes are no snapshot");
            }
            Snapshot snapshot = read(from, 1);
            if (source.available() > 0) {
                throw new SnapshotException("there is more than a snapshot");
            }
            return snapshot;
        } catch (IOException cutOff) {
            throw new SnapshotException("the snapshot is cut off");
        }
    }

    private static Snapshot read(DataInputStream from, int depth) throws IOException {
        if (depth > Snapshot.MAX_DEPTH) {
            throw new SnapshotException("the snapshot is too deep");
        }
        Snapshot.Builder snapshot = Snapshot.builder(readText(from), from.readInt());
        for (int left = readCount(from, Snapshot.MAX_ELEMENTS); left > 0; left--) {
            String name = readText(from);
            switch (from.readByte()) {
                case LONG -> snapshot.put(name, from.readLong());
                case TEXT -> snapshot.put(name, readText(from));
                case BYTES -> snapshot.put(name, readBytes(from));
                case SNAPSHOT -> snapshot.put(name, read(from, depth + 1));
                case LIST -> {
                    List<Snapshot> list = new ArrayList<>();
                    for (int more = readCount(from, Snapshot.MAX_ELEMENTS); more > 0; more--) {
                        list.add(read(from, depth + 1));
                    }
                    snapshot.put(name, list);
                }
                default -> throw new SnapshotException("a field of no kind");
            }
        }
        return snapshot.build();
    }

    private static String readText(DataInputStream from) throws IOException {
        return new String(readBytes(from), StandardCharsets.UTF_8);
    }

    /** No more than there is, whatever is announced. */
    private static byte[] readBytes(DataInputStream from) throws IOException {
        byte[] bytes = new byte[readCount(from, from.available())];
        from.readFully(bytes);
        return bytes;
    }

    private static int readCount(DataInputStream from, int most) throws IOException {
        int count = from.readInt();
        if (count < 0 || count > most) {
            throw new SnapshotException("expected a count of 0.." + most + ", got " + count);
        }
        return count;
    }
}
