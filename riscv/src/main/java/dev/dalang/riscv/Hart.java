package dev.dalang.riscv;

import static dev.dalang.riscv.internal.core.Csrs.MEI;
import static dev.dalang.riscv.internal.core.Csrs.MSI;
import static dev.dalang.riscv.internal.core.Csrs.MTI;
import static dev.dalang.riscv.internal.core.Csrs.SEI;
import static dev.dalang.riscv.internal.core.Csrs.SSI;
import static dev.dalang.riscv.internal.core.Csrs.STI;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.riscv.internal.core.CsrFile;
import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.HartSnapshot;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Pmp;
import dev.dalang.riscv.internal.core.SstcTimer;
import dev.dalang.riscv.internal.engine.Engine;
import dev.dalang.riscv.internal.engine.Interpreter;
import dev.dalang.riscv.internal.translator.TranslatingEngine;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * One RV64GC hart. Registers and CSRs are touched only on its own thread, or while it does not run;
 * the methods that any thread may call say so.
 */
public final class Hart implements Suspendable {
    private static final int[] LINES = {SSI, MSI, STI, MTI, SEI, MEI};

    /** Instructions between two announcements that the hart is outside any access, at the most. */
    private static final long POLL_INSTRUCTIONS = 1 << 20;

    private final int id;
    private final GuestIo io;
    private final HartCore core;
    private final Pmp pmp = new Pmp();
    private final Mmu mmu;
    private final SstcTimer sstc;
    private final CsrFile csrs;
    private final Engine engine;
    private final long maxInstructions;
    private final Consumer<Hart> onTrapLoop;
    private final Queue<Consumer<Hart>> tasks = new ConcurrentLinkedQueue<>();
    private volatile HartState state = HartState.STARTED;
    private volatile @Nullable HartDebugger debugger;
    private long retiredAtReset;

    private Hart(Builder builder, HartGroup group, GuestIo io, VirtualClock clock) {
        this.id = builder.id;
        this.maxInstructions = builder.maxInstructions;
        this.onTrapLoop = builder.onTrapLoop;
        this.core = new HartCore(id, io);
        this.io = io;
        this.mmu = new Mmu(core, pmp, group.memory(), io, group.codeCache());
        this.sstc = new SstcTimer(core, clock);
        this.csrs = new CsrFile(core, mmu, pmp, sstc, builder.machineFile, builder.supervisorFile);
        Sbi sbi = builder.sbi;
        Runnable ecall = sbi == null ? null : () -> sbi.ecall(this);
        Interpreter interpreter = new Interpreter(core, mmu, csrs, group.exclusion(), ecall);
        this.engine =
                group.engine() == EngineKind.INTERPRETER
                        ? interpreter
                        : new TranslatingEngine(core, mmu, interpreter, group.translator());
        core.attach(mmu, sstc);
        group.exclusion().add(core);
        reset(0);
    }

    /**
     * Begins a hart.
     *
     * @param id its {@code mhartid}, 0 or more
     * @return a builder
     */
    public static Builder builder(int id) {
        return new Builder(id);
    }

    /** {@return its {@code mhartid}} Any thread. */
    public int id() {
        return id;
    }

    /**
     * Reads a general register.
     *
     * @param index 0..31
     * @return its value; 0 for register 0
     */
    public long register(int index) {
        return core.x[index & 31];
    }

    /**
     * Sets a general register; a write to register 0 is ignored.
     *
     * @param index 0..31
     * @param value the new value
     */
    public void setRegister(int index, long value) {
        core.setX(index & 31, value);
    }

    /**
     * Reads a floating-point register.
     *
     * @param index 0..31
     * @return its raw bits
     */
    public long fpRegister(int index) {
        return core.f[index & 31];
    }

    /**
     * Sets the raw bits of a floating-point register.
     *
     * @param index 0..31
     * @param bits the new raw bits
     */
    public void setFpRegister(int index, long bits) {
        core.f[index & 31] = bits;
    }

