package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_byte;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_short;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Ram;
import dev.dalang.riscv.internal.core.Tlb;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Loads and stores, through the TLB. What is not found there, or crosses into another page, is left
 * to the interpreter, so that there is no call here that the JVM's compiler would have to keep all
 * registers ready for.
 *
 * <p>RAM is accessed through {@link Ram}, which the JVM's compiler is told to inline, and which its
 * interpreter, where a region is trained, calls compiled. It stops to inline in the largest
 * regions, and one call in a loop sends all registers through the stack. There the handles
 * themselves are called, which it always follows; its interpreter needs a hundred times as long for
 * them.
 */
final class MemoryForms {
    private static final MethodTypeDesc WRITE =
            MethodTypeDesc.of(CD_void, Types.SEGMENT, CD_long, CD_long);
    private static final long BOX = 0xFFFF_FFFF_0000_0000L;

    private final Frame frame;
    private final CodeBuilder b;
    private final MemoryGroups groups;
    private final long offsetMask;

    /** Whether accesses call a handle of the JVM, and not {@link Ram}. */
    private final boolean direct;

    MemoryForms(Frame frame, MemoryGroups groups, long offsetMask, boolean direct) {
        this.offsetMask = offsetMask;
        this.direct = direct;
        this.frame = frame;
        this.groups = groups;
        this.b = frame.b;
    }

    /** Emits a load or store, of integers or floats. */
    void emit(long i, int op, int slot) {
        int size = size(op);
        if (isStore(op)) {
            store(i, slot, size);
            return;
        }
        load(i, slot, size, op != Op.LBU && op != Op.LHU && op != Op.LWU);
        if (RegionPlan.isFloat(op)) {
            frame.markDirty();
        }
    }

    /** Makes each call of a handle that a plan's region will make once, on memory of no use. */
    static void link(CodeBuilder b, RegionPlan plan) {
        Set<Width> loads = EnumSet.noneOf(Width.class);
        Set<Width> stores = EnumSet.noneOf(Width.class);
        for (long i : plan.code.values()) {
            int op = (int) i & Op.MASK;
            if (RegionPlan.isMemory(op)) {
                (isStore(op) ? stores : loads).add(Width.of(size(op)));
            }
        }
        for (Width width : loads) {
            scratch(b, width).invokevirtual(Types.VAR_HANDLE, "get", width.get());
            width.widen(b);
            b.pop2();
        }
        for (Width width : stores) {
            scratch(b, width).lconst_0();
            width.narrow(b);
            b.invokevirtual(Types.VAR_HANDLE, "set", width.set());
        }
    }

    private static CodeBuilder scratch(CodeBuilder b, Width width) {
        return b.getstatic(Types.MMU, width.name(), Types.VAR_HANDLE)
                .getstatic(Types.RAM_ACCESS, "SCRATCH", Types.SEGMENT)
                .lconst_0();
    }

    /** Whether an operation is a store, of integers or floats. */
    static boolean isStore(int op) {
        return RegionPlan.isStore(op) || op == Op.FSW || op == Op.FSD;
    }

    private static int size(int op) {
        return switch (op) {
            case Op.LB, Op.LBU, Op.SB -> 1;
            case Op.LH, Op.LHU, Op.SH -> 2;
            case Op.LW, Op.LWU, Op.SW, Op.FLW, Op.FSW -> 4;
            case Op.LD, Op.SD, Op.FLD, Op.FSD -> 8;
            default -> throw new IllegalArgumentException("operation " + op);
        };
    }

    private void load(long i, int slot, int size, boolean signed) {
        Width width = Width.of(size);
        find(i, false, size, slot);
        if (direct) {
            b.invokevirtual(Types.VAR_HANDLE, "get", width.get());
        } else {
            b.invokestatic(Types.RAM_ACCESS, "read" + width.suffix(), width.get());
        }
        if (!signed && size < 4) {
            b.loadConstant((1 << 8 * size) - 1).iand();
        }
        width.widen(b);
        if (!signed && size == 4) {
            b.loadConstant(0xFFFF_FFFFL).land();
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
        } else if (op != Op.LD && op != Op.LWU) {
            frame.setWord(rd);
        } else {
            frame.set(rd);
        }
    }

    private void store(long i, int slot, int size) {
        Width width = Width.of(size);
        find(i, true, size, slot);
        operand(i);
        if (direct) {
            width.narrow(b);
            b.invokevirtual(Types.VAR_HANDLE, "set", width.set());
        } else {
            b.invokestatic(Types.RAM_ACCESS, "write" + width.suffix(), WRITE);
        }
    }

    private void operand(long i) {
        int rs2 = RegionRegisters.rs2(i);
        if (RegionPlan.isFloat((int) i & Op.MASK)) {
            frame.getF(rs2);
        } else {
            frame.get(rs2);
        }
    }

