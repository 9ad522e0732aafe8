package dev.dalang.tables.acpi;

import java.nio.charset.StandardCharsets;

/**
 * Writes the script that tells firmware how to put files of {@code fw_cfg} into memory and how to
 * make them refer to each other: QEMU's table loader. A command has 128 bytes; firmware runs them
 * in order.
 */
final class TableLoader {
    /** Bytes of each command. */
    static final int COMMAND_BYTES = 128;

    private static final int ALLOCATE = 1;
    private static final int ADD_POINTER = 2;
    private static final int ADD_CHECKSUM = 3;

    private static final int FILE_NAME_BYTES = 56;

    private final TableBytes script = new TableBytes();

    /** Where a file shall go. */
    enum Zone {
        /** Anywhere. */
        HIGH(1),
        /** Where a PC looks for the first table; elsewhere the same as anywhere. */
        FSEG(2);

        private final int code;

        Zone(int code) {
            this.code = code;
        }
    }

    /**
     * Puts a file into memory.
     *
     * @param alignment a power of 2
     */
    TableLoader allocate(String file, int alignment, Zone zone) {
        return pad(
                command(ALLOCATE).text(file, FILE_NAME_BYTES, '\0').u32(alignment).u8(zone.code));
    }

    /**
     * Adds the place of {@code target} to the 8 bytes at {@code offset} of {@code file}, which hold
     * a place in {@code target}.
     */
    TableLoader addPointer(String file, int offset, String target) {
        return pad(
                command(ADD_POINTER)
                        .text(file, FILE_NAME_BYTES, '\0')
                        .text(target, FILE_NAME_BYTES, '\0')
                        .u32(offset)
                        .u8(Long.BYTES));
    }

    /** Puts into the byte at {@code offset}, which is zero, what makes the sum of a range zero. */
    TableLoader addChecksum(String file, int offset, int start, int length) {
        return pad(
                command(ADD_CHECKSUM)
                        .text(file, FILE_NAME_BYTES, '\0')
                        .u32(offset)
                        .u32(start)
                        .u32(length));
    }

    private static TableBytes command(int code) {
        return new TableBytes().u32(code);
    }

    private TableLoader pad(TableBytes command) {
        script.bytes(command.toBytes()).zeros(COMMAND_BYTES - command.size());
        return this;
    }

    byte[] toBytes() {
        return script.toBytes();
    }

    static void checkName(String file) {
        boolean ascii = StandardCharsets.US_ASCII.newEncoder().canEncode(file);
        if (file.isEmpty() || file.length() >= FILE_NAME_BYTES || !ascii) {
            throw new AcpiException(
                    "a file for the table loader: expected a name of 1 to 55 ASCII characters, got"
                            + " \"%s\"".formatted(file));
        }
    }
}
