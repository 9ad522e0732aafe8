package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.engine.FloatOps;
import dev.dalang.riscv.internal.fp.Fp32;
import dev.dalang.riscv.internal.fp.Fp64;
import dev.dalang.riscv.internal.fp.NanBox;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * Floating-point instructions: calls of {@link Fp32} and {@link Fp64} that the JVM's compiler
 * inlines, with the rounding mode as a constant where the instruction names one.
 */
final class FloatForms {
    private static final ClassDesc FP32 = Types.of(Fp32.class);
    private static final ClassDesc FP64 = Types.of(Fp64.class);
    private static final ClassDesc NAN_BOX = Types.of(NanBox.class);
    private static final int DYNAMIC = 7;

    private final Frame frame;
    private final CodeBuilder b;

    FloatForms(Frame frame) {
        this.frame = frame;
        this.b = frame.b;
    }

    static boolean isFused(int op) {
        return op >= Op.FMADD_S && op <= Op.FNMADD_S || op >= Op.FMADD_D && op <= Op.FNMADD_D;
    }

    /** Whether an instruction can be emitted: not if its rounding mode is none. */
    static boolean isTranslatable(long i) {
        int op = (int) i & Op.MASK;
        int rm = (int) (i >>> 32) & 7;
        return RegionPlan.isFloatMemory(op) || !FloatOps.isRounded(op) || rm < 5 || rm == DYNAMIC;
    }

    /** Emits an instruction other than a load or a store. */
    void emit(long i, int op) {
        frame.markDirty();
        switch (op) {
            case Op.FMV_X_D -> {
                frame.getF(RegionRegisters.rs1(i));
                frame.set(RegionRegisters.rd(i));
            }
            case Op.FMV_D_X -> {
                frame.get(RegionRegisters.rs1(i));
                frame.setF(RegionRegisters.rd(i));
            }
            case Op.FMV_X_W -> {
                frame.getF(RegionRegisters.rs1(i));
                b.l2i().i2l();
                frame.set(RegionRegisters.rd(i));
            }
            case Op.FMV_W_X -> {
                frame.get(RegionRegisters.rs1(i));
                b.l2i();
                box();
                frame.setF(RegionRegisters.rd(i));
            }
            case Op.FLI_S -> {
                b.loadConstant(NanBox.box(Fp32.loadImmediate(RegionRegisters.rs1(i))));
                frame.setF(RegionRegisters.rd(i));
            }
            case Op.FLI_D -> {
                b.loadConstant(Fp64.loadImmediate(RegionRegisters.rs1(i)));
                frame.setF(RegionRegisters.rd(i));
            }
            case Op.FCVT_S_D -> {
                double64(RegionRegisters.rs1(i), false);
                rounding(i);
                call(FP32, "fromFp64", CD_int, List.of(CD_long, CD_int));
                box();
                frame.setF(RegionRegisters.rd(i));
            }
            case Op.FCVT_D_S -> {
                single(RegionRegisters.rs1(i), false);
                call(FP64, "fromFp32", CD_long, List.of(CD_int));
                frame.setF(RegionRegisters.rd(i));
            }
            default -> arithmetic(i, op);
        }
    }

    private void arithmetic(long i, int op) {
        boolean isDouble = op >= Op.FMADD_D;
        ClassDesc owner = isDouble ? FP64 : FP32;
        ClassDesc type = isDouble ? CD_long : CD_int;
        Form form = Form.of(op);
        List<ClassDesc> arguments = new ArrayList<>();
        if (FloatOps.isFromInteger(op)) {
            frame.get(RegionRegisters.rs1(i));
            arguments.add(CD_long);
        } else {
            operand(RegionRegisters.rs1(i), isDouble, form.negatesFirst);
            arguments.add(type);
        }
        if (form.operands > 1) {
            operand(RegionRegisters.rs2(i), isDouble, false);
            arguments.add(type);
        }
        if (form.operands > 2) {
            operand(RegionRegisters.rs3(i), isDouble, form.negatesThird);
            arguments.add(type);
        }
        if (form.rounds) {
            rounding(i);
            arguments.add(CD_int);
        }
        if (form.flags) {
            call(owner, form.method, form.result(type), arguments);
        } else {
            b.invokestatic(owner, form.method, MethodTypeDesc.of(form.result(type), arguments));
        }
        result(i, op, form, isDouble);
    }

    private void result(long i, int op, Form form, boolean isDouble) {
        if (FloatOps.isToInteger(op)) {
            if (form.kind != Kind.LONG) {
                b.i2l();
            }
            frame.set(RegionRegisters.rd(i));
        } else {
            if (!isDouble) {
                box();
            }
            frame.setF(RegionRegisters.rd(i));
        }
    }

    private void operand(int r, boolean isDouble, boolean negated) {
        if (isDouble) {
            double64(r, negated);
        } else {
            single(r, negated);
        }
    }

    private void double64(int r, boolean negated) {
        frame.getF(r);
        if (negated) {
            b.invokestatic(FP64, "negate", MethodTypeDesc.of(CD_long, CD_long));
        }
    }

    private void single(int r, boolean negated) {
        frame.getF(r);
        b.invokestatic(NAN_BOX, "unbox", MethodTypeDesc.of(CD_int, CD_long));
        if (negated) {
            b.invokestatic(FP32, "negate", MethodTypeDesc.of(CD_int, CD_int));
        }
    }

