package dev.dalang.riscv;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Zicsr, which CSRs there are for whom, and what each keeps of what is written to it. */
class CsrTest {
    private static final long ONES = -1;

    private final HartFixture fixture = HartFixture.create();

    private HartFixture.Trap illegalIn(PrivilegeMode mode, int csr) {
        return fixture.in(mode).trap(a -> a.csrr(A0, csr));
    }

    private void assertIllegal(PrivilegeMode mode, int csr) {
        HartFixture.Trap trap = illegalIn(mode, csr);
        assertThat(trap.cause())
                .as("read of %03x in %s", csr, mode)
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(trap.tval()).isEqualTo(fixture.peek(HartFixture.RAM, 4));
    }

    private void assertReadable(PrivilegeMode mode, int csr) {
        fixture.in(mode).execute(a -> a.csrr(A0, csr));
    }

    @Test
    void theSixInstructionsReadAndModify() {
        fixture.csr(Csr.MSCRATCH, 0b1100).set(A1, 0b1010);
        fixture.execute(a -> a.csrrs(A0, Csr.MSCRATCH, A1));
        assertThat(fixture.get(A0)).isEqualTo(0b1100);
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(0b1110);
        fixture.execute(a -> a.csrrc(A0, Csr.MSCRATCH, A1));
        assertThat(fixture.get(A0)).isEqualTo(0b1110);
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(0b0100);
        fixture.execute(a -> a.csrrw(A0, Csr.MSCRATCH, A1));
        assertThat(fixture.get(A0)).isEqualTo(0b0100);
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(0b1010);
        fixture.execute(a -> a.csrrsi(A0, Csr.MSCRATCH, 0b10101));
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(0b11111);
        fixture.execute(a -> a.csrrci(A0, Csr.MSCRATCH, 0b10001));
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(0b01110);
        fixture.execute(a -> a.csrrwi(A0, Csr.MSCRATCH, 31));
        assertThat(fixture.get(A0)).isEqualTo(0b01110);
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(31);
    }

    @Test
    void aSwapOfARegisterWithItselfUsesTheOldValue() {
        fixture.csr(Csr.MSCRATCH, 5).set(A0, 9).execute(a -> a.csrrw(A0, Csr.MSCRATCH, A0));
        assertThat(fixture.get(A0)).isEqualTo(5);
        assertThat(fixture.csr(Csr.MSCRATCH)).isEqualTo(9);
    }

