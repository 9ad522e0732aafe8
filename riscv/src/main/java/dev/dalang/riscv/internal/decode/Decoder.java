package dev.dalang.riscv.internal.decode;

/**
 * Turns an instruction into one {@code long} that an engine executes without looking at the
 * encoding again:
 *
 * <pre>
 *  bits  0..11  operation ({@link Op})
 *  bits 12..17  rd; 32 where the encoding names x0, so that a write needs no test
 *  bits 18..22  rs1
 *  bits 23..27  rs2
 *  bit  28      set if the instruction is four bytes long
 *  bits 32..63  immediate, signed; its meaning is the operation's
 * </pre>
 *
 * <p>Stateless. Whether an instruction is legal in the present mode is the engine's business; here
 * {@link Op#ILLEGAL} means that the encoding itself is not defined.
 */
public final class Decoder {
    private Decoder() {}

    /** The bit that says "four bytes". */
    public static final long LONG_FORM = 1L << 28;

    /** The register that takes what is written to x0. */
    public static final int SINK = 32;

    /** True if the half-word begins a four-byte instruction (unprivileged spec §1.5). */
    public static boolean isLong(int half) {
        return (half & 3) == 3;
    }

    /** Decodes a two-byte instruction. */
    public static long decode16(int half) {
        return CompressedDecoder.decode(half & 0xFFFF);
    }

    /** Decodes a four-byte instruction. */
    public static long decode32(int i) {
        long d =
                switch (i & 0x7F) {
                    case 0x37 -> integer(Op.LI, i, 0, 0, i & 0xFFFFF000);
                    case 0x17 -> pack(Op.AUIPC, rd(i), 0, 0, i & 0xFFFFF000);
                    case 0x6F -> pack(Op.JAL, rd(i), 0, 0, immJ(i));
                    case 0x67 ->
                            funct3(i) == 0 ? pack(Op.JALR, rd(i), rs1(i), 0, immI(i)) : illegal(i);
                    case 0x63 -> branch(i);
                    case 0x03 -> load(i);
                    case 0x23 -> store(i);
                    case 0x13 -> opImm(i);
                    case 0x1B -> opImm32(i);
                    case 0x33 -> op(i);
                    case 0x3B -> op32(i);
                    case 0x0F -> miscMem(i);
                    case 0x73 -> system(i);
                    case 0x2F -> atomic(i);
                    case 0x07 -> floatLoad(i);
                    case 0x27 -> floatStore(i);
                    case 0x43, 0x47, 0x4B, 0x4F -> FloatDecoder.fused(i);
                    case 0x53 -> FloatDecoder.decode(i);
                    default -> illegal(i);
                };
        return d | LONG_FORM;
    }

    static long pack(int op, int rd, int rs1, int rs2, int imm) {
        return op
                | (long) (rd == 0 ? SINK : rd) << 12
                | (long) rs1 << 18
                | (long) rs2 << 23
                | (long) imm << 32;
    }

    /** As {@link #pack} for an operation without effects beyond rd: to x0 it is a NOP. */
    static long integer(int op, int i, int rs1, int rs2, int imm) {
        return rd(i) == 0 ? Op.NOP : pack(op, rd(i), rs1, rs2, imm);
    }

    static long illegal(int i) {
        return pack(Op.ILLEGAL, 0, 0, 0, i);
    }

    static int rd(int i) {
        return i >>> 7 & 31;
    }

    static int rs1(int i) {
        return i >>> 15 & 31;
    }

    static int rs2(int i) {
        return i >>> 20 & 31;
    }

    static int funct3(int i) {
        return i >>> 12 & 7;
    }

    static int funct7(int i) {
        return i >>> 25;
    }

    private static int immI(int i) {
        return i >> 20;
    }

    private static int immS(int i) {
        return i >> 25 << 5 | rd(i);
    }

    private static int immB(int i) {
        return i >> 31 << 12 | (i >>> 7 & 1) << 11 | (i >>> 25 & 0x3F) << 5 | (i >>> 8 & 15) << 1;
    }

    private static int immJ(int i) {
        return i >> 31 << 20
                | (i >>> 12 & 0xFF) << 12
                | (i >>> 20 & 1) << 11
                | (i >>> 21 & 0x3FF) << 1;
    }

