package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.engine.IntegerOps;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.VarHandle;

/** Integer instructions without memory, atomics, and what is left to the interpreter's parts. */
final class IntegerForms {
    private static final ClassDesc OPS = Types.of(IntegerOps.class);
    private static final ClassDesc MATH = Types.of(Math.class);
    private static final ClassDesc INTEGER = Types.of(Integer.class);
    private static final MethodTypeDesc BINARY = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    private static final MethodTypeDesc COUNT_LONG = MethodTypeDesc.of(CD_int, CD_long);
    private static final MethodTypeDesc COUNT_INT = MethodTypeDesc.of(CD_int, CD_int);
    private static final MethodTypeDesc ROTATE_LONG = MethodTypeDesc.of(CD_long, CD_long, CD_int);
    private static final MethodTypeDesc ROTATE_INT = MethodTypeDesc.of(CD_int, CD_int, CD_int);
    private static final MethodTypeDesc COMPUTE =
            MethodTypeDesc.of(CD_long, CD_int, CD_long, CD_long, CD_int);
    private static final MethodTypeDesc ATOMIC =
            MethodTypeDesc.of(CD_long, CD_int, CD_long, CD_long, CD_long);
    private static final MethodTypeDesc EXECUTE = MethodTypeDesc.of(CD_boolean, CD_long, CD_long);

    private static final long LOW_WORD = 0xFFFF_FFFFL;

    /** Bits of what comes before and after a FENCE; above them are those of devices. */
    private static final int READS = 2;

    private static final int WRITES = 1;

    private final Frame frame;
    private final CodeBuilder b;

    IntegerForms(Frame frame) {
        this.frame = frame;
        this.b = frame.b;
    }

    /** Emits an instruction that is neither a jump, a load, a store, a float nor a CSR access. */
    void emit(long i, int op, int slot) {
        if (op == Op.FENCE) {
            b.invokestatic(Types.of(VarHandle.class), fence(i), MethodTypeDesc.of(CD_void));
        } else if (op >= Op.CBO_ZERO && op <= Op.CBO_INVAL) {
            leaveToOthers(i, slot);
        } else if (op >= Op.FIRST_ATOMIC && op <= Op.LAST_ATOMIC) {
            atomic(i, op, slot);
        } else if (op != Op.NOP) {
            boolean isWord = givesWord(i, op);
            compute(i, op, slot);
            if (isWord) {
                frame.setWord(RegionRegisters.rd(i));
            } else {
                frame.set(RegionRegisters.rd(i));
            }
        }
    }

    /**
     * The weakest fence of the host that orders what a FENCE does. Only stores before loads need
     * more than the host's processor does by itself, and Linux asks for that less often than for
     * what follows a load or comes before a store. Accesses to devices are calls.
     */
    private static String fence(long i) {
        int before = (int) (i >>> 56) & 15;
        int after = (int) (i >>> 52) & 15;
        if (before == READS) {
            return after <= (READS | WRITES) ? "acquireFence" : "fullFence";
        }
        return after == WRITES && before <= (READS | WRITES) ? "releaseFence" : "fullFence";
    }

