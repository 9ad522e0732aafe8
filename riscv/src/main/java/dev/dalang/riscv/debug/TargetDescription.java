package dev.dalang.riscv.debug;

import java.util.List;

/**
 * The registers as GDB is told of them: numbers 0..31 are {@code x0..x31}, 32 {@code pc}, 33..64
 * {@code f0..f31}, 65 + n the CSR n, and 4161 the privilege mode, as GDB numbers them itself.
 */
final class TargetDescription {
    static final int PC = 32;
    static final int FIRST_F = 33;
    static final int FIRST_CSR = 65;
    static final int PRIVILEGE = FIRST_CSR + 4096;
    static final int LAST_FLOAT_CSR = FIRST_CSR + 3;

    private static final List<String> X =
            List.of(
                    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2",
                    "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",
                    "s10", "s11", "t3", "t4", "t5", "t6");
    private static final List<String> F =
            List.of(
                    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0",
                    "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5",
                    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11");

    /** A CSR by its number. */
    private record Csr(String name, int number) {}

    private static final List<Csr> CSRS =
            List.of(
                    new Csr("cycle", 0xC00),
                    new Csr("time", 0xC01),
                    new Csr("instret", 0xC02),
                    new Csr("sstatus", 0x100),
                    new Csr("sie", 0x104),
                    new Csr("stvec", 0x105),
                    new Csr("scounteren", 0x106),
                    new Csr("senvcfg", 0x10A),
                    new Csr("sscratch", 0x140),
                    new Csr("sepc", 0x141),
                    new Csr("scause", 0x142),
                    new Csr("stval", 0x143),
                    new Csr("sip", 0x144),
                    new Csr("stimecmp", 0x14D),
                    new Csr("stopei", 0x15C),
                    new Csr("satp", 0x180),
                    new Csr("stopi", 0xDB0),
                    new Csr("mvendorid", 0xF11),
                    new Csr("marchid", 0xF12),
                    new Csr("mimpid", 0xF13),
                    new Csr("mhartid", 0xF14),
                    new Csr("mstatus", 0x300),
                    new Csr("misa", 0x301),
                    new Csr("medeleg", 0x302),
                    new Csr("mideleg", 0x303),
                    new Csr("mie", 0x304),
                    new Csr("mtvec", 0x305),
                    new Csr("mcounteren", 0x306),
                    new Csr("menvcfg", 0x30A),
                    new Csr("mscratch", 0x340),
                    new Csr("mepc", 0x341),
                    new Csr("mcause", 0x342),
                    new Csr("mtval", 0x343),
                    new Csr("mip", 0x344),
                    new Csr("mtopei", 0x35C),
                    new Csr("mtopi", 0xFB0),
                    new Csr("pmpcfg0", 0x3A0),
                    new Csr("pmpcfg2", 0x3A2),
                    new Csr("pmpaddr0", 0x3B0),
                    new Csr("pmpaddr1", 0x3B1));

    private TargetDescription() {}

    /** {@return the XML that GDB asks for as {@code target.xml}} */
    static String xml() {
        StringBuilder xml =
                new StringBuilder(
                        """
                        <?xml version="1.0"?>
                        <!DOCTYPE target SYSTEM "gdb-target.dtd">
                        <target version="1.0">
                        <architecture>riscv:rv64</architecture>
                        <feature name="org.gnu.gdb.riscv.cpu">
                        """);
        for (int i = 0; i < X.size(); i++) {
            String type = i == 1 ? "code_ptr" : i >= 2 && i <= 4 ? "data_ptr" : "int";
            register(xml, X.get(i), 64, type, i);
        }
        register(xml, "pc", 64, "code_ptr", PC);
        xml.append("</feature>\n<feature name=\"org.gnu.gdb.riscv.fpu\">\n");
        for (int i = 0; i < F.size(); i++) {
            register(xml, F.get(i), 64, "ieee_double", FIRST_F + i);
        }
        register(xml, "fflags", 32, "int", FIRST_CSR + 1);
        register(xml, "frm", 32, "int", FIRST_CSR + 2);
        register(xml, "fcsr", 32, "int", LAST_FLOAT_CSR);
        xml.append("</feature>\n<feature name=\"org.gnu.gdb.riscv.csr\">\n");
        CSRS.forEach(csr -> register(xml, csr.name, 64, "int", FIRST_CSR + csr.number));
        xml.append("</feature>\n<feature name=\"org.gnu.gdb.riscv.virtual\">\n");
        register(xml, "priv", 64, "int", PRIVILEGE);
        return xml.append("</feature>\n</target>\n").toString();
    }

    private static void register(
            StringBuilder xml, String name, int bits, String type, int number) {
        xml.append(
                "<reg name=\"%s\" bitsize=\"%d\" type=\"%s\" regnum=\"%d\"/>\n"
                        .formatted(name, bits, type, number));
    }

    /** {@return bytes of a register in the protocol} */
    static int bytes(int number) {
        return number > FIRST_CSR && number <= LAST_FLOAT_CSR ? 4 : 8;
    }
}
