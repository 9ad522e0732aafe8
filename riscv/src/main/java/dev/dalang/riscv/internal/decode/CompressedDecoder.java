package dev.dalang.riscv.internal.decode;

import static dev.dalang.riscv.internal.decode.Decoder.illegal;
import static dev.dalang.riscv.internal.decode.Decoder.pack;
import static dev.dalang.riscv.internal.decode.Decoder.packFloat;

/** The C extension for RV64 with D (unprivileged spec, "C" chapter). */
final class CompressedDecoder {
    private CompressedDecoder() {}

    static long decode(int i) {
        return switch (i & 3) {
            case 0 -> quadrant0(i);
            case 1 -> quadrant1(i);
            default -> quadrant2(i);
        };
    }

    private static long quadrant0(int i) {
        int rdShort = 8 + (i >>> 2 & 7);
        int rs1Short = 8 + (i >>> 7 & 7);
        int offset4 = (i >>> 10 & 7) << 3 | (i >>> 6 & 1) << 2 | (i >>> 5 & 1) << 6;
        int offset8 = (i >>> 10 & 7) << 3 | (i >>> 5 & 3) << 6;
        return switch (i >>> 13) {
            case 0 -> {
                int imm =
                        (i >>> 11 & 3) << 4
                                | (i >>> 7 & 15) << 6
                                | (i >>> 6 & 1) << 2
                                | (i >>> 5 & 1) << 3;
                // C.ADDI4SPN; a zero immediate is reserved, and all zeros is defined illegal.
                yield imm == 0 ? illegal(i) : pack(Op.ADDI, rdShort, 2, 0, imm);
            }
            case 1 -> packFloat(Op.FLD, rdShort, rs1Short, 0, offset8);
            case 2 -> pack(Op.LW, rdShort, rs1Short, 0, offset4);
            case 3 -> pack(Op.LD, rdShort, rs1Short, 0, offset8);
            case 5 -> packFloat(Op.FSD, 0, rs1Short, rdShort, offset8);
            case 6 -> pack(Op.SW, 0, rs1Short, rdShort, offset4);
            case 7 -> pack(Op.SD, 0, rs1Short, rdShort, offset8);
            default -> illegal(i);
        };
    }

    private static long quadrant1(int i) {
        int rd = i >>> 7 & 31;
        int rs1Short = 8 + (i >>> 7 & 7);
        int imm6 = imm6(i);
        return switch (i >>> 13) {
            // C.NOP and C.ADDI with rd = x0 or imm = 0 are hints.
            case 0 -> rd == 0 || imm6 == 0 ? Op.NOP : pack(Op.ADDI, rd, rd, 0, imm6);
            case 1 -> rd == 0 ? illegal(i) : pack(Op.ADDIW, rd, rd, 0, imm6);
            case 2 -> rd == 0 ? Op.NOP : pack(Op.LI, rd, 0, 0, imm6);
            case 3 -> {
                if (rd == 2) {
                    int imm =
                            (i >>> 12 & 1) << 31 >> 22
                                    | (i >>> 6 & 1) << 4
                                    | (i >>> 5 & 1) << 6
                                    | (i >>> 3 & 3) << 7
                                    | (i >>> 2 & 1) << 5;
                    yield imm == 0 ? illegal(i) : pack(Op.ADDI, 2, 2, 0, imm);
                }
                if (imm6 == 0) {
                    yield illegal(i);
                }
                yield rd == 0 ? Op.NOP : pack(Op.LI, rd, 0, 0, imm6 << 12);
            }
            case 4 -> arithmetic(i, rs1Short, imm6);
            case 5 -> {
                int imm =
                        (i >>> 12 & 1) << 31 >> 20
                                | (i >>> 11 & 1) << 4
                                | (i >>> 9 & 3) << 8
                                | (i >>> 8 & 1) << 10
                                | (i >>> 7 & 1) << 6
                                | (i >>> 6 & 1) << 7
                                | (i >>> 3 & 7) << 1
                                | (i >>> 2 & 1) << 5;
                yield pack(Op.JAL, 0, 0, 0, imm);
            }
            case 6 -> pack(Op.BEQ, 0, rs1Short, 0, branchOffset(i));
            default -> pack(Op.BNE, 0, rs1Short, 0, branchOffset(i));
        };
    }

