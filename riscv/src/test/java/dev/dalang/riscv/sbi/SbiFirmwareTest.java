package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_AVAILABLE;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_STARTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_STOPPED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_DENIED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_FAILED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_ADDRESS;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;
import static dev.dalang.riscv.sbi.SbiMachine.RAM;
import static dev.dalang.riscv.sbi.SbiMachine.RAM_BYTES;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartState;
import dev.dalang.riscv.PrivilegeMode;
import dev.dalang.riscv.sbi.SbiMachine.Result;
import dev.dalang.testkit.riscv.Registers;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;

class SbiFirmwareTest {
    private static final int BASE = BaseExtension.ID;
    private static final int TIME = TimeExtension.ID;
    private static final int IPI = IpiExtension.ID;
    private static final int RFENCE = RfenceExtension.ID;
    private static final int HSM = HsmExtension.ID;
    private static final int SRST = SrstExtension.ID;
    private static final int DBCN = DbcnExtension.ID;
    private static final int SUSP = SuspExtension.ID;
    private static final int PMU = PmuExtension.ID;

    private static final int MIP = 0x344;
    private static final int SIP = 0x144;
    private static final int SIE = 0x104;
    private static final int SATP = 0x180;
    private static final long SSIP = 1 << 1;
    private static final long STIP = 1 << 5;

    private final SbiMachine machine = new SbiMachine();

    @AfterEach
    void tearDown() {
        machine.close();
    }

    private Result call(int extension, int function, long... arguments) {
        return machine.call(extension, function, arguments);
    }

    private static Result success(long value) {
        return new Result(SBI_SUCCESS, value);
    }

    private static Result failure(long error) {
        return new Result(error, 0);
    }

    private Hart hart(int id) {
        return machine.harts.get(id);
    }

    /** Starts a hart through the firmware, as a guest does. */
    private void start(int id) {
        assertThat(call(HSM, 0, id, RAM, 0)).isEqualTo(success(0));
        hart(id).runPostedTasks();
    }

    private void executeOneInstruction() {
        machine.program(RAM, a -> a.j(0));
        hart(0).step(1);
    }

    // ---- entry ------------------------------------------------------------------------------

    @Test
    void bootHartEntersSupervisorModeAndTheOthersStand() {
        Hart boot = hart(0);
        assertThat(boot.pc()).isEqualTo(RAM);
        assertThat(boot.privilege()).isEqualTo(PrivilegeMode.S);
        assertThat(boot.register(10)).isZero();
        assertThat(boot.register(11)).isEqualTo(0x1234);
        assertThat(boot.state()).isEqualTo(HartState.STARTED);
        assertThat(hart(1).state()).isEqualTo(HartState.STOPPED);
        assertThat(hart(2).state()).isEqualTo(HartState.STOPPED);
    }

    @Test
    void everythingButSupervisorCallsIsDelegated() {
        for (Hart hart : machine.harts) {
            assertThat(hart.csr(0x302)).as("medeleg").isEqualTo(0xB1FF);
            assertThat(hart.csr(0x303) & 0x222).as("mideleg").isEqualTo(0x222);
            assertThat(hart.csr(0x304)).as("mie").isZero();
            assertThat(hart.csr(0x306) & 7).as("mcounteren").isEqualTo(7);
            assertThat(hart.csr(0x30A) >>> 61).as("menvcfg STCE PBMTE ADUE").isEqualTo(7);
            assertThat(hart.csr(0x30A) & 0xF0).as("menvcfg CBZE CBCFE CBIE").isEqualTo(0xF0);
            assertThat(hart.csr(0x3A0)).as("pmpcfg0").isEqualTo(0x1F);
            assertThat(hart.csr(0x180)).as("satp").isZero();
        }
    }

    @Test
    void supervisorCodeReachesMemoryCountersAndTheFirmware() {
        machine.program(
                RAM,
                a -> {
                    a.rdtime(Registers.T0);
                    a.rdinstret(Registers.T1);
                    a.li(Registers.A7, BASE);
                    a.li(Registers.A6, 0);
                    a.ecall();
                    a.mv(Registers.S1, Registers.A1);
                    a.li(Registers.S2, 77);
                });

        hart(0).step(40);

        assertThat(hart(0).register(Registers.S1)).isEqualTo(2 << 24);
        assertThat(hart(0).register(Registers.S2)).isEqualTo(77);
    }

