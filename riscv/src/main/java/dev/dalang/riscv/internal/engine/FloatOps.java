package dev.dalang.riscv.internal.engine;

import static dev.dalang.riscv.internal.core.Csrs.ILLEGAL_INSTRUCTION;

import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.fp.Fp32;
import dev.dalang.riscv.internal.fp.Fp64;
import dev.dalang.riscv.internal.fp.FpStatus;
import dev.dalang.riscv.internal.fp.NanBox;

/** F, D and Zfa on the registers of a hart; the arithmetic is {@link Fp32} and {@link Fp64}. */
public final class FloatOps {
    private static final int DYNAMIC = 7;
    private static final int HIGHEST_MODE = 4;

    private final HartCore core;
    private final Mmu mmu;
    private final FpStatus fp;
    private final long[] f;
    private final long[] x;

    FloatOps(HartCore core, Mmu mmu) {
        this.core = core;
        this.mmu = mmu;
        this.fp = core.fp;
        this.f = core.f;
        this.x = core.x;
    }

    /**
     * Executes one decoded instruction.
     *
     * @return false if it raised an exception
     */
    public boolean execute(long i) {
        int op = (int) i & Op.MASK;
        if (core.fpOff()) {
            return illegal(i);
        }
        int rd = (int) (i >>> 12) & 63;
        int rs1 = (int) (i >>> 18) & 31;
        if (op <= Op.FSD) {
            return memory(op, rd, x[rs1] + (i >> 32), (int) (i >>> 23) & 31);
        }
        int rm = (int) (i >>> 32) & 7;
        if (rm > HIGHEST_MODE && isRounded(op)) {
            rm = rm == DYNAMIC ? core.frm : rm;
            if (rm > HIGHEST_MODE) {
                return illegal(i);
            }
        }
        core.fpDirty();
        if (isToInteger(op)) {
            x[rd] = toInteger(op, f[rs1], f[(int) (i >>> 23) & 31], rm);
        } else if (isFromInteger(op)) {
            f[rd] = fromInteger(op, x[rs1], rs1, rm);
        } else if (op <= Op.FLI_S || op == Op.FCVT_S_D) {
            f[rd] = NanBox.box(single(op, i, rm));
        } else {
            f[rd] = double64(op, i, rm);
        }
        return true;
    }

    private boolean illegal(long i) {
        // The decoded form has lost the encoding: fetch it again for mtval.
        core.raise(ILLEGAL_INSTRUCTION, mmu.instructionBits(core.pc, (i & 1L << 28) != 0));
        return false;
    }

    private boolean memory(int op, int rd, long address, int rs2) {
        switch (op) {
            case Op.FLW -> {
                long value = mmu.load(address, 4);
                if (core.trapCause == HartCore.NO_TRAP) {
                    f[rd] = NanBox.box((int) value);
                    core.fpDirty();
                }
            }
            case Op.FLD -> {
                long value = mmu.load(address, 8);
                if (core.trapCause == HartCore.NO_TRAP) {
                    f[rd] = value;
                    core.fpDirty();
                }
            }
            case Op.FSW -> mmu.store(address, 4, f[rs2]);
            default -> mmu.store(address, 8, f[rs2]);
        }
        return core.trapCause == HartCore.NO_TRAP;
    }

    /** Whether an operation has a rounding-mode field that must hold a valid mode. */
    public static boolean isRounded(int op) {
        return switch (op) {
            case Op.FMADD_S, Op.FMSUB_S, Op.FNMSUB_S, Op.FNMADD_S -> true;
            case Op.FADD_S, Op.FSUB_S, Op.FMUL_S, Op.FDIV_S, Op.FSQRT_S -> true;
            case Op.FCVT_W_S, Op.FCVT_WU_S, Op.FCVT_L_S, Op.FCVT_LU_S -> true;
            case Op.FCVT_S_W, Op.FCVT_S_WU, Op.FCVT_S_L, Op.FCVT_S_LU -> true;
            case Op.FROUND_S, Op.FROUNDNX_S, Op.FROUND_D, Op.FROUNDNX_D -> true;
            case Op.FMADD_D, Op.FMSUB_D, Op.FNMSUB_D, Op.FNMADD_D -> true;
            case Op.FADD_D, Op.FSUB_D, Op.FMUL_D, Op.FDIV_D, Op.FSQRT_D -> true;
            case Op.FCVT_W_D, Op.FCVT_WU_D, Op.FCVT_L_D, Op.FCVT_LU_D -> true;
            case Op.FCVT_D_W, Op.FCVT_D_WU, Op.FCVT_D_L, Op.FCVT_D_LU -> true;
            case Op.FCVT_S_D, Op.FCVT_D_S -> true;
            default -> false;
        };
    }