    private void compute(long i, int op, int slot) {
        int rs1 = RegionRegisters.rs1(i);
        int rs2 = RegionRegisters.rs2(i);
        long imm = i >> 32;
        switch (op) {
            case Op.LI -> b.loadConstant(imm);
            case Op.MV -> frame.get(rs1);
            case Op.AUIPC -> frame.address(2L * slot + imm);
            case Op.ADDI -> immediate(rs1, imm).ladd();
            case Op.XORI, Op.ORI, Op.ANDI -> {
                if (frame.isWord(rs1)) {
                    logicOfWords(word(rs1, imm), op);
                } else {
                    logic(immediate(rs1, imm), op);
                }
            }
            case Op.SLTI -> isLess(rs1, () -> b.loadConstant(imm), true);
            case Op.SLTIU -> {
                if (imm == 1) {
                    isNonzero(rs1);
                    b.lconst_1().lxor();
                } else {
                    isBelow(rs1, () -> b.loadConstant(imm), true);
                }
            }
            case Op.SLLI -> shift(rs1, imm).lshl();
            case Op.SRLI -> shift(rs1, imm).lushr();
            case Op.SRAI -> shift(rs1, imm).lshr();
            case Op.ADD -> two(rs1, rs2).ladd();
            case Op.SUB -> two(rs1, rs2).lsub();
            case Op.XOR, Op.OR, Op.AND -> {
                if (frame.isWord(rs1) && frame.isWord(rs2)) {
                    logicOfWords(words(rs1, rs2), op);
                } else {
                    logic(two(rs1, rs2), op);
                }
            }
            case Op.MUL -> two(rs1, rs2).lmul();
            case Op.SLL -> two(rs1, rs2).l2i().lshl();
            case Op.SRL -> two(rs1, rs2).l2i().lushr();
            case Op.SRA -> two(rs1, rs2).l2i().lshr();
            case Op.SLT -> {
                if (rs2 == 0) {
                    frame.get(rs1);
                    takeSign();
                } else {
                    isLess(rs1, () -> frame.get(rs2), frame.isWord(rs2));
                }
            }
            case Op.SLTU -> {
                if (rs1 == 0) {
                    isNonzero(rs2);
                } else {
                    isBelow(rs1, () -> frame.get(rs2), frame.isWord(rs2));
                }
            }
            case Op.ADDIW -> word(rs1, imm).iadd().i2l();
            case Op.SLLIW -> word(rs1, imm).ishl().i2l();
            case Op.SRLIW -> word(rs1, imm).iushr().i2l();
            case Op.SRAIW -> word(rs1, imm).ishr().i2l();
            case Op.ADDW -> words(rs1, rs2).iadd().i2l();
            case Op.SUBW -> words(rs1, rs2).isub().i2l();
            case Op.MULW -> words(rs1, rs2).imul().i2l();
            case Op.SLLW -> words(rs1, rs2).ishl().i2l();
            case Op.SRLW -> words(rs1, rs2).iushr().i2l();
            case Op.SRAW -> words(rs1, rs2).ishr().i2l();
            default -> computeLess(op, rs1, rs2, imm);
        }
    }

