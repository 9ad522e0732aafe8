package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlTerm;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.regex.Pattern;

/**
 * A table with the header that all but two have (ACPI 6.6 §5.2.6). Its length is in the header and
 * its checksum is right. Immutable.
 */
public final class AcpiTable {
    /** Bytes of the header. */
    public static final int HEADER_BYTES = 36;

    static final int CHECKSUM_OFFSET = 9;

    /** A definition block of this revision has integers of 64 bits. */
    private static final int DEFINITION_BLOCK_REVISION = 2;

    private static final int SIGNATURE_BYTES = 4;
    private static final Pattern SIGNATURE = Pattern.compile("[A-Z0-9]{4}");

    private final byte[] bytes;

    private AcpiTable(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * {@return a table}
     *
     * @param signature four capital letters or digits
     * @param revision of the table's layout, 0..255
     * @param identity who made it
     * @param body what stands behind the header; copied
     */
    public static AcpiTable of(String signature, int revision, AcpiIdentity identity, byte[] body) {
        if (!SIGNATURE.matcher(signature).matches() || revision >>> Byte.SIZE != 0) {
            throw new AcpiException(
                    ("a table: expected a signature of four capital letters or digits and a revision"
                                    + " 0..255, got \"%s\" and %d")
                            .formatted(signature, revision));
        }
        byte[] bytes =
                new TableBytes()
                        .text(signature, SIGNATURE_BYTES, ' ')
                        .u32(HEADER_BYTES + (long) body.length)
                        .u8(revision)
                        .u8(0)
                        .text(identity.oemId(), AcpiIdentity.OEM_ID_BYTES, ' ')
                        .text(identity.oemTableId(), AcpiIdentity.OEM_TABLE_ID_BYTES, ' ')
                        .u32(identity.oemRevision())
                        .text(identity.creatorId(), AcpiIdentity.CREATOR_ID_BYTES, ' ')
                        .u32(identity.creatorRevision())
                        .bytes(body)
                        .toBytes();
        bytes[CHECKSUM_OFFSET] = checksum(bytes, 0, bytes.length);
        return new AcpiTable(bytes);
    }

    /**
     * {@return a differentiated system description table} A machine has one (§5.2.11.1).
     *
     * @param identity who made it
     * @param terms its declarations
     */
    public static AcpiTable dsdt(AcpiIdentity identity, Collection<? extends AmlTerm> terms) {
        return of("DSDT", DEFINITION_BLOCK_REVISION, identity, Aml.toBytes(terms));
    }

    /**
     * {@return a secondary system description table} A machine has any number (§5.2.11.2).
     *
     * @param identity who made it; no other one of the machine has the same OEM table id
     * @param terms its declarations
     */
    public static AcpiTable ssdt(AcpiIdentity identity, Collection<? extends AmlTerm> terms) {
        return of("SSDT", DEFINITION_BLOCK_REVISION, identity, Aml.toBytes(terms));
    }

    /**
     * {@return a table from its bytes}
     *
     * @param bytes copied; a header and the rest, with the right length and checksum
     */
    public static AcpiTable parse(byte[] bytes) {
        if (bytes.length < HEADER_BYTES) {
            throw new AcpiException(
                    "a table: expected a header of %d bytes, got %d"
                            .formatted(HEADER_BYTES, bytes.length));
        }
        var table = new AcpiTable(bytes.clone());
        if (!SIGNATURE.matcher(table.signature()).matches()) {
            throw new AcpiException("a table: expected a signature, got " + table.signature());
        }
        long length = 0;
        for (int i = Integer.BYTES - 1; i >= 0; i--) {
            length = length << Byte.SIZE | Byte.toUnsignedLong(bytes[SIGNATURE_BYTES + i]);
        }
        byte difference = checksum(bytes, 0, bytes.length);
        if (length != bytes.length || difference != 0) {
            throw new AcpiException(
                    "%s: expected %d bytes whose sum is 0, got %d whose sum is %d"
                            .formatted(
                                    table.signature(), length, bytes.length, -difference & 0xff));
        }
        return table;
    }

    /** {@return the four characters that say what it is} */
    public String signature() {
        return new String(bytes, 0, SIGNATURE_BYTES, StandardCharsets.US_ASCII);
    }

    /** {@return its bytes, header included} */
    public int size() {
        return bytes.length;
    }

    /** {@return a copy of the whole table} */
    public byte[] toBytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AcpiTable table && Arrays.equals(bytes, table.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return signature() + " of " + bytes.length + " bytes";
    }

    /** What has to be added to make the sum of these bytes zero. */
    static byte checksum(byte[] bytes, int start, int length) {
        int sum = 0;
        for (int i = start; i < start + length; i++) {
            sum += bytes[i];
        }
        return (byte) -sum;
    }
}
