package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;
import static java.lang.constant.ConstantDescs.MTD_void;

import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.riscv.internal.fp.RoundingMode;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The control flow of a generated method. Blocks stand in the order of their addresses. Where
 * control goes back, the method looks at the attention word and at its quantum; where it enters
 * another page, it asks whether the page is still the one that was translated.
 *
 * <p>What stands at back edges and between pages calls nothing, however small: in a method that has
 * become large the JVM's compiler inlines no more, and one call in a loop sends all guest registers
 * through the stack.
 */
final class RegionBody {
    private static final MethodTypeDesc SPECULATION_OFF = MethodTypeDesc.of(CD_void, CD_boolean);
    private static final MethodTypeDesc COMPARE_WORDS = MethodTypeDesc.of(CD_int, CD_int, CD_int);
    private static final MethodTypeDesc EXECUTE_SYSTEM = MethodTypeDesc.of(CD_boolean, CD_long);

    private final RegionPlan plan;
    private final CodeBuilder b;
    private final Frame frame;
    private final IntegerForms integers;
    private final MemoryForms memory;
    private final FloatForms floats;
    private final Map<Integer, Label> labels = new HashMap<>();
    private final List<Integer> pages;
    private final Label indirect;
    private final Label system;

    /** Where control comes back from a system instruction, by the slot of the instruction. */
    private final SortedMap<Integer, Label> afterSystem = new TreeMap<>();

    RegionBody(RegionPlan plan, CodeBuilder b, long offsetMask, RegionCompiler.Shape shape) {
        this.plan = plan;
        this.b = b;
        this.frame = new Frame(b, RegionRegisters.of(plan.code.values()), shape.inPlace());
        this.integers = new IntegerForms(frame);
        this.memory = new MemoryForms(frame, MemoryGroups.of(plan), offsetMask, shape.direct());
        this.floats = new FloatForms(frame);
        this.pages = pagesInOrder(plan);
        this.indirect = b.newLabel();
        this.system = b.newLabel();
    }

    /** The numbers of a plan's pages in the order in which they are class data, from index 1. */
    static List<Integer> pagesInOrder(RegionPlan plan) {
        return plan.pages.keySet().stream().sorted().toList();
    }

    /**
     * Emits code that links what links itself where it is first executed: constants, and calls of
     * handles. Compiled code would give up where it meets what is not linked yet, and the hart
     * would have to wait for the compiler again.
     */
    static void link(CodeBuilder b, RegionPlan plan, RegionCompiler.Shape shape) {
        b.ldc(RegionCompiler.classData(Types.SEGMENT, 0)).pop();
        for (int page = 0; page < plan.pages.size(); page++) {
            b.ldc(RegionCompiler.classData(Types.PAGE, 1 + page)).pop();
        }
        if (shape.direct()) {
            MemoryForms.link(b, plan);
        }
    }

    void emit() {
        plan.leaders.forEach(slot -> labels.put(slot, b.newLabel()));
        prologue();
        b.aload(Frame.CORE).getfield(Types.CORE, "pc", CD_long).lstore(Frame.ADDRESS);
        b.goto_(indirect);
        plan.leaders.forEach(this::block);
        frame.emitLater();
        indirectJump();
        if (!afterSystem.isEmpty()) {
            systemInstruction();
        }
        b.labelBinding(frame.trap);
        frame.writeBack();
        b.aload(Frame.CORE).invokevirtual(Types.CORE, "takeException", MTD_void);
        frame.look();
        b.labelBinding(frame.leave);
        frame.writeBack();
        b.lload(Frame.ADDRESS).lreturn();
    }

    private Label label(int slot) {
        Label label = labels.get(slot);
        if (label == null) {
            throw new IllegalStateException("no block begins at slot " + slot);
        }
        return label;
    }

    // ---- entry --------------------------------------------------------------------------------