    @Test
    void settingOrClearingNothingMayReadAReadOnlyRegister() {
        fixture.execute(
                a -> {
                    a.csrrs(A0, Csr.MHARTID, ZERO);
                    a.csrrc(A0, Csr.CYCLE, ZERO);
                    a.csrrsi(A0, Csr.MVENDORID, 0);
                    a.csrrci(A0, Csr.MARCHID, 0);
                });
        fixture.set(A1, 0);
        assertThat(fixture.trap(a -> a.csrrs(A0, Csr.MHARTID, A1)).cause())
                .as("a register that holds 0 still counts as a write")
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.trap(a -> a.csrrw(ZERO, Csr.CYCLE, ZERO)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.trap(a -> a.csrrwi(ZERO, Csr.MVENDORID, 0)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @Test
    void functionFourOfTheSystemOpcodeIsIllegal() {
        assertThat(fixture.trap(a -> a.word(0x3000_4573)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x000, 0x00f, 0x015, 0x107, 0x200, 0x280, 0x5a8, 0x600, 0x643, 0x680, 0x800, 0xa00,
                0x30f + 1, 0x31a, 0x3f0, 0x34a, 0x7b0, 0x7c0, 0xc20, 0xc80, 0xe12, 0xf16, 0xfff,
                0x3a1, 0x3a3
            })
    void numbersWithoutARegisterAreIllegal(int csr) {
        assertIllegal(PrivilegeMode.M, csr);
        assertIllegal(PrivilegeMode.S, csr);
        assertIllegal(PrivilegeMode.U, csr);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Csr.MSTATUS,
                Csr.MISA,
                Csr.MEDELEG,
                Csr.MIDELEG,
                Csr.MIE,
                Csr.MTVEC,
                Csr.MCOUNTEREN,
                Csr.MENVCFG,
                Csr.MSTATEEN0,
                Csr.MCOUNTINHIBIT,
                Csr.MSCRATCH,
                Csr.MEPC,
                Csr.MCAUSE,
                Csr.MTVAL,
                Csr.MIP,
                Csr.PMPCFG0,
                Csr.PMPADDR0,
                Csr.MCYCLE,
                Csr.MINSTRET,
                Csr.MHPMCOUNTER3,
                Csr.MHPMEVENT3,
                Csr.MVENDORID,
                Csr.MARCHID,
                Csr.MIMPID,
                Csr.MHARTID,
                Csr.MCONFIGPTR
            })
    void machineRegistersAreForMachineModeAlone(int csr) {
        assertReadable(PrivilegeMode.M, csr);
        assertIllegal(PrivilegeMode.S, csr);
        assertIllegal(PrivilegeMode.U, csr);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Csr.SSTATUS,
                Csr.SIE,
                Csr.STVEC,
                Csr.SCOUNTEREN,
                Csr.SSCRATCH,
                Csr.SEPC,
                Csr.SCAUSE,
                Csr.STVAL,
                Csr.SIP,
                Csr.SATP
            })
    void supervisorRegistersAreNotForUserMode(int csr) {
        assertReadable(PrivilegeMode.M, csr);
        assertReadable(PrivilegeMode.S, csr);
        assertIllegal(PrivilegeMode.U, csr);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Csr.SISELECT,
                Csr.SIREG,
                Csr.STOPEI,
                Csr.STOPI,
                Csr.MISELECT,
                Csr.MIREG,
                Csr.MTOPEI,
                Csr.MTOPI,
                Csr.MVIEN,
                Csr.MVIP
            })
    void withoutAnImsicTheRegistersOfAiaDoNotExist(int csr) {
        assertIllegal(PrivilegeMode.M, csr);
        assertIllegal(PrivilegeMode.S, csr);
    }

    @Test
    void theFloatingPointRegistersAreForAllModes() {
        for (PrivilegeMode mode : PrivilegeMode.values()) {
            assertReadable(mode, Csr.FCSR);
            assertReadable(mode, Csr.FRM);
            assertReadable(mode, Csr.FFLAGS);
        }
    }

    @Test
    void misaTellsRv64gcWithSAndU() {
        long misa = fixture.csr(Csr.MISA);
        assertThat(misa >>> 62).isEqualTo(2);
        for (char extension : "IMAFDCSU".toCharArray()) {
            assertThat(misa >>> extension - 'A' & 1).as("%s", extension).isEqualTo(1);
        }
        for (char absent : "EHQV".toCharArray()) {
            assertThat(misa >>> absent - 'A' & 1).as("%s", absent).isZero();
        }
    }

    @Test
    void anAttemptToSwitchOffCompressedCodeLeavesAlignmentWell() {
        // misa.C must not be cleared by an instruction after which the pc would be misaligned.
        fixture.set(A1, 1 << 2);
        fixture.place(
                HartFixture.RAM,
                a -> {
                    a.c_nop();
                    a.csrc(Csr.MISA, A1);
                });
        fixture.hart.setPc(HartFixture.RAM);
        fixture.step(2);
        assertThat(fixture.csr(Csr.MISA) & 4).isEqualTo(4);
        assertThat(fixture.hart.pc()).isEqualTo(HartFixture.RAM + 6);
    }

    @Test
    void mstatusKeepsItsWritableFieldsAndItsFixedWidths() {
        fixture.csr(Csr.MSTATUS, ONES);
        long all = fixture.csr(Csr.MSTATUS);
        long writable =
                Csr.MSTATUS_SIE
                        | Csr.MSTATUS_MIE
                        | Csr.MSTATUS_SPIE
                        | Csr.MSTATUS_MPIE
                        | Csr.MSTATUS_SPP
                        | Csr.MSTATUS_MPP
                        | Csr.MSTATUS_FS
                        | Csr.MSTATUS_MPRV
                        | Csr.MSTATUS_SUM
                        | Csr.MSTATUS_MXR
                        | Csr.MSTATUS_TVM
                        | Csr.MSTATUS_TW
                        | Csr.MSTATUS_TSR;
        long widths = 2L << 32 | 2L << 34;
        assertThat(all).isEqualTo(writable | widths | Csr.MSTATUS_SD);
        fixture.csr(Csr.MSTATUS, 0);
        assertThat(fixture.csr(Csr.MSTATUS)).isEqualTo(widths);
    }

    @Test
    void sstatusIsAViewOfMstatus() {
        fixture.csr(Csr.MSTATUS, 0).csr(Csr.SSTATUS, ONES);
        long view =
                Csr.MSTATUS_SIE
                        | Csr.MSTATUS_SPIE
                        | Csr.MSTATUS_SPP
                        | Csr.MSTATUS_FS
                        | Csr.MSTATUS_SUM
                        | Csr.MSTATUS_MXR;
        assertThat(fixture.csr(Csr.SSTATUS)).isEqualTo(view | 2L << 32 | Csr.MSTATUS_SD);
        assertThat(fixture.csr(Csr.MSTATUS)).isEqualTo(view | 2L << 32 | 2L << 34 | Csr.MSTATUS_SD);
        fixture.csr(Csr.MSTATUS, ONES).csr(Csr.SSTATUS, 0);
        assertThat(fixture.csr(Csr.MSTATUS) & view).isZero();
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_MPP).isEqualTo(Csr.MSTATUS_MPP);
        assertThat(fixture.csr(Csr.MSTATUS) & Csr.MSTATUS_TVM).isEqualTo(Csr.MSTATUS_TVM);
    }

