package dev.dalang.riscv.internal.engine;

import static dev.dalang.riscv.internal.core.Mmu.PAGE_MASK;

import static java.util.Objects.requireNonNull;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.CsrFile;
import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.HartExclusion;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.riscv.internal.core.Tlb;
import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * Executes decoded pages. The loop stays inside a page as long as control flow does; it looks at
 * the attention word wherever control flow goes somewhere else than on, so that no loop of the
 * guest can keep it from returning.
 */
public final class Interpreter implements Engine {
    private static final int SLOT_MASK = CodePage.SLOTS - 1;

    private final HartCore core;
    private final long[] x;
    private final Mmu mmu;
    private final MemorySegment ram;
    private final OtherOps others;

    // What the loop goes by and seldom looks at. As local variables they, and the fields above,
    // would go from the stack to registers and back at each instruction: there are calls in the
    // loop, and the JVM's compiler brings everything that lives across it to the same places.
    private @Nullable CodePage page;
    private short[] countdown = {};
    private boolean alone;
    private long base;
    private long quantum;

    /** A page with nothing in it but the one instruction that is executed now. */
    private final long[] single = new long[CodePage.SLOTS + 2];

    /**
     * @param sbi serves environment calls from S-mode; null lets them trap
     */
    public Interpreter(
            HartCore core, Mmu mmu, CsrFile csrs, HartExclusion exclusion, @Nullable Runnable sbi) {
        BranchSpeculation.learn();
        this.core = core;
        this.mmu = mmu;
        this.ram = mmu.ram();
        this.x = core.x;
        this.others =
                new OtherOps(
                        core,
                        new FloatOps(core, mmu),
                        new AtomicOps(core, mmu, exclusion),
                        new SystemOps(core, mmu, csrs, sbi));
        single[CodePage.SLOTS] = Op.PAGE_END;
        single[CodePage.SLOTS + 1] = Op.PAGE_END;
    }

    /** What another engine may leave to this one, instruction by instruction. */
    public Region.OtherOps others() {
        return others;
    }

    @Override
    public void run(long limit) {
        while (core.attention == 0 && core.instret < limit) {
            CodePage page = mmu.fetch(core.pc);
            if (page == null) {
                core.takeException();
                continue;
            }
            page.countdown[(int) (core.pc & 4095) >>> 1] = Short.MAX_VALUE;
            runIn(page, limit);
        }
    }

    /**
     * Executes from {@code core.pc} until control leaves the page, comes to a slot whose countdown
     * ends, or {@link #run} would return.
     *
     * @param page what {@link Mmu#fetch} has just given for {@code core.pc}
     */
    public void runIn(CodePage page, long limit) {
        if (mmu.takePartialFetch()) {
            executeOne(page);
        } else {
            execute(page, page.code, limit, false);
        }
    }

    @Override
    public void step() {
        CodePage page = mmu.fetch(core.pc);
        if (page == null) {
            core.takeException();
        } else {
            mmu.takePartialFetch();
            executeOne(page);
        }
    }

    /** Executes the one instruction at {@code core.pc}, which lies in {@code page}. */
    private void executeOne(CodePage page) {
        int slot = (int) (core.pc & 4095) >>> 1;
        long decoded = page.code[slot];
        if (decoded == Op.UNDECODED) {
            decoded = page.decode(slot);
        }
        if (decoded == Op.CROSS) {
            executeCrossing(page);
            return;
        }
        single[slot] = decoded;
        try {
            execute(page, single, core.instret + 1, true);
        } finally {
            single[slot] = Op.UNDECODED;
        }
    }

    /** Executes the instruction at {@code core.pc}, whose second half is in the next page. */
    private void executeCrossing(CodePage page) {
        long pc = core.pc;
        CodePage next = mmu.fetch(pc + 2);
        if (next == null) {
            core.takeException();
            return;
        }
        single[SLOT_MASK] = Decoder.decode32(page.half(SLOT_MASK) | next.half(0) << 16);
        try {
            execute(page, single, core.instret + 1, true);
        } finally {
            single[SLOT_MASK] = Op.UNDECODED;
        }
    }

