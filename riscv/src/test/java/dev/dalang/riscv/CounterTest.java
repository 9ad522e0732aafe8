package dev.dalang.riscv;

import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.A3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.time.VirtualClock;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Zicntr, Zihpm, the enables of the counters, and Sstc. */
class CounterTest {
    private static final long TICK_NANOS = 100;

    private final HartFixture fixture = HartFixture.create();

    @Test
    void instructionsAreCountedAsTheyRetire() {
        fixture.execute(
                a -> {
                    a.csrr(A0, Csr.MINSTRET);
                    a.csrr(A1, Csr.MINSTRET);
                    a.nop();
                    a.c_nop();
                    a.beq(0, 0, 4);
                    a.csrr(A2, Csr.INSTRET);
                });
        assertThat(fixture.get(A1) - fixture.get(A0)).isEqualTo(1);
        assertThat(fixture.get(A2) - fixture.get(A1)).isEqualTo(4);
    }

    @Test
    void anInstructionThatTrapsDoesNotRetire() {
        long before = fixture.csr(Csr.MINSTRET);
        fixture.place(HartFixture.RAM, a -> a.ecall());
        fixture.hart.setPc(HartFixture.RAM);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(HartFixture.M_SINK);
        assertThat(fixture.csr(Csr.MINSTRET)).isEqualTo(before);
        fixture.step(10);
        assertThat(fixture.csr(Csr.MINSTRET)).isEqualTo(before + 10);
    }

    @Test
    void aWriteTakesTheWritingInstructionsPlace() {
        // Privileged spec §3.1.11: the written value is seen by the next instruction.
        fixture.set(A0, 1000)
                .execute(
                        a -> {
                            a.csrw(Csr.MINSTRET, A0);
                            a.csrr(A1, Csr.MINSTRET);
                            a.csrr(A2, Csr.INSTRET);
                        });
        assertThat(fixture.get(A1)).isEqualTo(1000);
        assertThat(fixture.get(A2)).isEqualTo(1001);
        fixture.set(A0, -1)
                .execute(
                        a -> {
                            a.csrw(Csr.MINSTRET, A0);
                            a.csrr(A1, Csr.MINSTRET);
                            a.csrr(A2, Csr.MINSTRET);
                        });
        assertThat(fixture.get(A1)).isEqualTo(-1);
        assertThat(fixture.get(A2)).isZero();
    }

    @Test
    void cyclesCountOnAndMayBeWritten() {
        fixture.set(A0, 5_000_000)
                .execute(
                        a -> {
                            a.csrw(Csr.MCYCLE, A0);
                            a.csrr(A1, Csr.CYCLE);
                            a.nop();
                            a.csrr(A2, Csr.MCYCLE);
                        });
        assertThat(fixture.get(A1)).isBetween(5_000_000L, 5_001_000L);
        assertThat(fixture.get(A2)).isGreaterThan(fixture.get(A1));
    }

    @Test
    void inhibitedCountersStandStillAndGoOnFromThere() {
        fixture.csr(Csr.MCOUNTINHIBIT, -1);
        assertThat(fixture.csr(Csr.MCOUNTINHIBIT) & 7).as("time cannot be inhibited").isEqualTo(5);
        long instret = fixture.csr(Csr.MINSTRET);
        long cycle = fixture.csr(Csr.MCYCLE);
        fixture.execute(
                a -> {
                    a.nop();
                    a.csrr(A0, Csr.MINSTRET);
                    a.csrr(A1, Csr.MCYCLE);
                });
        assertThat(fixture.get(A0)).isEqualTo(instret);
        assertThat(fixture.get(A1)).isEqualTo(cycle);
        fixture.set(A0, 70)
                .execute(
                        a -> {
                            a.csrw(Csr.MINSTRET, A0);
                            a.nop();
                            a.csrr(A1, Csr.MINSTRET);
                        });
        assertThat(fixture.get(A1)).isEqualTo(70);
        fixture.csr(Csr.MCOUNTINHIBIT, 1);
        fixture.execute(
                a -> {
                    a.csrr(A0, Csr.MINSTRET);
                    a.nop();
                    a.csrr(A1, Csr.MINSTRET);
                });
        assertThat(fixture.get(A0)).isBetween(70L, 71L);
        assertThat(fixture.get(A1)).isEqualTo(fixture.get(A0) + 2);
    }

