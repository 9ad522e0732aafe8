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
        throw new UnsupportedOperationException();
    }

    /**
     * Reads a general register.
     *
     * @param index 0..31
     * @return its value; 0 for register 0
     */
    public long register(int index) {
        throw new UnsupportedOperationException();
    }

    /**
     * Sets a general register; a write to register 0 is ignored.
     *
     * @param index 0..31
     * @param value the new value
     */
    public void setRegister(int index, long value) {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads a floating-point register.
     *
     * @param index 0..31
     * @return its raw bits
     */
    public long fpRegister(int index) {
        throw new UnsupportedOperationException();
    }

    /**
     * Sets the raw bits of a floating-point register.
     *
     * @param index 0..31
     * @param bits the new raw bits
     */
    public void setFpRegister(int index, long bits) {
        throw new UnsupportedOperationException();
    }

    /** {@return the address of the next instruction} */
    public long pc() {
        throw new UnsupportedOperationException();
    }

    /**
     * Sets the address of the next instruction.
     *
     * @param pc a virtual address, even
     */
    public void setPc(long pc) {
        throw new UnsupportedOperationException();
    }

    /** {@return the present privilege mode} */
    public PrivilegeMode privilege() {
        throw new UnsupportedOperationException();
    }

    /**
     * Sets the privilege mode.
     *
     * @param mode the new mode
     */
    public void setPrivilege(PrivilegeMode mode) {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads a CSR with M-mode's rights, without side effects on the machine.
     *
     * @param number 0..0xFFF
     * @return its value; 0 if it does not exist
     */
    public long csr(int number) {
        throw new UnsupportedOperationException();
    }

    /**
     * Writes a CSR with M-mode's rights.
     *
     * @param number 0..0xFFF
     * @param value the value; bits that are not writable are ignored
     */
    public void setCsr(int number, long value) {
        throw new UnsupportedOperationException();
    }

    /**
     * {@return the instructions retired since the last reset} Any thread; exact when not running.
     */
    public long instructionsRetired() {
        throw new UnsupportedOperationException();
    }

    /**
     * The hart's input for one interrupt: {@code cause} is the bit number in {@code mip}: 1 SSIP, 3
     * MSIP, 5 STIP, 7 MTIP, 9 SEIP, 11 MEIP. Any thread.
     *
     * @param cause 1, 3, 5, 7, 9 or 11
     * @return the line
     */
    public InterruptLine interruptLine(int cause) {
        throw new UnsupportedOperationException();
    }

    /**
     * Runs on the calling thread until {@link #stop} is called or {@link Builder#maxInstructions}
     * is reached. A stopped hart (HSM) waits inside.
     */
    public void run() {
        throw new UnsupportedOperationException();
    }

    /**
     * Executes some instructions and returns.
     *
     * @param count how many; a trap taken counts as one
     */
    public void step(long count) {
        throw new UnsupportedOperationException();
    }

    /** Makes {@link #run} return soon. Any thread. */
    public void stop() {
        throw new UnsupportedOperationException();
    }

    /**
     * Runs a task on the hart's thread between two instructions, soon. Any thread.
     *
     * @param task what to run; it gets this hart
     */
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

    /** {@return the state as SBI's HSM extension names it (SBI 2.0 §9)} Any thread. */
    public HartState state() {
        throw new UnsupportedOperationException();
    }

    /**
     * Sets the HSM state; a hart that is {@code STOPPED} executes nothing. Own thread or post.
     *
     * @param state the new state
     */
    public void setState(HartState state) {
        throw new UnsupportedOperationException();
    }

    /** Drops cached address translations: all of them, or those of one page. Own thread. */
    public void flushTlb() {
        throw new UnsupportedOperationException();
    }

    /**
     * What {@code fence.i} does: stores made so far by any hart are seen by fetches. Own thread.
     */
    public void fenceInstructions() {
        throw new UnsupportedOperationException();
    }

    /**
     * Translates a virtual address as a load of the present mode would, without side effects.
     *
     * @param virtualAddress any address
     * @return the guest physical address, or empty if the load would trap
     */
    public Optional<Long> translate(long virtualAddress) {
        throw new UnsupportedOperationException();
    }

    /**
     * Goes back to the state after power-on, in M-mode.
     *
     * @param resetVector the address of the first instruction
     */
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

        /**
         * Sets the guest memory; required.
         *
         * @param memory what loads, stores and fetches reach first
         * @return this
         */
        public Builder memory(GuestMemory memory) {
            return this;
        }

        /**
         * Sets what is not memory; required.
         *
         * @param io where other accesses go
         * @return this
         */
        public Builder io(GuestIo io) {
            return this;
        }

        /**
         * Sets the time; {@code time} counts it in 100 ns (10 MHz); required.
         *
         * @param clock the machine's clock
         * @return this
         */
        public Builder clock(VirtualClock clock) {
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
            return this;
        }

        /**
         * Sets what answers S-mode's environment calls; without it they trap to M-mode.
         *
         * @param sbi the firmware
         * @return this
         */
        public Builder sbi(Sbi sbi) {
            return this;
        }

        /**
         * Ends {@link Hart#run} after some instructions; default: no limit.
         *
         * @param limit the greatest number, 1 or more
         * @return this
         */
        public Builder maxInstructions(long limit) {
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
            return this;
        }

        /** {@return the hart, reset} */
        public Hart build() {
            throw new UnsupportedOperationException();
        }
    }
}
