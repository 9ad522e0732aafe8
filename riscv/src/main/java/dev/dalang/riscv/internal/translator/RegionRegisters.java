package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.engine.FloatOps;

import java.util.Collection;

/** Which registers the instructions of a region use and write. */
final class RegionRegisters {
    private static final int DYNAMIC = 7;

    private final boolean[] usedX = new boolean[64];
    private final boolean[] writtenX = new boolean[64];
    private final boolean[] usedF = new boolean[32];
    private final boolean[] writtenF = new boolean[32];
    private boolean floats;
    private boolean dynamicRounding;
    private boolean loads;
    private boolean stores;

    private RegionRegisters() {}

    static RegionRegisters of(Collection<Long> code) {
        RegionRegisters registers = new RegionRegisters();
        code.forEach(registers::look);
        return registers;
    }

    boolean usesX(int r) {
        return r != 0 && usedX[r];
    }

    boolean writesX(int r) {
        return r != 0 && writtenX[r];
    }

    boolean usesF(int r) {
        return usedF[r];
    }

    boolean writesF(int r) {
        return writtenF[r];
    }

    /** The highest of the general registers that are used; 0 if none is. */
    int highestX() {
        return highest(usedX);
    }

    /** The highest of the floating-point registers that are used; 0 if none is. */
    int highestF() {
        return highest(usedF);
    }

    private static int highest(boolean[] used) {
        int r = 31;
        while (r > 0 && !used[r]) {
            r--;
        }
        return r;
    }

    /** Whether there is a floating-point instruction. */
    boolean usesFloats() {
        return floats;
    }

    /** Whether an instruction rounds as {@code frm} says. */
    boolean usesDynamicRounding() {
        return dynamicRounding;
    }

    /** Whether there is a load. */
    boolean loads() {
        return loads;
    }

    /** Whether there is a store. */
    boolean stores() {
        return stores;
    }

    static int rd(long i) {
        return (int) (i >>> 12) & 63;
    }

    static int rs1(long i) {
        return (int) (i >>> 18) & 31;
    }

    static int rs2(long i) {
        return (int) (i >>> 23) & 31;
    }

    /** The third operand of a fused operation. */
    static int rs3(long i) {
        return (int) (i >>> 35) & 31;
    }

    private void look(long i) {
        int op = (int) i & Op.MASK;
        stores |= MemoryForms.isStore(op);
        loads |= RegionPlan.isMemory(op) && !MemoryForms.isStore(op);
        if (RegionPlan.isFloat(op)) {
            lookFloat(i, op);
            return;
        }
        if (op == Op.CSR) {
            usedX[(int) (i >>> 47) & 31] = true;
        }
        usedX[rs1(i)] = true;
        usedX[rs2(i)] = true;
        if (!RegionPlan.isStore(op) && !RegionPlan.isBranch(op)) {
            writeX(rd(i));
        }
    }

    private void lookFloat(long i, int op) {
        floats = true;
        if (op == Op.FLW || op == Op.FLD) {
            usedX[rs1(i)] = true;
            writeF(rd(i));
        } else if (op == Op.FSW || op == Op.FSD) {
            usedX[rs1(i)] = true;
            usedF[rs2(i)] = true;
        } else if (FloatOps.isFromInteger(op)) {
            usedX[rs1(i)] = true;
            writeF(rd(i));
        } else {
            usedF[rs1(i)] = true;
            usedF[rs2(i)] = true;
            if (FloatForms.isFused(op)) {
                usedF[rs3(i)] = true;
            }
            if (FloatOps.isToInteger(op)) {
                writeX(rd(i));
            } else {
                writeF(rd(i));
            }
        }
        dynamicRounding |=
                !RegionPlan.isFloatMemory(op)
                        && FloatOps.isRounded(op)
                        && ((int) (i >>> 32) & 7) == DYNAMIC;
    }

    private void writeX(int r) {
        if (r != Decoder.SINK) {
            usedX[r] = true;
            writtenX[r] = true;
        }
    }

    private void writeF(int r) {
        usedF[r] = true;
        writtenF[r] = true;
    }
}
