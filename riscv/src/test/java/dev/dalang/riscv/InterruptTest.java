package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.M_SINK;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.HartFixture.S_SINK;
import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.CountDownLatch;

/** When an interrupt is taken, by whom, in which order, and where to. */
class InterruptTest {
    private static final long ALL = 0xaaa;
    private static final long SUPERVISOR = 0x222;

    private final HartFixture fixture = HartFixture.create();

    @BeforeEach
    void placeNops() {
        fixture.place(
                RAM,
                a -> {
                    for (int n = 0; n < 64; n++) {
                        a.nop();
                    }
                });
    }

    private void assertNotTaken() {
        long pc = fixture.hart.pc();
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(pc + 4);
    }

    private HartFixture.Trap taken() {
        long pc = fixture.hart.pc();
        HartFixture.Trap trap = fixture.run();
        assertThat(trap.epc()).isEqualTo(pc);
        assertThat(trap.tval()).isZero();
        return trap;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5, 7, 9, 11})
    void anInterruptIsTakenWhenPendingEnabledAndUnmasked(int number) {
        fixture.hart.interruptLine(number).raise();
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << number);
        assertNotTaken();
        fixture.csr(Csr.MIE, 1L << number);
        assertNotTaken();
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        assertThat(taken().cause()).isEqualTo(Long.MIN_VALUE | number);
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_MIE).isZero();
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_MPIE).isNotZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5, 7, 9, 11})
    void aLineThatFallsAgainIsNoLongerPending(int number) {
        fixture.hart.interruptLine(number).raise();
        fixture.hart.interruptLine(number).lower();
        fixture.csr(Csr.MIE, ALL).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        assertThat(fixture.csr(Csr.MIP)).isZero();
        assertNotTaken();
    }

    @Test
    void lesserModesDoNotMaskTheInterruptsOfMachineMode() {
        for (PrivilegeMode mode : new PrivilegeMode[] {S, U}) {
            fixture.csr(Csr.MSTATUS, 0).csr(Csr.MIE, 1 << 7).in(mode);
            fixture.hart.setPc(RAM);
            fixture.hart.interruptLine(7).raise();
            assertThat(taken()).isEqualTo(new HartFixture.Trap(M, Cause.MACHINE_TIMER, RAM, 0));
            assertThat(fixture.csr(Csr.MSTATUS) >>> 11 & 3).isEqualTo(mode.encoding());
        }
    }

    @Test
    void aDelegatedInterruptIsMaskedInMachineModeAndByTheSupervisor() {
        fixture.csr(Csr.MIDELEG, SUPERVISOR).csr(Csr.MIE, SUPERVISOR).csr(Csr.MIP, 2);
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MIE | Csr.MSTATUS_SIE);
        assertNotTaken();
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MIE).in(S);
        assertNotTaken();
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_SIE);
        assertThat(taken().mode()).isEqualTo(S);
        assertThat(fixture.csr(Csr.SCAUSE)).isEqualTo(Cause.SUPERVISOR_SOFTWARE);
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_SPP).isNotZero();

        fixture.csr(Csr.MSTATUS, 0).in(U);
        fixture.hart.setPc(RAM);
        assertThat(taken().mode()).isEqualTo(S);
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_SPP).isZero();
    }

    @Test
    void anUndelegatedInterruptOfTheSupervisorGoesToMachineMode() {
        fixture.csr(Csr.MIE, SUPERVISOR).csr(Csr.MIP, 0x20).in(S);
        assertThat(taken()).isEqualTo(new HartFixture.Trap(M, Cause.SUPERVISOR_TIMER, RAM, 0));
    }

    @Test
    void interruptsAreTakenInTheOrderOfTheirPriority() {
        int[] order = {11, 3, 7, 9, 1, 5};
        for (int number : order) {
            fixture.hart.interruptLine(number).raise();
        }
        long enabled = ALL;
        fixture.csr(Csr.MIE, enabled).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        for (int number : order) {
            fixture.hart.setPc(RAM);
            assertThat(taken().cause()).isEqualTo(Long.MIN_VALUE | number);
            enabled &= ~(1L << number);
            fixture.csr(Csr.MIE, enabled).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        }
        fixture.hart.setPc(RAM);
        assertNotTaken();
    }

    @Test
    void delegatedInterruptsAreTakenInTheOrderOfTheirPriority() {
        fixture.csr(Csr.MIDELEG, SUPERVISOR).csr(Csr.MIP, SUPERVISOR);
        long enabled = SUPERVISOR;
        for (int number : new int[] {9, 1, 5}) {
            fixture.csr(Csr.MIE, enabled).setBits(Csr.MSTATUS, Csr.MSTATUS_SIE).in(S);
            fixture.hart.setPc(RAM);
            assertThat(taken().cause()).isEqualTo(Long.MIN_VALUE | number);
            enabled &= ~(1L << number);
        }
    }

    @Test
    void machineModesInterruptsComeBeforeTheSupervisors() {
        fixture.csr(Csr.MIDELEG, SUPERVISOR).csr(Csr.MIE, ALL).csr(Csr.MIP, SUPERVISOR).in(U);
        fixture.hart.interruptLine(7).raise();
        assertThat(taken().cause()).isEqualTo(Cause.MACHINE_TIMER);
    }

    @Test
    void aVectoredTableHasAnEntryForEachInterrupt() {
        fixture.csr(Csr.MTVEC, M_SINK | 1).csr(Csr.MIE, ALL);
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        fixture.hart.interruptLine(11).raise();
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(M_SINK + 44);

        fixture.csr(Csr.STVEC, S_SINK | 1).csr(Csr.MIDELEG, SUPERVISOR).csr(Csr.MIE, SUPERVISOR);
        fixture.csr(Csr.MIP, SUPERVISOR).in(U);
        fixture.hart.setPc(RAM);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(S_SINK + 36);
    }

    @Test
    void anInterruptIsTakenBeforeTheInstructionAfterTheOneThatUnmasksIt() {
        fixture.csr(Csr.MIE, 1 << 3);
        fixture.hart.interruptLine(3).raise();
        fixture.place(
                RAM,
                a -> {
                    a.csrsi(Csr.MSTATUS, 8);
                    a.addi(A0, ZERO, 1);
                });
        HartFixture.Trap trap = fixture.runFrom(RAM);
        assertThat(trap.epc()).isEqualTo(RAM + 4);
        assertThat(fixture.get(A0)).isZero();

        fixture.csr(Csr.MIE, 0).csr(Csr.MSTATUS, Csr.MSTATUS_MIE).set(A0, 1 << 3);
        fixture.place(
                RAM,
                a -> {
                    a.csrs(Csr.MIE, A0);
                    a.unimp();
                });
        assertThat(fixture.runFrom(RAM))
                .isEqualTo(new HartFixture.Trap(M, Cause.MACHINE_SOFTWARE, RAM + 4, 0));
    }

    @Test
    void aReturnThatUnmasksAnInterruptIsFollowedByIt() {
        fixture.csr(Csr.MIE, 1 << 3).csr(Csr.MSTATUS, Csr.MSTATUS_MPIE | Csr.MSTATUS_MPP);
        fixture.hart.interruptLine(3).raise();
        fixture.csr(Csr.MEPC, RAM + 0x40).place(RAM, Assembler::mret);
        assertThat(fixture.runFrom(RAM))
                .isEqualTo(new HartFixture.Trap(M, Cause.MACHINE_SOFTWARE, RAM + 0x40, 0));
        // To S-mode: machine mode's interrupts are never masked there.
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MPP_S).in(M);
        assertThat(fixture.runFrom(RAM).epc()).isEqualTo(RAM + 0x40);
    }

    @Test
    void anInterruptComesBeforeAnExceptionOfTheSameInstruction() {
        fixture.place(RAM, Assembler::unimp);
        fixture.csr(Csr.MIE, 1 << 11).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        fixture.hart.interruptLine(11).raise();
        assertThat(fixture.runFrom(RAM).cause()).isEqualTo(Cause.MACHINE_EXTERNAL);
    }

    @Test
    void waitingEndsForAnInterruptThatIsMaskedGlobally() {
        fixture.csr(Csr.MIE, 1 << 7);
        fixture.hart.interruptLine(7).raise();
        fixture.place(RAM, Assembler::wfi);
        fixture.hart.setPc(RAM);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 4);
    }

    @Test
    void theReturnAddressOfAnInterruptThatEndsTheWaitIsBehindIt() {
        fixture.csr(Csr.MIE, 1 << 7).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        fixture.place(RAM, Assembler::wfi);
        fixture.hart.setPc(RAM);
        Thread other = Thread.ofPlatform().start(() -> fixture.hart.interruptLine(7).raise());
        HartFixture.Trap trap = fixture.run();
        assertThat(trap.cause()).isEqualTo(Cause.MACHINE_TIMER);
        // Raised before the wait began, it is taken instead of it.
        assertThat(trap.epc()).isIn(RAM, RAM + 4);
        assertThat(other).isNotNull();
    }

    @Test
    @Timeout(60)
    void aLineRaisedByAnotherThreadReachesALoopThatNeverLeaves() throws InterruptedException {
        fixture.place(RAM, a -> a.jal(0, 0));
        fixture.place(
                M_SINK,
                a -> {
                    a.li(A0, 77);
                    a.jal(0, 0);
                });
        fixture.csr(Csr.MIE, 1 << 3).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        fixture.hart.setPc(RAM);
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch seen = new CountDownLatch(1);
        fixture.hart.post(_ -> started.countDown());
        Thread runner = Thread.ofPlatform().start(fixture.hart::run);
        started.await();
        fixture.hart.interruptLine(3).raise();
        awaitRegister(seen);
        seen.await();
        fixture.hart.stop();
        runner.join();
        assertThat(fixture.csr(Csr.MCAUSE)).isEqualTo(Cause.MACHINE_SOFTWARE);
        assertThat(fixture.csr(Csr.MEPC)).isEqualTo(RAM);
    }

    /** Looks, between instructions, whether the handler has run; asks again if not. */
    private void awaitRegister(CountDownLatch seen) {
        fixture.hart.post(
                hart -> {
                    if (hart.register(A0) == 77) {
                        seen.countDown();
                    } else {
                        Thread.ofVirtual().start(() -> awaitRegister(seen));
                    }
                });
    }
}