    @Test
    void hartsMustComeInOrderAndOnce() {
        assertThatIllegalStateException().isThrownBy(() -> machine.firmware.attach(machine.harts));
        SbiFirmware other = SbiFirmware.of(machine.memory, machine.platform);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> other.attach(List.of(hart(1))))
                .withMessage("expected hart 0 at position 0, got 1");
    }

    // ---- base -------------------------------------------------------------------------------

    @Test
    void baseNamesVersionAndImplementation() {
        assertThat(call(BASE, 0)).isEqualTo(success(2 << 24));
        assertThat(call(BASE, 1).value()).isGreaterThan(100);
        assertThat(call(BASE, 2).error()).isZero();
        assertThat(call(BASE, 4)).isEqualTo(success(hart(0).csr(0xF11)));
        assertThat(call(BASE, 5)).isEqualTo(success(hart(0).csr(0xF12)));
        assertThat(call(BASE, 6)).isEqualTo(success(hart(0).csr(0xF13)));
        assertThat(call(BASE, 7)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
    }

    @Test
    void probeTellsWhatIsThere() {
        for (int id : new int[] {BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, SUSP, PMU, 0, 1, 8}) {
            assertThat(call(BASE, 3, id)).as("0x%x", id).isEqualTo(success(1));
        }
        for (long id : new long[] {9, 0x46574654, -1, (1L << 32) + BASE}) {
            assertThat(call(BASE, 3, id)).as("0x%x", id).isEqualTo(success(0));
        }
    }

    @Test
    void unknownExtensionsAndFunctionsAreNotSupported() {
        assertThat(call(0x46574654, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(-1, -1)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        for (int id : new int[] {BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, SUSP, PMU}) {
            assertThat(call(id, 99)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
            assertThat(call(id, -1)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        }
    }

    // ---- time and interrupts ----------------------------------------------------------------

    @Test
    void timerBecomesPendingAtItsTimeAndIsWithdrawnByALaterOne() {
        assertThat(call(TIME, 0, 50)).isEqualTo(success(0));
        assertThat(hart(0).csr(MIP) & STIP).isZero();

        machine.clock.advance(5_000);
        executeOneInstruction();
        assertThat(hart(0).csr(MIP) & STIP).isEqualTo(STIP);

        call(TIME, 0, -1);
        executeOneInstruction();
        assertThat(hart(0).csr(MIP) & STIP).isZero();
    }

    @Test
    void interruptReachesTheHartsOfTheMask() {
        start(1);
        start(2);

        assertThat(call(IPI, 0, 0b11, 1)).isEqualTo(success(0));

        assertThat(hart(0).csr(MIP) & SSIP).isZero();
        assertThat(hart(1).csr(MIP) & SSIP).isEqualTo(SSIP);
        assertThat(hart(2).csr(MIP) & SSIP).isEqualTo(SSIP);
    }

    @Test
    void supervisorClearsItsSoftwareInterrupt() {
        call(IPI, 0, 1, 0);
        assertThat(hart(0).csr(SIP) & SSIP).isEqualTo(SSIP);

        hart(0).setCsr(SIP, 0);

        assertThat(hart(0).csr(SIP) & SSIP).isZero();
    }

    @Test
    void baseOfMinusOneMeansAllHarts() {
        start(1);

        assertThat(call(IPI, 0, 0, -1)).isEqualTo(success(0));

        assertThat(hart(0).csr(MIP) & SSIP).isEqualTo(SSIP);
        assertThat(hart(1).csr(MIP) & SSIP).isEqualTo(SSIP);
        assertThat(hart(2).csr(MIP) & SSIP).as("a stopped hart").isZero();
    }

    @Test
    void masksThatNameNoHartAreInvalid() {
        for (int[] extension : new int[][] {{IPI, 0}, {RFENCE, 0}, {RFENCE, 1}, {RFENCE, 2}}) {
            for (long[] mask :
                    new long[][] {
                        {0b1000, 0},
                        {0b100, 1},
                        {1, 3},
                        {0, 3},
                        {1, -2},
                        {-1, 0},
                        {1, 1L << 32},
                        {Long.MIN_VALUE, 0},
                        {1, Long.MIN_VALUE}
                    }) {
                assertThat(call(extension[0], extension[1], mask))
                        .as("mask 0x%x, base 0x%x", mask[0], mask[1])
                        .isEqualTo(failure(SBI_ERR_INVALID_PARAM));
            }
        }
        assertThat(hart(0).csr(MIP) & SSIP).isZero();
    }

    // ---- fences -----------------------------------------------------------------------------

    @Test
    void fencesOfOnesOwnHartNeedNobody() {
        assertThat(call(RFENCE, 0, 1, 0)).isEqualTo(success(0));
        assertThat(call(RFENCE, 1, 1, 0, 0x1000, 0x1000)).isEqualTo(success(0));
        assertThat(call(RFENCE, 2, 0, -1, 0, -1, 5)).isEqualTo(success(0));
        assertThat(call(RFENCE, 1, 1, 0, 0, 0)).isEqualTo(success(0));
        assertThat(call(RFENCE, 1, 1, 0, -4096, 4096)).isEqualTo(success(0));
    }

    @Test
    void fenceBeyondTheAddressSpaceIsRefused() {
        assertThat(call(RFENCE, 1, 1, 0, -4096, 4097)).isEqualTo(failure(SBI_ERR_INVALID_ADDRESS));
    }

    @Test
    void hypervisorFencesAreNotSupported() {
        for (int function = 3; function <= 6; function++) {
            assertThat(call(RFENCE, function, 1, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        }
    }

    // ---- hart states ------------------------------------------------------------------------

    @Test
    void startedHartEntersAtItsAddress() {
        assertThat(call(HSM, 2, 1)).isEqualTo(success(1));
        assertThat(call(HSM, 0, 1, RAM + 0x100, 0x77)).isEqualTo(success(0));
        assertThat(call(HSM, 2, 1)).as("start pending").isEqualTo(success(2));

        hart(1).runPostedTasks();

        assertThat(call(HSM, 2, 1)).isEqualTo(success(0));
        assertThat(hart(1).pc()).isEqualTo(RAM + 0x100);
        assertThat(hart(1).register(10)).isEqualTo(1);
        assertThat(hart(1).register(11)).isEqualTo(0x77);
        assertThat(hart(1).privilege()).isEqualTo(PrivilegeMode.S);
    }

    @Test
    void hartStartsOnce() {
        call(HSM, 0, 1, RAM, 0);
        assertThat(call(HSM, 0, 1, RAM, 0)).isEqualTo(failure(SBI_ERR_ALREADY_AVAILABLE));
        assertThat(call(HSM, 0, 0, RAM, 0)).isEqualTo(failure(SBI_ERR_ALREADY_AVAILABLE));
    }

    @Test
    void impossibleStartsAreRefused() {
        assertThat(call(HSM, 0, 3, RAM, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(HSM, 0, -1, RAM, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(HSM, 0, 1L << 32, RAM, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        for (long address : new long[] {0, RAM - 2, RAM + 1, RAM + RAM_BYTES, -2}) {
            assertThat(call(HSM, 0, 1, address, 0)).isEqualTo(failure(SBI_ERR_INVALID_ADDRESS));
        }
        assertThat(call(HSM, 2, 3)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(hart(1).state()).isEqualTo(HartState.STOPPED);
    }

    @Test
    void stoppedHartMayStartAgain() {
        start(1);
        hart(1).setCsr(SATP, 8L << 60);
        hart(1).setCsr(SIE, 0x222);

        machine.callFrom(hart(1), HSM, 1);
        assertThat(call(HSM, 2, 1)).isEqualTo(success(1));
        assertThat(hart(1).state()).isEqualTo(HartState.STOPPED);

        start(1);
        assertThat(hart(1).state()).isEqualTo(HartState.STARTED);
        assertThat(hart(1).csr(SATP)).isZero();
        assertThat(hart(1).csr(SIE)).isZero();
    }

    @Test
    void lastHartThatStopsIsReported() {
        start(1);
        call(HSM, 1);
        assertThat(machine.platform.resets).isEmpty();

        machine.callFrom(hart(1), HSM, 1);
        assertThat(machine.platform.resets).containsExactly("all stopped");
    }

    @Test
    void suspendedHartGoesOnAfterItsCall() {
        long pc = hart(0).pc();
        assertThat(call(HSM, 3, 0)).isEqualTo(success(0));
        assertThat(hart(0).state()).isEqualTo(HartState.SUSPENDED);
        assertThat(hart(0).pc()).isEqualTo(pc);
    }

    @Test
    void suspendedStateIsSeenByOthers() {
        start(1);
        machine.callFrom(hart(1), HSM, 3, 0);
        assertThat(call(HSM, 2, 1)).isEqualTo(success(4));
    }

    @Test
    void nonRetentiveSuspensionResumesElsewhereWithItsInterruptsEnabled() {
        hart(0).setCsr(SIE, 0x222);
        call(HSM, 3, 0x8000_0000L, RAM + 0x200, 99);

        assertThat(hart(0).state()).isEqualTo(HartState.SUSPENDED);
        assertThat(hart(0).pc()).isEqualTo(RAM + 0x200);
        assertThat(hart(0).register(10)).isZero();
        assertThat(hart(0).register(11)).isEqualTo(99);
        assertThat(hart(0).csr(SIE)).isEqualTo(0x222);
    }

    @Test
    void reservedSuspensionsAreRefused() {
        assertThat(call(HSM, 3, 1)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(HSM, 3, 0x8000_0001L)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(HSM, 3, 0x1000_0000L)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(HSM, 3, 0x9000_0000L)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(HSM, 3, 0x8000_0000L, 7, 0)).isEqualTo(failure(SBI_ERR_INVALID_ADDRESS));
        assertThat(hart(0).state()).isEqualTo(HartState.STARTED);
    }

    @Test
    void systemSuspendWantsTheOthersStopped() {
        start(1);
        assertThat(call(SUSP, 0, 0, RAM, 0)).isEqualTo(failure(SBI_ERR_DENIED));

        machine.callFrom(hart(1), HSM, 1);
        call(SUSP, 0, 0, RAM + 0x40, 5);
        assertThat(hart(0).state()).isEqualTo(HartState.SUSPENDED);
        assertThat(hart(0).pc()).isEqualTo(RAM + 0x40);
    }

    @Test
    void systemSuspendKnowsOneSleep() {
        assertThat(call(SUSP, 0, 1, RAM, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(SUSP, 0, 0x8000_0000L, RAM, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(SUSP, 0, 0, 3, 0)).isEqualTo(failure(SBI_ERR_INVALID_ADDRESS));
    }

    // ---- reset ------------------------------------------------------------------------------

    @Test
    void resetsReachThePlatformAndTheCallerExecutesNothingMore() {
        call(SRST, 0, 0, 0);
        call(SRST, 0, 1, 0);
        call(SRST, 0, 2, 1);

        assertThat(machine.platform.resets)
                .containsExactly("SHUTDOWN", "COLD_REBOOT", "WARM_REBOOT after failure");
        assertThat(hart(0).state()).isEqualTo(HartState.STOPPED);
    }

    @Test
    void reservedResetsAreRefused() {
        assertThat(call(SRST, 0, 3, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(SRST, 0, 0xF000_0000L, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(SRST, 0, 0, 2)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(machine.platform.resets).isEmpty();
    }

    // ---- console ----------------------------------------------------------------------------

    @Test
    void consoleWritesFromMemory() {
        machine.memory.copyIn(RAM + 0x1000, "hello".getBytes(StandardCharsets.US_ASCII));

        assertThat(call(DBCN, 0, 5, RAM + 0x1000, 0)).isEqualTo(success(5));
        assertThat(call(DBCN, 2, '!')).isEqualTo(success(0));

        assertThat(machine.platform.output).hasToString("hello!");
    }

    @Test
    void consoleSaysHowMuchItTook() {
        machine.platform.room = 3;
        assertThat(call(DBCN, 0, 5, RAM, 0)).isEqualTo(success(3));
        assertThat(call(DBCN, 0, 0, RAM, 0)).isEqualTo(success(0));
        machine.platform.room = 0;
        assertThat(call(DBCN, 2, '!')).isEqualTo(failure(SBI_ERR_FAILED));
    }

    @Test
    void longWritesComeInBoundedParts() {
        assertThat(call(DBCN, 0, RAM_BYTES, RAM, 0)).isEqualTo(success(DbcnExtension.MAX_BYTES));
    }

    @Test
    void consoleReadsIntoMemory() {
        machine.platform.input = "abc";

        assertThat(call(DBCN, 1, 2, RAM + 0x1000, 0)).isEqualTo(success(2));
        assertThat(call(DBCN, 1, 9, RAM + 0x1002, 0)).isEqualTo(success(1));
        assertThat(call(DBCN, 1, 9, RAM + 0x1003, 0)).isEqualTo(success(0));

        byte[] read = new byte[4];
        machine.memory.copyOut(RAM + 0x1000, read);
        assertThat(read).isEqualTo(new byte[] {'a', 'b', 'c', 0});
    }

    @Test
    void buffersOutsideMemoryAreRefused() {
        for (int function : new int[] {0, 1}) {
            for (long[] buffer :
                    new long[][] {
                        {1, RAM - 1, 0},
                        {2, RAM + RAM_BYTES - 1, 0},
                        {1, 0, 0},
                        {-1, RAM, 0},
                        {RAM_BYTES + 1L, RAM, 0},
                        {Long.MIN_VALUE, RAM, 0},
                        {1, RAM, 1},
                        {16, -8, 0}
                    }) {
                assertThat(call(DBCN, function, buffer)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
            }
        }
    }

    // ---- counters ---------------------------------------------------------------------------

    @Test
    void twoCountersAreThereAndNoMore() {
        assertThat(call(PMU, 0)).isEqualTo(success(2));
        assertThat(call(PMU, 1, 0)).isEqualTo(success(0xC00 | 63 << 12));
        assertThat(call(PMU, 1, 1)).isEqualTo(success(0xC02 | 63 << 12));
        assertThat(call(PMU, 1, 2)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        assertThat(call(PMU, 5, 0)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
    }

    @Test
    void countersAreMatchedStartedAndStopped() {
        assertThat(call(PMU, 2, 0, 3, 0, 2, 0)).as("instructions").isEqualTo(success(1));
        assertThat(call(PMU, 2, 0, 3, 4, 1, 0)).as("cycles, started").isEqualTo(success(0));
        assertThat(call(PMU, 3, 1, 1, 1, 1000)).isEqualTo(success(0));
        assertThat(hart(0).csr(0xB02)).isBetween(999L, 1001L);
        assertThat(call(PMU, 3, 0, 3, 0, 0)).isEqualTo(failure(SBI_ERR_ALREADY_STARTED));
        assertThat(call(PMU, 4, 0, 3, 1)).isEqualTo(success(0));
        assertThat(call(PMU, 4, 0, 1, 0)).isEqualTo(failure(SBI_ERR_ALREADY_STOPPED));
        assertThat(call(PMU, 3, 0, 1, 0, 0))
                .as("forgotten")
                .isEqualTo(failure(SBI_ERR_INVALID_PARAM));
    }

    @Test
    void eventsThatNobodyCountsAreNotSupported() {
        assertThat(call(PMU, 2, 0, 3, 0, 3, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(PMU, 2, 0, 3, 0, 0xF0000, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        assertThat(call(PMU, 2, 0, 1, 0, 2, 0)).isEqualTo(failure(SBI_ERR_NOT_SUPPORTED));
        for (long[] counters : new long[][] {{2, 1}, {0, 4}, {1, 2}, {-1, 1}, {0, 0}, {0, -1}}) {
            assertThat(call(PMU, 2, counters)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
            assertThat(call(PMU, 3, counters)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
            assertThat(call(PMU, 4, counters)).isEqualTo(failure(SBI_ERR_INVALID_PARAM));
        }
    }

    // ---- legacy -----------------------------------------------------------------------------

    @Test
    void legacyCallsChangeOnlyTheirResult() {
        machine.legacy(0, 50, 1234);
        assertThat(hart(0).register(11)).isEqualTo(1234);
        machine.clock.advance(5_000);
        executeOneInstruction();
        assertThat(hart(0).csr(MIP) & STIP).isEqualTo(STIP);
    }

    @Test
    void legacyConsoleMovesOneCharacter() {
        machine.platform.input = "x";
        assertThat(machine.legacy(1, 'y')).isZero();
        assertThat(machine.platform.output).hasToString("y");
        assertThat(machine.legacy(2)).isEqualTo('x');
        assertThat(machine.legacy(2)).isEqualTo(-1);
    }

    @Test
    void legacyMasksLieInMemory() {
        start(1);
        machine.memory.writeLong(RAM + 0x1000, 0b10);

        assertThat(machine.legacy(4, RAM + 0x1000)).isZero();
        assertThat(hart(0).csr(MIP) & SSIP).isZero();
        assertThat(hart(1).csr(MIP) & SSIP).isEqualTo(SSIP);

        assertThat(machine.legacy(4, 0)).as("no mask: all harts").isZero();
        assertThat(hart(0).csr(MIP) & SSIP).isEqualTo(SSIP);
        assertThat(machine.legacy(3)).isZero();
        assertThat(hart(0).csr(MIP) & SSIP).isZero();
    }

    @Test
    void legacyMasksOutsideMemoryAreRefused() {
        for (int extension = 4; extension <= 7; extension++) {
            assertThat(machine.legacy(extension, 8)).isEqualTo(SBI_ERR_INVALID_ADDRESS);
            assertThat(machine.legacy(extension, RAM + 4)).isEqualTo(SBI_ERR_INVALID_ADDRESS);
            assertThat(machine.legacy(extension, -8)).isEqualTo(SBI_ERR_INVALID_ADDRESS);
            machine.memory.writeLong(RAM, -1);
            assertThat(machine.legacy(extension, RAM)).isEqualTo(SBI_ERR_INVALID_PARAM);
        }
    }

    @Test
    void legacyShutdownReachesThePlatform() {
        machine.legacy(8);
        assertThat(machine.platform.resets).containsExactly("SHUTDOWN");
    }
}
