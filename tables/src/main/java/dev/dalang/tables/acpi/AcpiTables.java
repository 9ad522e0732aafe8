package dev.dalang.tables.acpi;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * All tables of a machine, linked: the root pointer (RSDP, ACPI 6.6 §5.2.5.3), the list (XSDT,
 * §5.2.8), the fixed table (FADT), the DSDT, and what else there is. Where they will lie is not
 * known when they are written: firmware decides it, and a script of QEMU's table loader has it put
 * in the addresses and the checksums.
 */
public final class AcpiTables {
    /** The file of {@code fw_cfg} with the root pointer. */
    public static final String RSDP_FILE = "etc/acpi/rsdp";

    /** The file with all tables. */
    public static final String TABLES_FILE = "etc/acpi/tables";

    /** The file with the script. */
    public static final String LOADER_FILE = "etc/table-loader";

    private static final int RSDP_BYTES = 36;
    private static final int RSDP_OLD_BYTES = 20;
    private static final int RSDP_REVISION = 2;
    private static final int RSDP_CHECKSUM = 8;
    private static final int RSDP_XSDT = 24;
    private static final int RSDP_LONG_CHECKSUM = 32;
    private static final int RSDP_ALIGNMENT = 16;

    private static final int XSDT_REVISION = 1;

    /** Of each table in the file, and, the larger one, of the file. */
    private static final int TABLE_ALIGNMENT = 16;

    private static final int FILE_ALIGNMENT = 64;

    private final AcpiIdentity identity;
    private final AcpiTable dsdt;
    private final List<AcpiTable> others = new ArrayList<>();

    private AcpiTables(AcpiIdentity identity, AcpiTable dsdt) {
        this.identity = identity;
        this.dsdt = dsdt;
    }

    /**
     * {@return the tables of a machine, which so far are RSDP, XSDT, FADT and the DSDT}
     *
     * @param identity who made them
     * @param dsdt the DSDT
     */
    public static AcpiTables of(AcpiIdentity identity, AcpiTable dsdt) {
        if (!dsdt.signature().equals("DSDT")) {
            throw new AcpiException("expected a DSDT, got " + dsdt);
        }
        return new AcpiTables(identity, dsdt);
    }

    /** {@return who made the tables} */
    public AcpiIdentity identity() {
        return identity;
    }

    /**
     * Adds a table.
     *
     * @param table any but RSDT, XSDT, FADT and DSDT; of SSDTs there may be several, otherwise one
     *     of a signature
     * @return this
     */
    public AcpiTables add(AcpiTable table) {
        String signature = table.signature();
        if (List.of("RSDT", "XSDT", "FACP", "DSDT").contains(signature)) {
            throw new AcpiException("expected no table that is made here, got " + table);
        }
        if (!signature.equals("SSDT")
                && others.stream().anyMatch(other -> other.signature().equals(signature))) {
            throw new AcpiException("expected one table %s, got another".formatted(signature));
        }
        others.add(table);
        return this;
    }

    /** {@return the tables that the XSDT will name, and the DSDT, in the order of the file} */
    public List<AcpiTable> tables() {
        var all = new ArrayList<AcpiTable>();
        all.add(dsdt);
        all.add(Fadt.of(identity));
        all.addAll(others);
        return List.copyOf(all);
    }

    /** {@return the contents of the three files for {@code fw_cfg} by their names} */
    public Map<String, byte[]> toFiles() {
        List<AcpiTable> tables = tables();
        var offsets = new ArrayList<Integer>();
        int end = 0;
        for (AcpiTable table : tables) {
            offsets.add(end);
            end = aligned(end + table.size(), TABLE_ALIGNMENT);
        }
        int xsdtOffset = end;
        int dsdtOffset = offsets.getFirst();
        int fadtOffset = offsets.get(1);
        AcpiTable xsdt = xsdt(offsets.subList(1, offsets.size()));
        var file = new TableBytes();
        for (int i = 0; i < tables.size(); i++) {
            file.zeros(offsets.get(i) - file.size()).bytes(withoutChecksum(tables.get(i)));
        }
        file.zeros(xsdtOffset - file.size()).bytes(withoutChecksum(xsdt));
        byte[] content = file.toBytes();
        putLong(content, fadtOffset + Fadt.X_DSDT_OFFSET, dsdtOffset);

        var loader =
                new TableLoader()
                        .allocate(RSDP_FILE, RSDP_ALIGNMENT, TableLoader.Zone.FSEG)
                        .allocate(TABLES_FILE, FILE_ALIGNMENT, TableLoader.Zone.HIGH)
                        .addPointer(TABLES_FILE, fadtOffset + Fadt.X_DSDT_OFFSET, TABLES_FILE);
        for (int i = 1; i < tables.size(); i++) {
            int entry = xsdtOffset + AcpiTable.HEADER_BYTES + (i - 1) * Long.BYTES;
            loader.addPointer(TABLES_FILE, entry, TABLES_FILE);
        }
        for (int i = 0; i < tables.size(); i++) {
            addChecksum(loader, offsets.get(i), tables.get(i));
        }
        addChecksum(loader, xsdtOffset, xsdt);
        loader.addPointer(RSDP_FILE, RSDP_XSDT, TABLES_FILE)
                .addChecksum(RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_OLD_BYTES)
                .addChecksum(RSDP_FILE, RSDP_LONG_CHECKSUM, 0, RSDP_BYTES);
        return Map.of(
                RSDP_FILE, rsdp(xsdtOffset), TABLES_FILE, content, LOADER_FILE, loader.toBytes());
    }

    private static void addChecksum(TableLoader loader, int offset, AcpiTable table) {
        loader.addChecksum(TABLES_FILE, offset + AcpiTable.CHECKSUM_OFFSET, offset, table.size());
    }

    private AcpiTable xsdt(List<Integer> entries) {
        var body = new TableBytes();
        entries.forEach(body::u64);
        return AcpiTable.of("XSDT", XSDT_REVISION, identity, body.toBytes());
    }

    private byte[] rsdp(int xsdtOffset) {
        return new TableBytes()
                .text("RSD PTR ", Long.BYTES, ' ')
                .u8(0)
                .text(identity.oemId(), AcpiIdentity.OEM_ID_BYTES, ' ')
                .u8(RSDP_REVISION)
                .u32(0)
                .u32(RSDP_BYTES)
                .u64(xsdtOffset)
                .u8(0)
                .zeros(3)
                .toBytes();
    }

    /** As the loader wants it, which computes the checksum of what it finds. */
    private static byte[] withoutChecksum(AcpiTable table) {
        byte[] bytes = table.toBytes();
        bytes[AcpiTable.CHECKSUM_OFFSET] = 0;
        return bytes;
    }

    private static void putLong(byte[] bytes, int offset, long value) {
        System.arraycopy(new TableBytes().u64(value).toBytes(), 0, bytes, offset, Long.BYTES);
    }

    private static int aligned(int value, int alignment) {
        return value + alignment - 1 & -alignment;
    }
}