    /** Whether the result of an operation goes to an integer register. */
    public static boolean isToInteger(int op) {
        return switch (op) {
            case Op.FCVT_W_S, Op.FCVT_WU_S, Op.FCVT_L_S, Op.FCVT_LU_S -> true;
            case Op.FCVT_W_D, Op.FCVT_WU_D, Op.FCVT_L_D, Op.FCVT_LU_D, Op.FCVTMOD_W_D -> true;
            case Op.FMV_X_W, Op.FCLASS_S, Op.FMV_X_D, Op.FCLASS_D -> true;
            case Op.FEQ_S, Op.FLT_S, Op.FLE_S, Op.FLTQ_S, Op.FLEQ_S -> true;
            case Op.FEQ_D, Op.FLT_D, Op.FLE_D, Op.FLTQ_D, Op.FLEQ_D -> true;
            default -> false;
        };
    }

    /** Whether the operand of an operation is an integer register, or none. */
    public static boolean isFromInteger(int op) {
        return switch (op) {
            case Op.FCVT_S_W, Op.FCVT_S_WU, Op.FCVT_S_L, Op.FCVT_S_LU, Op.FMV_W_X -> true;
            case Op.FCVT_D_W, Op.FCVT_D_WU, Op.FCVT_D_L, Op.FCVT_D_LU, Op.FMV_D_X -> true;
            case Op.FLI_S, Op.FLI_D -> true;
            default -> false;
        };
    }

    private long toInteger(int op, long a, long b, int rm) {
        int a32 = NanBox.unbox(a);
        int b32 = NanBox.unbox(b);
        return switch (op) {
            case Op.FCVT_W_S -> Fp32.toInt32(a32, rm, fp);
            case Op.FCVT_WU_S -> Fp32.toUInt32(a32, rm, fp);
            case Op.FCVT_L_S -> Fp32.toInt64(a32, rm, fp);
            case Op.FCVT_LU_S -> Fp32.toUInt64(a32, rm, fp);
            case Op.FMV_X_W -> (int) a;
            case Op.FCLASS_S -> Fp32.classify(a32);
            case Op.FEQ_S -> bit(Fp32.eq(a32, b32, fp));
            case Op.FLT_S -> bit(Fp32.lt(a32, b32, fp));
            case Op.FLE_S -> bit(Fp32.le(a32, b32, fp));
            case Op.FLTQ_S -> bit(Fp32.ltq(a32, b32, fp));
            case Op.FLEQ_S -> bit(Fp32.leq(a32, b32, fp));
            case Op.FCVT_W_D -> Fp64.toInt32(a, rm, fp);
            case Op.FCVT_WU_D -> Fp64.toUInt32(a, rm, fp);
            case Op.FCVT_L_D -> Fp64.toInt64(a, rm, fp);
            case Op.FCVT_LU_D -> Fp64.toUInt64(a, rm, fp);
            case Op.FCVTMOD_W_D -> Fp64.toInt32Modular(a, fp);
            case Op.FMV_X_D -> a;
            case Op.FCLASS_D -> Fp64.classify(a);
            case Op.FEQ_D -> bit(Fp64.eq(a, b, fp));
            case Op.FLT_D -> bit(Fp64.lt(a, b, fp));
            case Op.FLE_D -> bit(Fp64.le(a, b, fp));
            case Op.FLTQ_D -> bit(Fp64.ltq(a, b, fp));
            case Op.FLEQ_D -> bit(Fp64.leq(a, b, fp));
            default -> throw new IllegalArgumentException("operation " + op);
        };
    }

    private static long bit(boolean condition) {
        return condition ? 1 : 0;
    }

    private long fromInteger(int op, long a, int index, int rm) {
        return switch (op) {
            case Op.FCVT_S_W -> NanBox.box(Fp32.fromInt32(a, rm, fp));
            case Op.FCVT_S_WU -> NanBox.box(Fp32.fromUInt32(a, rm, fp));
            case Op.FCVT_S_L -> NanBox.box(Fp32.fromInt64(a, rm, fp));
            case Op.FCVT_S_LU -> NanBox.box(Fp32.fromUInt64(a, rm, fp));
            case Op.FMV_W_X -> NanBox.box((int) a);
            case Op.FLI_S -> NanBox.box(Fp32.loadImmediate(index));
            case Op.FCVT_D_W -> Fp64.fromInt32(a, rm, fp);
            case Op.FCVT_D_WU -> Fp64.fromUInt32(a, rm, fp);
            case Op.FCVT_D_L -> Fp64.fromInt64(a, rm, fp);
            case Op.FCVT_D_LU -> Fp64.fromUInt64(a, rm, fp);
            case Op.FMV_D_X -> a;
            case Op.FLI_D -> Fp64.loadImmediate(index);
            default -> throw new IllegalArgumentException("operation " + op);
        };
    }

