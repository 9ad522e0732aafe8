package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.A3;
import static dev.dalang.testkit.riscv.Registers.A4;
import static dev.dalang.testkit.riscv.Registers.A5;
import static dev.dalang.testkit.riscv.Registers.S2;
import static dev.dalang.testkit.riscv.Registers.S3;
import static dev.dalang.testkit.riscv.Registers.S4;
import static dev.dalang.testkit.riscv.Registers.S5;
import static dev.dalang.testkit.riscv.Registers.S6;
import static dev.dalang.testkit.riscv.Registers.S7;
import static dev.dalang.testkit.riscv.Registers.T0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;
import dev.dalang.testkit.riscv.Ordering;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** Two harts, each on its thread: atomics, fences, and what lets one of them run alone. */
class MultiHartTest {
    private static final int HARTS = 2;
    private static final int ROUNDS = 5_000;
    private static final int LIMIT_MILLIS = 120_000;

    private static final long BARRIER = DATA + 0x1000;

    private final GuestMemory memory =
            GuestMemory.of(
                    new MemoryRegion(RAM, Arena.ofAuto().allocate(HartFixture.RAM_BYTES, 4096)));
    private final HartGroup group = HartGroup.of(memory);
    private final List<Hart> harts = new ArrayList<>();

    /** Runs a program on all harts, in S-mode with the hart's number in a0, up to its ecall. */
    private void run(Consumer<Assembler> program) throws InterruptedException {
        run(program, Hart::stop);
    }

    private void run(Consumer<Assembler> program, Sbi sbi) throws InterruptedException {
        memory.copyIn(
                RAM,
                Assembler.assemble(
                        RAM,
                        a -> {
                            program.accept(a);
                            a.li(17, 0);
                            a.ecall();
                            a.j(0);
                        }));
        for (int id = 0; id < HARTS; id++) {
            Hart hart =
                    Hart.builder(id)
                            .group(group)
                            .io(new HartFixture.RecordingIo())
                            .clock(new ManualVirtualClock())
                            .sbi(sbi)
                            .build();
            hart.reset(RAM);
            hart.setCsr(Csr.PMPADDR0, -1);
            hart.setCsr(Csr.PMPCFG0, 0x1f);
            hart.setPrivilege(PrivilegeMode.S);
            hart.setRegister(A0, id);
            hart.setRegister(A1, DATA);
            hart.setRegister(A2, ROUNDS);
            harts.add(hart);
        }
        List<Thread> threads = new ArrayList<>();
        for (Hart hart : harts) {
            threads.add(Thread.ofPlatform().daemon().start(hart::run));
        }
        for (Thread thread : threads) {
            thread.join(LIMIT_MILLIS);
            assertThat(thread.isAlive()).as("a hart still runs").isFalse();
        }
    }

    /** Ways to add one to the counter at a1, or to both of its halves. */
    private enum Increment {
        LOAD_RESERVED,
        ADD,
        COMPARE_AND_SWAP_WORD,
        COMPARE_AND_SWAP,
        COMPARE_AND_SWAP_QUAD;

