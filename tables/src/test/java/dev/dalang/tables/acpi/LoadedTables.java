package dev.dalang.tables.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What firmware does with the files: runs the script, one command after the other, on files that it
 * puts at addresses of its choice, and follows the pointers from the root.
 */
final class LoadedTables {
    private static final int COMMAND_BYTES = 128;
    private static final int NAME_BYTES = 56;

    private final Map<String, byte[]> files;
    private final Map<String, Long> places = new LinkedHashMap<>();
    private final Map<String, byte[]> tables = new TreeMap<>();

    private LoadedTables(Map<String, byte[]> files) {
        this.files = files;
    }

    /** Loads the files from this address on. */
    static LoadedTables at(long address, Map<String, byte[]> files) {
        var copies = new TreeMap<String, byte[]>();
        files.forEach((name, content) -> copies.put(name, content.clone()));
        var loaded = new LoadedTables(copies);
        loaded.run(address);
        loaded.follow();
        return loaded;
    }

    /** The tables by signature; a second one of a signature has its number behind it. */
    Map<String, byte[]> tables() {
        return tables;
    }

    private void run(long address) {
        byte[] script = files.get(AcpiTables.LOADER_FILE);
        assertThat(script.length % COMMAND_BYTES).isZero();
        long free = address;
        for (int at = 0; at < script.length; at += COMMAND_BYTES) {
            ByteBuffer command =
                    ByteBuffer.wrap(script, at, COMMAND_BYTES)
                            .slice()
                            .order(ByteOrder.LITTLE_ENDIAN);
            int code = command.getInt();
            String file = name(command);
            switch (code) {
                case 1 -> {
                    int alignment = command.getInt();
                    assertThat(Integer.bitCount(alignment)).isOne();
                    assertThat(command.get()).isBetween((byte) 1, (byte) 2);
                    free = free + alignment - 1 & -alignment;
                    assertThat(places.put(file, free)).as("allocated once").isNull();
                    free += files.get(file).length;
                }
                case 2 -> {
                    String target = name(command);
                    int offset = command.getInt();
                    assertThat(command.get()).isEqualTo((byte) Long.BYTES);
                    ByteBuffer bytes = littleEndian(files.get(file));
                    long inTarget = bytes.getLong(offset);
                    assertThat(inTarget).isBetween(0L, files.get(target).length - 1L);
                    bytes.putLong(offset, places.get(target) + inTarget);
                }
                case 3 -> {
                    int offset = command.getInt();
                    int start = command.getInt();
                    int length = command.getInt();
                    byte[] bytes = files.get(file);
                    assertThat(bytes[offset]).isZero();
                    int sum = 0;
                    for (int i = start; i < start + length; i++) {
                        sum += bytes[i];
                    }
                    bytes[offset] = (byte) -sum;
                }
                default -> throw new AssertionError("command " + code);
            }
        }
    }

    private static String name(ByteBuffer command) {
        byte[] name = new byte[NAME_BYTES];
        command.get(name);
        String text = new String(name, StandardCharsets.US_ASCII);
        return text.substring(0, text.indexOf('\0'));
    }

    private void follow() {
        byte[] rsdp = files.get(AcpiTables.RSDP_FILE);
        assertThat(new String(rsdp, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("RSD PTR ");
        assertThat(sum(rsdp, 20)).isZero();
        assertThat(sum(rsdp, rsdp.length)).isZero();
        assertThat(littleEndian(rsdp).getInt(20)).isEqualTo(rsdp.length).isEqualTo(36);
        assertThat(rsdp[15]).as("revision").isEqualTo((byte) 2);
        ByteBuffer xsdt = littleEndian(table(littleEndian(rsdp).getLong(24)));
        for (int entry = 36; entry < xsdt.limit(); entry += Long.BYTES) {
            byte[] table = table(xsdt.getLong(entry));
            if (signature(table).equals("FACP")) {
                table(littleEndian(table).getLong(140));
            }
        }
    }

    /** The table at an address, which must be whole and in the file. */
    private byte[] table(long address) {
        byte[] file = files.get(AcpiTables.TABLES_FILE);
        int offset = Math.toIntExact(address - places.get(AcpiTables.TABLES_FILE));
        byte[] table = new byte[littleEndian(file).getInt(offset + 4)];
        System.arraycopy(file, offset, table, 0, table.length);
        assertThat(sum(table, table.length)).as(signature(table)).isZero();
        String key = signature(table);
        for (int i = 2; tables.containsKey(key); i++) {
            key = signature(table) + i;
        }
        tables.put(key, table);
        return table;
    }

    private static String signature(byte[] table) {
        return new String(table, 0, 4, StandardCharsets.US_ASCII);
    }

    private static byte sum(byte[] bytes, int length) {
        byte sum = 0;
        for (int i = 0; i < length; i++) {
            sum += bytes[i];
        }
        return sum;
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