    /**
     * Executes from {@code core.pc}, which lies in {@code page}, until control leaves the page, an
     * exception or a system instruction has been dealt with, or attention is asked for.
     *
     * @param alone true for one instruction: {@code code} then holds nothing else
     */
    private void execute(CodePage page, long[] code, long limit, boolean alone) {
        this.page = page;
        this.countdown = page.countdown;
        this.alone = alone;
        this.base = core.pc & PAGE_MASK;
        this.quantum = limit - core.instret;
        int slot = (int) (core.pc & 4095) >>> 1;
        long n = 0;

        while (true) {
            // In the loop, so that it is there too in what replaces the method while it runs.
            BranchSpeculation.off(false);
            final long i = code[slot];
            final int rd = (int) (i >>> 12) & 63;
            final int rs1 = (int) (i >>> 18) & 31;
            final int rs2 = (int) (i >>> 23) & 31;
            taken:
            {
                switch ((int) i & Op.MASK) {
                    case Op.NOP -> {}
                    case Op.LI -> x[rd] = i >> 32;
                    case Op.MV -> x[rd] = x[rs1];
                    case Op.AUIPC -> x[rd] = base + 2L * slot + (i >> 32);
                    case Op.ADDI -> x[rd] = x[rs1] + (i >> 32);
                    case Op.SLTI -> x[rd] = x[rs1] < i >> 32 ? 1 : 0;
                    case Op.SLTIU -> x[rd] = Long.compareUnsigned(x[rs1], i >> 32) < 0 ? 1 : 0;
                    case Op.XORI -> x[rd] = x[rs1] ^ i >> 32;
                    case Op.ORI -> x[rd] = x[rs1] | i >> 32;
                    case Op.ANDI -> x[rd] = x[rs1] & i >> 32;
                    case Op.SLLI -> x[rd] = x[rs1] << (i >> 32);
                    case Op.SRLI -> x[rd] = x[rs1] >>> (i >> 32);
                    case Op.SRAI -> x[rd] = x[rs1] >> (i >> 32);
                    case Op.ADD -> x[rd] = x[rs1] + x[rs2];
                    case Op.SUB -> x[rd] = x[rs1] - x[rs2];
                    case Op.SLL -> x[rd] = x[rs1] << x[rs2];
                    case Op.SLT -> x[rd] = x[rs1] < x[rs2] ? 1 : 0;
                    case Op.SLTU -> x[rd] = Long.compareUnsigned(x[rs1], x[rs2]) < 0 ? 1 : 0;
                    case Op.XOR -> x[rd] = x[rs1] ^ x[rs2];
                    case Op.SRL -> x[rd] = x[rs1] >>> x[rs2];
                    case Op.SRA -> x[rd] = x[rs1] >> x[rs2];
                    case Op.OR -> x[rd] = x[rs1] | x[rs2];
                    case Op.AND -> x[rd] = x[rs1] & x[rs2];
                    case Op.ADDIW -> x[rd] = (int) (x[rs1] + (i >> 32));
                    case Op.SLLIW -> x[rd] = sext((int) x[rs1] << (int) (i >> 32));
                    case Op.SRLIW -> x[rd] = sext((int) x[rs1] >>> (int) (i >> 32));
                    case Op.SRAIW -> x[rd] = sext((int) x[rs1] >> (int) (i >> 32));
                    case Op.ADDW -> x[rd] = (int) (x[rs1] + x[rs2]);
                    case Op.SUBW -> x[rd] = (int) (x[rs1] - x[rs2]);
                    case Op.SLLW -> x[rd] = sext((int) x[rs1] << (int) x[rs2]);
                    case Op.SRLW -> x[rd] = sext((int) x[rs1] >>> (int) x[rs2]);
                    case Op.SRAW -> x[rd] = sext((int) x[rs1] >> (int) x[rs2]);
                    case Op.MUL -> x[rd] = x[rs1] * x[rs2];
                    case Op.MULW -> x[rd] = (int) (x[rs1] * x[rs2]);
                    case Op.FENCE -> java.lang.invoke.VarHandle.fullFence();

                    case Op.BEQ -> {
                        if (x[rs1] == x[rs2]) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.BNE -> {
                        if (x[rs1] != x[rs2]) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.BLT -> {
                        if (x[rs1] < x[rs2]) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.BGE -> {
                        if (x[rs1] >= x[rs2]) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.BLTU -> {
                        if (Long.compareUnsigned(x[rs1], x[rs2]) < 0) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.BGEU -> {
                        if (Long.compareUnsigned(x[rs1], x[rs2]) >= 0) {
                            slot += (int) (i >> 33);
                            break taken;
                        }
                    }
                    case Op.JAL -> {
                        x[rd] = base + 2L * slot + 2 + (i >>> 27 & 2);
                        slot += (int) (i >> 33);
                        break taken;
                    }
                    case Op.JALR -> {
                        long target = x[rs1] + (i >> 32) & ~1L;
                        x[rd] = base + 2L * slot + 2 + (i >>> 27 & 2);
                        long distance = target - base;
                        if (distance >= 0 && distance < 4096) {
                            slot = (int) distance >>> 1;
                            break taken;
                        }
                        core.pc = target;
                        core.instret += n + 1;
                        return;
                    }

                    case Op.LD -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.readTlb;
                        int t = Tlb.index(tlb, a);
                        long v;
                        if (tlb[t] == (a + 7 & PAGE_MASK)) {
                            v = (long) Mmu.LONG.get(ram, a + tlb[t + 1]);
                        } else {
                            v = mmu.loadSlow(a, 8);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                        x[rd] = v;
                    }
                    case Op.LW -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.readTlb;
                        int t = Tlb.index(tlb, a);
                        int v;
                        if (tlb[t] == (a + 3 & PAGE_MASK)) {
                            v = (int) Mmu.INT.get(ram, a + tlb[t + 1]);
                        } else {
                            v = (int) mmu.loadSlow(a, 4);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                        x[rd] = v;
                    }
                    case Op.LWU -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.readTlb;
                        int t = Tlb.index(tlb, a);
                        int v;
                        if (tlb[t] == (a + 3 & PAGE_MASK)) {
                            v = (int) Mmu.INT.get(ram, a + tlb[t + 1]);
                        } else {
                            v = (int) mmu.loadSlow(a, 4);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                        x[rd] = v & 0xFFFF_FFFFL;
                    }
                    case Op.LH, Op.LHU -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.readTlb;
                        int t = Tlb.index(tlb, a);
                        short v;
                        if (tlb[t] == (a + 1 & PAGE_MASK)) {
                            v = (short) Mmu.SHORT.get(ram, a + tlb[t + 1]);
                        } else {
                            v = (short) mmu.loadSlow(a, 2);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                        x[rd] = ((int) i & Op.MASK) == Op.LH ? v : v & 0xFFFFL;
                    }
                    case Op.LBU -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.readTlb;
                        int t = Tlb.index(tlb, a);
                        byte v;
                        if (tlb[t] == (a & PAGE_MASK)) {
                            v = (byte) Mmu.BYTE.get(ram, a + tlb[t + 1]);
                        } else {
                            v = (byte) mmu.loadSlow(a, 1);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                        x[rd] = v & 0xFFL;
                    }
                    case Op.LB -> {
                        long v = mmu.load(x[rs1] + (i >> 32), 1);
                        if (core.trapCause != HartCore.NO_TRAP) {
                            fault(base + 2L * slot, n);
                            return;
                        }
                        x[rd] = (byte) v;
                    }
                    case Op.SD -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.writeTlb;
                        int t = Tlb.index(tlb, a);
                        if (tlb[t] == (a + 7 & PAGE_MASK)) {
                            Mmu.LONG.set(ram, a + tlb[t + 1], x[rs2]);
                        } else {
                            mmu.storeSlow(a, 8, x[rs2]);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                    }
                    case Op.SW -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.writeTlb;
                        int t = Tlb.index(tlb, a);
                        if (tlb[t] == (a + 3 & PAGE_MASK)) {
                            Mmu.INT.set(ram, a + tlb[t + 1], (int) x[rs2]);
                        } else {
                            mmu.storeSlow(a, 4, x[rs2]);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                    }
                    case Op.SH -> {
                        mmu.store(x[rs1] + (i >> 32), 2, x[rs2]);
                        if (core.trapCause != HartCore.NO_TRAP) {
                            fault(base + 2L * slot, n);
                            return;
                        }
                    }
                    case Op.SB -> {
                        long a = x[rs1] + (i >> 32);
                        long[] tlb = mmu.writeTlb;
                        int t = Tlb.index(tlb, a);
                        if (tlb[t] == (a & PAGE_MASK)) {
                            Mmu.BYTE.set(ram, a + tlb[t + 1], (byte) x[rs2]);
                        } else {
                            mmu.storeSlow(a, 1, x[rs2]);
                            if (core.trapCause != HartCore.NO_TRAP) {
                                fault(base + 2L * slot, n);
                                return;
                            }
                        }
                    }

                    case Op.UNDECODED -> {
                        if (this.alone) {
                            core.pc = base + 2L * slot;
                            core.instret += n;
                            return;
                        }
                        requireNonNull(this.page).decode(slot);
                        continue;
                    }
                    case Op.PAGE_END -> {
                        core.pc = base + 2L * slot;
                        core.instret += n;
                        return;
                    }
                    case Op.CROSS -> {
                        core.pc = base + 2L * slot;
                        core.instret += n;
                        executeCrossing(requireNonNull(this.page));
                        return;
                    }
                    default -> {
                        if (((int) i & Op.MASK) >= Op.FIRST_SYSTEM) {
                            core.pc = base + 2L * slot;
                            core.instret += n;
                            others.system(i);
                            return;
                        }
                        if (!others.execute(i, base + 2L * slot)) {
                            fault(base + 2L * slot, n);
                            return;
                        }
                    }
                }
                n++;
                slot += 1 + ((int) (i >>> 28) & 1);
                continue;
            }
            n++;
            // Read once: by the next look there may be a region, which must not be counted down.
            final int left;
            if ((slot & ~SLOT_MASK) != 0
                    || n >= quantum
                    || core.attention != 0
                    || (left = countdown[slot]) <= 1) {
                core.pc = base + 2L * slot;
                core.instret += n;
                return;
            }
            countdown[slot] = (short) (left - 1);
        }
    }

    /** The 32-bit result of a W operation, as a register holds it. */
    private static long sext(int word) {
        return word;
    }

    private void fault(long pc, long retired) {
        core.pc = pc;
        core.instret += retired;
        core.takeException();
    }
}
