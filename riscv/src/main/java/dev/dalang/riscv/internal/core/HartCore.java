package dev.dalang.riscv.internal.core;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.bus.GuestIo;
import dev.dalang.riscv.internal.fp.FpStatus;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The architectural state of one hart and its trap path, independent of how instructions are
 * executed. Fields are open to the engines; they belong to the hart's thread except {@code pins}
 * and {@code attention}, which any thread sets.
 *
 * <p>A fault is a value: a slow path records it with {@link #raise} and returns; the engine sees
 * {@link #trapCause} and, with {@link #pc} at the faulting instruction, calls {@link
 * #takeException}.
 */
public final class HartCore {
    /** {@link #trapCause} when no exception is recorded. */
    public static final int NO_TRAP = -1;

    /** {@link #trapCause} of what is no exception: a debugger wants the hart to stop here. */
    public static final int DEBUGGER_TRAP = -2;

    /** Modes as encoded in {@code mstatus.MPP}. */
    public static final int USER = 0;

    public static final int SUPERVISOR = 1;
    public static final int MACHINE = 3;

    /** {@link #attention}: interrupts have to be looked at again. */
    public static final int ATTENTION_INTERRUPT = 1;

    /** {@link #attention}: the hart has to return from its run loop. */
    public static final int ATTENTION_STOP = 2;

    /** {@link #attention}: posted tasks wait. */
    public static final int ATTENTION_TASK = 4;

    /** {@link #attention}: another hart wants to run alone for a moment. */
    public static final int ATTENTION_HOLD = 8;

    /**
     * {@link #attention}: the hart has trapped {@link #STUCK_TRAPS} times and done nothing else.
     */
    public static final int ATTENTION_STUCK = 16;

    /** {@link #attention}: the debugger has something to say. */
    public static final int ATTENTION_DEBUGGER = 32;

    /** Traps in a row without a retired instruction after which the hart counts as stuck. */
    public static final int STUCK_TRAPS = 1_000_000;

    private static final long BRIEF_NANOS = 1_000;

    /** Accesses {@link #attention}. */
    private static final VarHandle ATTENTION;

    private static final VarHandle PINS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            ATTENTION = lookup.findVarHandle(HartCore.class, "attention", int.class);
            PINS = lookup.findVarHandle(HartCore.class, "pins", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public final int id;

    /** General registers; index 32 takes what is written to x0, the rest pads for cheap masks. */
    public final long[] x = new long[64];

    /** Floating-point registers, NaN-boxed. */
    public final long[] f = new long[32];

    public final FpStatus fp = new FpStatus();
    public int frm;
    public long pc;
    public int privilege;

    /** Instructions retired since reset. */
    public long instret;

    /** Of them, those that the interpreter executed. */
    public long interpreted;

    /**
     * Why a region was left: number of the group of accesses that lies on two pages at {@link #pc},
     * counted from 1; 0 for any other reason. Who runs the region takes it.
     */
    public int crossing;

    /** {@code minstret} and {@code mcycle}; a cycle is an instruction here. */
    public final RetiredCounter minstret = new RetiredCounter();

    public final RetiredCounter mcycle = new RetiredCounter();

    public long mstatus;
    public long medeleg;
    public long mideleg;
    public long mie;

    /**
     * The bits of {@code mip} that software sets: SSIP, STIP, SEIP. The last is also bit 9 of
     * {@code mvip}, whatever {@code mvien} says (AIA 1.0 §5.3).
     */
    public long mipSoftware;

    public long mvien;

    /** Bit 1 of {@code mvip} while {@code mvien} makes it independent of SSIP. */
    public long mvip;

    public long mtvec;
    public long mscratch;
    public long mepc;
    public long mcause;
    public long mtval;
    public long mcounteren;
    public long menvcfg;
    public final long[] mstateen = new long[4];
    public long miselect;
    public long stvec;
    public long sscratch;
    public long sepc;
    public long scause;
    public long stval;
    public long scounteren;
    public long senvcfg;
    public final long[] sstateen = new long[4];
    public long siselect;
    public long satp;

    /** True while {@code time >= stimecmp} and {@code menvcfg.STCE}; kept by {@link SstcTimer}. */
    public boolean sstcPending;

    /** The exception that a slow path has recorded, or {@link #NO_TRAP}. */
    public int trapCause = NO_TRAP;

    public long trapValue;

    /** What the debugger stopped: an access of {@code Pmp}'s kinds at {@link #trapValue}, or 0. */
    private int debuggerTrapKind;

    /**
     * While this is true only the interpreter may execute the hart's instructions: it alone comes
     * to the debugger's traps. Changed between two instructions, see {@link Mmu#setTraps}.
     */
    public boolean debugged;

    /** LR's reservation: valid if {@code reservedSize} is not 0. */
    public long reservedAddress;

    public long reservedValue;
    public int reservedSize;

    /** Exceptions and interrupts taken, for statistics. */
    public long exceptionsTaken;

    public long interruptsTaken;
    private long instretAtLastTrap = -1;
    private int trapsInARow;

    // Any thread.
    /**
     * The pending attention bits; 0 if there is nothing to do but to go on. A field, because loops
     * read it in which a call would cost more than all the rest; written by {@link
     * #requestAttention} and {@link #clearAttention} alone.
     */
    public volatile int attention;

    private volatile int pins;
    private volatile @Nullable Thread parked;

    private boolean interrupted;

    /** True while the hart may execute instructions; false lets another run alone. */
    private volatile boolean executing;

    private final AtomicInteger holds = new AtomicInteger();

    /** Set by the owner: told when privilege, MPRV, SUM or MXR changed. */
    private @Nullable Mmu mmu;

    private @Nullable SstcTimer sstc;

    private final GuestIo io;

    /**
     * A hart in reset.
     *
     * @param id its {@code mhartid}
     * @param io told when the hart's thread begins and ends to make accesses
     */
    public HartCore(int id, GuestIo io) {
        this.id = id;
        this.io = io;
    }

    /** Joins the parts that depend on one another. */
    public void attach(Mmu mmu, SstcTimer sstc) {
        this.mmu = mmu;
        this.sstc = sstc;
    }

    /** Back to power-on: M-mode at {@code resetVector} (privileged spec §3.4). */
    public void reset(long resetVector) {
        Arrays.fill(x, 0);
        Arrays.fill(f, 0);
        fp.flags = 0;
        frm = 0;
        pc = resetVector;
        privilege = MACHINE;
        minstret.reset(instret);
        mcycle.reset(instret);
        mstatus = MSTATUS_UXL_64 | MSTATUS_SXL_64;
        medeleg = mideleg = mie = mipSoftware = mvien = mvip = 0;
        mtvec = mscratch = mepc = mcause = mtval = 0;
        mcounteren = menvcfg = miselect = 0;
        stvec = sscratch = sepc = scause = stval = scounteren = senvcfg = siselect = satp = 0;
        Arrays.fill(mstateen, 0);
        Arrays.fill(sstateen, 0);
        clearSoftwareInterruptPin();
        trapCause = NO_TRAP;
        reservedSize = 0;
        trapsInARow = 0;
        instretAtLastTrap = -1;
        if (sstc != null) {
            sstc.reset();
        }
        contextChanged();
        flushTranslations();
        requestAttention(ATTENTION_INTERRUPT);
    }

    // ---- attention and interrupt pins: any thread -------------------------------------------

    /** Sets attention bits and wakes the hart. Any thread. */
    public void requestAttention(int bits) {
        ATTENTION.getAndBitwiseOr(this, bits);
        Thread sleeper = parked;
        if (sleeper != null) {
            LockSupport.unpark(sleeper);
        }
    }

    /** Clears attention bits. The hart's thread, before it looks at what they announce. */
    public void clearAttention(int bits) {
        ATTENTION.getAndBitwiseAnd(this, ~bits);
    }

    /** Drives an interrupt pin. Any thread. */
    public void setPin(int bit, boolean level) {
        int mask = 1 << bit;
        if (level) {
            if (((int) PINS.getAndBitwiseOr(this, mask) & mask) == 0) {
                requestAttention(ATTENTION_INTERRUPT);
            }
        } else {
            PINS.getAndBitwiseAnd(this, ~mask);
        }
    }

    /**
     * Withdraws what {@link #setPin} latched. The supervisor software interrupt has no level that a
     * device holds: raising it is an event, and software clears it (ACLINT 1.0 §4).
     */
    void clearSoftwareInterruptPin() {
        PINS.getAndBitwiseAnd(this, ~(1 << SSI));
    }

    /** Parks the hart's thread until some attention is requested, at most {@code nanos}. */
    public void park(long nanos) {
        boolean resume = executing;
        standStill();
        parked = Thread.currentThread();
        try {
            if (attention == 0) {
                LockSupport.parkNanos(this, nanos);
            }
        } finally {
            parked = null;
            // A thread with its interrupt flag set cannot park: it would spin. The owner of the
            // thread gets the flag back when the hart has stopped.
            interrupted |= Thread.interrupted();
            if (resume) {
                moveOn();
            }
        }
    }

    /** Gives the thread the interrupt back that {@link #park} took from it. */
    public void restoreInterrupt() {
        if (interrupted) {
            interrupted = false;
            Thread.currentThread().interrupt();
        }
    }

    // ---- running alone --------------------------------------------------------------------------

    /** The hart will execute nothing until {@link #moveOn}. Its own thread. */
    public void standStill() {
        io.detach();
        executing = false;
    }

    /** Goes on as soon as no other hart runs alone. Its own thread. */
    public void moveOn() {
        while (true) {
            executing = true;
            if (holds.get() == 0) {
                io.attach();
                return;
            }
            executing = false;
            LockSupport.parkNanos(this, BRIEF_NANOS);
        }
    }

    /**
     * Lets a hart that waits to run alone do so now. Its own thread, between two instructions,
     * while it waits for another hart and so does not come back to its engine.
     */
    public void giveWay() {
        if (executing && holds.get() != 0) {
            standStill();
            moveOn();
        }
    }

    void hold() {
        holds.incrementAndGet();
        requestAttention(ATTENTION_HOLD);
    }

    void release() {
        holds.decrementAndGet();
    }

    boolean standsStill() {
        return !executing;
    }

    /** WFI: sleeps until an interrupt is pending and enabled, or other attention is asked for. */
    public void waitForInterrupt() {
        while (!wakeUpPending() && (attention & ~ATTENTION_INTERRUPT) == 0) {
            clearAttention(ATTENTION_INTERRUPT);
            // What came before the bit was cleared is seen here; what comes later sets it again.
            if (wakeUpPending()) {
                break;
            }
            park(Long.MAX_VALUE);
        }
        // Whatever woke the hart has to be looked at before the next instruction.
        requestAttention(ATTENTION_INTERRUPT);
    }

    // ---- interrupts ---------------------------------------------------------------------------

    /** {@code mip} as software reads it. */
    public long mip() {
        // Under mvien, software's SEIP is seen in mvip alone (AIA 1.0 §5.3).
        long value = pins | mipSoftware & ~(mvien & 1L << SEI);
        if ((menvcfg & MENVCFG_STCE) != 0) {
            value = value & ~(1L << STI) | (sstcPending ? 1L << STI : 0);
        }
        return value;
    }

    /** The pins alone; {@code mip.SEIP} reads their OR with the software bit. */
    public int pins() {
        return pins;
    }

    /**
     * The interrupts pending for S-mode through {@code mvien}, where the delegated bit of {@code
     * mip} is not the source (AIA 1.0 §5.3).
     */
    public long virtualPending() {
        return (mvip & 1L << SSI | mipSoftware & 1L << SEI) & mvien & ~mideleg;
    }

    /**
     * Takes the interrupt with the highest priority that is pending, enabled and not masked, if
     * there is one.
     *
     * @return true if a trap was taken
     */
    public boolean takeInterrupt() {
        if (sstc != null) {
            sstc.refresh();
        }
        long pending = mip() & mie;
        long machine = pending & ~mideleg;
        if (machine != 0
                && (privilege < MACHINE || privilege == MACHINE && (mstatus & MSTATUS_MIE) != 0)) {
            trap(highestPriority(machine), 0, true, MACHINE);
            return true;
        }
        long supervisor = supervisorPendingEnabled();
        if (supervisor != 0
                && (privilege < SUPERVISOR
                        || privilege == SUPERVISOR && (mstatus & MSTATUS_SIE) != 0)) {
            trap(highestPriority(supervisor), 0, true, SUPERVISOR);
            return true;
        }
        return false;
    }

    /** The interrupts that are pending and enabled for S-mode. */
    public long supervisorPendingEnabled() {
        return mip() & mie & mideleg | virtualPending() & sieVirtual;
    }

    /** {@code sie} bits of interrupts that {@code mvien} makes virtual. */
    public long sieVirtual;

    /** True if WFI has a reason to end: something is pending and enabled, whatever the modes. */
    public boolean wakeUpPending() {
        if (sstc != null) {
            sstc.refresh();
        }
        return (mip() & mie) != 0 || supervisorPendingEnabled() != 0;
    }

    /** Default priority order: MEI, MSI, MTI, SEI, SSI, STI, then the highest number. */
    public static int highestPriority(long pending) {
        if ((pending & 1L << MEI) != 0) {
            return MEI;
        }
        if ((pending & 1L << MSI) != 0) {
            return MSI;
        }
        if ((pending & 1L << MTI) != 0) {
            return MTI;
        }
        if ((pending & 1L << SEI) != 0) {
            return SEI;
        }
        if ((pending & 1L << SSI) != 0) {
            return SSI;
        }
        if ((pending & 1L << STI) != 0) {
            return STI;
        }
        return 63 - Long.numberOfLeadingZeros(pending);
    }

    // ---- traps --------------------------------------------------------------------------------

    /** Records an exception; the engine takes it when it is back in the open. */
    public void raise(int cause, long value) {
        trapCause = cause;
        trapValue = value;
    }

    /** Records that the debugger wants the hart to stop before the present instruction. */
    void raiseDebuggerTrap(int kind, long address) {
        debuggerTrapKind = kind;
        raise(DEBUGGER_TRAP, address);
    }

    /**
     * The kind of access that the debugger's trap was for, once: later calls give 0.
     *
     * @return {@link Pmp#READ}, {@link Pmp#WRITE}, {@link Pmp#EXECUTE}, or 0 if there was none
     */
    public int takeDebuggerTrap() {
        int kind = debuggerTrapKind;
        debuggerTrapKind = 0;
        return kind;
    }

    /**
     * Takes the recorded exception; {@code pc} is the address of the instruction that caused it.
     */
    public void takeException() {
        int cause = trapCause;
        trapCause = NO_TRAP;
        if (cause == DEBUGGER_TRAP) {
            requestAttention(ATTENTION_DEBUGGER);
            return;
        }
        int target = privilege <= SUPERVISOR && (medeleg >>> cause & 1) != 0 ? SUPERVISOR : MACHINE;
        trap(cause, trapValue, false, target);
    }

    private void trap(int cause, long value, boolean interrupt, int target) {
        if (interrupt) {
            interruptsTaken++;
        } else {
            exceptionsTaken++;
        }
        if (instret == instretAtLastTrap) {
            if (trapsInARow < STUCK_TRAPS && ++trapsInARow == STUCK_TRAPS) {
                requestAttention(ATTENTION_STUCK);
            }
        } else {
            trapsInARow = 0;
            instretAtLastTrap = instret;
        }
        long causeValue = interrupt ? 1L << 63 | cause : cause;
        if (target == SUPERVISOR) {
            sepc = pc;
            scause = causeValue;
            stval = value;
            long status = mstatus & ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE);
            if ((mstatus & MSTATUS_SIE) != 0) {
                status |= MSTATUS_SPIE;
            }
            if (privilege == SUPERVISOR) {
                status |= MSTATUS_SPP;
            }
            mstatus = status;
            privilege = SUPERVISOR;
            pc = vector(stvec, cause, interrupt);
        } else {
            mepc = pc;
            mcause = causeValue;
            mtval = value;
            long status = mstatus & ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);
            if ((mstatus & MSTATUS_MIE) != 0) {
                status |= MSTATUS_MPIE;
            }
            mstatus = status | (long) privilege << MSTATUS_MPP_SHIFT;
            privilege = MACHINE;
            pc = vector(mtvec, cause, interrupt);
        }
        contextChanged();
    }

    private static long vector(long tvec, int cause, boolean interrupt) {
        long base = tvec & ~3L;
        return interrupt && (tvec & 1) != 0 ? base + 4L * cause : base;
    }

    /** MRET (privileged spec §3.3.2). */
    public void mret() {
        int previous = (int) (mstatus >>> MSTATUS_MPP_SHIFT) & 3;
        long status = mstatus & ~(MSTATUS_MIE | MSTATUS_MPP);
        if ((mstatus & MSTATUS_MPIE) != 0) {
            status |= MSTATUS_MIE;
        }
        status |= MSTATUS_MPIE;
        if (previous != MACHINE) {
            status &= ~MSTATUS_MPRV;
        }
        mstatus = status;
        privilege = previous;
        pc = mepc;
        afterTrapReturn();
    }

    /** SRET. */
    public void sret() {
        long status = mstatus & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV);
        if ((mstatus & MSTATUS_SPIE) != 0) {
            status |= MSTATUS_SIE;
        }
        privilege = (mstatus & MSTATUS_SPP) != 0 ? SUPERVISOR : USER;
        mstatus = status | MSTATUS_SPIE;
        pc = sepc;
        afterTrapReturn();
    }

    private void afterTrapReturn() {
        reservedSize = 0;
        contextChanged();
        interruptsMayHaveChanged();
    }

    /** To be called by the hart's thread after a change that may unmask an interrupt. */
    public void interruptsMayHaveChanged() {
        if (mip() != 0 || virtualPending() != 0) {
            requestAttention(ATTENTION_INTERRUPT);
        }
    }

    /** To be called after a change of privilege, MPRV, MPP, SUM or MXR. */
    public void contextChanged() {
        if (mmu != null) {
            mmu.contextChanged();
        }
    }

    private void flushTranslations() {
        if (mmu != null) {
            mmu.flushAll();
        }
    }

    /** Writes a general register; x0 stays 0. */
    public void setX(int index, long value) {
        if (index != 0) {
            x[index] = value;
        }
    }

    /** True if {@code mstatus.FS} is off, so that floating-point instructions are illegal. */
    public boolean fpOff() {
        return (mstatus & MSTATUS_FS) == 0;
    }

    /** Marks the floating-point state dirty. */
    public void fpDirty() {
        mstatus |= MSTATUS_FS;
    }
}
