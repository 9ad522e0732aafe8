package dev.dalang.riscv.internal.decode;

import static dev.dalang.riscv.internal.decode.Decoder.funct3;
import static dev.dalang.riscv.internal.decode.Decoder.funct7;
import static dev.dalang.riscv.internal.decode.Decoder.illegal;
import static dev.dalang.riscv.internal.decode.Decoder.packFloat;
import static dev.dalang.riscv.internal.decode.Decoder.rd;
import static dev.dalang.riscv.internal.decode.Decoder.rs1;
import static dev.dalang.riscv.internal.decode.Decoder.rs2;

/** F, D and Zfa: the major opcodes OP-FP and the fused multiply-adds. */
final class FloatDecoder {
    private FloatDecoder() {}

    /** FMADD, FMSUB, FNMSUB, FNMADD. */
    static long fused(int i) {
        int format = i >>> 25 & 3;
        if (format > 1) {
            return illegal(i);
        }
        int op =
                switch (i & 0x7F) {
                    case 0x43 -> format == 0 ? Op.FMADD_S : Op.FMADD_D;
                    case 0x47 -> format == 0 ? Op.FMSUB_S : Op.FMSUB_D;
                    case 0x4B -> format == 0 ? Op.FNMSUB_S : Op.FNMSUB_D;
                    default -> format == 0 ? Op.FNMADD_S : Op.FNMADD_D;
                };
        return packFloat(op, rd(i), rs1(i), rs2(i), funct3(i) | i >>> 27 << 3);
    }

    static long decode(int i) {
        int rm = funct3(i);
        return switch (funct7(i)) {
            case 0x00 -> rounded(Op.FADD_S, i);
            case 0x01 -> rounded(Op.FADD_D, i);
            case 0x04 -> rounded(Op.FSUB_S, i);
            case 0x05 -> rounded(Op.FSUB_D, i);
            case 0x08 -> rounded(Op.FMUL_S, i);
            case 0x09 -> rounded(Op.FMUL_D, i);
            case 0x0C -> rounded(Op.FDIV_S, i);
            case 0x0D -> rounded(Op.FDIV_D, i);
            case 0x2C -> unary(Op.FSQRT_S, i, 0);
            case 0x2D -> unary(Op.FSQRT_D, i, 0);
            case 0x10 -> choose(i, rm, Op.FSGNJ_S, Op.FSGNJN_S, Op.FSGNJX_S, Op.ILLEGAL);
            case 0x11 -> choose(i, rm, Op.FSGNJ_D, Op.FSGNJN_D, Op.FSGNJX_D, Op.ILLEGAL);
            case 0x14 -> choose(i, rm, Op.FMIN_S, Op.FMAX_S, Op.FMINM_S, Op.FMAXM_S);
            case 0x15 -> choose(i, rm, Op.FMIN_D, Op.FMAX_D, Op.FMINM_D, Op.FMAXM_D);
            case 0x50 -> compare(i, rm, Op.FLE_S, Op.FLT_S, Op.FEQ_S, Op.FLEQ_S, Op.FLTQ_S);
            case 0x51 -> compare(i, rm, Op.FLE_D, Op.FLT_D, Op.FEQ_D, Op.FLEQ_D, Op.FLTQ_D);
            case 0x20 ->
                    switch (rs2(i)) {
                        case 1 -> unary(Op.FCVT_S_D, i, 1);
                        case 4 -> unary(Op.FROUND_S, i, 4);
                        case 5 -> unary(Op.FROUNDNX_S, i, 5);
                        default -> illegal(i);
                    };
            case 0x21 ->
                    switch (rs2(i)) {
                        case 0 -> unary(Op.FCVT_D_S, i, 0);
                        case 4 -> unary(Op.FROUND_D, i, 4);
                        case 5 -> unary(Op.FROUNDNX_D, i, 5);
                        default -> illegal(i);
                    };
            case 0x60 -> toInteger(i, Op.FCVT_W_S, Op.FCVT_WU_S, Op.FCVT_L_S, Op.FCVT_LU_S);
            case 0x61 ->
                    rs2(i) == 8
                            ? (rm == 1 ? toX(Op.FCVTMOD_W_D, i) : illegal(i))
                            : toInteger(i, Op.FCVT_W_D, Op.FCVT_WU_D, Op.FCVT_L_D, Op.FCVT_LU_D);
            case 0x68 -> fromInteger(i, Op.FCVT_S_W, Op.FCVT_S_WU, Op.FCVT_S_L, Op.FCVT_S_LU);
            case 0x69 -> fromInteger(i, Op.FCVT_D_W, Op.FCVT_D_WU, Op.FCVT_D_L, Op.FCVT_D_LU);
            case 0x70 -> moveToX(i, rm, Op.FMV_X_W, Op.FCLASS_S);
            case 0x71 -> moveToX(i, rm, Op.FMV_X_D, Op.FCLASS_D);
            case 0x78 -> moveFromX(i, rm, Op.FMV_W_X, Op.FLI_S);
            case 0x79 -> moveFromX(i, rm, Op.FMV_D_X, Op.FLI_D);
            default -> illegal(i);
        };
    }

    private static long rounded(int op, int i) {
        return packFloat(op, rd(i), rs1(i), rs2(i), funct3(i));
    }

    private static long unary(int op, int i, int rs2) {
        return rs2(i) == rs2 ? packFloat(op, rd(i), rs1(i), 0, funct3(i)) : illegal(i);
    }

    private static long choose(int i, int rm, int op0, int op1, int op2, int op3) {
        int op =
                switch (rm) {
                    case 0 -> op0;
                    case 1 -> op1;
                    case 2 -> op2;
                    case 3 -> op3;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : packFloat(op, rd(i), rs1(i), rs2(i), 0);
    }

    private static long compare(int i, int rm, int le, int lt, int eq, int leq, int ltq) {
        int op =
                switch (rm) {
                    case 0 -> le;
                    case 1 -> lt;
                    case 2 -> eq;
                    case 4 -> leq;
                    case 5 -> ltq;
                    default -> Op.ILLEGAL;
                };
        return op == Op.ILLEGAL ? illegal(i) : Decoder.pack(op, rd(i), rs1(i), rs2(i), 0);
    }

    /** An operation whose result goes to an integer register. */
    private static long toX(int op, int i) {
        return Decoder.pack(op, rd(i), rs1(i), 0, funct3(i));
    }

    private static long toInteger(int i, int w, int wu, int l, int lu) {
        return switch (rs2(i)) {
            case 0 -> toX(w, i);
            case 1 -> toX(wu, i);
            case 2 -> toX(l, i);
            case 3 -> toX(lu, i);
            default -> illegal(i);
        };
    }

    private static long fromInteger(int i, int w, int wu, int l, int lu) {
        return switch (rs2(i)) {
            case 0 -> unary(w, i, 0);
            case 1 -> unary(wu, i, 1);
            case 2 -> unary(l, i, 2);
            case 3 -> unary(lu, i, 3);
            default -> illegal(i);
        };
    }

    private static long moveToX(int i, int rm, int move, int classify) {
        if (rs2(i) != 0 || rm > 1) {
            return illegal(i);
        }
        return toX(rm == 0 ? move : classify, i);
    }

    private static long moveFromX(int i, int rm, int move, int immediate) {
        if (rm != 0) {
            return illegal(i);
        }
        return switch (rs2(i)) {
            case 0 -> packFloat(move, rd(i), rs1(i), 0, 0);
            case 1 -> packFloat(immediate, rd(i), rs1(i), 0, 0);
            default -> illegal(i);
        };
    }
}
