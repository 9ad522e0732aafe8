package dev.dalang.riscv;

import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.intc.Imsic;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Smaia and Ssaia (AIA 1.0 §2, §3, §5) and Smstateen, on a hart with an IMSIC. */
class AiaTest {
    private static final int SSI = 1;
    private static final int STI = 5;
    private static final int SEI = 9;
    private static final int MEI = 11;
    private static final long SUPERVISOR = 0x222;

    private static final int EIDELIVERY = 0x70;
    private static final int EITHRESHOLD = 0x72;
    private static final int EIP0 = 0x80;
    private static final int EIE0 = 0xc0;

    private static final long STATEEN_IMSIC = 1L << 58;
    private static final long STATEEN_AIA = 1L << 59;
    private static final long STATEEN_CSRIND = 1L << 60;
    private static final long STATEEN_ENVCFG = 1L << 62;
    private static final long STATEEN_SE0 = 1L << 63;

    private final Imsic machine = Imsic.builder(0x2400_0000L).hart().build();
    private final Imsic supervisor = Imsic.builder(0x2800_0000L).hart().build();
    private final HartFixture fixture =
            HartFixture.create(b -> b.imsic(machine.file(0), supervisor.file(0)));

    @BeforeEach
    void connectAndOpen() {
        machine.connect(0, fixture.hart.interruptLine(MEI));
        supervisor.connect(0, fixture.hart.interruptLine(SEI));
        fixture.csr(Csr.MSTATEEN0, -1);
    }

    private long readMachine(int select) {
        fixture.set(A1, select)
                .execute(
                        a -> {
                            a.csrw(Csr.MISELECT, A1);
                            a.csrr(A0, Csr.MIREG);
                        });
        return fixture.get(A0);
    }

    private void writeMachine(int select, long value) {
        fixture.csr(Csr.MISELECT, select).set(A0, value).execute(a -> a.csrw(Csr.MIREG, A0));
    }

    private void writeSupervisor(int select, long value) {
        fixture.csr(Csr.SISELECT, select).set(A0, value).execute(a -> a.csrw(Csr.SIREG, A0));
    }

    private void assertIllegal(PrivilegeMode mode, int csr) {
        assertThat(fixture.in(mode).trap(a -> a.csrr(A0, csr)).cause())
                .as("read of %03x in %s", csr, mode)
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.in(M);
    }

    private void assertReadable(PrivilegeMode mode, int csr) {
        fixture.in(mode).execute(a -> a.csrr(A0, csr));
        fixture.in(M);
    }

    // Access.

    @ParameterizedTest
    @ValueSource(ints = {Csr.MVIEN, Csr.MVIP, Csr.MISELECT, Csr.MTOPEI, Csr.MTOPI, Csr.MSTATEEN0})
    void machineRegistersAreForMachineModeAlone(int csr) {
        assertReadable(M, csr);
        assertIllegal(S, csr);
        assertIllegal(U, csr);
    }

    @ParameterizedTest
    @ValueSource(ints = {Csr.SISELECT, Csr.STOPEI, Csr.STOPI})
    void supervisorRegistersAreNotForUserMode(int csr) {
        assertReadable(M, csr);
        assertReadable(S, csr);
        assertIllegal(U, csr);
    }