    /** {@return the address of the next instruction} */
    public long pc() {
        return core.pc;
    }

    /**
     * Sets the address of the next instruction.
     *
     * @param pc a virtual address, even
     */
    public void setPc(long pc) {
        core.pc = pc & ~1L;
    }

    /** {@return the present privilege mode} */
    public PrivilegeMode privilege() {
        return PrivilegeMode.of(core.privilege);
    }

    /**
     * Sets the privilege mode.
     *
     * @param mode the new mode
     */
    public void setPrivilege(PrivilegeMode mode) {
        core.privilege = mode.encoding();
        core.contextChanged();
        core.requestAttention(HartCore.ATTENTION_INTERRUPT);
    }

    /**
     * Reads a CSR with M-mode's rights, without side effects on the machine.
     *
     * @param number 0..0xFFF
     * @return its value; 0 if it does not exist
     */
    public long csr(int number) {
        csrs.illegal = false;
        long value = csrs.read(number);
        return csrs.illegal ? 0 : value;
    }

    /**
     * Writes a CSR with M-mode's rights.
     *
     * @param number 0..0xFFF
     * @param value the value; bits that are not writable are ignored
     */
    public void setCsr(int number, long value) {
        csrs.illegal = false;
        csrs.access(number, value, -1, false, true);
    }

    /**
     * {@return the instructions retired since the last reset} Any thread; exact when not running.
     */
    public long instructionsRetired() {
        return core.instret - retiredAtReset;
    }

    /**
     * The hart's input for one interrupt: {@code cause} is the bit number in {@code mip}: 1 SSIP, 3
     * MSIP, 5 STIP, 7 MTIP, 9 SEIP, 11 MEIP. Raising SSIP is an event, which software clears in
     * {@code mip} or {@code sip}; the others are levels. Any thread.
     *
     * @param cause 1, 3, 5, 7, 9 or 11
     * @return the line
     */
    public InterruptLine interruptLine(int cause) {
        if (Arrays.stream(LINES).noneMatch(line -> line == cause)) {
            throw new IllegalArgumentException(
                    "expected interrupt 1, 3, 5, 7, 9 or 11, got " + cause);
        }
        return new Pin(core, cause);
    }

    /**
     * Runs on the calling thread until {@link #stop} is called or {@link Builder#maxInstructions}
     * is reached. A stopped hart (HSM) waits inside.
     */
    public void run() {
        if (debugger != null) {
            callDebugger();
        }
        core.moveOn();
        try {
            while (attend() && instructionsRetired() < maxInstructions) {
                if (state != HartState.STARTED) {
                    waitWhileNotStarted();
                } else {
                    execute(Math.min(maxInstructions - instructionsRetired(), POLL_INSTRUCTIONS));
                }
            }
        } finally {
            core.standStill();
            core.restoreInterrupt();
        }
    }

    /**
     * Runs the engine until the instructions retired have reached a limit, or passed it by less
     * than {@link Engine#OVERRUN}.
     */
    void runPast(long limit) {
        core.moveOn();
        try {
            while (attend() && instructionsRetired() < limit) {
                engine.run(core.instret + limit - instructionsRetired());
            }
        } finally {
            core.standStill();
        }
    }

    /**
     * Executes some instructions and returns.
     *
     * @param count how many; a trap taken counts as one
     */
    public void step(long count) {
        core.moveOn();
        try {
            for (long i = 0; i < count; i++) {
                long interrupts = core.interruptsTaken;
                if (!attend()) {
                    break;
                }
                if (core.interruptsTaken == interrupts) {
                    engine.step();
                }
            }
        } finally {
            core.standStill();
        }
    }

    /** Makes {@link #run} return soon. Any thread. */
    public void stop() {
        core.requestAttention(HartCore.ATTENTION_STOP);
    }