    private void prologue() {
        Label ready = b.newLabel();
        Label unready = b.newLabel();
        b.iconst_0().invokestatic(Types.SPECULATION, "off", SPECULATION_OFF);
        b.aload(Frame.CORE).ifnull(unready).aload(Frame.MMU).ifnull(unready);
        if (frame.registers.usesFloats()) {
            b.aload(Frame.CORE)
                    .invokevirtual(Types.CORE, "fpOff", MethodTypeDesc.of(CD_boolean))
                    .ifne(unready);
            b.aload(Frame.CORE).getfield(Types.CORE, "fp", Types.FP_STATUS).astore(Frame.FP_STATUS);
        }
        if (frame.registers.usesDynamicRounding()) {
            b.aload(Frame.CORE)
                    .getfield(Types.CORE, "frm", CD_int)
                    .dup()
                    .istore(Frame.ROUNDING)
                    .loadConstant(RoundingMode.RMM)
                    .if_icmpgt(unready);
        }
        b.goto_(ready);
        b.labelBinding(unready);
        frame.look();
        b.labelBinding(ready);
        b.aload(Frame.CORE).getfield(Types.CORE, "x", Types.LONGS);
        frame.keep(Frame.X, frame.registers.highestX());
        if (frame.registers.usesFloats()) {
            b.aload(Frame.CORE).getfield(Types.CORE, "f", Types.LONGS);
            frame.keep(Frame.F, frame.registers.highestF());
        }
        b.lload(Frame.LIMIT)
                .aload(Frame.CORE)
                .getfield(Types.CORE, "instret", CD_long)
                .lsub()
                .loadConstant((long) Integer.MAX_VALUE / 2)
                .invokestatic(
                        Types.of(Math.class), "min", MethodTypeDesc.of(CD_long, CD_long, CD_long))
                .l2i()
                .istore(Frame.QUANTUM);
        b.iconst_0().istore(Frame.COUNT);
        b.iconst_0().istore(Frame.INDEX);
        b.lconst_0().lstore(Frame.ADDRESS);
        b.lconst_0().lstore(Frame.VALUE);
        frame.enterContext();
        frame.fill();
    }

    // ---- blocks -------------------------------------------------------------------------------

    private void block(int leader) {
        b.labelBinding(label(leader));
        frame.beginBlock();
        int slot = leader;
        while (true) {
            Long decoded = plan.code.get(slot);
            if (slot != leader && labels.containsKey(slot) || decoded == null) {
                frame.count();
                goTo(slot, leader);
                return;
            }
            long i = decoded;
            int op = (int) i & Op.MASK;
            int next = slot + CodeView.length(i);
            if (RegionPlan.isBranch(op)) {
                frame.retire();
                frame.count();
                branch(i, op, slot, next);
                return;
            }
            if (op == Op.JAL) {
                link(i, next);
                goTo(slot + (int) (i >> 33), slot);
                return;
            }
            if (op == Op.JALR) {
                jumpAndLinkRegister(i, slot, next);
                return;
            }
            if (op == Op.CSR) {
                system(i, slot);
            } else {
                instruction(i, op, slot);
                frame.retire();
            }
            slot = next;
        }
    }

    private void instruction(long i, int op, int slot) {
        if (RegionPlan.isMemory(op)) {
            memory.emit(i, op, slot);
        } else if (RegionPlan.isFloat(op)) {
            floats.emit(i, op);
        } else {
            integers.emit(i, op, slot);
        }
    }

    private void link(long i, int next) {
        frame.retire();
        frame.count();
        frame.address(next);
        frame.set(RegionRegisters.rd(i));
    }

    private void jumpAndLinkRegister(long i, int slot, int next) {
        Integer known = plan.farJumps.get(slot);
        if (known != null) {
            link(i, next);
            goTo(known, slot);
            return;
        }
        frame.get(RegionRegisters.rs1(i));
        b.loadConstant(i >> 32).ladd().loadConstant(-2L).land().lstore(Frame.ADDRESS);
        link(i, next);
        b.goto_(indirect);
    }

    private void branch(long i, int op, int slot, int next) {
        Label taken = b.newLabel();
        int rs1 = RegionRegisters.rs1(i);
        int rs2 = RegionRegisters.rs2(i);
        // Of two words what was extended need not be compared; with zero nothing is gained.
        if (rs1 != 0 && rs2 != 0 && frame.isWord(rs1) && frame.isWord(rs2)) {
            frame.getWord(rs1).getWord(rs2);
            branchByWords(op, taken);
        } else {
            frame.get(rs1).get(rs2);
            branchByLongs(op, taken);
        }
        goTo(next, slot);
        b.labelBinding(taken);
        goTo(slot + (int) (i >> 33), slot);
    }

    private void branchByWords(int op, Label taken) {
        switch (op) {
            case Op.BEQ -> b.if_icmpeq(taken);
            case Op.BNE -> b.if_icmpne(taken);
            case Op.BLT -> b.if_icmplt(taken);
            case Op.BGE -> b.if_icmpge(taken);
            case Op.BLTU -> compareUnsignedWords().iflt(taken);
            default -> compareUnsignedWords().ifge(taken);
        }
    }

    private CodeBuilder compareUnsignedWords() {
        return b.invokestatic(Types.of(Integer.class), "compareUnsigned", COMPARE_WORDS);
    }

    private void branchByLongs(int op, Label taken) {
        switch (op) {
            case Op.BEQ -> b.lcmp().ifeq(taken);
            case Op.BNE -> b.lcmp().ifne(taken);
            case Op.BLT -> b.lcmp().iflt(taken);
            case Op.BGE -> b.lcmp().ifge(taken);
            case Op.BLTU -> compareUnsigned().iflt(taken);
            default -> compareUnsigned().ifge(taken);
        }
    }