    private int single(int op, long i, int rm) {
        long wide = f[(int) (i >>> 18) & 31];
        int a = NanBox.unbox(wide);
        int b = NanBox.unbox(f[(int) (i >>> 23) & 31]);
        int c = NanBox.unbox(f[(int) (i >>> 35) & 31]);
        return switch (op) {
            case Op.FADD_S -> Fp32.add(a, b, rm, fp);
            case Op.FSUB_S -> Fp32.sub(a, b, rm, fp);
            case Op.FMUL_S -> Fp32.mul(a, b, rm, fp);
            case Op.FDIV_S -> Fp32.div(a, b, rm, fp);
            case Op.FSQRT_S -> Fp32.sqrt(a, rm, fp);
            case Op.FMADD_S -> Fp32.fma(a, b, c, rm, fp);
            case Op.FMSUB_S -> Fp32.fma(a, b, Fp32.negate(c), rm, fp);
            case Op.FNMSUB_S -> Fp32.fma(Fp32.negate(a), b, c, rm, fp);
            case Op.FNMADD_S -> Fp32.fma(Fp32.negate(a), b, Fp32.negate(c), rm, fp);
            case Op.FSGNJ_S -> Fp32.sgnj(a, b);
            case Op.FSGNJN_S -> Fp32.sgnjn(a, b);
            case Op.FSGNJX_S -> Fp32.sgnjx(a, b);
            case Op.FMIN_S -> Fp32.min(a, b, fp);
            case Op.FMAX_S -> Fp32.max(a, b, fp);
            case Op.FMINM_S -> Fp32.minm(a, b, fp);
            case Op.FMAXM_S -> Fp32.maxm(a, b, fp);
            case Op.FROUND_S -> Fp32.round(a, rm, fp);
            case Op.FROUNDNX_S -> Fp32.roundnx(a, rm, fp);
            case Op.FCVT_S_D -> Fp32.fromFp64(wide, rm, fp);
            default -> throw new IllegalArgumentException("operation " + op);
        };
    }

    private long double64(int op, long i, int rm) {
        long a = f[(int) (i >>> 18) & 31];
        long b = f[(int) (i >>> 23) & 31];
        long c = f[(int) (i >>> 35) & 31];
        return switch (op) {
            case Op.FADD_D -> Fp64.add(a, b, rm, fp);
            case Op.FSUB_D -> Fp64.sub(a, b, rm, fp);
            case Op.FMUL_D -> Fp64.mul(a, b, rm, fp);
            case Op.FDIV_D -> Fp64.div(a, b, rm, fp);
            case Op.FSQRT_D -> Fp64.sqrt(a, rm, fp);
            case Op.FMADD_D -> Fp64.fma(a, b, c, rm, fp);
            case Op.FMSUB_D -> Fp64.fma(a, b, Fp64.negate(c), rm, fp);
            case Op.FNMSUB_D -> Fp64.fma(Fp64.negate(a), b, c, rm, fp);
            case Op.FNMADD_D -> Fp64.fma(Fp64.negate(a), b, Fp64.negate(c), rm, fp);
            case Op.FSGNJ_D -> Fp64.sgnj(a, b);
            case Op.FSGNJN_D -> Fp64.sgnjn(a, b);
            case Op.FSGNJX_D -> Fp64.sgnjx(a, b);
            case Op.FMIN_D -> Fp64.min(a, b, fp);
            case Op.FMAX_D -> Fp64.max(a, b, fp);
            case Op.FMINM_D -> Fp64.minm(a, b, fp);
            case Op.FMAXM_D -> Fp64.maxm(a, b, fp);
            case Op.FROUND_D -> Fp64.round(a, rm, fp);
            case Op.FROUNDNX_D -> Fp64.roundnx(a, rm, fp);
            case Op.FCVT_D_S -> Fp64.fromFp32(NanBox.unbox(a), fp);
            default -> throw new IllegalArgumentException("operation " + op);
        };
    }
}
