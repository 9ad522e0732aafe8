package dev.dalang.tables.acpi;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The RISC-V hart capabilities table (ACPI 6.6 §5.2.37) of a machine whose harts are all alike.
 *
 * @param timebaseHz ticks of the {@code time} register per second
 * @param isa such as {@code rv64imafdc_zicsr}, in ASCII
 * @param mmu what {@code satp} can be set to
 * @param cbomBytes block size of {@code cbo.clean} and its like, a power of 2; 0 if there are none
 * @param cbopBytes block size of the prefetches, likewise
 * @param cbozBytes block size of {@code cbo.zero}, likewise
 * @param hartUids the harts' {@code _UID} in the DSDT
 */
public record Rhct(
        long timebaseHz,
        String isa,
        MmuType mmu,
        int cbomBytes,
        int cbopBytes,
        int cbozBytes,
        List<Integer> hartUids) {
    private static final int REVISION = 1;
    private static final int NODE_REVISION = 1;

    private static final int ISA_NODE = 0;
    private static final int CMO_NODE = 1;
    private static final int CMO_NODE_BYTES = 10;
    private static final int MMU_NODE = 2;
    private static final int MMU_NODE_BYTES = 8;
    private static final int HART_INFO_NODE = 0xffff;
    private static final int HART_INFO_BYTES = 12;

    /** Bytes before the first node: the header, and 20 of this table's own. */
    private static final int NODES_OFFSET = AcpiTable.HEADER_BYTES + 20;

    /** Bytes of an ISA node before its text. */
    private static final int ISA_HEAD_BYTES = 8;

    private static final int MAX_ISA_BYTES = 0xff00;

    /** The widest virtual addresses of a hart. */
    public enum MmuType {
        /** 39 bits. */
        SV39(0),
        /** 48 bits, and 39. */
        SV48(1),
        /** 57 bits, 48, and 39. */
        SV57(2);

        private final int code;

        MmuType(int code) {
            this.code = code;
        }
    }

    /** Checks the values. */
    public Rhct {
        hartUids = List.copyOf(hartUids);
        boolean ascii = StandardCharsets.US_ASCII.newEncoder().canEncode(isa);
        if (isa.isEmpty() || isa.length() > MAX_ISA_BYTES || !ascii || hartUids.isEmpty()) {
            throw new AcpiException(
                    "RHCT: expected an ISA string in ASCII and a hart, got \"%s\" and %d harts"
                            .formatted(isa, hartUids.size()));
        }
        for (int bytes : new int[] {cbomBytes, cbopBytes, cbozBytes}) {
            if (bytes < 0 || Integer.bitCount(bytes) > 1) {
                throw new AcpiException(
                        "RHCT: expected a block size that is a power of 2, got " + bytes);
            }
        }
    }

    /**
     * {@return the table}
     *
     * @param identity who made it
     */
    public AcpiTable toTable(AcpiIdentity identity) {
        var nodes = new TableBytes();
        int isaOffset = NODES_OFFSET;
        int textBytes = isa.length() + 1;
        int padding = textBytes & 1;
        nodes.u16(ISA_NODE)
                .u16(ISA_HEAD_BYTES + textBytes + padding)
                .u16(NODE_REVISION)
                .u16(textBytes)
                .text(isa, textBytes + padding, '\0');
        int cmoOffset = NODES_OFFSET + nodes.size();
        boolean hasCmo = (cbomBytes | cbopBytes | cbozBytes) != 0;
        if (hasCmo) {
            nodes.u16(CMO_NODE)
                    .u16(CMO_NODE_BYTES)
                    .u16(NODE_REVISION)
                    .u8(0)
                    .u8(exponent(cbomBytes))
                    .u8(exponent(cbopBytes))
                    .u8(exponent(cbozBytes));
        }
        int mmuOffset = NODES_OFFSET + nodes.size();
        nodes.u16(MMU_NODE).u16(MMU_NODE_BYTES).u16(NODE_REVISION).u8(0).u8(mmu.code);
        int references = hasCmo ? 3 : 2;
        for (int uid : hartUids) {
            nodes.u16(HART_INFO_NODE)
                    .u16(HART_INFO_BYTES + references * Integer.BYTES)
                    .u16(NODE_REVISION)
                    .u16(references)
                    .u32(uid)
                    .u32(isaOffset);
            if (hasCmo) {
                nodes.u32(cmoOffset);
            }
            nodes.u32(mmuOffset);
        }
        return AcpiTable.of(
                "RHCT",
                REVISION,
                identity,
                new TableBytes()
                        .u32(0)
                        .u64(timebaseHz)
                        .u32((hasCmo ? 3 : 2) + hartUids.size())
                        .u32(NODES_OFFSET)
                        .bytes(nodes.toBytes())
                        .toBytes());
    }

    private static int exponent(int blockBytes) {
        return blockBytes == 0 ? 0 : Integer.numberOfTrailingZeros(blockBytes);
    }
}
