package dev.dalang.riscv;

import static dev.dalang.riscv.internal.fp.Oracle.BINARY32;
import static dev.dalang.riscv.internal.fp.Oracle.BINARY64;

import dev.dalang.riscv.internal.fp.Operation;
import dev.dalang.riscv.internal.fp.Oracle;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Rounding;

import java.util.stream.Stream;

/**
 * A floating-point instruction that computes, and what it should give.
 *
 * @param name its mnemonic
 * @param source the format of its operands
 * @param result where its result goes
 * @param fromInteger whether its operand is an integer register
 * @param code writes it with the given registers
 * @param model the result and the flags from raw operands and a rounding mode
 */
record FloatRow(
        String name, Oracle source, Result result, boolean fromInteger, Code code, Model model) {
    /** Kinds of results. */
    enum Result {
        /** An integer register. */
        INTEGER,
        /** A register with a boxed binary32. */
        SINGLE,
        /** A register with a binary64. */
        DOUBLE
    }

    /** Writes an instruction; operands and modes that it has not are ignored. */
    interface Code {
        void write(Assembler a, int rd, int rs1, int rs2, int rs3, Rounding rm);
    }

    /** Gives what an instruction should. */
    interface Model {
        Oracle.Result apply(long a, long b, long c, int rm);
    }

    @Override
    public String toString() {
        return name;
    }

    static Stream<FloatRow> all() {
        return Stream.of(single(), doubles(), conversions()).flatMap(s -> s);
    }

    private static FloatRow row(String name, Oracle format, Operation operation, Code code) {
        Result result =
                switch (operation) {
                    case EQ, LT, LE, LTQ, LEQ -> Result.INTEGER;
                    case TO_INT32, TO_UINT32, TO_INT64, TO_UINT64 -> Result.INTEGER;
                    default -> format.equals(BINARY32) ? Result.SINGLE : Result.DOUBLE;
                };
        return new FloatRow(
                name,
                format,
                result,
                operation.arity == 0,
                code,
                (a, b, c, rm) -> operation.expected(format, a, b, c, rm));
    }

    /** A fused multiply-add with the signs of the product and of the addend. */
    private static FloatRow fused(
            String name, Oracle format, boolean negateProduct, boolean negateAddend, Code code) {
        return new FloatRow(
                name,
                format,
                format.equals(BINARY32) ? Result.SINGLE : Result.DOUBLE,
                false,
                code,
                (a, b, c, rm) ->
                        Operation.FMA.expected(
                                format,
                                negateProduct ? format.negate(a) : a,
                                b,
                                negateAddend ? format.negate(c) : c,
                                rm));
    }

    private static Stream<FloatRow> single() {
        return Stream.of(
                fused("fmadd.s", BINARY32, false, false, Assembler::fmadd_s),
                fused("fmsub.s", BINARY32, false, true, Assembler::fmsub_s),
                fused("fnmsub.s", BINARY32, true, false, Assembler::fnmsub_s),
                fused("fnmadd.s", BINARY32, true, true, Assembler::fnmadd_s),
                row("fadd.s", BINARY32, Operation.ADD, (a, d, p, q, _, m) -> a.fadd_s(d, p, q, m)),
                row("fsub.s", BINARY32, Operation.SUB, (a, d, p, q, _, m) -> a.fsub_s(d, p, q, m)),
                row("fmul.s", BINARY32, Operation.MUL, (a, d, p, q, _, m) -> a.fmul_s(d, p, q, m)),
                row("fdiv.s", BINARY32, Operation.DIV, (a, d, p, q, _, m) -> a.fdiv_s(d, p, q, m)),
                row("fsqrt.s", BINARY32, Operation.SQRT, (a, d, p, _, _, m) -> a.fsqrt_s(d, p, m)),
                row("fmin.s", BINARY32, Operation.MIN, (a, d, p, q, _, _) -> a.fmin_s(d, p, q)),
                row("fmax.s", BINARY32, Operation.MAX, (a, d, p, q, _, _) -> a.fmax_s(d, p, q)),
                row("fminm.s", BINARY32, Operation.MINM, (a, d, p, q, _, _) -> a.fminm_s(d, p, q)),
                row("fmaxm.s", BINARY32, Operation.MAXM, (a, d, p, q, _, _) -> a.fmaxm_s(d, p, q)),
                row("feq.s", BINARY32, Operation.EQ, (a, d, p, q, _, _) -> a.feq_s(d, p, q)),
                row("flt.s", BINARY32, Operation.LT, (a, d, p, q, _, _) -> a.flt_s(d, p, q)),
                row("fle.s", BINARY32, Operation.LE, (a, d, p, q, _, _) -> a.fle_s(d, p, q)),
                row("fltq.s", BINARY32, Operation.LTQ, (a, d, p, q, _, _) -> a.fltq_s(d, p, q)),
                row("fleq.s", BINARY32, Operation.LEQ, (a, d, p, q, _, _) -> a.fleq_s(d, p, q)),
                row(
                        "fround.s",
                        BINARY32,
                        Operation.ROUND,
                        (a, d, p, _, _, m) -> a.fround_s(d, p, m)),
                row(
                        "froundnx.s",
                        BINARY32,
                        Operation.ROUNDNX,
                        (a, d, p, _, _, m) -> a.froundnx_s(d, p, m)),
                row(
                        "fcvt.w.s",
                        BINARY32,
                        Operation.TO_INT32,
                        (a, d, p, _, _, m) -> a.fcvt_w_s(d, p, m)),
                row(
                        "fcvt.s.w",
                        BINARY32,
                        Operation.FROM_INT32,
                        (a, d, p, _, _, m) -> a.fcvt_s_w(d, p, m)),
                row(
                        "fcvt.wu.s",
                        BINARY32,
                        Operation.TO_UINT32,
                        (a, d, p, _, _, m) -> a.fcvt_wu_s(d, p, m)),
                row(
                        "fcvt.s.wu",
                        BINARY32,
                        Operation.FROM_UINT32,
                        (a, d, p, _, _, m) -> a.fcvt_s_wu(d, p, m)),
                row(
                        "fcvt.l.s",
                        BINARY32,
                        Operation.TO_INT64,
                        (a, d, p, _, _, m) -> a.fcvt_l_s(d, p, m)),
                row(
                        "fcvt.s.l",
                        BINARY32,
                        Operation.FROM_INT64,
                        (a, d, p, _, _, m) -> a.fcvt_s_l(d, p, m)),
                row(
                        "fcvt.lu.s",
                        BINARY32,
                        Operation.TO_UINT64,
                        (a, d, p, _, _, m) -> a.fcvt_lu_s(d, p, m)),
                row(
                        "fcvt.s.lu",
                        BINARY32,
                        Operation.FROM_UINT64,
                        (a, d, p, _, _, m) -> a.fcvt_s_lu(d, p, m)));
    }

    private static Stream<FloatRow> doubles() {
        return Stream.of(
                fused("fmadd.d", BINARY64, false, false, Assembler::fmadd_d),
                fused("fmsub.d", BINARY64, false, true, Assembler::fmsub_d),
                fused("fnmsub.d", BINARY64, true, false, Assembler::fnmsub_d),
                fused("fnmadd.d", BINARY64, true, true, Assembler::fnmadd_d),
                row("fadd.d", BINARY64, Operation.ADD, (a, d, p, q, _, m) -> a.fadd_d(d, p, q, m)),
                row("fsub.d", BINARY64, Operation.SUB, (a, d, p, q, _, m) -> a.fsub_d(d, p, q, m)),
                row("fmul.d", BINARY64, Operation.MUL, (a, d, p, q, _, m) -> a.fmul_d(d, p, q, m)),
                row("fdiv.d", BINARY64, Operation.DIV, (a, d, p, q, _, m) -> a.fdiv_d(d, p, q, m)),
                row("fsqrt.d", BINARY64, Operation.SQRT, (a, d, p, _, _, m) -> a.fsqrt_d(d, p, m)),
                row("fmin.d", BINARY64, Operation.MIN, (a, d, p, q, _, _) -> a.fmin_d(d, p, q)),
                row("fmax.d", BINARY64, Operation.MAX, (a, d, p, q, _, _) -> a.fmax_d(d, p, q)),
                row("fminm.d", BINARY64, Operation.MINM, (a, d, p, q, _, _) -> a.fminm_d(d, p, q)),
                row("fmaxm.d", BINARY64, Operation.MAXM, (a, d, p, q, _, _) -> a.fmaxm_d(d, p, q)),
                row("feq.d", BINARY64, Operation.EQ, (a, d, p, q, _, _) -> a.feq_d(d, p, q)),
                row("flt.d", BINARY64, Operation.LT, (a, d, p, q, _, _) -> a.flt_d(d, p, q)),
                row("fle.d", BINARY64, Operation.LE, (a, d, p, q, _, _) -> a.fle_d(d, p, q)),
                row("fltq.d", BINARY64, Operation.LTQ, (a, d, p, q, _, _) -> a.fltq_d(d, p, q)),
                row("fleq.d", BINARY64, Operation.LEQ, (a, d, p, q, _, _) -> a.fleq_d(d, p, q)),
                row(
                        "fround.d",
                        BINARY64,
                        Operation.ROUND,
                        (a, d, p, _, _, m) -> a.fround_d(d, p, m)),
                row(
                        "froundnx.d",
                        BINARY64,
                        Operation.ROUNDNX,
                        (a, d, p, _, _, m) -> a.froundnx_d(d, p, m)),
                row(
                        "fcvt.w.d",
                        BINARY64,
                        Operation.TO_INT32,
                        (a, d, p, _, _, m) -> a.fcvt_w_d(d, p, m)),
                row(
                        "fcvt.d.w",
                        BINARY64,
                        Operation.FROM_INT32,
                        (a, d, p, _, _, _) -> a.fcvt_d_w(d, p)),
                row(
                        "fcvt.wu.d",
                        BINARY64,
                        Operation.TO_UINT32,
                        (a, d, p, _, _, m) -> a.fcvt_wu_d(d, p, m)),
                row(
                        "fcvt.d.wu",
                        BINARY64,
                        Operation.FROM_UINT32,
                        (a, d, p, _, _, _) -> a.fcvt_d_wu(d, p)),
                row(
                        "fcvt.l.d",
                        BINARY64,
                        Operation.TO_INT64,
                        (a, d, p, _, _, m) -> a.fcvt_l_d(d, p, m)),
                row(
                        "fcvt.d.l",
                        BINARY64,
                        Operation.FROM_INT64,
                        (a, d, p, _, _, m) -> a.fcvt_d_l(d, p, m)),
                row(
                        "fcvt.lu.d",
                        BINARY64,
                        Operation.TO_UINT64,
                        (a, d, p, _, _, m) -> a.fcvt_lu_d(d, p, m)),
                row(
                        "fcvt.d.lu",
                        BINARY64,
                        Operation.FROM_UINT64,
                        (a, d, p, _, _, m) -> a.fcvt_d_lu(d, p, m)));
    }

    private static Stream<FloatRow> conversions() {
        return Stream.of(
                new FloatRow(
                        "fcvt.s.d",
                        BINARY64,
                        Result.SINGLE,
                        false,
                        (a, d, p, _, _, m) -> a.fcvt_s_d(d, p, m),
                        (a, _, _, rm) -> BINARY32.convert(BINARY64, a, rm)),
                new FloatRow(
                        "fcvt.d.s",
                        BINARY32,
                        Result.DOUBLE,
                        false,
                        (a, d, p, _, _, _) -> a.fcvt_d_s(d, p),
                        (a, _, _, rm) -> BINARY64.convert(BINARY32, a, rm)),
                new FloatRow(
                        "fcvtmod.w.d",
                        BINARY64,
                        Result.INTEGER,
                        false,
                        (a, d, p, _, _, _) -> a.fcvtmod_w_d(d, p),
                        (a, _, _, _) -> BINARY64.toInt32Modular(a)));
    }
}
