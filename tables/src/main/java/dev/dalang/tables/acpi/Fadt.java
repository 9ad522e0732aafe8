package dev.dalang.tables.acpi;

/**
 * The fixed ACPI description table (ACPI 6.6 §5.2.9) of a machine without ACPI's fixed hardware.
 * Its pointer to the DSDT is 0 until {@link AcpiTables} puts both in one place.
 */
final class Fadt {
    static final int X_DSDT_OFFSET = 140;

    private static final int REVISION = 6;
    private static final int MINOR_REVISION = 6;
    private static final int MINOR_REVISION_OFFSET = 131;
    private static final int FLAGS_OFFSET = 112;
    private static final int HYPERVISOR_OFFSET = 268;
    private static final int HYPERVISOR_BYTES = 8;

    private static final int HW_REDUCED_ACPI = 1 << 20;

    private Fadt() {}

    static AcpiTable of(AcpiIdentity identity) {
        var body = new TableBytes();
        upTo(body, FLAGS_OFFSET).u32(HW_REDUCED_ACPI);
        upTo(body, MINOR_REVISION_OFFSET).u8(MINOR_REVISION);
        upTo(body, HYPERVISOR_OFFSET).text(identity.oemId(), HYPERVISOR_BYTES, '\0');
        return AcpiTable.of("FACP", REVISION, identity, body.toBytes());
    }

    private static TableBytes upTo(TableBytes body, int offset) {
        return body.zeros(offset - AcpiTable.HEADER_BYTES - body.size());
    }
}