    private CodeBuilder compareUnsigned() {
        return b.invokestatic(Types.LONG, "compareUnsigned", Types.COMPARE);
    }

    /** Goes from one slot to another, inside the region or out of it. */
    private void goTo(int slot, int from) {
        if (!labels.containsKey(slot)) {
            frame.exit(slot);
            return;
        }
        boolean otherPage = CodeView.pageOf(slot) != CodeView.pageOf(from);
        enter(slot, otherPage, slot <= from);
    }

    /** Goes to a block, if its page is what it was and nothing asks the region to be left. */
    private void enter(int slot, boolean fromOtherPage, boolean back) {
        int page = CodeView.pageOf(slot);
        // The hart has found the first page where it entered, and nothing inside unmaps it.
        boolean ask = fromOtherPage && page != 0;
        Label out = b.newLabel();
        if (ask) {
            fetches(page, out);
        }
        if (back) {
            b.aload(Frame.CORE).getfield(Types.CORE, "attention", CD_int).ifne(out);
            b.iload(Frame.COUNT).iload(Frame.QUANTUM).if_icmpge(out);
        }
        b.goto_(label(slot));
        if (ask || back) {
            b.labelBinding(out);
            frame.exit(slot);
        }
    }

    /** Goes on if the instructions of a page still come from where they did, else to a label. */
    private void fetches(int page, Label otherwise) {
        long distance = 4096L * page;
        b.aload(Frame.MMU).getfield(Types.MMU, "fetchTag", Types.LONGS);
        frame.address(distance);
        b.bipush(12).lushr().l2i().loadConstant(Mmu.FETCH_MASK).iand().dup().istore(Frame.INDEX);
        b.laload();
        frame.address(distance);
        b.lcmp().ifne(otherwise);
        b.aload(Frame.MMU).getfield(Types.MMU, "fetchPage", Types.PAGE.arrayType());
        b.iload(Frame.INDEX).aaload();
        b.ldc(RegionCompiler.classData(Types.PAGE, 1 + pages.indexOf(page)));
        b.if_acmpne(otherwise);
    }

    // ---- what all blocks share ----------------------------------------------------------------

    /** A jump to the address in a local: to an entry, or out. */
    private void indirectJump() {
        b.labelBinding(indirect);
        b.lload(Frame.ADDRESS).lload(Frame.BASE).lsub().lstore(Frame.VALUE);
        b.lload(Frame.VALUE).l2i().istore(Frame.INDEX);
        Label far = b.newLabel();
        b.lload(Frame.VALUE).iload(Frame.INDEX).i2l().lcmp().ifne(far);
        List<SwitchCase> cases = new ArrayList<>();
        Map<Integer, Label> stubs = new TreeMap<>();
        for (int slot : plan.entries) {
            Label stub = b.newLabel();
            stubs.put(slot, stub);
            cases.add(SwitchCase.of(2 * slot, stub));
        }
        b.iload(Frame.INDEX).lookupswitch(frame.leave, cases);
        stubs.forEach(
                (slot, stub) -> {
                    b.labelBinding(stub);
                    enter(slot, true, true);
                });
        b.labelBinding(far);
        // Out of the reach of an int: leave with the distance in two steps.
        b.lload(Frame.BASE).lload(Frame.VALUE).ladd().lstore(Frame.BASE);
        b.iconst_0().istore(Frame.INDEX).goto_(frame.leave);
    }

    /** An access to a CSR: everything goes back to the hart, and is taken up again. */
    private void system(long i, int slot) {
        frame.count();
        Label after = b.newLabel();
        afterSystem.put(slot, after);
        b.loadConstant(i).lstore(Frame.VALUE);
        b.loadConstant(2 * slot).istore(Frame.INDEX).goto_(system);
        b.labelBinding(after);
        frame.fill(RegionRegisters.rd(i));
        frame.beginBlock();
    }

    private void systemInstruction() {
        Label on = b.newLabel();
        b.labelBinding(system);
        frame.writeBack();
        b.aload(Frame.OTHERS)
                .lload(Frame.VALUE)
                .invokeinterface(Types.OTHERS, "executeSystem", EXECUTE_SYSTEM)
                .ifne(on);
        frame.look();
        b.labelBinding(on);
        b.iload(Frame.QUANTUM).iload(Frame.COUNT).isub().iconst_1().isub().istore(Frame.QUANTUM);
        b.iconst_0().istore(Frame.COUNT);
        frame.enterContext();
        List<SwitchCase> cases = new ArrayList<>();
        afterSystem.forEach((slot, label) -> cases.add(SwitchCase.of(2 * slot, label)));
        b.iload(Frame.INDEX).lookupswitch(frame.leave, cases);
    }
}
