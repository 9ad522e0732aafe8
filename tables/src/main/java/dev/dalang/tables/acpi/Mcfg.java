package dev.dalang.tables.acpi;

/** The table that says where PCI's configuration spaces are (PCI Firmware 3.3 §4.1.2). */
public final class Mcfg {
    private static final int REVISION = 1;
    private static final long BUS_BYTES = 1 << 20;

    private final AcpiIdentity identity;
    private final TableBytes body = new TableBytes().u64(0);

    private Mcfg(AcpiIdentity identity) {
        this.identity = identity;
    }

    /**
     * {@return a table without a configuration space}
     *
     * @param identity who made it
     */
    public static Mcfg create(AcpiIdentity identity) {
        return new Mcfg(identity);
    }

    /**
     * Adds a configuration space.
     *
     * @param base the address of bus 0, a multiple of 1 MiB, also when the first bus is another one
     * @param segment 0..65535
     * @param firstBus 0..255
     * @param lastBus {@code firstBus}..255
     * @return this
     */
    public Mcfg ecam(long base, int segment, int firstBus, int lastBus) {
        if (base % BUS_BYTES != 0
                || segment >>> Short.SIZE != 0
                || firstBus < 0
                || lastBus < firstBus
                || lastBus > 0xff) {
            throw new AcpiException(
                    ("MCFG: expected a multiple of 1 MiB, a segment 0..65535 and buses in 0..255, got"
                                    + " 0x%x, %d and %d..%d")
                            .formatted(base, segment, firstBus, lastBus));
        }
        body.u64(base).u16(segment).u8(firstBus).u8(lastBus).u32(0);
        return this;
    }

    /** {@return the table} */
    public AcpiTable toTable() {
        return AcpiTable.of("MCFG", REVISION, identity, body.toBytes());
    }
}