    /** M, Zba, Zbb, Zbs, Zicond. */
    private void computeLess(int op, int rs1, int rs2, long imm) {
        switch (op) {
            case Op.MULH -> two(rs1, rs2).invokestatic(MATH, "multiplyHigh", BINARY);
            case Op.MULHU -> two(rs1, rs2).invokestatic(MATH, "unsignedMultiplyHigh", BINARY);
            case Op.MULHSU -> two(rs1, rs2).invokestatic(OPS, "mulhsu", BINARY);
            case Op.DIV -> two(rs1, rs2).invokestatic(OPS, "div", BINARY);
            case Op.DIVU -> two(rs1, rs2).invokestatic(OPS, "divu", BINARY);
            case Op.REM -> two(rs1, rs2).invokestatic(OPS, "rem", BINARY);
            case Op.REMU -> two(rs1, rs2).invokestatic(OPS, "remu", BINARY);
            case Op.DIVW -> two(rs1, rs2).invokestatic(OPS, "divw", BINARY);
            case Op.DIVUW -> two(rs1, rs2).invokestatic(OPS, "divuw", BINARY);
            case Op.REMW -> two(rs1, rs2).invokestatic(OPS, "remw", BINARY);
            case Op.REMUW -> two(rs1, rs2).invokestatic(OPS, "remuw", BINARY);
            case Op.ADD_UW -> lowWord(rs1, 0, rs2);
            case Op.SH1ADD_UW -> lowWord(rs1, 1, rs2);
            case Op.SH2ADD_UW -> lowWord(rs1, 2, rs2);
            case Op.SH3ADD_UW -> lowWord(rs1, 3, rs2);
            case Op.SH1ADD -> shiftedSum(rs1, 1, rs2);
            case Op.SH2ADD -> shiftedSum(rs1, 2, rs2);
            case Op.SH3ADD -> shiftedSum(rs1, 3, rs2);
            case Op.ANDN -> inverted(rs1, rs2).land();
            case Op.ORN -> inverted(rs1, rs2).lor();
            case Op.XNOR -> inverted(rs1, rs2).lxor();
            case Op.MAX -> two(rs1, rs2).invokestatic(MATH, "max", BINARY);
            case Op.MIN -> two(rs1, rs2).invokestatic(MATH, "min", BINARY);
            case Op.CLZ -> count(rs1, "numberOfLeadingZeros");
            case Op.CTZ -> count(rs1, "numberOfTrailingZeros");
            case Op.CPOP -> count(rs1, "bitCount");
            case Op.CLZW -> countWord(rs1, "numberOfLeadingZeros");
            case Op.CTZW -> countWord(rs1, "numberOfTrailingZeros");
            case Op.CPOPW -> countWord(rs1, "bitCount");
            case Op.SEXT_B -> {
                frame.getWord(rs1);
                b.i2b().i2l();
            }
            case Op.SEXT_H -> {
                frame.getWord(rs1);
                b.i2s().i2l();
            }
            case Op.ZEXT_H -> immediate(rs1, 0xFFFF).land();
            case Op.ROL -> two(rs1, rs2).l2i().invokestatic(Types.LONG, "rotateLeft", ROTATE_LONG);
            case Op.ROR -> two(rs1, rs2).l2i().invokestatic(Types.LONG, "rotateRight", ROTATE_LONG);
            case Op.RORI -> shift(rs1, imm).invokestatic(Types.LONG, "rotateRight", ROTATE_LONG);
            case Op.RORIW -> word(rs1, imm).invokestatic(INTEGER, "rotateRight", ROTATE_INT).i2l();
            case Op.REV8 -> {
                frame.get(rs1);
                b.invokestatic(Types.LONG, "reverseBytes", MethodTypeDesc.of(CD_long, CD_long));
            }
            default -> {
                b.loadConstant(op);
                two(rs1, rs2).loadConstant((int) imm).invokestatic(OPS, "compute", COMPUTE);
            }
        }
    }

    private static void logic(CodeBuilder b, int op) {
        switch (op) {
            case Op.XOR, Op.XORI -> b.lxor();
            case Op.OR, Op.ORI -> b.lor();
            default -> b.land();
        }
    }

    /**
     * In 32 bits: the JVM's compiler sees a rotation only where all of it is in ints, and need not
     * extend what it is made of.
     */
    private static void logicOfWords(CodeBuilder b, int op) {
        switch (op) {
            case Op.XOR, Op.XORI -> b.ixor();
            case Op.OR, Op.ORI -> b.ior();
            default -> b.iand();
        }
        b.i2l();
    }

    /** Whether the result of an instruction is a sign-extended word. */
    private boolean givesWord(long i, int op) {
        int rs1 = RegionRegisters.rs1(i);
        return switch (op) {
            case Op.MV, Op.XORI, Op.ORI -> frame.isWord(rs1);
            case Op.XOR, Op.OR, Op.AND -> frame.isWord(rs1) && frame.isWord(RegionRegisters.rs2(i));
            case Op.ANDI -> i >= 0 || frame.isWord(rs1);
            case Op.LI, Op.SLTI, Op.SLTIU, Op.SLT, Op.SLTU -> true;
            case Op.ADDIW, Op.SLLIW, Op.SRLIW, Op.SRAIW -> true;
            case Op.ADDW, Op.SUBW, Op.MULW, Op.SLLW, Op.SRLW, Op.SRAW -> true;
            case Op.RORIW, Op.SEXT_B, Op.SEXT_H, Op.ZEXT_H -> true;
            default -> false;
        };
    }

