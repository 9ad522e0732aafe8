package dev.dalang.tables.acpi;

import java.nio.charset.StandardCharsets;

/**
 * Who made a table, as its header says (ACPI 6.6 §5.2.6).
 *
 * @param oemId the machine's maker, 1 to 6 ASCII characters
 * @param oemTableId the machine, 1 to 8 ASCII characters
 * @param oemRevision its revision, 32 bits unsigned
 * @param creatorId the program that wrote the table, 1 to 4 ASCII characters
 * @param creatorRevision its revision, 32 bits unsigned
 */
public record AcpiIdentity(
        String oemId, String oemTableId, int oemRevision, String creatorId, int creatorRevision) {
    static final int OEM_ID_BYTES = 6;
    static final int OEM_TABLE_ID_BYTES = 8;
    static final int CREATOR_ID_BYTES = 4;

    /** Checks the texts. */
    public AcpiIdentity {
        check("OEM id", oemId, OEM_ID_BYTES);
        check("OEM table id", oemTableId, OEM_TABLE_ID_BYTES);
        check("creator id", creatorId, CREATOR_ID_BYTES);
    }

    private static void check(String what, String text, int limit) {
        boolean ascii = StandardCharsets.US_ASCII.newEncoder().canEncode(text);
        if (text.isEmpty() || text.length() > limit || !ascii) {
            throw new AcpiException(
                    "%s: expected 1 to %d ASCII characters, got \"%s\""
                            .formatted(what, limit, text));
        }
    }
}