    @Test
    void theReservedPreviousModeIsNeverHeld() {
        for (long before : new long[] {0, 1, 3}) {
            fixture.csr(Csr.MSTATUS, before << 11).csr(Csr.MSTATUS, 2L << 11);
            assertThat(fixture.csr(Csr.MSTATUS) >>> 11 & 3).isNotEqualTo(2);
        }
    }

    @Test
    void anyStateButDirtyLeavesSdClear() {
        for (long state = 0; state < 3; state++) {
            fixture.csr(Csr.MSTATUS, state << 13);
            assertThat(fixture.csr(Csr.MSTATUS) & (Csr.MSTATUS_SD | Csr.MSTATUS_FS))
                    .isEqualTo(state << 13);
        }
    }

    @Test
    void trapVectorsKeepTheirBaseAndNoReservedMode() {
        for (int csr : new int[] {Csr.MTVEC, Csr.STVEC}) {
            fixture.csr(csr, 0x8000_1230L);
            assertThat(fixture.csr(csr)).isEqualTo(0x8000_1230L);
            fixture.csr(csr, 0x8000_1231L);
            assertThat(fixture.csr(csr)).isEqualTo(0x8000_1231L);
            fixture.csr(csr, 0x8000_1233L);
            assertThat(fixture.csr(csr) & 3).isLessThan(2);
        }
    }

    @Test
    void exceptionProgramCountersAreEven() {
        fixture.csr(Csr.MEPC, ONES).csr(Csr.SEPC, 0x1235);
        assertThat(fixture.csr(Csr.MEPC)).isEqualTo(-2);
        assertThat(fixture.csr(Csr.SEPC)).isEqualTo(0x1234);
    }

    @Test
    void causeAndValueRegistersHoldWhatHardwareWritesThere() {
        for (int csr : new int[] {Csr.MCAUSE, Csr.SCAUSE}) {
            for (long cause : new long[] {0, 15, Long.MIN_VALUE | 11}) {
                fixture.csr(csr, cause);
                assertThat(fixture.csr(csr)).isEqualTo(cause);
            }
        }
        for (int csr : new int[] {Csr.MTVAL, Csr.STVAL, Csr.MSCRATCH, Csr.SSCRATCH}) {
            fixture.csr(csr, 0xdead_beef_0bad_cafeL);
            assertThat(fixture.csr(csr)).isEqualTo(0xdead_beef_0bad_cafeL);
        }
    }

