package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.riscv.Assembler;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One hart with 4 MiB of RAM, a clock that stands still, and a device that fills all other
 * addresses and remembers what was asked of it. Traps end in loops, one for M-mode and one for
 * S-mode, where a test can look at them.
 *
 * <p>The hart starts in M-mode; one PMP entry opens all memory to S and U.
 */
final class HartFixture {
    /** Base of RAM; programs start here. */
    static final long RAM = 0x8000_0000L;

    /** Size of RAM. */
    static final int RAM_BYTES = 4 << 20;

    /** Free for data: nothing of the fixture is here. */
    static final long DATA = RAM + 0x10_0000;

    /** {@code mtvec}: the last page but one of RAM holds a loop. */
    static final long M_SINK = RAM + RAM_BYTES - 0x2000;

    /** {@code stvec}: the last page of RAM holds a loop. */
    static final long S_SINK = RAM + RAM_BYTES - 0x1000;

    /** Some address of the device. */
    static final long DEVICE = 0x1000_0000L;

    private static final int MAX_STEPS = 1_000_000;

    /** What the guest asked of the device. */
    record Access(boolean isStore, long address, int size, long value) {}

    /** A trap that ended in a sink; {@code cause} is the whole CSR. */
    record Trap(PrivilegeMode mode, long cause, long epc, long tval) {}

    /** The device: loads give {@link #answer}. */
    static final class RecordingIo implements GuestIo {
        /** All accesses so far. */
        final List<Access> accesses = new ArrayList<>();

        /** What loads give. */
        long answer;

        @Override
        public synchronized long load(long address, int size) {
            accesses.add(new Access(false, address, size, answer));
            return size == 8 ? answer : answer & (1L << 8 * size) - 1;
        }

        @Override
        public synchronized void store(long address, int size, long value) {
            accesses.add(new Access(true, address, size, value));
        }
    }

    /** The hart. */
    final Hart hart;

    /** Its RAM. */
    final GuestMemory memory;

    /** Everything that is not RAM. */
    final RecordingIo io = new RecordingIo();

    /** Its time. */
    final ManualVirtualClock clock = new ManualVirtualClock();

    /** What it shares with other harts: nothing. */
    final HartGroup group;

    private HartFixture(EngineKind engine, int ramBytes, Consumer<Hart.Builder> options) {
        MemorySegment ram = Arena.ofAuto().allocate(ramBytes + MemoryRegion.PADDING, 4096);
        memory = GuestMemory.of(MemoryRegion.padded(RAM, ram, Optional.empty()));
        group = HartGroup.of(memory, List.of(), engine, new byte[0]);
        Hart.Builder builder = Hart.builder(0).group(group).io(io).clock(clock);
        options.accept(builder);
        hart = builder.build();
        reset();
    }

    /** A hart without AIA. */
    static HartFixture create() {
        return create(_ -> {});
    }

    /** A hart with an engine, and with RAM of another size, at least {@link #RAM_BYTES}. */
    static HartFixture create(EngineKind engine, int ramBytes) {
        return new HartFixture(engine, ramBytes, _ -> {});
    }

    /** A hart with more parts. */
    static HartFixture create(Consumer<Hart.Builder> options) {
        return new HartFixture(HartGroup.defaultEngine(), RAM_BYTES, options);
    }

    /** Registers and CSRs as at the start; RAM keeps what is in it. */
    void reset() {
        hart.reset(RAM);
        place(M_SINK, a -> a.jal(0, 0));
        place(S_SINK, a -> a.jal(0, 0));
        hart.setCsr(Csr.MTVEC, M_SINK);
        hart.setCsr(Csr.STVEC, S_SINK);
        hart.setCsr(Csr.PMPADDR0, -1);
        hart.setCsr(Csr.PMPCFG0, 0x1f);
        hart.setCsr(Csr.MSTATUS, Csr.MSTATUS_FS);
        hart.setPc(RAM);
    }