    private void box() {
        b.invokestatic(NAN_BOX, "box", MethodTypeDesc.of(CD_long, CD_int));
    }

    private void rounding(long i) {
        int rm = (int) (i >>> 32) & 7;
        if (rm == DYNAMIC) {
            b.iload(Frame.ROUNDING);
        } else {
            b.loadConstant(rm);
        }
    }

    private void call(ClassDesc owner, String method, ClassDesc result, List<ClassDesc> arguments) {
        List<ClassDesc> all = new ArrayList<>(arguments);
        all.add(Types.FP_STATUS);
        b.aload(Frame.FP_STATUS).invokestatic(owner, method, MethodTypeDesc.of(result, all));
    }

    /** What a method gives back. */
    private enum Kind {
        VALUE,
        LONG,
        INT,
        BOOLEAN
    }

    /** The method that does an operation. */
    private record Form(
            String method,
            int operands,
            boolean rounds,
            boolean flags,
            Kind kind,
            boolean negatesFirst,
            boolean negatesThird) {

        ClassDesc result(ClassDesc type) {
            return switch (kind) {
                case VALUE -> type;
                case LONG -> CD_long;
                case INT -> CD_int;
                case BOOLEAN -> CD_boolean;
            };
        }

        private static Form of(int op) {
            return switch (op) {
                case Op.FADD_S, Op.FADD_D -> rounded("add", 2);
                case Op.FSUB_S, Op.FSUB_D -> rounded("sub", 2);
                case Op.FMUL_S, Op.FMUL_D -> rounded("mul", 2);
                case Op.FDIV_S, Op.FDIV_D -> rounded("div", 2);
                case Op.FSQRT_S, Op.FSQRT_D -> rounded("sqrt", 1);
                case Op.FROUND_S, Op.FROUND_D -> rounded("round", 1);
                case Op.FROUNDNX_S, Op.FROUNDNX_D -> rounded("roundnx", 1);
                case Op.FMADD_S, Op.FMADD_D -> fused(false, false);
                case Op.FMSUB_S, Op.FMSUB_D -> fused(false, true);
                case Op.FNMSUB_S, Op.FNMSUB_D -> fused(true, false);
                case Op.FNMADD_S, Op.FNMADD_D -> fused(true, true);
                case Op.FMIN_S, Op.FMIN_D -> unrounded("min", true, Kind.VALUE);
                case Op.FMAX_S, Op.FMAX_D -> unrounded("max", true, Kind.VALUE);
                case Op.FMINM_S, Op.FMINM_D -> unrounded("minm", true, Kind.VALUE);
                case Op.FMAXM_S, Op.FMAXM_D -> unrounded("maxm", true, Kind.VALUE);
                case Op.FSGNJ_S, Op.FSGNJ_D -> unrounded("sgnj", false, Kind.VALUE);
                case Op.FSGNJN_S, Op.FSGNJN_D -> unrounded("sgnjn", false, Kind.VALUE);
                case Op.FSGNJX_S, Op.FSGNJX_D -> unrounded("sgnjx", false, Kind.VALUE);
                case Op.FEQ_S, Op.FEQ_D -> unrounded("eq", true, Kind.BOOLEAN);
                case Op.FLT_S, Op.FLT_D -> unrounded("lt", true, Kind.BOOLEAN);
                case Op.FLE_S, Op.FLE_D -> unrounded("le", true, Kind.BOOLEAN);
                case Op.FLTQ_S, Op.FLTQ_D -> unrounded("ltq", true, Kind.BOOLEAN);
                case Op.FLEQ_S, Op.FLEQ_D -> unrounded("leq", true, Kind.BOOLEAN);
                case Op.FCLASS_S, Op.FCLASS_D ->
                        new Form("classify", 1, false, false, Kind.INT, false, false);
                case Op.FCVT_W_S, Op.FCVT_W_D -> toInteger("toInt32", true);
                case Op.FCVT_WU_S, Op.FCVT_WU_D -> toInteger("toUInt32", true);
                case Op.FCVT_L_S, Op.FCVT_L_D -> toInteger("toInt64", true);
                case Op.FCVT_LU_S, Op.FCVT_LU_D -> toInteger("toUInt64", true);
                case Op.FCVTMOD_W_D -> toInteger("toInt32Modular", false);
                case Op.FCVT_S_W, Op.FCVT_D_W -> rounded("fromInt32", 1);
                case Op.FCVT_S_WU, Op.FCVT_D_WU -> rounded("fromUInt32", 1);
                case Op.FCVT_S_L, Op.FCVT_D_L -> rounded("fromInt64", 1);
                case Op.FCVT_S_LU, Op.FCVT_D_LU -> rounded("fromUInt64", 1);
                default -> throw new IllegalArgumentException("operation " + op);
            };
        }

        private static Form rounded(String method, int operands) {
            return new Form(method, operands, true, true, Kind.VALUE, false, false);
        }

        private static Form fused(boolean negatesFirst, boolean negatesThird) {
            return new Form("fma", 3, true, true, Kind.VALUE, negatesFirst, negatesThird);
        }

        private static Form unrounded(String method, boolean flags, Kind kind) {
            return new Form(method, 2, false, flags, kind, false, false);
        }

        private static Form toInteger(String method, boolean rounds) {
            return new Form(method, 1, rounds, true, Kind.LONG, false, false);
        }
    }
}