    private static long branch(int i) {
        int op =
                switch (funct3(i)) {
                    case 0 -> Op.BEQ;
                    case 1 -> Op.BNE;
                    case 4 -> Op.BLT;
                    case 5 -> Op.BGE;
                    case 6 -> Op.BLTU;
                    case 7 -> Op.BGEU;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : pack(op, 0, rs1(i), rs2(i), immB(i));
    }

    private static long load(int i) {
        int op =
                switch (funct3(i)) {
                    case 0 -> Op.LB;
                    case 1 -> Op.LH;
                    case 2 -> Op.LW;
                    case 3 -> Op.LD;
                    case 4 -> Op.LBU;
                    case 5 -> Op.LHU;
                    case 6 -> Op.LWU;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : pack(op, rd(i), rs1(i), 0, immI(i));
    }

    private static long store(int i) {
        int op =
                switch (funct3(i)) {
                    case 0 -> Op.SB;
                    case 1 -> Op.SH;
                    case 2 -> Op.SW;
                    case 3 -> Op.SD;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : pack(op, 0, rs1(i), rs2(i), immS(i));
    }

    private static long floatLoad(int i) {
        return switch (funct3(i)) {
            case 2 -> packFloat(Op.FLW, rd(i), rs1(i), 0, immI(i));
            case 3 -> packFloat(Op.FLD, rd(i), rs1(i), 0, immI(i));
            default -> illegal(i);
        };
    }

    private static long floatStore(int i) {
        return switch (funct3(i)) {
            case 2 -> packFloat(Op.FSW, 0, rs1(i), rs2(i), immS(i));
            case 3 -> packFloat(Op.FSD, 0, rs1(i), rs2(i), immS(i));
            default -> illegal(i);
        };
    }

    /** As {@link #pack} with a floating-point rd, where 0 is a register like the others. */
    static long packFloat(int op, int rd, int rs1, int rs2, int imm) {
        return op | (long) rd << 12 | (long) rs1 << 18 | (long) rs2 << 23 | (long) imm << 32;
    }

    private static long opImm(int i) {
        int imm = immI(i);
        int shamt = i >>> 20 & 63;
        int funct6 = i >>> 26;
        return switch (funct3(i)) {
            case 0 ->
                    rs1(i) == 0
                            ? integer(Op.LI, i, 0, 0, imm)
                            : integer(imm == 0 ? Op.MV : Op.ADDI, i, rs1(i), 0, imm);
            case 2 -> integer(Op.SLTI, i, rs1(i), 0, imm);
            case 3 -> integer(Op.SLTIU, i, rs1(i), 0, imm);
            case 4 -> integer(Op.XORI, i, rs1(i), 0, imm);
            case 6 ->
                    // PREFETCH.{I,R,W} are ORI to x0 (CMO 1.0 §4): hints.
                    integer(Op.ORI, i, rs1(i), 0, imm);
            case 7 -> integer(Op.ANDI, i, rs1(i), 0, imm);
            case 1 ->
                    switch (funct6) {
                        case 0x00 -> integer(Op.SLLI, i, rs1(i), 0, shamt);
                        case 0x0A -> integer(Op.BSETI, i, rs1(i), 0, shamt);
                        case 0x12 -> integer(Op.BCLRI, i, rs1(i), 0, shamt);
                        case 0x1A -> integer(Op.BINVI, i, rs1(i), 0, shamt);
                        case 0x18 ->
                                switch (shamt) {
                                    case 0 -> integer(Op.CLZ, i, rs1(i), 0, 0);
                                    case 1 -> integer(Op.CTZ, i, rs1(i), 0, 0);
                                    case 2 -> integer(Op.CPOP, i, rs1(i), 0, 0);
                                    case 4 -> integer(Op.SEXT_B, i, rs1(i), 0, 0);
                                    case 5 -> integer(Op.SEXT_H, i, rs1(i), 0, 0);
                                    default -> illegal(i);
                                };
                        default -> illegal(i);
                    };
            default ->
                    switch (funct6) {
                        case 0x00 -> integer(Op.SRLI, i, rs1(i), 0, shamt);
                        case 0x10 -> integer(Op.SRAI, i, rs1(i), 0, shamt);
                        case 0x12 -> integer(Op.BEXTI, i, rs1(i), 0, shamt);
                        case 0x18 -> integer(Op.RORI, i, rs1(i), 0, shamt);
                        case 0x0A -> shamt == 7 ? integer(Op.ORC_B, i, rs1(i), 0, 0) : illegal(i);
                        case 0x1A -> shamt == 0x38 ? integer(Op.REV8, i, rs1(i), 0, 0) : illegal(i);
                        default -> illegal(i);
                    };
        };
    }

    private static long opImm32(int i) {
        int shamt = i >>> 20 & 31;
        return switch (funct3(i)) {
            case 0 -> integer(Op.ADDIW, i, rs1(i), 0, immI(i));
            case 1 ->
                    switch (funct7(i)) {
                        case 0x00 -> integer(Op.SLLIW, i, rs1(i), 0, shamt);
                        case 0x04, 0x05 -> integer(Op.SLLI_UW, i, rs1(i), 0, i >>> 20 & 63);
                        case 0x30 ->
                                switch (shamt) {
                                    case 0 -> integer(Op.CLZW, i, rs1(i), 0, 0);
                                    case 1 -> integer(Op.CTZW, i, rs1(i), 0, 0);
                                    case 2 -> integer(Op.CPOPW, i, rs1(i), 0, 0);
                                    default -> illegal(i);
                                };
                        default -> illegal(i);
                    };
            case 5 ->
                    switch (funct7(i)) {
                        case 0x00 -> integer(Op.SRLIW, i, rs1(i), 0, shamt);
                        case 0x20 -> integer(Op.SRAIW, i, rs1(i), 0, shamt);
                        case 0x30 -> integer(Op.RORIW, i, rs1(i), 0, shamt);
                        default -> illegal(i);
                    };
            default -> illegal(i);
        };
    }

    private static long op(int i) {
        int op =
                switch (funct7(i) << 3 | funct3(i)) {
                    case 0x00 << 3 | 0 -> Op.ADD;
                    case 0x00 << 3 | 1 -> Op.SLL;
                    case 0x00 << 3 | 2 -> Op.SLT;
                    case 0x00 << 3 | 3 -> Op.SLTU;
                    case 0x00 << 3 | 4 -> Op.XOR;
                    case 0x00 << 3 | 5 -> Op.SRL;
                    case 0x00 << 3 | 6 -> Op.OR;
                    case 0x00 << 3 | 7 -> Op.AND;
                    case 0x20 << 3 | 0 -> Op.SUB;
                    case 0x20 << 3 | 5 -> Op.SRA;
                    case 0x20 << 3 | 4 -> Op.XNOR;
                    case 0x20 << 3 | 6 -> Op.ORN;
                    case 0x20 << 3 | 7 -> Op.ANDN;
                    case 0x01 << 3 | 0 -> Op.MUL;
                    case 0x01 << 3 | 1 -> Op.MULH;
                    case 0x01 << 3 | 2 -> Op.MULHSU;
                    case 0x01 << 3 | 3 -> Op.MULHU;
                    case 0x01 << 3 | 4 -> Op.DIV;
                    case 0x01 << 3 | 5 -> Op.DIVU;
                    case 0x01 << 3 | 6 -> Op.REM;
                    case 0x01 << 3 | 7 -> Op.REMU;
                    case 0x05 << 3 | 1 -> Op.CLMUL;
                    case 0x05 << 3 | 2 -> Op.CLMULR;
                    case 0x05 << 3 | 3 -> Op.CLMULH;
                    case 0x05 << 3 | 4 -> Op.MIN;
                    case 0x05 << 3 | 5 -> Op.MINU;
                    case 0x05 << 3 | 6 -> Op.MAX;
                    case 0x05 << 3 | 7 -> Op.MAXU;
                    case 0x07 << 3 | 5 -> Op.CZERO_EQZ;
                    case 0x07 << 3 | 7 -> Op.CZERO_NEZ;
                    case 0x10 << 3 | 2 -> Op.SH1ADD;
                    case 0x10 << 3 | 4 -> Op.SH2ADD;
                    case 0x10 << 3 | 6 -> Op.SH3ADD;
                    case 0x14 << 3 | 1 -> Op.BSET;
                    case 0x24 << 3 | 1 -> Op.BCLR;
                    case 0x24 << 3 | 5 -> Op.BEXT;
                    case 0x34 << 3 | 1 -> Op.BINV;
                    case 0x30 << 3 | 1 -> Op.ROL;
                    case 0x30 << 3 | 5 -> Op.ROR;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : integer(op, i, rs1(i), rs2(i), 0);
    }

    private static long op32(int i) {
        int op =
                switch (funct7(i) << 3 | funct3(i)) {
                    case 0x00 << 3 | 0 -> Op.ADDW;
                    case 0x00 << 3 | 1 -> Op.SLLW;
                    case 0x00 << 3 | 5 -> Op.SRLW;
                    case 0x20 << 3 | 0 -> Op.SUBW;
                    case 0x20 << 3 | 5 -> Op.SRAW;
                    case 0x01 << 3 | 0 -> Op.MULW;
                    case 0x01 << 3 | 4 -> Op.DIVW;
                    case 0x01 << 3 | 5 -> Op.DIVUW;
                    case 0x01 << 3 | 6 -> Op.REMW;
                    case 0x01 << 3 | 7 -> Op.REMUW;
                    case 0x04 << 3 | 0 -> Op.ADD_UW;
                    case 0x04 << 3 | 4 -> rs2(i) == 0 ? Op.ZEXT_H : Op.ILLEGAL;
                    case 0x10 << 3 | 2 -> Op.SH1ADD_UW;
                    case 0x10 << 3 | 4 -> Op.SH2ADD_UW;
                    case 0x10 << 3 | 6 -> Op.SH3ADD_UW;
                    case 0x30 << 3 | 1 -> Op.ROLW;
                    case 0x30 << 3 | 5 -> Op.RORW;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : integer(op, i, rs1(i), rs2(i), 0);
    }

    private static long miscMem(int i) {
        return switch (funct3(i)) {
            // PAUSE is FENCE with pred=W, succ=0, rd=rs1=0 (Zihintpause).
            case 0 -> i == 0x0100000F ? pack(Op.PAUSE, 0, 0, 0, i) : pack(Op.FENCE, 0, 0, 0, i);
            case 1 -> pack(Op.FENCE_I, 0, 0, 0, i);
            case 2 ->
                    rd(i) != 0
                            ? illegal(i)
                            : switch (i >>> 20) {
                                case 0 -> pack(Op.CBO_INVAL, 0, rs1(i), 0, i);
                                case 1 -> pack(Op.CBO_CLEAN, 0, rs1(i), 0, i);
                                case 2 -> pack(Op.CBO_FLUSH, 0, rs1(i), 0, i);
                                case 4 -> pack(Op.CBO_ZERO, 0, rs1(i), 0, i);
                                default -> illegal(i);
                            };
            default -> illegal(i);
        };
    }

    private static long system(int i) {
        if (funct3(i) == 4) {
            return illegal(i);
        }
        if (funct3(i) != 0) {
            return pack(Op.CSR, rd(i), rs1(i), 0, i);
        }
        int op =
                switch (i) {
                    case 0x00000073 -> Op.ECALL;
                    case 0x00100073 -> Op.EBREAK;
                    case 0x30200073 -> Op.MRET;
                    case 0x10200073 -> Op.SRET;
                    case 0x10500073 -> Op.WFI;
                    case 0x00D00073 -> Op.WRS_NTO;
                    case 0x01D00073 -> Op.WRS_STO;
                    case 0x18000073 -> Op.SFENCE_W_INVAL;
                    case 0x18100073 -> Op.SFENCE_INVAL_IR;
                    default ->
                            // SINVAL.VMA may do all that SFENCE.VMA does (privileged spec,
                            // Svinval).
                            rd(i) == 0 && (funct7(i) == 0x09 || funct7(i) == 0x0B)
                                    ? Op.SFENCE_VMA
                                    : Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : pack(op, 0, rs1(i), rs2(i), i);
    }

    private static long atomic(int i) {
        int width = funct3(i);
        int funct5 = i >>> 27;
        if (funct5 == 0x05) {
            return amocas(i, width);
        }
        if (width != 2 && width != 3) {
            return illegal(i);
        }
        boolean word = width == 2;
        int op =
                switch (funct5) {
                    case 0x02 -> rs2(i) != 0 ? Op.ILLEGAL : word ? Op.LR_W : Op.LR_D;
                    case 0x03 -> word ? Op.SC_W : Op.SC_D;
                    case 0x01 -> word ? Op.AMOSWAP_W : Op.AMOSWAP_D;
                    case 0x00 -> word ? Op.AMOADD_W : Op.AMOADD_D;
                    case 0x04 -> word ? Op.AMOXOR_W : Op.AMOXOR_D;
                    case 0x0C -> word ? Op.AMOAND_W : Op.AMOAND_D;
                    case 0x08 -> word ? Op.AMOOR_W : Op.AMOOR_D;
                    case 0x10 -> word ? Op.AMOMIN_W : Op.AMOMIN_D;
                    case 0x14 -> word ? Op.AMOMAX_W : Op.AMOMAX_D;
                    case 0x18 -> word ? Op.AMOMINU_W : Op.AMOMINU_D;
                    case 0x1C -> word ? Op.AMOMAXU_W : Op.AMOMAXU_D;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : pack(op, rd(i), rs1(i), rs2(i), i >>> 25 & 3);
    }

    private static long amocas(int i, int width) {
        return switch (width) {
            case 2 -> pack(Op.AMOCAS_W, rd(i), rs1(i), rs2(i), i >>> 25 & 3);
            case 3 -> pack(Op.AMOCAS_D, rd(i), rs1(i), rs2(i), i >>> 25 & 3);
            case 4 ->
                    // Register pairs start at an even number (Zacas §3).
                    ((rd(i) | rs2(i)) & 1) != 0
                            ? illegal(i)
                            : pack(Op.AMOCAS_Q, rd(i), rs1(i), rs2(i), i >>> 25 & 3);
            default -> illegal(i);
        };
    }
}
