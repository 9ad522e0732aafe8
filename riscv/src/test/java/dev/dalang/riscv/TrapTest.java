package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.M_SINK;
import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.riscv.HartFixture.S_SINK;
import static dev.dalang.riscv.PrivilegeMode.M;
import static dev.dalang.riscv.PrivilegeMode.S;
import static dev.dalang.riscv.PrivilegeMode.U;
import static dev.dalang.testkit.riscv.Registers.A0;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Trap entry and return, delegation, and what privileged instructions may do in which mode. */
class TrapTest {
    private final HartFixture fixture = HartFixture.create();

    private long status(long mask) {
        return fixture.csr(Csr.MSTATUS) & mask;
    }

    @ParameterizedTest
    @EnumSource(PrivilegeMode.class)
    void anEnvironmentCallTellsTheModeItCameFrom(PrivilegeMode mode) {
        HartFixture.Trap trap = fixture.in(mode).trap(Assembler::ecall);
        long cause = Cause.ECALL_FROM_U + mode.encoding();
        assertThat(trap).isEqualTo(new HartFixture.Trap(M, cause, RAM, 0));
    }

    @ParameterizedTest
    @EnumSource(PrivilegeMode.class)
    void aTrapIntoMachineModeStacksTheEnableAndTheMode(PrivilegeMode mode) {
        for (boolean enabled : new boolean[] {false, true}) {
            fixture.csr(Csr.MSTATUS, enabled ? Csr.MSTATUS_MIE : Csr.MSTATUS_MPIE);
            fixture.in(mode).trap(Assembler::ecall);
            assertThat(fixture.hart.privilege()).isEqualTo(M);
            assertThat(fixture.hart.pc()).isEqualTo(M_SINK);
            assertThat(status(Csr.MSTATUS_MIE)).isZero();
            assertThat(status(Csr.MSTATUS_MPIE) != 0).isEqualTo(enabled);
            assertThat(status(Csr.MSTATUS_MPP) >>> 11).isEqualTo(mode.encoding());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = PrivilegeMode.class,
            names = {"U", "S"})
    void aDelegatedTrapGoesToSupervisorModeAndLeavesMachineStateAlone(PrivilegeMode mode) {
        for (boolean enabled : new boolean[] {false, true}) {
            fixture.csr(Csr.MEDELEG, -1).csr(Csr.MEPC, 0x123456).csr(Csr.MCAUSE, 7);
            long before = Csr.MSTATUS_MIE | Csr.MSTATUS_MPP;
            fixture.csr(Csr.MSTATUS, before | (enabled ? Csr.MSTATUS_SIE : Csr.MSTATUS_SPIE));
            HartFixture.Trap trap = fixture.in(mode).trap(Assembler::ecall);
            assertThat(trap)
                    .isEqualTo(
                            new HartFixture.Trap(S, Cause.ECALL_FROM_U + mode.encoding(), RAM, 0));
            assertThat(status(Csr.MSTATUS_SIE)).isZero();
            assertThat(status(Csr.MSTATUS_SPIE) != 0).isEqualTo(enabled);
            assertThat(status(Csr.MSTATUS_SPP) != 0).isEqualTo(mode == S);
            assertThat(status(before)).isEqualTo(before);
            assertThat(fixture.csr(Csr.MEPC)).isEqualTo(0x123456);
            assertThat(fixture.csr(Csr.MCAUSE)).isEqualTo(7);
        }
    }

    @Test
    void aTrapInMachineModeIsNeverDelegated() {
        fixture.csr(Csr.MEDELEG, -1);
        HartFixture.Trap trap = fixture.trap(a -> a.word(0));
        assertThat(trap.mode()).isEqualTo(M);
        assertThat(trap.cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @Test
    void onlyTheDelegatedExceptionsGoToSupervisorMode() {
        fixture.csr(Csr.MEDELEG, 1L << Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(Assembler::unimp).mode()).isEqualTo(S);
        assertThat(fixture.in(U).trap(Assembler::ecall).mode()).isEqualTo(M);
    }

    @Test
    void exceptionsGoToTheBaseEvenOfAVectoredTable() {
        fixture.csr(Csr.MTVEC, M_SINK | 1).csr(Csr.STVEC, S_SINK | 1);
        fixture.trap(Assembler::ecall);
        assertThat(fixture.hart.pc()).isEqualTo(M_SINK);
        fixture.csr(Csr.MEDELEG, -1).in(U).trap(Assembler::ecall);
        assertThat(fixture.hart.pc()).isEqualTo(S_SINK);
    }

    @ParameterizedTest
    @EnumSource(PrivilegeMode.class)
    void mretGoesBackToTheStackedMode(PrivilegeMode mode) {
        for (boolean enabled : new boolean[] {false, true}) {
            fixture.csr(
                    Csr.MSTATUS,
                    (long) mode.encoding() << 11
                            | Csr.MSTATUS_MPRV
                            | (enabled ? Csr.MSTATUS_MPIE : Csr.MSTATUS_MIE));
            fixture.csr(Csr.MEPC, RAM + 0x100).in(M).place(RAM, Assembler::mret);
            fixture.hart.setPc(RAM);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x100);
            assertThat(fixture.hart.privilege()).isEqualTo(mode);
            assertThat(status(Csr.MSTATUS_MIE) != 0).isEqualTo(enabled);
            assertThat(status(Csr.MSTATUS_MPIE)).isNotZero();
            assertThat(status(Csr.MSTATUS_MPP)).as("the least privileged mode").isZero();
            assertThat(status(Csr.MSTATUS_MPRV) != 0).isEqualTo(mode == M);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = PrivilegeMode.class,
            names = {"S", "M"})
    void sretGoesBackToTheStackedMode(PrivilegeMode from) {
        for (long previous : new long[] {0, Csr.MSTATUS_SPP}) {
            for (boolean enabled : new boolean[] {false, true}) {
                fixture.csr(
                        Csr.MSTATUS,
                        previous
                                | Csr.MSTATUS_MPRV
                                | Csr.MSTATUS_MPP
                                | (enabled ? Csr.MSTATUS_SPIE : Csr.MSTATUS_SIE));
                fixture.csr(Csr.SEPC, RAM + 0x100).in(from).place(RAM, Assembler::sret);
                fixture.hart.setPc(RAM);
                fixture.step(1);
                assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x100);
                assertThat(fixture.hart.privilege()).isEqualTo(previous == 0 ? U : S);
                assertThat(status(Csr.MSTATUS_SIE) != 0).isEqualTo(enabled);
                assertThat(status(Csr.MSTATUS_SPIE)).isNotZero();
                assertThat(status(Csr.MSTATUS_SPP)).isZero();
                assertThat(status(Csr.MSTATUS_MPRV)).isZero();
                assertThat(status(Csr.MSTATUS_MPP)).isEqualTo(Csr.MSTATUS_MPP);
            }
        }
    }

    @Test
    void returnsAreIllegalInLesserModes() {
        assertThat(fixture.in(S).trap(Assembler::mret).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(Assembler::mret).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        HartFixture.Trap trap = fixture.in(U).trap(Assembler::sret);
        assertThat(trap).isEqualTo(new HartFixture.Trap(M, 2, RAM, 0x1020_0073));
    }

    @Test
    void trapSretMakesSretIllegalInSupervisorModeAlone() {
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_TSR);
        assertThat(fixture.in(S).trap(Assembler::sret).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.csr(Csr.SEPC, RAM + 0x100).in(M).place(RAM, Assembler::sret);
        fixture.hart.setPc(RAM);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x100);
    }

    @Test
    void waitForInterruptIsIllegalInUserModeAndWhereItIsTrapped() {
        assertThat(fixture.in(U).trap(Assembler::wfi).cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.setBits(Csr.MSTATUS, Csr.MSTATUS_TW);
        assertThat(fixture.in(S).trap(Assembler::wfi).cause()).isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        // A pending interrupt lets it go on at once, where it is not trapped.
        fixture.csr(Csr.MIE, 2).csr(Csr.MIP, 2).in(M).execute(Assembler::wfi);
        fixture.clearBits(Csr.MSTATUS, Csr.MSTATUS_TW);
        fixture.csr(Csr.MIDELEG, 2).in(S).execute(Assembler::wfi);
    }

    @Test
    void fencesOfVirtualMemoryAreNotForUserMode() {
        assertThat(fixture.in(U).trap(a -> a.sfence_vma()).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(a -> a.sinval_vma(A0, A0)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(Assembler::sfence_w_inval).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.in(U).trap(Assembler::sfence_inval_ir).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @ParameterizedTest
    @EnumSource(PrivilegeMode.class)
    void aBreakpointPointsAtItself(PrivilegeMode mode) {
        fixture.place(RAM, Assembler::ebreak);
        HartFixture.Trap trap = fixture.in(mode).runFrom(RAM);
        assertThat(trap.cause()).isEqualTo(Cause.BREAKPOINT);
        assertThat(trap.epc()).isEqualTo(RAM);
        assertThat(trap.tval()).isIn(0L, RAM);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0xffff_ffff, // all ones
                0x0000_707f, // a longer encoding
                0x0000_1067, // jalr with function 1
                0x0000_2063, // branch function 2
                0x0000_7003, // load function 7
                0x0000_4023, // store function 4
                0x4000_1013, // slli with a reserved upper part
                0x0200_101b, // slliw by 32
                0x0800_0033, // add with a reserved upper part
                0x0200_103b, // the hole at mulhw
                0x0000_300f, // misc-mem function 3
                0x0030_200f, // cbo 3
                0x0000_208f, // cbo with rd
                0x0000_002f, // amo of a byte
                0x2800_502f, // amocas of width 5
                0x3000_0073, // system function 0 with a reserved number
                0x1020_0173, // sret with rd
                0x3020_8073, // mret with rs1
                0x1200_00f3, // sfence.vma with rd
                0x0020_0073, // uret
                0x7b20_0073, // dret
                0x0000_0057, // vector opcode
                0x0000_000b, // custom
            })
    void encodingsThatAreNotDefinedAreIllegalAndReportTheirBits(int word) {
        HartFixture.Trap trap = fixture.trap(a -> a.word(word));
        assertThat(trap)
                .isEqualTo(
                        new HartFixture.Trap(
                                M, Cause.ILLEGAL_INSTRUCTION, RAM, word & 0xffff_ffffL));
    }

    @Test
    void fencesWithReservedFieldsAreOrdinaryFences() {
        fixture.execute(
                a -> {
                    a.word(0x8330_000f); // fence.tso
                    a.word(0x5330_000f); // a reserved mode
                    a.word(0x0ff5_050f); // with registers
                    a.word(0x0005_150f); // fence.i with registers
                    a.pause();
                    a.fence(0, 0);
                });
    }

    @Test
    void anIllegalInstructionChangesNoRegister() {
        fixture.set(A0, 55);
        fixture.trap(a -> a.word(0x0800_0533));
        assertThat(fixture.get(A0)).isEqualTo(55);
    }
}