    /**
     * Sets what {@code time} counts beyond the clock: the hart's part of a write to {@code mtime}.
     * Any thread.
     *
     * @param ticks the difference in ticks of 100 ns
     */
    public void setTimeOffset(long ticks) {
        sstc.setTimeOffset(ticks);
    }

    /**
     * Runs a task on the hart's thread between two instructions, soon. Any thread.
     *
     * @param task what to run; it gets this hart
     */
    public void post(Consumer<Hart> task) {
        tasks.add(task);
        core.requestAttention(HartCore.ATTENTION_TASK);
    }

    /**
     * Runs the tasks posted to this hart so far. For code on the hart's own thread that waits for
     * another hart (a remote fence), so that two harts that wait for each other both go on.
     *
     * @return false if {@link #stop} was called: the waiter gives up, because the other hart may
     *     have ended {@link #run} already
     */
    public boolean runPostedTasks() {
        core.giveWay();
        for (Consumer<Hart> task = tasks.poll(); task != null; task = tasks.poll()) {
            task.accept(this);
        }
        return (core.attention & HartCore.ATTENTION_STOP) == 0;
    }

    /**
     * Attaches a debugger, or detaches it; {@link HartDebugger#next} is asked soon. Any thread.
     *
     * @param newDebugger null for none
     */
    public void setDebugger(@Nullable HartDebugger newDebugger) {
        debugger = newDebugger;
        callDebugger();
    }

    /** Makes the hart ask its debugger what to do, soon. Any thread. */
    public void callDebugger() {
        core.requestAttention(HartCore.ATTENTION_DEBUGGER);
    }

    /**
     * Sets what stops the hart for its debugger. Own thread or post.
     *
     * @param traps replace those before
     */
    public void setTraps(HartTraps traps) {
        mmu.setTraps(traps.isEmpty() ? null : traps);
    }

    /** {@return the state as SBI's HSM extension names it (SBI 2.0 §9)} Any thread. */
    public HartState state() {
        return state;
    }

    /**
     * Sets the HSM state; a hart that is {@code STOPPED} executes nothing. Own thread or post.
     *
     * @param state the new state
     */
    public void setState(HartState state) {
        this.state = state;
        core.requestAttention(HartCore.ATTENTION_INTERRUPT);
    }

    /** Drops cached address translations: all of them, or those of one page. Own thread. */
    public void flushTlb() {
        mmu.flushAll();
    }

    /**
     * What {@code fence.i} does: stores made so far by any hart are seen by fetches. Own thread.
     */
    public void fenceInstructions() {
        mmu.fenceI();
    }

    /**
     * Translates a virtual address as a load of the present mode would, without side effects.
     *
     * @param virtualAddress any address
     * @return the guest physical address, or empty if the load would trap
     */
    public Optional<Long> translate(long virtualAddress) {
        long physical = mmu.probe(virtualAddress);
        return physical == -1 ? Optional.empty() : Optional.of(physical);
    }

    /**
     * Goes back to the state after power-on, in M-mode.
     *
     * @param resetVector the address of the first instruction
     */
    public void reset(long resetVector) {
        pmp.reset();
        core.reset(resetVector);
        retiredAtReset = core.instret;
        state = HartState.STARTED;
    }

    @Override
    public void sleep() {
        sstc.sleep();
    }

    @Override
    public Snapshot snapshot() {
        return HartSnapshot.take(core, pmp, sstc, state.name());
    }

    @Override
    public void restore(Snapshot snapshot) {
        HartState restored = savedState(snapshot);
        HartSnapshot.restore(snapshot, core, pmp, sstc);
        state = restored;
        mmu.fenceI();
        mmu.flushAll();
        core.contextChanged();
        core.requestAttention(HartCore.ATTENTION_INTERRUPT);
    }

    @Override
    public void wake() {
        sstc.wake();
    }