    @Test
    void timeCountsInHundredsOfNanoseconds() {
        fixture.clock.advance(12_345 * TICK_NANOS + 99);
        fixture.execute(a -> a.rdtime(A0));
        assertThat(fixture.get(A0)).isEqualTo(12_345);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 17, 31})
    void theEnablesOpenACounterToLesserModes(int counter) {
        int csr = Csr.CYCLE + counter;
        fixture.csr(Csr.MCOUNTEREN, -1).csr(Csr.SCOUNTEREN, -1);
        fixture.in(S).execute(a -> a.csrr(A0, csr));
        fixture.in(U).execute(a -> a.csrr(A0, csr));

        fixture.csr(Csr.SCOUNTEREN, ~(1L << counter));
        fixture.in(S).execute(a -> a.csrr(A0, csr));
        assertThat(fixture.in(U).trap(a -> a.csrr(A0, csr)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);

        fixture.csr(Csr.SCOUNTEREN, -1).csr(Csr.MCOUNTEREN, ~(1L << counter));
        assertThat(fixture.in(S).trap(a -> a.csrr(A0, csr)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(a -> a.csrr(A0, csr)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.in(M).execute(a -> a.csrr(A0, csr));
    }

    @Test
    void eventCountersExistAndCountNothing() {
        for (int n = 3; n < 32; n++) {
            int index = n;
            fixture.set(A0, -1)
                    .execute(
                            a -> {
                                a.csrw(Csr.MHPMCOUNTER3 - 3 + index, A0);
                                a.csrw(Csr.MHPMEVENT3 - 3 + index, A0);
                                a.csrr(A1, Csr.MHPMCOUNTER3 - 3 + index);
                                a.csrr(A2, Csr.MHPMEVENT3 - 3 + index);
                                a.csrr(A3, Csr.HPMCOUNTER3 - 3 + index);
                            });
            assertThat(fixture.get(A1)).isEqualTo(fixture.get(A3));
        }
    }

    // Sstc.

    @Test
    void theComparisonOfTimeRaisesTheSupervisorsTimerInterrupt() {
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE).csr(Csr.MCOUNTEREN, 2);
        fixture.csr(Csr.MIDELEG, 0x20).csr(Csr.MIE, 0x20);
        fixture.csr(Csr.STIMECMP, 1000);
        fixture.clock.advance(999 * TICK_NANOS);
        fixture.in(S).setBits(Csr.MSTATUS, Csr.MSTATUS_SIE).execute(a -> a.csrr(A0, Csr.SIP));
        assertThat(fixture.get(A0) & 0x20).isZero();

        fixture.clock.advance(TICK_NANOS);
        fixture.place(HartFixture.RAM, a -> a.nop());
        assertThat(fixture.in(S).runFrom(HartFixture.RAM))
                .isEqualTo(new HartFixture.Trap(S, Cause.SUPERVISOR_TIMER, HartFixture.RAM, 0));
        assertThat(fixture.csr(Csr.SIP) & 0x20).isEqualTo(0x20);
        // The bit follows the comparison: only a later deadline clears it.
        fixture.csr(Csr.SIP, 0).csr(Csr.MIP, 0);
        assertThat(fixture.csr(Csr.MIP) & 0x20).isEqualTo(0x20);
        fixture.in(S).set(A0, 2000).execute(a -> a.csrw(Csr.STIMECMP, A0));
        assertThat(fixture.csr(Csr.MIP) & 0x20).isZero();
        fixture.clock.advance(1000 * TICK_NANOS);
        fixture.execute(a -> a.nop());
        assertThat(fixture.csr(Csr.MIP) & 0x20).isEqualTo(0x20);
    }

    @Test
    void aDeadlineThatHasPassedIsPendingAtOnceAndTheComparisonIsUnsigned() {
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE);
        fixture.clock.advance(1000 * TICK_NANOS);
        fixture.set(A0, 1000).execute(a -> a.csrw(Csr.STIMECMP, A0));
        assertThat(fixture.csr(Csr.MIP) & 0x20).isEqualTo(0x20);
        fixture.set(A0, -1).execute(a -> a.csrw(Csr.STIMECMP, A0));
        assertThat(fixture.csr(Csr.MIP) & 0x20).isZero();
        fixture.set(A0, 0).execute(a -> a.csrw(Csr.STIMECMP, A0));
        assertThat(fixture.csr(Csr.MIP) & 0x20).isEqualTo(0x20);
    }

    /** Else each trap's return would cost a lock, and maybe a wake-up of the clock's thread. */
    @Test
    void interruptsAndReturnsLeaveTheArmedTimerAlone() {
        ArmCounter clock = new ArmCounter();
        HartFixture counted = HartFixture.create(hart -> hart.clock(clock));
        counted.csr(Csr.MENVCFG, Csr.MENVCFG_STCE).csr(Csr.STIMECMP, 1000);
        int armed = clock.arms;

        counted.csr(Csr.MIE, 1 << 3).setBits(Csr.MSTATUS, Csr.MSTATUS_MIE);
        counted.hart.interruptLine(3).raise();
        assertThat(counted.runFrom(HartFixture.RAM).cause()).isEqualTo(Cause.MACHINE_SOFTWARE);
        counted.hart.interruptLine(3).lower();
        counted.csr(Csr.MEPC, HartFixture.RAM + 4).execute(a -> a.mret());
        assertThat(clock.arms).isEqualTo(armed);

        clock.nanos = 1000 * TICK_NANOS;
        counted.hart.interruptLine(1).raise();
        counted.clearBits(Csr.MSTATUS, Csr.MSTATUS_MIE).execute(a -> a.nop());
        assertThat(counted.csr(Csr.MIP) & 0x20).as("due without a timer's help").isNotZero();
    }

    /** Time that stands, and how often something was to happen at some time. */
    private static final class ArmCounter implements VirtualClock {
        private long nanos;
        private int arms;

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public long wallClockNanos() {
            return nanos;
        }

        @Override
        public Timer newTimer(Runnable onExpiry) {
            return new Timer() {
                @Override
                public void arm(long deadlineNanos) {
                    arms++;
                }

                @Override
                public void cancel() {}
            };
        }
    }

    @Test
    void theSupervisorNeedsBothEnablesToReachTheComparison() {
        fixture.csr(Csr.MCOUNTEREN, 2);
        assertThat(fixture.in(S).trap(a -> a.csrr(A0, Csr.STIMECMP)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE);
        fixture.in(S).execute(a -> a.csrr(A0, Csr.STIMECMP));
        assertThat(fixture.in(U).trap(a -> a.csrr(A0, Csr.STIMECMP)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.csr(Csr.MCOUNTEREN, 0);
        assertThat(fixture.in(S).trap(a -> a.csrr(A0, Csr.STIMECMP)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.in(M).execute(a -> a.csrr(A0, Csr.STIMECMP));
    }

    @Test
    void withoutTheComparisonSoftwareOwnsTheTimersPendingBit() {
        fixture.csr(Csr.STIMECMP, 0).csr(Csr.MIP, 0x20);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(0x20);
        fixture.csr(Csr.MIP, 0);
        assertThat(fixture.csr(Csr.MIP)).isZero();
        // Switching it on makes the bit the comparison's, switching it off gives it back.
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(0x20);
        fixture.csr(Csr.MENVCFG, 0);
        assertThat(fixture.csr(Csr.MIP)).isZero();
    }

    @Test
    void waitingEndsWhenTheDeadlinePasses() {
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE).csr(Csr.MIE, 0x20).csr(Csr.STIMECMP, 500);
        fixture.place(HartFixture.RAM, a -> a.wfi());
        fixture.hart.setPc(HartFixture.RAM);
        Thread other = Thread.ofPlatform().start(() -> fixture.clock.advance(500 * TICK_NANOS));
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(HartFixture.RAM + 4);
        assertThat(other).isNotNull();
    }
}