    @Test
    void delegationHoldsTheSupervisorsInterruptsAndNoCallFromMachineMode() {
        fixture.csr(Csr.MEDELEG, ONES).csr(Csr.MIDELEG, ONES);
        assertThat(fixture.csr(Csr.MIDELEG) & 0xfff).isEqualTo(0x222);
        long medeleg = fixture.csr(Csr.MEDELEG);
        assertThat(medeleg >>> Cause.ECALL_FROM_M & 1).isZero();
        for (long cause : new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15}) {
            assertThat(medeleg >>> cause & 1).as("exception %d", cause).isEqualTo(1);
        }
        // Reserved causes never happen, so their bits are 0.
        assertThat(medeleg & (1L << 10 | 1L << 14)).isZero();
    }

    @Test
    void interruptEnablesExistForTheSixInterruptsAndTheSupervisorSeesItsOwn() {
        fixture.csr(Csr.MIE, ONES);
        assertThat(fixture.csr(Csr.MIE)).isEqualTo(0xaaa);
        fixture.csr(Csr.MIDELEG, 0);
        assertThat(fixture.csr(Csr.SIE)).isZero();
        fixture.csr(Csr.MIDELEG, 0x20);
        assertThat(fixture.csr(Csr.SIE)).isEqualTo(0x20);
        fixture.csr(Csr.SIE, 0);
        assertThat(fixture.csr(Csr.MIE)).isEqualTo(0xaaa & ~0x20);
    }

    @Test
    void softwareMaySetTheSupervisorsPendingBitsAndNoOthers() {
        fixture.csr(Csr.MIP, ONES);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(0x222);
        fixture.csr(Csr.MIP, 0);
        assertThat(fixture.csr(Csr.MIP)).isZero();
    }

    @Test
    void theSupervisorMaySetItsDelegatedSoftwareInterruptAlone() {
        fixture.csr(Csr.SIP, ONES);
        assertThat(fixture.csr(Csr.MIP)).isZero();
        fixture.csr(Csr.MIDELEG, 0x222).csr(Csr.SIP, ONES);
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(2);
        fixture.csr(Csr.MIP, 0x222);
        assertThat(fixture.csr(Csr.SIP)).isEqualTo(0x222);
        fixture.csr(Csr.SIP, 0);
        assertThat(fixture.csr(Csr.SIP)).isEqualTo(0x220);
    }

    @Test
    void settingAnotherBitOfMipDoesNotLatchTheExternalPin() {
        // Privileged spec §3.1.9: SEIP reads as the OR with the pin, but csrrs writes the bit back
        // as software left it.
        fixture.hart.interruptLine(9).raise();
        fixture.set(A1, 2).execute(a -> a.csrrs(A0, Csr.MIP, A1));
        assertThat(fixture.get(A0)).isEqualTo(0x200);
        fixture.hart.interruptLine(9).lower();
        assertThat(fixture.csr(Csr.MIP)).isEqualTo(2);
    }

    @Test
    void satpTakesTheFourModesAndIgnoresOthers() {
        for (long mode : new long[] {8, 9, 10}) {
            long value = mode << 60 | 0x1234L << 44 | 0x8_0000L;
            fixture.csr(Csr.SATP, value);
            assertThat(fixture.csr(Csr.SATP)).isEqualTo(value);
            for (long reserved : new long[] {1, 7, 11, 15}) {
                fixture.csr(Csr.SATP, reserved << 60 | 1);
                assertThat(fixture.csr(Csr.SATP)).as("mode %d", reserved).isEqualTo(value);
            }
        }
        fixture.csr(Csr.SATP, 0);
        assertThat(fixture.csr(Csr.SATP)).isZero();
    }

    @Test
    void environmentConfigurationKeepsWhatIsDefined() {
        long common = Csr.ENVCFG_FIOM | Csr.ENVCFG_CBIE | Csr.ENVCFG_CBCFE | Csr.ENVCFG_CBZE;
        fixture.csr(Csr.MENVCFG, ONES);
        assertThat(fixture.csr(Csr.MENVCFG))
                .isEqualTo(common | Csr.MENVCFG_ADUE | Csr.MENVCFG_PBMTE | Csr.MENVCFG_STCE);
        fixture.csr(Csr.SENVCFG, ONES);
        assertThat(fixture.csr(Csr.SENVCFG)).isEqualTo(common);
        fixture.csr(Csr.SENVCFG, 2L << 4);
        assertThat(fixture.csr(Csr.SENVCFG) & Csr.ENVCFG_CBIE)
                .as("the reserved behaviour of cbo.inval")
                .isNotEqualTo(2L << 4);
    }

    @Test
    void theHartTellsItsNumber() {
        assertThat(fixture.csr(Csr.MHARTID)).isZero();
        assertThat(fixture.csr(Csr.MCONFIGPTR)).isZero();
    }

    @Test
    void virtualMemoryTrappingHidesSatpAndTheFences() {
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_TVM);
        assertIllegal(PrivilegeMode.S, Csr.SATP);
        assertReadable(PrivilegeMode.M, Csr.SATP);
        fixture.in(PrivilegeMode.S);
        assertThat(fixture.trap(a -> a.csrw(Csr.SATP, A1)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.sfence_vma()).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(PrivilegeMode.S).trap(a -> a.sinval_vma(A0, A1)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        // The two ordering fences of Svinval are not concerned.
        fixture.in(PrivilegeMode.S)
                .execute(
                        a -> {
                            a.sfence_w_inval();
                            a.sfence_inval_ir();
                        });
    }

    @Test
    void resetClearsWhatTheSpecificationSays() {
        fixture.csr(Csr.MSTATUS, ONES).csr(Csr.MENVCFG, ONES).csr(Csr.SATP, 8L << 60);
        fixture.in(PrivilegeMode.U);
        fixture.hart.reset(0x8000_4000L);
        assertThat(fixture.hart.privilege()).isEqualTo(PrivilegeMode.M);
        assertThat(fixture.hart.pc()).isEqualTo(0x8000_4000L);
        assertThat(fixture.csr(Csr.MSTATUS) & (Csr.MSTATUS_MIE | Csr.MSTATUS_MPRV)).isZero();
        assertThat(fixture.csr(Csr.SATP)).isZero();
        assertThat(fixture.csr(Csr.PMPCFG0)).isZero();
        assertThat(fixture.csr(Csr.MCAUSE)).isZero();
    }
}