    private static HartState savedState(Snapshot snapshot) {
        String name = snapshot.getString("state");
        return Arrays.stream(HartState.values())
                .filter(value -> value.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new SnapshotException(
                                        "riscv.hart.state: expected one of "
                                                + Arrays.toString(HartState.values())
                                                + ", got "
                                                + name));
    }

    /** Deals with what asked for attention; false if the hart has to stop. */
    private boolean attend() {
        io.poll();
        int attention = core.attention;
        if (attention == 0) {
            return true;
        }
        core.clearAttention(attention);
        if ((attention & HartCore.ATTENTION_HOLD) != 0) {
            core.standStill();
            core.moveOn();
        }
        if ((attention & HartCore.ATTENTION_TASK) != 0) {
            for (Consumer<Hart> task = tasks.poll(); task != null; task = tasks.poll()) {
                task.accept(this);
            }
        }
        if ((attention & HartCore.ATTENTION_DEBUGGER) != 0 && !obeyDebugger()) {
            return false;
        }
        if ((attention & HartCore.ATTENTION_STUCK) != 0) {
            onTrapLoop.accept(this);
        }
        if ((attention & HartCore.ATTENTION_INTERRUPT) != 0 && state == HartState.STARTED) {
            core.takeInterrupt();
        }
        return (attention & HartCore.ATTENTION_STOP) == 0;
    }

    /** Does what the debugger says until it lets the hart go on; false if the hart has to stop. */
    private boolean obeyDebugger() {
        HartDebugger master = debugger;
        int trap = core.takeDebuggerTrap();
        if (master == null) {
            return true;
        }
        if (trap != 0) {
            master.stopped(this, stop(trap));
        }
        int seen = HartCore.ATTENTION_INTERRUPT;
        while (true) {
            int attention = core.attention;
            // Before the question: what is said after the answer sets the bit again.
            core.clearAttention(attention);
            seen |= attention;
            if ((attention & HartCore.ATTENTION_STOP) != 0) {
                return false;
            }
            for (Consumer<Hart> task = tasks.poll(); task != null; task = tasks.poll()) {
                task.accept(this);
            }
            HartDebugger present = debugger;
            HartDebugger.Action action =
                    present == null ? HartDebugger.Action.RUN : present.next(this);
            if (present == null || action == HartDebugger.Action.RUN) {
                core.requestAttention(
                        seen & (HartCore.ATTENTION_INTERRUPT | HartCore.ATTENTION_STUCK));
                return true;
            }
            switch (action) {
                case RUN, HOLD -> core.park(Long.MAX_VALUE);
                case STEP -> stepForDebugger(present, Pmp.EXECUTE);
                case PASS -> stepForDebugger(present, Pmp.READ | Pmp.WRITE | Pmp.EXECUTE);
            }
        }
    }

    private HartDebugger.Stop stop(int trap) {
        return trap == Pmp.EXECUTE
                ? new HartDebugger.Stop.AtBreakpoint(core.pc)
                : new HartDebugger.Stop.AtWatchpoint(core.trapValue, trap == Pmp.WRITE);
    }

    /** Executes one instruction and takes no interrupt; traps of some kinds do not stop it. */
    private void stepForDebugger(HartDebugger master, int ignoredTraps) {
        if (state != HartState.STARTED) {
            return;
        }
        // WFI does not wait while there is something to attend to.
        core.requestAttention(HartCore.ATTENTION_DEBUGGER);
        mmu.ignoreTraps(ignoredTraps);
        try {
            engine.step();
        } finally {
            mmu.ignoreTraps(0);
        }
        int trap = core.takeDebuggerTrap();
        if (trap != 0) {
            master.stopped(this, stop(trap));
        }
    }

    private void waitWhileNotStarted() {
        if (state == HartState.SUSPENDED && core.wakeUpPending()) {
            state = HartState.STARTED;
            core.requestAttention(HartCore.ATTENTION_INTERRUPT);
        } else {
            core.park(Long.MAX_VALUE);
        }
    }

