package dev.dalang.riscv;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One RV64GC hart. Registers and CSRs are touched only on its own thread, or while it does not run;
 * the methods that any thread may call say so.
 */
public final class Hart implements Suspendable {
    private Hart() {}

    /** Begins a hart with this {@code mhartid}. */
    public static Builder builder(int id) {
        return new Builder(id);
    }

    /** Its {@code mhartid}. Any thread. */
    public int id() {
        throw new UnsupportedOperationException();
    }

    /** General register {@code index}, 0..31. */
    public long register(int index) {
        throw new UnsupportedOperationException();
    }

    /** Sets a general register; a write to register 0 is ignored. */
    public void setRegister(int index, long value) {
        throw new UnsupportedOperationException();
    }

    /** Raw bits of floating-point register {@code index}. */
    public long fpRegister(int index) {
        throw new UnsupportedOperationException();
    }

    /** Sets the raw bits of a floating-point register. */
    public void setFpRegister(int index, long bits) {
        throw new UnsupportedOperationException();
    }

    /** Address of the next instruction. */
    public long pc() {
        throw new UnsupportedOperationException();
    }

    /** Sets the address of the next instruction. */
    public void setPc(long pc) {
        throw new UnsupportedOperationException();
    }

    /** The present privilege mode. */
    public PrivilegeMode privilege() {
        throw new UnsupportedOperationException();
    }

    /** Sets the privilege mode. */
    public void setPrivilege(PrivilegeMode mode) {
        throw new UnsupportedOperationException();
    }

    /** Reads a CSR with M-mode's rights, without side effects on the machine. */
    public long csr(int number) {
        throw new UnsupportedOperationException();
    }

    /** Writes a CSR with M-mode's rights. */
    public void setCsr(int number, long value) {
        throw new UnsupportedOperationException();
    }

    /** Instructions retired since the last reset. Any thread; exact when the hart does not run. */
    public long instructionsRetired() {
        throw new UnsupportedOperationException();
    }

    /**
     * The hart's input for one interrupt: {@code cause} is the bit number in {@code mip}: 1 SSIP, 3
     * MSIP, 5 STIP, 7 MTIP, 9 SEIP, 11 MEIP. Any thread.
     */
    public InterruptLine interruptLine(int cause) {
        throw new UnsupportedOperationException();
    }

    /**
     * Runs on the calling thread until {@link #stop} is called or {@link Builder#maxInstructions} is
     * reached. A stopped hart (HSM) waits inside.
     */
    public void run() {
        throw new UnsupportedOperationException();
    }

    /** Executes {@code count} instructions (a trap taken counts as one) and returns. */
    public void step(long count) {
        throw new UnsupportedOperationException();
    }

    /** Makes {@link #run} return soon. Any thread. */
    public void stop() {
        throw new UnsupportedOperationException();
    }

    /** Runs {@code task} on the hart's thread between two instructions, soon. Any thread. */
    public void post(Consumer<Hart> task) {
        throw new UnsupportedOperationException();
    }

    /**
     * Runs the tasks posted to this hart so far. For code on the hart's own thread that waits for
     * another hart (a remote fence), so that two harts that wait for each other both go on.
     *
     * @return false if {@link #stop} was called: the waiter gives up, because the other hart may
     *     have ended {@link #run} already
     */
    public boolean runPostedTasks() {
        throw new UnsupportedOperationException();
    }

    /** The state as SBI's HSM extension names it (SBI 2.0 §9). Any thread. */
    public HartState state() {
        throw new UnsupportedOperationException();
    }

    /** Sets the HSM state; a hart that is {@code STOPPED} executes nothing. Its own thread or post. */
    public void setState(HartState state) {
        throw new UnsupportedOperationException();
    }

    /** Drops cached address translations: all of them, or those of one page. Own thread. */
    public void flushTlb() {
        throw new UnsupportedOperationException();
    }

    /** Translates a virtual address as a load of the present mode would, without side effects. */
    public Optional<Long> translate(long virtualAddress) {
        throw new UnsupportedOperationException();
    }

    /** Back to the state after power-on, at this address in M-mode. */
    public void reset(long resetVector) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void sleep() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Snapshot snapshot() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void restore(Snapshot snapshot) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void wake() {
        throw new UnsupportedOperationException();
    }

    /** The parts a hart is built from. */
    public static final class Builder {
        Builder(int id) {}

        /** Guest memory; required. */
        public Builder memory(GuestMemory memory) {
            return this;
        }

        /** What is not memory; required. */
        public Builder io(GuestIo io) {
            return this;
        }

        /** Time: {@code time} counts it in 100 ns (10 MHz); required. */
        public Builder clock(VirtualClock clock) {
            return this;
        }

        /** The IMSIC's files; without them the hart has no AIA CSRs. */
        public Builder imsic(ImsicFile machine, ImsicFile supervisor) {
            return this;
        }

        /** Answers S-mode's environment calls; without it they trap to M-mode. */
        public Builder sbi(Sbi sbi) {
            return this;
        }

        /** Ends {@link Hart#run} after this many instructions; default: no limit. */
        public Builder maxInstructions(long limit) {
            return this;
        }

        /**
         * Called on the hart's thread, once, when it has taken a million traps in a row without
         * retiring an instruction (a trap at the trap vector itself, for ever); {@code mepc} or
         * {@code sepc} and the cause are still in the CSRs. Default: nothing happens.
         */
        public Builder onTrapLoop(Consumer<Hart> handler) {
            return this;
        }

        /** The hart, reset. */
        public Hart build() {
            throw new UnsupportedOperationException();
        }
    }
}
