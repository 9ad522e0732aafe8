package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.SbiMachine.HARTS;
import static dev.dalang.riscv.sbi.SbiMachine.RAM;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.Hart;
import dev.dalang.testkit.riscv.Registers;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/** Harts on their own threads that fence, interrupt, start and stop one another. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RfenceStressTest {
    private static final int ROUNDS = 3_000;
    private static final long COUNTERS = RAM + 0x8000;

    /**
     * Every hart fences all harts, itself included, as fast as it can: if a waiting caller did not
     * serve the others, this would stand still at once.
     */
    @Test
    void hartsThatFenceEachOtherAllGoOn() throws InterruptedException {
        try (SbiMachine machine = new SbiMachine()) {
            machine.program(
                    RAM,
                    a -> {
                        // s0: this hart's counter; s1: rounds left
                        a.slli(Registers.S0, Registers.A0, 3);
                        a.li(Registers.T0, COUNTERS);
                        a.add(Registers.S0, Registers.S0, Registers.T0);
                        a.li(Registers.S1, ROUNDS);
                        var again = a.label();
                        a.bind(again);
                        a.li(Registers.A7, RfenceExtension.ID);
                        a.andi(Registers.A6, Registers.S1, 1);
                        a.li(Registers.A0, 0);
                        a.li(Registers.A1, -1);
                        a.li(Registers.A2, 0);
                        a.li(Registers.A3, -1);
                        a.ecall();
                        a.ld(Registers.T1, 0, Registers.S0);
                        a.addi(Registers.T1, Registers.T1, 1);
                        a.sub(Registers.T1, Registers.T1, Registers.A0);
                        a.sd(Registers.T1, 0, Registers.S0);
                        a.addi(Registers.S1, Registers.S1, -1);
                        a.bnez(Registers.S1, again);
                        // The last one to come shuts down.
                        a.li(Registers.T0, COUNTERS + 64);
                        a.li(Registers.T1, 1);
                        a.amoadd_d(Registers.T2, Registers.T1, Registers.T0);
                        a.li(Registers.A7, SrstExtension.ID);
                        a.li(Registers.A6, 0);
                        a.li(Registers.A0, 0);
                        a.li(Registers.A1, 0);
                        a.li(Registers.T3, HARTS - 1);
                        var wait = a.label();
                        a.bne(Registers.T2, Registers.T3, wait);
                        a.ecall();
                        a.bind(wait);
                        a.wfi();
                        a.j(wait);
                    });
            for (int id = 1; id < HARTS; id++) {
                machine.call(HsmExtension.ID, 0, id, RAM, 0);
            }
            machine.harts.getFirst().setRegister(Registers.A0, 0);

            runUntilShutdown(machine);

            for (int id = 0; id < HARTS; id++) {
                assertThat(machine.memory.readLong(COUNTERS + 8L * id))
                        .as("successful rounds of hart %d", id)
                        .isEqualTo(ROUNDS);
            }
        }
    }

    /**
     * Hart 0 runs alone for each of its 128-bit exchanges, which the others' waiting for a fence
     * must not hold up, because they wait for hart 0.
     */
    @Test
    void hartsThatWaitForAFenceLetAnotherRunAlone() throws InterruptedException {
        try (SbiMachine machine = new SbiMachine()) {
            machine.program(
                    RAM,
                    a -> {
                        a.li(Registers.S1, ROUNDS);
                        a.li(Registers.S0, COUNTERS);
                        var fences = a.label();
                        a.bnez(Registers.A0, fences);
                        var again = a.label();
                        a.bind(again);
                        a.ld(Registers.T1, 0, Registers.S0);
                        a.amocas_q(Registers.A2, Registers.A4, Registers.S0);
                        a.addi(Registers.S1, Registers.S1, -1);
                        a.bnez(Registers.S1, again);
                        a.li(Registers.A7, SrstExtension.ID);
                        a.li(Registers.A6, 0);
                        a.li(Registers.A0, 0);
                        a.li(Registers.A1, 0);
                        a.ecall();
                        a.bind(fences);
                        a.li(Registers.A7, RfenceExtension.ID);
                        a.li(Registers.A6, 0);
                        a.li(Registers.A0, 1);
                        a.li(Registers.A1, 0);
                        a.ecall();
                        a.j(fences);
                    });
            for (int id = 1; id < HARTS; id++) {
                machine.call(HsmExtension.ID, 0, id, RAM, 0);
            }
            machine.harts.getFirst().setRegister(Registers.A0, 0);

            runUntilShutdown(machine);

            assertThat(machine.platform.resets).containsExactly("SHUTDOWN");
        }
    }

    /** A fence must not wait for a hart whose run has ended: stopping the machine ends the wait. */
    @Test
    void stopEndsTheWaitForAHartThatDoesNotRun() throws InterruptedException {
        try (SbiMachine machine = new SbiMachine()) {
            machine.program(
                    RAM,
                    a -> {
                        a.li(Registers.A7, RfenceExtension.ID);
                        a.li(Registers.A6, 0);
                        a.li(Registers.A0, 2);
                        a.li(Registers.A1, 0);
                        a.ecall();
                        a.nop();
                    });
            machine.call(HsmExtension.ID, 0, 1, RAM, 0);
            machine.harts.get(1).runPostedTasks();
            Hart caller = machine.harts.getFirst();
            Thread thread = Thread.ofPlatform().start(caller::run);
            while (thread.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }

            caller.stop();

            thread.join();
            assertThat(machine.harts.get(1).runPostedTasks()).as("the fence comes later").isTrue();
        }
    }

    private static void runUntilShutdown(SbiMachine machine) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Hart hart : machine.harts) {
            threads.add(Thread.ofPlatform().daemon().start(hart::run));
        }
        try {
            machine.platform.firstReset.await();
        } finally {
            machine.harts.forEach(Hart::stop);
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }
}