    /** Pushes what accesses RAM, RAM, and the offset in it, or leaves the region before it. */
    private void find(long i, boolean store, int size, int slot) {
        MemoryGroups.Group group = groups.at(slot);
        int base = RegionRegisters.rs1(i);
        int offset = (int) (i >> 32);
        if (group == null) {
            address(base, offset);
            look(store, size, 0, slot);
            b.lstore(Frame.VALUE);
            ram(Frame.VALUE, 0, size);
            return;
        }
        int host = frame.host(base);
        if (group.first == slot) {
            address(base, group.low());
            look(group.writes(), group.span(), group.number(), slot);
            b.lstore(host);
        }
        ram(host, offset - group.low(), size);
    }

    /**
     * Pushes RAM and the offset in it, with a handle before them where it is called. What a TLB
     * holds is an offset in RAM, but the JVM's compiler does not know: a mask that changes nothing
     * tells it, and it drops its own check.
     */
    private void ram(int host, int distance, int size) {
        if (direct) {
            b.getstatic(Types.MMU, Width.of(size).name(), Types.VAR_HANDLE);
        }
        b.ldc(RegionCompiler.classData(Types.SEGMENT, 0));
        b.lload(host);
        if (distance != 0) {
            b.loadConstant((long) distance).ladd();
        }
        if (offsetMask != -1) {
            b.loadConstant(offsetMask).land();
        }
    }

    /** Takes an address to look for. */
    private void address(int base, int offset) {
        frame.get(base);
        if (offset != 0) {
            b.loadConstant((long) offset).ladd();
        }
        b.lstore(Frame.ADDRESS);
    }

    /**
     * Pushes where in RAM the address is, or leaves the region. Looks as {@link Tlb} does.
     *
     * @param span bytes that have to lie on the page
     * @param group number of the group that they are; 0 if they are one access
     */
    private void look(boolean store, int span, int group, int slot) {
        int tlb = store ? Frame.WRITE_TLB : Frame.READ_TLB;
        Label missing = b.newLabel();
        b.aload(tlb).lload(Frame.ADDRESS).bipush(11).lushr().l2i().dup().istore(Frame.INDEX);
        b.bipush(-2).iand().aload(tlb).arraylength().iconst_1().isub().iand().laload();
        b.lload(Frame.ADDRESS);
        if (span > 1) {
            b.loadConstant(span - 1L).ladd();
        }
        b.loadConstant(Mmu.PAGE_MASK).land().lcmp().ifne(missing);
        b.lload(Frame.ADDRESS);
        b.aload(tlb).iload(Frame.INDEX).iconst_1().ior();
        b.aload(tlb).arraylength().iconst_1().isub().iand().laload();
        b.ladd();
        int before = frame.uncounted();
        frame.later(
                () -> {
                    b.labelBinding(missing);
                    if (group != 0) {
                        noteCrossing(span, group);
                    }
                    frame.giveUp(slot, before);
                });
    }

    /** Tells if it was not found because it lies on two pages. */
    private void noteCrossing(int span, int group) {
        Label inPage = b.newLabel();
        b.lload(Frame.ADDRESS).l2i().loadConstant(4095).iand();
        b.loadConstant(4096 - span).if_icmple(inPage);
        b.aload(Frame.CORE).loadConstant(group);
        b.putfield(Types.CORE, "crossing", CD_int);
        b.labelBinding(inPage);
    }

    /** The sizes of an access, by the names of {@link Mmu}'s handles. */
    private enum Width {
        BYTE,
        SHORT,
        INT,
        LONG;

        MethodTypeDesc get() {
            return MethodTypeDesc.of(type(), Types.SEGMENT, CD_long);
        }

        MethodTypeDesc set() {
            return MethodTypeDesc.of(CD_void, Types.SEGMENT, CD_long, type());
        }

        private ClassDesc type() {
            return switch (this) {
                case BYTE -> CD_byte;
                case SHORT -> CD_short;
                case INT -> CD_int;
                case LONG -> CD_long;
            };
        }

        /** As the methods of {@link Ram} end. */
        String suffix() {
            return name().charAt(0) + name().substring(1).toLowerCase(Locale.ROOT);
        }

        static Width of(int size) {
            return values()[Integer.numberOfTrailingZeros(size)];
        }

        /** Makes the long of a guest register of what was loaded. */
        void widen(CodeBuilder b) {
            if (this != LONG) {
                b.i2l();
            }
        }

        /** Makes what is stored of the long of a guest register. */
        void narrow(CodeBuilder b) {
            switch (this) {
                case BYTE -> b.l2i().i2b();
                case SHORT -> b.l2i().i2s();
                case INT -> b.l2i();
                case LONG -> {}
            }
        }
    }
}