    /** Writes code to an address; returns the address behind it. */
    long place(long address, Consumer<Assembler> code) {
        byte[] bytes = Assembler.assemble(address, code);
        memory.copyIn(address, bytes);
        hart.fenceInstructions();
        return address + bytes.length;
    }

    /** Value of a register. */
    long get(int register) {
        return hart.register(register);
    }

    /** Sets a register. */
    HartFixture set(int register, long value) {
        hart.setRegister(register, value);
        return this;
    }

    /** Value of a CSR with M-mode's rights. */
    long csr(int number) {
        return hart.csr(number);
    }

    /** Sets a CSR with M-mode's rights. */
    HartFixture csr(int number, long value) {
        hart.setCsr(number, value);
        return this;
    }

    /** Sets bits of a CSR. */
    HartFixture setBits(int number, long bits) {
        return csr(number, csr(number) | bits);
    }

    /** Clears bits of a CSR. */
    HartFixture clearBits(int number, long bits) {
        return csr(number, csr(number) & ~bits);
    }

    /** Sets the privilege mode of what runs next. */
    HartFixture in(PrivilegeMode mode) {
        hart.setPrivilege(mode);
        return this;
    }

    /**
     * Runs straight through a program at {@link #RAM} in the present mode, up to its end, and fails
     * if it traps. The mode is afterwards what it was before.
     */
    HartFixture execute(Consumer<Assembler> program) {
        long end = place(RAM, program);
        place(end, a -> a.ebreak());
        PrivilegeMode mode = hart.privilege();
        Trap trap = runFrom(RAM);
        assertThat(trap.cause()).as("cause of %s", trap).isEqualTo(Cause.BREAKPOINT);
        assertThat(trap.epc()).as("place of %s", trap).isEqualTo(end);
        hart.setPrivilege(mode);
        return this;
    }

    /** Runs a program at {@link #RAM} in the present mode up to the trap that it must take. */
    Trap trap(Consumer<Assembler> program) {
        long end = place(RAM, program);
        place(end, a -> a.ebreak());
        Trap trap = runFrom(RAM);
        assertThat(trap.epc()).as("end of the program without a trap").isNotEqualTo(end);
        return trap;
    }

    /** Runs from an address in the present mode until a trap ends in a sink. */
    Trap runFrom(long address) {
        hart.setPc(address);
        return run();
    }

    /** Runs until a trap ends in a sink. */
    Trap run() {
        for (int n = 0; n < MAX_STEPS; n++) {
            // Not step by step, which every engine leaves to the interpreter.
            hart.runPast(hart.instructionsRetired() + 1);
            if (hart.pc() == M_SINK && hart.privilege() == PrivilegeMode.M) {
                return machineTrap();
            }
            if (hart.pc() == S_SINK && hart.privilege() == PrivilegeMode.S) {
                return new Trap(PrivilegeMode.S, csr(Csr.SCAUSE), csr(Csr.SEPC), csr(Csr.STVAL));
            }
        }
        throw new AssertionError("no trap; pc is 0x" + Long.toHexString(hart.pc()));
    }

    /** Executes instructions from where the hart stands. */
    HartFixture step(int count) {
        hart.step(count);
        return this;
    }

    /** What the M-mode trap CSRs say. */
    Trap machineTrap() {
        return new Trap(PrivilegeMode.M, csr(Csr.MCAUSE), csr(Csr.MEPC), csr(Csr.MTVAL));
    }

    /** Reads memory, zero-extended. */
    long peek(long address, int size) {
        long value = 0;
        for (int n = size - 1; n >= 0; n--) {
            value = value << 8 | memory.readByte(address + n) & 0xff;
        }
        return value;
    }

    /** Writes memory. */
    HartFixture poke(long address, int size, long value) {
        for (int n = 0; n < size; n++) {
            memory.writeByte(address + n, (byte) (value >>> 8 * n));
        }
        return this;
    }
}
