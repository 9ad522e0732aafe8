package dev.dalang.tables.fdt;

/** Constants of the flattened form (Devicetree Specification 0.4 §5). */
final class Dtb {
    static final int FDT_MAGIC = 0xd00dfeed;
    static final int VERSION = 17;
    static final int LAST_COMPATIBLE_VERSION = 16;
    static final int HEADER_BYTES = 40;
    static final int RESERVATION_BYTES = 16;

    static final int FDT_BEGIN_NODE = 1;
    static final int FDT_END_NODE = 2;
    static final int FDT_PROP = 3;
    static final int FDT_NOP = 4;
    static final int FDT_END = 9;

    private Dtb() {}
}
