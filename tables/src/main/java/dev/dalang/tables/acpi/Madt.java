package dev.dalang.tables.acpi;

/**
 * Builds the multiple APIC description table (ACPI 6.6 §5.2.12): the harts, and the interrupt
 * controllers outside them. Harts come first, then the IMSIC, then APLICs or PLICs, whatever the
 * order of the calls: it is the order in which they depend on each other.
 */
public final class Madt {
    private static final int REVISION = 7;

    private static final int RINTC = 0x18;
    private static final int RINTC_BYTES = 36;
    private static final int IMSIC = 0x19;
    private static final int IMSIC_BYTES = 16;
    private static final int APLIC = 0x1a;
    private static final int APLIC_BYTES = 36;
    private static final int PLIC = 0x1b;
    private static final int PLIC_BYTES = 36;
    private static final int STRUCTURE_VERSION = 1;

    private static final int ENABLED = 1;

    /** In a hart's reference to a PLIC or an APLIC without MSIs: the controller's id, its part. */
    private static final int CONTROLLER_SHIFT = 24;

    private final AcpiIdentity identity;
    private final TableBytes harts = new TableBytes();
    private final TableBytes imsic = new TableBytes();
    private final TableBytes controllers = new TableBytes();

    private Madt(AcpiIdentity identity) {
        this.identity = identity;
    }

    /**
     * {@return a table without harts}
     *
     * @param identity who made it
     */
    public static Madt create(AcpiIdentity identity) {
        return new Madt(identity);
    }

    /**
     * Adds a hart whose external interrupts come through its IMSIC file (RINTC, §5.2.12.24).
     *
     * @param hartId the hart's {@code mhartid}
     * @param uid its {@code _UID} in the DSDT, 32 bits unsigned
     * @param imsicBase address of its S-mode interrupt file
     * @param imsicBytes bytes of it and of its guests' files
     * @return this
     */
    public Madt hartWithImsic(long hartId, int uid, long imsicBase, int imsicBytes) {
        return hart(hartId, uid, 0, imsicBase, imsicBytes);
    }

    /**
     * Adds a hart whose external interrupts come from a PLIC (RINTC, §5.2.12.24).
     *
     * @param hartId the hart's {@code mhartid}
     * @param uid its {@code _UID} in the DSDT, 32 bits unsigned
     * @param plicId the PLIC's id, 0..255
     * @param context the context of its S-mode, 0..65535
     * @return this
     */
    public Madt hartWithPlic(long hartId, int uid, int plicId, int context) {
        if (plicId >>> Byte.SIZE != 0 || context >>> Short.SIZE != 0) {
            throw new AcpiException(
                    "RINTC: expected a PLIC 0..255 and a context 0..65535, got %d and %d"
                            .formatted(plicId, context));
        }
        return hart(hartId, uid, plicId << CONTROLLER_SHIFT | context, 0, 0);
    }

    private Madt hart(long hartId, int uid, int externalController, long imsicBase, int bytes) {
        harts.u8(RINTC)
                .u8(RINTC_BYTES)
                .u8(STRUCTURE_VERSION)
                .u8(0)
                .u32(ENABLED)
                .u64(hartId)
                .u32(uid)
                .u32(externalController)
                .u64(imsicBase)
                .u32(bytes);
        return this;
    }

    /**
     * Says how the S-mode interrupt files of all harts are laid out (IMSIC, §5.2.12.25): the
     * address of a file has, from its page offset up, the guest's, the hart's and the group's
     * number. Once.
     *
     * @param identities of S-mode, a multiple of 64 less 1, 63..2047
     * @param guestIndexBits 0..7
     * @param hartIndexBits 0..15
     * @param groupIndexBits 0..7
     * @param groupIndexShift 0..55
     * @return this
     */
    public Madt imsic(
            int identities,
            int guestIndexBits,
            int hartIndexBits,
            int groupIndexBits,
            int groupIndexShift) {
        if (imsic.size() != 0) {
            throw new AcpiException("MADT: expected one IMSIC, got another");
        }
        if (identities < 63 || identities > 2047 || (identities & 63) != 63) {
            throw new AcpiException("IMSIC: expected 63, 127 … 2047 identities, got " + identities);
        }
        checkBits("guest index bits", guestIndexBits, 7);
        checkBits("hart index bits", hartIndexBits, 15);
        checkBits("group index bits", groupIndexBits, 7);
        checkBits("group index shift", groupIndexShift, 55);
        imsic.u8(IMSIC)
                .u8(IMSIC_BYTES)
                .u8(STRUCTURE_VERSION)
                .u8(0)
                .u32(0)
                .u16(identities)
                .u16(identities)
                .u8(guestIndexBits)
                .u8(hartIndexBits)
                .u8(groupIndexBits)
                .u8(groupIndexShift);
        return this;
    }

    private static void checkBits(String what, int bits, int limit) {
        if (bits < 0 || bits > limit) {
            throw new AcpiException(
                    "IMSIC: expected %s 0..%d, got %d".formatted(what, limit, bits));
        }
    }

    /**
     * Adds an APLIC domain of S-mode that sends messages (APLIC, §5.2.12.26).
     *
     * @param id its {@code _UID} in the DSDT, 0..255
     * @param sources how many wires, 1..1023
     * @param gsiBase the global system interrupt of wire 0
     * @param address of its registers
     * @param bytes of its registers
     * @return this
     */
    public Madt aplic(int id, int sources, int gsiBase, long address, int bytes) {
        checkController("APLIC", id, sources);
        controllers
                .u8(APLIC)
                .u8(APLIC_BYTES)
                .u8(STRUCTURE_VERSION)
                .u8(id)
                .u32(0)
                .u64(0)
                .u16(0)
                .u16(sources)
                .u32(gsiBase)
                .u64(address)
                .u32(bytes);
        return this;
    }

    /**
     * Adds a PLIC (§5.2.12.27).
     *
     * @param id its {@code _UID} in the DSDT, 0..255
     * @param sources how many wires, 1..1023
     * @param maxPriority the highest priority
     * @param gsiBase the global system interrupt of wire 0
     * @param address of its registers
     * @param bytes of its registers
     * @return this
     */
    public Madt plic(int id, int sources, int maxPriority, int gsiBase, long address, int bytes) {
        checkController("PLIC", id, sources);
        controllers
                .u8(PLIC)
                .u8(PLIC_BYTES)
                .u8(STRUCTURE_VERSION)
                .u8(id)
                .u64(0)
                .u16(sources)
                .u16(maxPriority)
                .u32(0)
                .u32(bytes)
                .u64(address)
                .u32(gsiBase);
        return this;
    }

    private static void checkController(String what, int id, int sources) {
        if (id >>> Byte.SIZE != 0 || sources < 1 || sources > 1023) {
            throw new AcpiException(
                    "%s: expected an id 0..255 and 1..1023 sources, got %d and %d"
                            .formatted(what, id, sources));
        }
    }

    /** {@return the table} */
    public AcpiTable toTable() {
        if (harts.size() == 0) {
            throw new AcpiException("MADT: expected a hart, got none");
        }
        return AcpiTable.of(
                "APIC",
                REVISION,
                identity,
                new TableBytes()
                        .u32(0)
                        .u32(0)
                        .bytes(harts.toBytes())
                        .bytes(imsic.toBytes())
                        .bytes(controllers.toBytes())
                        .toBytes());
    }
}