    private static int branchOffset(int i) {
        return (i >>> 12 & 1) << 31 >> 23
                | (i >>> 10 & 3) << 3
                | (i >>> 5 & 3) << 6
                | (i >>> 3 & 3) << 1
                | (i >>> 2 & 1) << 5;
    }

    private static int imm6(int i) {
        return (i >>> 12 & 1) << 31 >> 26 | i >>> 2 & 31;
    }

    private static long arithmetic(int i, int rd, int imm6) {
        int shamt = imm6 & 63;
        int rs2 = 8 + (i >>> 2 & 7);
        return switch (i >>> 10 & 3) {
            case 0 -> pack(Op.SRLI, rd, rd, 0, shamt);
            case 1 -> pack(Op.SRAI, rd, rd, 0, shamt);
            case 2 -> pack(Op.ANDI, rd, rd, 0, imm6);
            default ->
                    switch ((i >>> 12 & 1) << 2 | i >>> 5 & 3) {
                        case 0 -> pack(Op.SUB, rd, rd, rs2, 0);
                        case 1 -> pack(Op.XOR, rd, rd, rs2, 0);
                        case 2 -> pack(Op.OR, rd, rd, rs2, 0);
                        case 3 -> pack(Op.AND, rd, rd, rs2, 0);
                        case 4 -> pack(Op.SUBW, rd, rd, rs2, 0);
                        case 5 -> pack(Op.ADDW, rd, rd, rs2, 0);
                        default -> illegal(i);
                    };
        };
    }

    private static long quadrant2(int i) {
        int rd = i >>> 7 & 31;
        int rs2 = i >>> 2 & 31;
        int load4 = (i >>> 12 & 1) << 5 | (i >>> 4 & 7) << 2 | (i >>> 2 & 3) << 6;
        int load8 = (i >>> 12 & 1) << 5 | (i >>> 5 & 3) << 3 | (i >>> 2 & 7) << 6;
        int store4 = (i >>> 9 & 15) << 2 | (i >>> 7 & 3) << 6;
        int store8 = (i >>> 10 & 7) << 3 | (i >>> 7 & 7) << 6;
        return switch (i >>> 13) {
            case 0 -> rd == 0 ? Op.NOP : pack(Op.SLLI, rd, rd, 0, imm6(i) & 63);
            case 1 -> packFloat(Op.FLD, rd, 2, 0, load8);
            case 2 -> rd == 0 ? illegal(i) : pack(Op.LW, rd, 2, 0, load4);
            case 3 -> rd == 0 ? illegal(i) : pack(Op.LD, rd, 2, 0, load8);
            case 4 -> jumpsAndMoves(i, rd, rs2);
            case 5 -> packFloat(Op.FSD, 0, 2, rs2, store8);
            case 6 -> pack(Op.SW, 0, 2, rs2, store4);
            default -> pack(Op.SD, 0, 2, rs2, store8);
        };
    }

    private static long jumpsAndMoves(int i, int rd, int rs2) {
        if ((i & 1 << 12) == 0) {
            if (rs2 == 0) {
                return rd == 0 ? illegal(i) : pack(Op.JALR, 0, rd, 0, 0);
            }
            return rd == 0 ? Op.NOP : pack(Op.MV, rd, rs2, 0, 0);
        }
        if (rs2 == 0) {
            return rd == 0 ? pack(Op.EBREAK, 0, 0, 0, i) : pack(Op.JALR, 1, rd, 0, 0);
        }
        return rd == 0 ? Op.NOP : pack(Op.ADD, rd, rd, rs2, 0);
    }
}
