package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.dalang.riscv.internal.core.Csrs;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.riscv.internal.translator.RegionCompiler.Types;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.util.ArrayList;
import java.util.List;

/**
 * The generated method: its local variables, what has been counted, and the code that stands behind
 * the rest because it is rarely executed.
 *
 * <p>Guest registers are locals from the entry to the exits; or the general ones stay in the hart.
 * A processor has fewer registers than a guest: in a large region with many ways, locals that meet
 * at each of them go through the stack, and every exit has to bring all of them to the same places.
 */
final class Frame {
    static final int CORE = 1;
    static final int MMU = 2;
    static final int OTHERS = 3;
    static final int BASE = 4;
    static final int LIMIT = 6;
    static final int X = 8;
    static final int F = 9;
    static final int READ_TLB = 10;
    static final int WRITE_TLB = 11;

    /** Instructions retired since the count was last added to {@code core.instret}; an int. */
    static final int COUNT = 12;

    /** The count at which to leave at a back edge; an int. */
    static final int QUANTUM = 13;

    /** Scratch; on the way out the distance of {@code pc} from the base; an int. */
    static final int INDEX = 14;

    static final int ADDRESS = 15;
    static final int VALUE = 17;
    static final int FP_STATUS = 19;
    static final int ROUNDING = 20;
    private static final int TEMPORARY = 21;
    private static final int FIRST_FREE = 23;

    final CodeBuilder b;
    final RegionRegisters registers;
    final Label leave;
    final Label trap;

    private final boolean inPlace;
    private final int[] xLocal = new int[32];
    private final int[] fLocal = new int[32];

    /** Where in RAM the lowest byte of a group of accesses lies, by base register. */
    private final int[] hostLocal = new int[32];

    private int nextFree;
    private final List<Runnable> outOfLine = new ArrayList<>();

    /** Instructions of the present block that are done but not yet in the count. */
    private int uncounted;

    /** Whether floating-point state was marked dirty in the present block. */
    private boolean dirty;

    /** Registers that the present block has given a sign-extended word, by bit; x0 is one. */
    private int words;

    Frame(CodeBuilder b, RegionRegisters registers, boolean inPlace) {
        this.b = b;
        this.inPlace = inPlace;
        this.registers = registers;
        this.leave = b.newLabel();
        this.trap = b.newLabel();
        int next = FIRST_FREE;
        for (int r = 0; r < 32; r++) {
            if (!inPlace && registers.usesX(r)) {
                xLocal[r] = next;
                next += 2;
            }
            if (registers.usesF(r)) {
                fLocal[r] = next;
                next += 2;
            }
        }
        nextFree = next;
    }

    /** The local that holds where a base register points to in RAM. */
    int host(int r) {
        if (hostLocal[r] == 0) {
            hostLocal[r] = nextFree;
            nextFree += 2;
        }
        return hostLocal[r];
    }

    // ---- registers ------------------------------------------------------------------------------

    /** Pushes a general register. */
    Frame get(int r) {
        if (r == 0) {
            b.lconst_0();
        } else if (inPlace) {
            b.aload(X).bipush(r).laload();
        } else {
            b.lload(xLocal[r]);
        }
        return this;
    }

    /** Pushes the low word of a general register. */
    Frame getWord(int r) {
        get(r);
        b.l2i();
        return this;
    }

    /** Whether a general register is known to hold a sign-extended word. */
    boolean isWord(int r) {
        return (words >>> r & 1) != 0;
    }

    /** Pops a sign-extended word into a general register. */
    void setWord(int r) {
        set(r);
        if (r < 32) {
            words |= 1 << r;
        }
    }

    /** Pops into a general register; what is written to x0 is dropped. */
    void set(int r) {
        if (r < 32) {
            words &= ~(1 << r);
        }
        if (r >= 32) {
            b.pop2();
        } else if (inPlace) {
            b.lstore(TEMPORARY).aload(X).bipush(r).lload(TEMPORARY).lastore();
        } else {
            b.lstore(xLocal[r]);
        }
    }

    /** Pushes the raw bits of a floating-point register. */
    Frame getF(int r) {
        b.lload(fLocal[r]);
        return this;
    }

    /** Pops the raw bits of a floating-point register. */
    void setF(int r) {
        b.lstore(fLocal[r]);
    }

    /** Loads all registers of the region from the hart. */
    void fill() {
        for (int r = 1; r < 32; r++) {
            if (registers.usesX(r)) {
                fill(r);
            }
        }
        for (int r = 0; r < 32; r++) {
            if (registers.usesF(r)) {
                b.aload(F).bipush(r).laload().lstore(fLocal[r]);
            }
        }
    }

    /** Loads one general register from the hart, if it is not there for good. */
    void fill(int r) {
        if (r < 32 && !inPlace) {
            b.aload(X).bipush(r).laload().lstore(xLocal[r]);
        }
    }

    /** Stores one general register to the hart, if it is not there for good. */
    void spill(int r) {
        if (r != 0 && !inPlace) {
            b.aload(X).bipush(r).lload(xLocal[r]).lastore();
        }
    }