    private void execute(long instructions) {
        if (instructions > Engine.OVERRUN) {
            engine.run(core.instret + instructions - Engine.OVERRUN);
        } else {
            engine.step();
        }
    }

    /** One interrupt input. */
    private record Pin(HartCore core, int bit) implements InterruptLine {
        @Override
        public void raise() {
            core.setPin(bit, true);
        }

        @Override
        public void lower() {
            core.setPin(bit, false);
        }
    }

    /** The parts a hart is built from. */
    public static final class Builder {
        private final int id;
        private @Nullable HartGroup group;
        private @Nullable GuestMemory memory;
        private @Nullable GuestIo io;
        private @Nullable VirtualClock clock;
        private @Nullable ImsicFile machineFile;
        private @Nullable ImsicFile supervisorFile;
        private @Nullable Sbi sbi;
        private long maxInstructions = Long.MAX_VALUE;
        private Consumer<Hart> onTrapLoop = hart -> {};

        private Builder(int id) {
            this.id = id;
        }

        /**
         * Sets what this hart shares with the others of its machine, memory included. A machine
         * with more than one hart needs it; without it the hart has a group of its own over {@link
         * #memory}.
         *
         * @param group the machine's group
         * @return this
         */
        public Builder group(HartGroup group) {
            this.group = group;
            return this;
        }

        /**
         * Sets the guest memory; required.
         *
         * @param memory what loads, stores and fetches reach first
         * @return this
         */
        public Builder memory(GuestMemory memory) {
            this.memory = memory;
            return this;
        }

        /**
         * Sets what is not memory; required.
         *
         * @param io where other accesses go
         * @return this
         */
        public Builder io(GuestIo io) {
            this.io = io;
            return this;
        }

        /**
         * Sets the time; {@code time} counts it in 100 ns (10 MHz); required.
         *
         * @param clock the machine's clock
         * @return this
         */
        public Builder clock(VirtualClock clock) {
            this.clock = clock;
            return this;
        }

        /**
         * Sets the IMSIC's files; without them the hart has no AIA CSRs.
         *
         * @param machine the M-level file
         * @param supervisor the S-level file
         * @return this
         */
        public Builder imsic(ImsicFile machine, ImsicFile supervisor) {
            this.machineFile = machine;
            this.supervisorFile = supervisor;
            return this;
        }

        /**
         * Sets what answers S-mode's environment calls; without it they trap to M-mode.
         *
         * @param sbi the firmware
         * @return this
         */
        public Builder sbi(Sbi sbi) {
            this.sbi = sbi;
            return this;
        }

        /**
         * Ends {@link Hart#run} after some instructions; default: no limit.
         *
         * @param limit the greatest number, 1 or more
         * @return this
         */
        public Builder maxInstructions(long limit) {
            if (limit < 1) {
                throw new IllegalArgumentException("expected a limit of 1 or more, got " + limit);
            }
            this.maxInstructions = limit;
            return this;
        }

        /**
         * Called on the hart's thread, once, when it has taken a million traps in a row without
         * retiring an instruction (a trap at the trap vector itself, for ever); {@code mepc} or
         * {@code sepc} and the cause are still in the CSRs. Default: nothing happens.
         *
         * @param handler what to call; it gets the hart
         * @return this
         */
        public Builder onTrapLoop(Consumer<Hart> handler) {
            this.onTrapLoop = handler;
            return this;
        }

        /** {@return the hart, reset} */
        public Hart build() {
            HartGroup chosen =
                    group != null ? group : HartGroup.of(required(memory, "memory or group"));
            return new Hart(this, chosen, required(io, "io"), required(clock, "clock"));
        }

        private static <T> T required(@Nullable T part, String name) {
            if (part == null) {
                throw new IllegalStateException("a hart needs " + name);
            }
            return part;
        }
    }
}