        void write(Assembler a) {
            Label again = a.here();
            switch (this) {
                case LOAD_RESERVED -> {
                    a.lr_d(A3, A1);
                    a.addi(A3, A3, 1);
                    a.sc_d(A4, A3, A1);
                    a.bnez(A4, again);
                }
                case ADD -> {
                    a.li(A3, 1);
                    a.amoadd_d(ZERO, A3, A1);
                }
                case COMPARE_AND_SWAP_WORD -> {
                    a.lw(A3, 0, A1);
                    a.mv(A5, A3);
                    a.addiw(A4, A3, 1);
                    a.amocas_w(A3, A4, A1);
                    a.bne(A3, A5, again);
                }
                case COMPARE_AND_SWAP -> {
                    a.ld(A3, 0, A1);
                    a.mv(A5, A3);
                    a.addi(A4, A3, 1);
                    a.amocas_d(A3, A4, A1);
                    a.bne(A3, A5, again);
                }
                case COMPARE_AND_SWAP_QUAD -> {
                    a.ld(S2, 0, A1);
                    a.ld(S3, 8, A1);
                    a.mv(S6, S2);
                    a.mv(S7, S3);
                    a.addi(S4, S2, 1);
                    a.addi(S5, S3, 1);
                    a.amocas_q(S2, S4, A1);
                    a.bne(S2, S6, again);
                    a.bne(S3, S7, again);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Increment.class)
    void noIncrementIsLost(Increment increment) throws InterruptedException {
        run(
                a -> {
                    Label loop = a.here();
                    increment.write(a);
                    a.addi(A2, A2, -1);
                    a.bnez(A2, loop);
                });
        assertThat(memory.readLong(DATA)).isEqualTo((long) HARTS * ROUNDS);
        boolean both = increment == Increment.COMPARE_AND_SWAP_QUAD;
        assertThat(memory.readLong(DATA + 8)).isEqualTo(both ? (long) HARTS * ROUNDS : 0);
    }

    /** Waits until both harts are here as often as s2 says, which it counts up. */
    private static void barrier(Assembler a) {
        a.addi(S2, S2, HARTS);
        a.li(T0, 1);
        a.li(A5, BARRIER);
        a.amoadd_d(ZERO, T0, A5, Ordering.ACQUIRE_RELEASE);
        Label wait = a.here();
        a.ld(T0, 0, A5);
        a.blt(T0, S2, wait);
        a.fence();
    }

    @Test
    void aFenceOrdersAStoreBeforeALoad() throws InterruptedException {
        // Store buffering: each hart stores to its word and loads the other's; one must see.
        run(
                a -> {
                    a.xori(A3, A0, 1);
                    a.slli(A3, A3, 6);
                    a.add(A3, A3, A1);
                    a.slli(A4, A0, 6);
                    a.add(A4, A4, A1);
                    a.li(S3, 1);
                    Label loop = a.here();
                    barrier(a);
                    a.sd(S3, 0, A4);
                    a.fence();
                    a.ld(S4, 0, A3);
                    // What this hart saw, beside its word.
                    a.sd(S4, 8, A4);
                    barrier(a);
                    // Hart 0 counts the rounds in which neither saw the other's store of this
                    // round.
                    Label next = a.label();
                    a.bnez(A0, next);
                    a.ld(S5, 8, A4);
                    a.ld(S6, 8, A3);
                    a.slt(S5, S5, S3);
                    a.slt(S6, S6, S3);
                    a.and(S5, S5, S6);
                    a.add(S7, S7, S5);
                    a.bind(next);
                    a.addi(S3, S3, 1);
                    a.ble(S3, A2, loop);
                });
        assertThat(harts.getFirst().register(S3)).isEqualTo(ROUNDS + 1);
        assertThat(harts.getFirst().register(S7)).as("forbidden outcomes").isZero();
    }

    @Test
    void fencesMakeAMessageVisibleBeforeItsFlag() throws InterruptedException {
        run(
                a -> {
                    Label reader = a.label();
                    Label end = a.label();
                    a.bnez(A0, reader);
                    Label write = a.here();
                    a.addi(S3, S3, 1);
                    a.sd(S3, 0, A1);
                    a.fence(1, 1);
                    a.sd(S3, 256, A1);
                    a.bne(S3, A2, write);
                    a.j(end);
                    a.bind(reader);
                    Label read = a.here();
                    a.ld(S3, 256, A1);
                    a.fence(2, 2);
                    a.ld(S4, 0, A1);
                    // The message is at least as new as the flag.
                    a.slt(S5, S4, S3);
                    a.add(S7, S7, S5);
                    a.bne(S3, A2, read);
                    a.bind(end);
                });
        assertThat(harts.getLast().register(S3)).isEqualTo(ROUNDS);
        assertThat(harts.getLast().register(S7)).as("stale messages").isZero();
    }

    @Test
    void aHartThatWaitsForAnotherGivesWayToItsExclusiveAccess() throws InterruptedException {
        // One hart waits in its firmware for a task of the other, which wants to run alone.
        Sbi fence =
                caller -> {
                    if (caller.register(17) == 0) {
                        caller.stop();
                        return;
                    }
                    AtomicBoolean done = new AtomicBoolean();
                    harts.getLast().post(_ -> done.set(true));
                    while (!done.get() && caller.runPostedTasks()) {
                        Thread.onSpinWait();
                    }
                };
        run(
                a -> {
                    Label other = a.label();
                    Label end = a.label();
                    a.bnez(A0, other);
                    a.li(17, 1);
                    a.li(A2, ROUNDS / 10);
                    Label call = a.here();
                    a.ecall();
                    a.addi(A2, A2, -1);
                    a.bnez(A2, call);
                    a.li(T0, 1);
                    a.sd(T0, 64, A1);
                    a.j(end);
                    a.bind(other);
                    Label swap = a.here();
                    a.amocas_q(S2, S4, A1);
                    a.ld(T0, 64, A1);
                    a.beqz(T0, swap);
                    a.bind(end);
                },
                fence);
    }
}