    /** Stores all registers that the region writes, adds the count, and sets {@code pc}. */
    void writeBack() {
        reach(X, registers.highestX());
        for (int r = 31; r > 0; r--) {
            if (registers.writesX(r)) {
                spill(r);
            }
        }
        if (registers.usesFloats()) {
            reach(F, registers.highestF());
        }
        for (int r = 0; r < 32; r++) {
            if (registers.writesF(r)) {
                b.aload(F).bipush(r).lload(fLocal[r]).lastore();
            }
        }
        b.aload(CORE)
                .dup()
                .getfield(Types.CORE, "instret", CD_long)
                .iload(COUNT)
                .i2l()
                .ladd()
                .putfield(Types.CORE, "instret", CD_long);
        b.lload(BASE).iload(INDEX).i2l().ladd().lstore(ADDRESS);
        b.aload(CORE).lload(ADDRESS).loadConstant(~Region.LOOK).land();
        b.putfield(Types.CORE, "pc", CD_long);
    }

    /** Keeps an array of registers in a local; see {@link #reach}. */
    void keep(int local, int highest) {
        b.astore(local);
        reach(local, highest);
    }

    /**
     * Reads an element for nothing but the test of its index. Behind it the JVM's compiler makes no
     * test of the same index, nor of lower ones that follow at once. A test costs it more than the
     * access: it notes where all registers are, in case that the test fails.
     */
    private void reach(int local, int highest) {
        b.aload(local).bipush(highest).laload().pop2();
    }

    /** Keeps a TLB in a local, and tests any index for the same reason. */
    private void keepTlb(int local) {
        b.astore(local);
        b.aload(local)
                .iconst_0()
                .aload(local)
                .arraylength()
                .iconst_1()
                .isub()
                .iand()
                .laload()
                .pop2();
    }

    /** Takes the TLBs of the present context. All is in the hart. */
    void enterContext() {
        if (registers.loads()) {
            b.aload(MMU).getfield(Types.MMU, "readTlb", Types.LONGS);
            keepTlb(READ_TLB);
        }
        if (registers.stores()) {
            b.aload(MMU).getfield(Types.MMU, "writeTlb", Types.LONGS);
            keepTlb(WRITE_TLB);
        }
    }

    // ---- counting and leaving -------------------------------------------------------------------

    void beginBlock() {
        uncounted = 0;
        dirty = false;
        words = 1;
    }

    /** One more instruction of the block is done. */
    void retire() {
        uncounted++;
    }

    /** The instructions of the block that are done but not in the count. */
    int uncounted() {
        return uncounted;
    }

    /** Brings the count up to date. */
    void count() {
        count(uncounted);
        uncounted = 0;
    }

    private void count(int instructions) {
        if (instructions != 0) {
            b.iinc(COUNT, instructions);
        }
    }

    /** Pushes the virtual address of a slot. */
    Frame address(int slot) {
        return address(2L * slot);
    }

    /** Pushes an address by its distance from the base. */
    Frame address(long distance) {
        b.lload(BASE);
        if (distance != 0) {
            b.loadConstant(distance).ladd();
        }
        return this;
    }

    /** Leaves the region for a slot; the count is up to date. */
    void exit(int slot) {
        b.loadConstant(2 * slot).istore(INDEX).goto_(leave);
    }

    /** Adds code that stands behind the rest. */
    void later(Runnable code) {
        outOfLine.add(code);
    }

    /** Emits what {@link #later} was given. */
    void emitLater() {
        for (int i = 0; i < outOfLine.size(); i++) {
            outOfLine.get(i).run();
        }
    }

    /**
     * In code that stands behind the rest, after a call that may have raised an exception: traps if
     * it has.
     *
     * @param done instructions of the block that were done but not counted
     */
    void trapIfRaised(int slot, int done) {
        Label none = b.newLabel();
        b.aload(CORE).getfield(Types.CORE, "trapCause", CD_int).iconst_m1().if_icmpeq(none);
        trapAt(slot, done);
        b.labelBinding(none);
    }

    /**
     * Leaves the region for a slot whose instruction the region cannot execute.
     *
     * @param done instructions of the block that were done but not counted
     */
    void giveUp(int slot, int done) {
        count(done);
        b.loadConstant(2 * slot | (int) Region.LOOK).istore(INDEX).goto_(leave);
    }

    /** Returns where the hart has to be looked at; all is in the hart. */
    void look() {
        b.loadConstant(Region.LOOK).lreturn();
    }

    /** Takes the exception that was raised at a slot. */
    void trapAt(int slot, int done) {
        count(done);
        b.loadConstant(2 * slot).istore(INDEX).goto_(trap);
    }

    /** Marks floating-point state dirty, once in a block. */
    void markDirty() {
        if (!dirty) {
            dirty = true;
            b.aload(CORE).dup().getfield(Types.CORE, "mstatus", CD_long);
            b.loadConstant(Csrs.MSTATUS_FS).lor();
            b.putfield(Types.CORE, "mstatus", CD_long);
        }
    }
}