    private CodeBuilder immediate(int rs1, long imm) {
        frame.get(rs1);
        return b.loadConstant(imm);
    }

    private CodeBuilder shift(int rs1, long imm) {
        frame.get(rs1);
        return b.loadConstant((int) imm);
    }

    private CodeBuilder two(int rs1, int rs2) {
        frame.get(rs1).get(rs2);
        return b;
    }

    private CodeBuilder word(int rs1, long imm) {
        frame.getWord(rs1);
        return b.loadConstant((int) imm);
    }

    private CodeBuilder words(int rs1, int rs2) {
        frame.getWord(rs1).getWord(rs2);
        return b;
    }

    private CodeBuilder inverted(int rs1, int rs2) {
        two(rs1, rs2);
        return b.loadConstant(-1L).lxor();
    }

    private void lowWord(int rs1, int by, int rs2) {
        immediate(rs1, LOW_WORD).land();
        shiftAndAdd(by, rs2);
    }

    private void shiftedSum(int rs1, int by, int rs2) {
        frame.get(rs1);
        shiftAndAdd(by, rs2);
    }

    private void shiftAndAdd(int by, int rs2) {
        if (by != 0) {
            b.loadConstant(by).lshl();
        }
        frame.get(rs2);
        b.ladd();
    }

    private void count(int rs1, String method) {
        frame.get(rs1);
        b.invokestatic(Types.LONG, method, COUNT_LONG).i2l();
    }

    private void countWord(int rs1, String method) {
        frame.getWord(rs1);
        b.invokestatic(INTEGER, method, COUNT_INT).i2l();
    }

    /**
     * Pushes whether a register is less than what is pushed. The difference of two words has the
     * sign that is wanted; else it may overflow, and the host has to compare and to jump.
     */
    private void isLess(int rs1, Runnable other, boolean isWord) {
        frame.get(rs1);
        other.run();
        if (isWord && frame.isWord(rs1)) {
            b.lsub();
            takeSign();
        } else {
            b.lcmp();
            isNegative();
        }
    }

    /** As {@link #isLess}, without signs. Extended words are in the order of the words. */
    private void isBelow(int rs1, Runnable other, boolean isWord) {
        frame.get(rs1);
        if (isWord && frame.isWord(rs1)) {
            b.loadConstant(LOW_WORD).land();
            other.run();
            b.loadConstant(LOW_WORD).land().lsub();
            takeSign();
        } else {
            other.run();
            b.invokestatic(Types.LONG, "compareUnsigned", Types.COMPARE);
            isNegative();
        }
    }

    /** Pushes whether a register is not 0: only then it or its negative has a sign. */
    private void isNonzero(int r) {
        frame.get(r);
        b.dup2().lneg().lor();
        takeSign();
    }

    private void takeSign() {
        b.bipush(63).lushr();
    }

    /** Turns the -1, 0 or 1 of a comparison into "less than". */
    private void isNegative() {
        b.bipush(31).iushr().i2l();
    }

    private void atomic(long i, int op, int slot) {
        int rd = RegionRegisters.rd(i);
        b.aload(Frame.OTHERS).loadConstant(op);
        frame.get(RegionRegisters.rs1(i)).get(RegionRegisters.rs2(i));
        if (rd < 32 && op >= Op.AMOCAS_W) {
            frame.get(rd);
        } else {
            b.lconst_0();
        }
        b.invokeinterface(Types.OTHERS, "atomic", ATOMIC).lstore(Frame.VALUE);
        frame.trapIfRaised(slot, frame.uncounted());
        b.lload(Frame.VALUE);
        frame.set(rd);
    }

    /** Hands over an instruction that reads one register and writes none. */
    private void leaveToOthers(long i, int slot) {
        frame.spill(RegionRegisters.rs1(i));
        b.aload(Frame.OTHERS).loadConstant(i);
        frame.address(slot);
        b.invokeinterface(Types.OTHERS, "execute", EXECUTE).pop();
        frame.trapIfRaised(slot, frame.uncounted());
    }
}
