package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.MethodTypeDesc;

/**
 * Loads and stores, through the TLB. What is not found there, or crosses into another page, is left
 * to the interpreter, so that there is no call here that the JVM's compiler would have to keep all
 * registers ready for.
 */
final class MemoryForms {
    private static final MethodTypeDesc READ = MethodTypeDesc.of(CD_long, Types.SEGMENT, CD_long);
    private static final MethodTypeDesc WRITE =
            MethodTypeDesc.of(CD_void, Types.SEGMENT, CD_long, CD_long);
    private static final long BOX = 0xFFFF_FFFF_0000_0000L;

    private final Frame frame;
    private final CodeBuilder b;
    private final MemoryGroups groups;
    private final long ramBytes;

    MemoryForms(Frame frame, MemoryGroups groups, long ramBytes) {
        this.ramBytes = ramBytes;
        this.frame = frame;
        this.groups = groups;
        this.b = frame.b;
    }

    /** Emits a load or store, of integers or floats. */
    void emit(long i, int op, int slot) {
        switch (op) {
            case Op.LB -> load(i, slot, 1, true);
            case Op.LH -> load(i, slot, 2, true);
            case Op.LW -> load(i, slot, 4, true);
            case Op.LD -> load(i, slot, 8, true);
            case Op.LBU -> load(i, slot, 1, false);
            case Op.LHU -> load(i, slot, 2, false);
            case Op.LWU -> load(i, slot, 4, false);
            case Op.SB -> store(i, slot, 1);
            case Op.SH -> store(i, slot, 2);
            case Op.SW, Op.FSW -> store(i, slot, 4);
            case Op.SD, Op.FSD -> store(i, slot, 8);
            case Op.FLW -> {
                load(i, slot, 4, true);
                frame.markDirty();
            }
            case Op.FLD -> {
                load(i, slot, 8, true);
                frame.markDirty();
            }
            default -> throw new IllegalArgumentException("operation " + op);
        }
    }

    private void load(long i, int slot, int size, boolean signed) {
        find(i, false, size, slot);
        b.invokestatic(Types.RAM_ACCESS, "read" + width(size), READ);
        if (!signed && size < 8) {
            b.loadConstant((1L << 8 * size) - 1).land();
        }
        setResult(i);
    }

    private void setResult(long i) {
        int op = (int) i & Op.MASK;
        int rd = RegionRegisters.rd(i);
        if (op == Op.FLW) {
            b.loadConstant(BOX).lor();
        }
        if (RegionPlan.isFloat(op)) {
            frame.setF(rd);
        } else {
            frame.set(rd);
        }
    }

    private void store(long i, int slot, int size) {
        find(i, true, size, slot);
        operand(i);
        b.invokestatic(Types.RAM_ACCESS, "write" + width(size), WRITE);
    }

    private void operand(long i) {
        int rs2 = RegionRegisters.rs2(i);
        if (RegionPlan.isFloat((int) i & Op.MASK)) {
            frame.getF(rs2);
        } else {
            frame.get(rs2);
        }
    }

    /** Pushes RAM and the offset in it, or leaves the region before the instruction. */
    private void find(long i, boolean store, int size, int slot) {
        MemoryGroups.Group group = groups.at(slot);
        int base = RegionRegisters.rs1(i);
        int offset = (int) (i >> 32);
        if (group == null) {
            look(base, offset, store, size, slot);
            b.lstore(Frame.VALUE);
            ram(Frame.VALUE, 0, size);
            return;
        }
        int host = frame.host(base);
        if (group.first == slot) {
            int alignment = group.alignment();
            Label missing = look(base, group.low(), group.writes(), alignment, slot);
            b.lstore(host);
            if (group.span() > alignment) {
                b.lload(host).l2i().loadConstant(4095).iand();
                b.loadConstant(4096 - group.span()).if_icmpgt(missing);
            }
        }
        ram(host, offset - group.low(), size);
    }

    /**
     * Pushes RAM, and the offset in it. What a TLB holds is an offset in RAM, but the JVM's
     * compiler does not know: a mask that changes nothing tells it, and it drops its own check.
     */
    private void ram(int host, int distance, int size) {
        b.ldc(RegionCompiler.classData(Types.SEGMENT, 0));
        b.lload(host);
        if (distance != 0) {
            b.loadConstant((long) distance).ladd();
        }
        if (Long.bitCount(ramBytes) == 1) {
            b.loadConstant(ramBytes - size).land();
        }
    }

    /**
     * Pushes where in RAM an address is, or leaves the region.
     *
     * @param alignment the address has to be a multiple of it
     * @return where control leaves
     */
    private Label look(int base, int offset, boolean store, int alignment, int slot) {
        int tlb = store ? Frame.WRITE_TLB : Frame.READ_TLB;
        frame.get(base);
        if (offset != 0) {
            b.loadConstant((long) offset).ladd();
        }
        b.lstore(Frame.ADDRESS);
        b.lload(Frame.ADDRESS).bipush(11).lushr().l2i();
        b.loadConstant(Mmu.TLB_MASK << 1).iand().istore(Frame.INDEX);
        Label missing = b.newLabel();
        b.aload(tlb).iload(Frame.INDEX).laload();
        b.lload(Frame.ADDRESS).loadConstant(Mmu.TAG_1 | alignment - 1).land().lcmp().ifne(missing);
        b.lload(Frame.ADDRESS);
        b.aload(tlb).iload(Frame.INDEX).iconst_1().iadd().laload();
        b.ladd();
        int before = frame.uncounted();
        frame.later(
                () -> {
                    b.labelBinding(missing);
                    frame.exit(slot, before);
                });
        return missing;
    }

    private static String width(int size) {
        return switch (size) {
            case 1 -> "Byte";
            case 2 -> "Short";
            case 4 -> "Int";
            default -> "Long";
        };
    }
}