    @Test
    void topInterruptsCannotBeWritten() {
        assertThat(fixture.trap(a -> a.csrw(Csr.MTOPI, A0)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.trap(a -> a.csrw(Csr.STOPI, A0)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @Test
    void prioritiesOfMajorInterruptsReadAsZeroInTheEvenRegistersAlone() {
        for (int select = 0x30; select <= 0x3f; select++) {
            fixture.csr(Csr.MISELECT, select).csr(Csr.SISELECT, select);
            if ((select & 1) == 0) {
                writeMachine(select, -1);
                writeSupervisor(select, -1);
                fixture.execute(a -> a.csrr(A0, Csr.MIREG));
                assertThat(fixture.get(A0)).isZero();
                fixture.execute(a -> a.csrr(A0, Csr.SIREG));
                assertThat(fixture.get(A0)).isZero();
            } else {
                assertIllegal(M, Csr.MIREG);
                assertIllegal(M, Csr.SIREG);
                assertIllegal(S, Csr.SIREG);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0x2f, 0x40, 0x6f, 0x81, 0xc1, 0xff, 0x100, 0x1ff})
    void aSelectorWithoutARegisterIsIllegal(int select) {
        fixture.csr(Csr.MISELECT, select).csr(Csr.SISELECT, select);
        assertThat(fixture.csr(Csr.SISELECT)).isEqualTo(select);
        assertIllegal(M, Csr.MIREG);
        assertIllegal(M, Csr.SIREG);
        assertIllegal(S, Csr.SIREG);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x71, 0x73, 0x7f})
    void theReservedRegistersOfAFileReadAsZero(int select) {
        writeMachine(select, -1);
        assertThat(readMachine(select)).isZero();
        writeSupervisor(select, -1);
        fixture.execute(a -> a.csrr(A0, Csr.SIREG));
        assertThat(fixture.get(A0)).isZero();
    }

    // Files.

    @Test
    void anIdentityTravelsFromTheFileToTheClaim() {
        writeMachine(EIDELIVERY, 1);
        writeMachine(EIE0, 1L << 7 | 1L << 40);
        machine.file(0).setPending(40);
        machine.file(0).setPending(7);
        machine.file(0).setPending(9);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << MEI);
        assertThat(readMachine(EIP0)).isEqualTo(1L << 7 | 1L << 9 | 1L << 40);

        fixture.execute(a -> a.csrr(A0, Csr.MTOPEI));
        assertThat(fixture.get(A0)).as("a read claims nothing").isEqualTo(7L << 16 | 7);
        fixture.execute(a -> a.csrrw(A0, Csr.MTOPEI, ZERO));
        assertThat(fixture.get(A0)).isEqualTo(7L << 16 | 7);
        fixture.execute(a -> a.csrrw(A0, Csr.MTOPEI, ZERO));
        assertThat(fixture.get(A0)).isEqualTo(40L << 16 | 40);
        assertThat(fixture.csr(Csr.MIP)).isZero();
        fixture.execute(a -> a.csrrw(A0, Csr.MTOPEI, ZERO));
        assertThat(fixture.get(A0)).isZero();
    }

    @Test
    void theSupervisorServesItsOwnFile() {
        writeSupervisor(EIDELIVERY, 1);
        writeSupervisor(EIE0, -1);
        writeSupervisor(EITHRESHOLD, 20);
        fixture.csr(Csr.MIDELEG, SUPERVISOR).csr(Csr.MIE, SUPERVISOR);
        supervisor.file(0).setPending(20);
        assertThat(fixture.csr(Csr.SIP)).as("20 is not below the threshold").isZero();
        supervisor.file(0).setPending(19);
        assertThat(fixture.csr(Csr.SIP)).isEqualTo(1L << SEI);
        fixture.place(HartFixture.RAM, a -> a.nop());
        assertThat(fixture.in(U).runFrom(HartFixture.RAM).cause())
                .isEqualTo(Cause.SUPERVISOR_EXTERNAL);
        fixture.in(S).execute(a -> a.csrrw(A0, Csr.STOPEI, ZERO));
        assertThat(fixture.get(A0)).isEqualTo(19L << 16 | 19);
        assertThat(fixture.csr(Csr.SIP)).isZero();
    }

    @Test
    void bitsOfAFileAreSetAndClearedInOneStep() {
        writeMachine(EIE0, 0b1010);
        fixture.csr(Csr.MISELECT, EIE0).set(A1, 0b0110).execute(a -> a.csrrs(A0, Csr.MIREG, A1));
        assertThat(fixture.get(A0)).isEqualTo(0b1010);
        assertThat(readMachine(EIE0)).isEqualTo(0b1110);
        fixture.execute(a -> a.csrrci(A0, Csr.MIREG, 0b1000));
        assertThat(readMachine(EIE0)).isEqualTo(0b0110);
        // Identity 0 does not exist.
        writeMachine(EIE0, -1);
        assertThat(readMachine(EIE0)).isEqualTo(-2);
    }

    // Top interrupts.

    @Test
    void theTopInterruptOfEachLevelFollowsPendingEnabledAndDelegation() {
        assertThat(fixture.csr(Csr.MTOPI)).isZero();
        fixture.csr(Csr.MIP, SUPERVISOR).csr(Csr.MIDELEG, 1L << STI);
        assertThat(fixture.csr(Csr.MTOPI)).as("nothing is enabled").isZero();
        fixture.csr(Csr.MIE, SUPERVISOR);
        assertThat(fixture.csr(Csr.MTOPI)).isEqualTo((long) SEI << 16 | 1);
        assertThat(fixture.csr(Csr.STOPI)).isEqualTo((long) STI << 16 | 1);
        fixture.csr(Csr.MIDELEG, SUPERVISOR);
        assertThat(fixture.csr(Csr.MTOPI)).isZero();
        assertThat(fixture.csr(Csr.STOPI)).isEqualTo((long) SEI << 16 | 1);
        fixture.csr(Csr.MIE, 1L << SSI | 1L << STI);
        assertThat(fixture.csr(Csr.STOPI)).isEqualTo((long) SSI << 16 | 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 7, 11})
    void theTopInterruptOfMachineModeNamesItsOwn(int number) {
        fixture.csr(Csr.MIE, 0xaaa).csr(Csr.MIP, SUPERVISOR);
        fixture.hart.interruptLine(number).raise();
        assertThat(fixture.csr(Csr.MTOPI)).isEqualTo((long) number << 16 | 1);
    }

    // Filtering and virtual interrupts (§5.3).

    @Test
    void mvienHoldsTheSoftwareAndTheExternalInterruptAlone() {
        fixture.csr(Csr.MVIEN, -1);
        assertThat(fixture.csr(Csr.MVIEN) & 0x1fff).isEqualTo(1L << SSI | 1L << SEI);
    }

    @Test
    void withoutVirtualInterruptsMvipIsAViewOfMip() {
        fixture.csr(Csr.MVIP, -1);
        assertThat(fixture.csr(Csr.MVIP) & 0x1fff).isEqualTo(SUPERVISOR);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(SUPERVISOR);
        fixture.csr(Csr.MIP, 0);
        assertThat(fixture.csr(Csr.MVIP)).isZero();
        // The pin of SEIP is not in it.
        fixture.hart.interruptLine(SEI).raise();
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << SEI);
        assertThat(fixture.csr(Csr.MVIP)).isZero();
        // SSIP raised from outside is.
        fixture.hart.interruptLine(SSI).raise();
        assertThat(fixture.csr(Csr.MVIP)).isEqualTo(1L << SSI);
        fixture.csr(Csr.MVIP, 0);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << SEI);
    }

    @Test
    void theTimersBitOfMvipIsThereWhileSoftwareOwnsIt() {
        fixture.csr(Csr.MENVCFG, Csr.MENVCFG_STCE).csr(Csr.MVIP, -1);
        assertThat(fixture.csr(Csr.MVIP) & 1L << STI).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 1", "1, 0", "1, 1"})
    void theSupervisorsViewFollowsDelegationThenVirtualEnables(int delegated, int virtual) {
        for (int bit : new int[] {SSI, SEI}) {
            fixture.csr(Csr.MIP, 0).csr(Csr.MIE, 0);
            fixture.csr(Csr.MIDELEG, (long) delegated << bit);
            fixture.csr(Csr.MVIEN, (long) virtual << bit);
            fixture.csr(Csr.SIE, -1);
            boolean visible = delegated + virtual > 0;
            assertThat(fixture.csr(Csr.SIE)).isEqualTo(visible ? 1L << bit : 0);
            assertThat(fixture.csr(Csr.MIE)).isEqualTo((long) delegated << bit);

            fixture.csr(Csr.MVIP, 1L << bit);
            boolean throughMip = virtual == 0;
            assertThat(fixture.csr(Csr.MIP)).isEqualTo(throughMip ? 1L << bit : 0);
            boolean seen = delegated == 1 ? throughMip : virtual == 1;
            assertThat(fixture.csr(Csr.SIP)).isEqualTo(seen ? 1L << bit : 0);
            fixture.csr(Csr.MVIP, 0);
            assertThat(fixture.csr(Csr.SIP)).isZero();
        }
    }

    @Test
    void aVirtualInterruptIsTakenBySupervisorMode() {
        fixture.csr(Csr.MVIEN, 1L << SEI).csr(Csr.SIE, -1).csr(Csr.MVIP, 1L << SEI);
        fixture.place(HartFixture.RAM, a -> a.nop());
        assertThat(fixture.in(U).runFrom(HartFixture.RAM))
                .isEqualTo(new HartFixture.Trap(S, Cause.SUPERVISOR_EXTERNAL, HartFixture.RAM, 0));
        assertThat(fixture.csr(Csr.STOPI)).isEqualTo((long) SEI << 16 | 1);
        assertThat(fixture.csr(Csr.MTOPI)).isZero();
    }

    @Test
    void aFilteredInterruptTrapsToMachineModeWhileItsVirtualTwinIsTheSupervisors() {
        fixture.csr(Csr.MVIEN, 1L << SEI).csr(Csr.MIE, 1L << SEI);
        fixture.hart.interruptLine(SEI).raise();
        assertThat(fixture.csr(Csr.SIP)).isZero();
        fixture.place(HartFixture.RAM, a -> a.nop());
        assertThat(fixture.in(S).runFrom(HartFixture.RAM).mode()).isEqualTo(M);
        assertThat(fixture.csr(Csr.MTOPI)).isEqualTo((long) SEI << 16 | 1);
    }

    @Test
    void theSoftwareBitOfSeipSurvivesTheSwitchOfItsEnable() {
        fixture.csr(Csr.MVIP, 1L << SEI);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << SEI);
        fixture.csr(Csr.MVIEN, 1L << SEI);
        assertThat(fixture.csr(Csr.MVIP)).isEqualTo(1L << SEI);
        assertThat(fixture.csr(Csr.MIP)).as("mip.SEIP is the controller's alone").isZero();
        fixture.csr(Csr.MIP, 1L << SEI);
        assertThat(fixture.csr(Csr.MIP)).as("and read-only").isZero();
        fixture.csr(Csr.MVIEN, 0);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(1L << SEI);
    }

    @Test
    void theSupervisorMayClearItsVirtualSoftwareInterrupt() {
        fixture.csr(Csr.MVIEN, 1L << SSI).csr(Csr.MVIP, 1L << SSI);
        assertThat(fixture.csr(Csr.SIP)).isEqualTo(1L << SSI);
        fixture.in(S).execute(a -> a.csrci(Csr.SIP, 1 << SSI));
        assertThat(fixture.csr(Csr.SIP)).isZero();
        fixture.in(S).execute(a -> a.csrsi(Csr.SIP, 1 << SSI));
        assertThat(fixture.csr(Csr.MVIP)).isEqualTo(1L << SSI);
        assertThat(fixture.csr(Csr.MIP)).isZero();
    }

    @Test
    void aVirtualExternalInterruptHidesTheFileFromTheSupervisor() {
        fixture.csr(Csr.SISELECT, EIE0);
        assertReadable(S, Csr.SIREG);
        fixture.csr(Csr.MVIEN, 1L << SEI);
        assertIllegal(S, Csr.STOPEI);
        assertIllegal(S, Csr.SIREG);
        assertReadable(M, Csr.STOPEI);
        assertReadable(M, Csr.SIREG);
        fixture.csr(Csr.SISELECT, 0x30);
        assertReadable(S, Csr.SIREG);
    }

    @Test
    void waitingEndsForAVirtualInterrupt() {
        fixture.csr(Csr.MVIEN, 1L << SEI).csr(Csr.SIE, -1).csr(Csr.MVIP, 1L << SEI);
        fixture.place(HartFixture.RAM, a -> a.wfi());
        fixture.hart.setPc(HartFixture.RAM);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(HartFixture.RAM + 4);
    }

    // Smstateen.

    @Test
    void stateEnablesHoldTheBitsOfWhatIsThere() {
        fixture.csr(Csr.MSTATEEN0, -1);
        assertThat(fixture.csr(Csr.MSTATEEN0))
                .isEqualTo(
                        STATEEN_SE0
                                | STATEEN_ENVCFG
                                | STATEEN_CSRIND
                                | STATEEN_AIA
                                | STATEEN_IMSIC);
        HartFixture plain = HartFixture.create();
        plain.csr(Csr.MSTATEEN0, -1);
        assertThat(plain.csr(Csr.MSTATEEN0)).isEqualTo(STATEEN_SE0 | STATEEN_ENVCFG);
        for (int n = 1; n < 4; n++) {
            fixture.csr(Csr.MSTATEEN0 + n, -1);
            assertThat(fixture.csr(Csr.MSTATEEN0 + n)).isEqualTo(STATEEN_SE0);
        }
    }

    @Test
    void resetClosesEverything() {
        fixture.hart.reset(HartFixture.RAM);
        for (int n = 0; n < 4; n++) {
            assertThat(fixture.csr(Csr.MSTATEEN0 + n)).isZero();
        }
    }

    @Test
    void eachBitOpensItsState() {
        fixture.csr(Csr.MSTATEEN0, ~STATEEN_ENVCFG);
        assertIllegal(S, Csr.SENVCFG);
        fixture.csr(Csr.MSTATEEN0, STATEEN_ENVCFG);
        assertReadable(S, Csr.SENVCFG);
        assertIllegal(S, Csr.SSTATEEN0);
        assertIllegal(S, Csr.SISELECT);
        assertIllegal(S, Csr.STOPI);
        assertIllegal(S, Csr.STOPEI);
        fixture.csr(Csr.MSTATEEN0, STATEEN_SE0);
        assertReadable(S, Csr.SSTATEEN0);
        assertIllegal(U, Csr.SSTATEEN0);
        fixture.csr(Csr.MSTATEEN0, STATEEN_AIA);
        assertReadable(S, Csr.STOPI);
        assertIllegal(S, Csr.SISELECT);
        fixture.csr(Csr.MSTATEEN0, STATEEN_IMSIC);
        assertReadable(S, Csr.STOPEI);
        assertIllegal(S, Csr.SIREG);
        assertReadable(M, Csr.SISELECT);
        assertReadable(M, Csr.SSTATEEN0);
    }

    @Test
    void whatLiesBehindTheWindowHasItsOwnBits() {
        fixture.csr(Csr.MSTATEEN0, STATEEN_CSRIND).csr(Csr.SISELECT, EIE0);
        assertReadable(S, Csr.SISELECT);
        assertIllegal(S, Csr.SIREG);
        fixture.csr(Csr.MSTATEEN0, STATEEN_CSRIND | STATEEN_IMSIC);
        assertReadable(S, Csr.SIREG);
        fixture.csr(Csr.SISELECT, 0x30);
        assertIllegal(S, Csr.SIREG);
        fixture.csr(Csr.MSTATEEN0, STATEEN_CSRIND | STATEEN_AIA);
        assertReadable(S, Csr.SIREG);
    }

    @Test
    void theSupervisorsStateEnablesAreAllReadOnlyZero() {
        for (int n = 0; n < 4; n++) {
            fixture.csr(Csr.MSTATEEN0 + n, -1).csr(Csr.SSTATEEN0 + n, -1);
            assertThat(fixture.csr(Csr.SSTATEEN0 + n)).isZero();
            assertReadable(S, Csr.SSTATEEN0 + n);
            fixture.csr(Csr.MSTATEEN0 + n, 0);
            assertIllegal(S, Csr.SSTATEEN0 + n);
        }
    }
}
