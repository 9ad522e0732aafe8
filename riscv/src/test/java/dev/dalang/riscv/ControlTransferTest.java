package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.RAM;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.RA;
import static dev.dalang.testkit.riscv.Registers.T0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.stream.Stream;

/** Jumps and branches: where they go, and what they leave in the link register. */
class ControlTransferTest {
    private static final long PLACE = RAM + 0x20_0000;

    private final HartFixture fixture = HartFixture.create();

    /** A branch and when it is taken. */
    record Branch(String name, Code code, Condition condition) {
        interface Code {
            void write(Assembler a, int rs1, int rs2, int target);
        }

        interface Condition {
            boolean holds(long a, long b);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Branch> branches() {
        return Stream.of(
                new Branch("beq", Assembler::beq, (a, b) -> a == b),
                new Branch("bne", Assembler::bne, (a, b) -> a != b),
                new Branch(
                        "blt",
                        Assembler::blt,
                        (a, b) -> Operand.signed(a).compareTo(Operand.signed(b)) < 0),
                new Branch(
                        "bge",
                        Assembler::bge,
                        (a, b) -> Operand.signed(a).compareTo(Operand.signed(b)) >= 0),
                new Branch(
                        "bltu",
                        Assembler::bltu,
                        (a, b) -> Operand.unsigned(a).compareTo(Operand.unsigned(b)) < 0),
                new Branch(
                        "bgeu",
                        Assembler::bgeu,
                        (a, b) -> Operand.unsigned(a).compareTo(Operand.unsigned(b)) >= 0));
    }

    @ParameterizedTest
    @MethodSource("branches")
    void aBranchIsTakenIfItsConditionHolds(Branch branch) {
        fixture.place(PLACE, a -> branch.code.write(a, A0, A1, 64));
        for (Operand.Pair pair : Operand.pairs()) {
            fixture.set(A0, pair.a()).set(A1, pair.b());
            fixture.hart.setPc(PLACE);
            fixture.step(1);
            long distance = branch.condition.holds(pair.a(), pair.b()) ? 64 : 4;
            assertThat(fixture.hart.pc())
                    .as("%s %x, %x", branch, pair.a(), pair.b())
                    .isEqualTo(PLACE + distance);
        }
    }

    @Test
    void aBranchReachesEveryDistance() {
        for (int distance : new int[] {-4096, -2050, -2, 2, 6, 2046, 2048, 4094}) {
            fixture.place(PLACE, a -> a.beq(ZERO, ZERO, distance));
            fixture.hart.setPc(PLACE);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(PLACE + distance);
        }
    }

    @Test
    void jalReachesEveryDistanceAndLinks() {
        for (int distance : new int[] {-(1 << 20), -2, 2, 0x7fe, 0x800, 0xff000, (1 << 20) - 2}) {
            fixture.place(PLACE, a -> a.jal(RA, distance));
            fixture.hart.setPc(PLACE);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo(PLACE + distance);
            assertThat(fixture.get(RA)).isEqualTo(PLACE + 4);
        }
    }

    @Test
    void jalrClearsTheLowestBitAndLinks() {
        for (int offset : new int[] {-2048, -1, 0, 1, 2, 3, 2047}) {
            fixture.place(PLACE, a -> a.jalr(RA, offset, T0));
            fixture.set(T0, RAM + 0x1000);
            fixture.hart.setPc(PLACE);
            fixture.step(1);
            assertThat(fixture.hart.pc()).isEqualTo((RAM + 0x1000 + offset) & ~1L);
            assertThat(fixture.get(RA)).isEqualTo(PLACE + 4);
        }
    }

    @Test
    void jalrThroughItsOwnLinkRegisterUsesTheOldValue() {
        fixture.place(PLACE, a -> a.jalr(T0, 8, T0));
        fixture.set(T0, RAM + 0x1000);
        fixture.hart.setPc(PLACE);
        fixture.step(1);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x1008);
        assertThat(fixture.get(T0)).isEqualTo(PLACE + 4);
    }

    @Test
    void aJumpWithoutALinkLeavesRegisterZeroAlone() {
        fixture.place(PLACE, a -> a.jal(ZERO, 8));
        fixture.hart.setPc(PLACE);
        fixture.step(1);
        assertThat(fixture.get(ZERO)).isZero();
    }

    @Test
    void aJumpOutOfMemoryFaultsAtItsTarget() {
        HartFixture.Trap trap = fixture.set(T0, 0x7000_0000L).trap(a -> a.jalr(RA, 0, T0));
        assertThat(trap.cause()).isEqualTo(Cause.INSTRUCTION_ACCESS_FAULT);
        assertThat(trap.epc()).isEqualTo(0x7000_0000L);
        assertThat(trap.tval()).isEqualTo(0x7000_0000L);
        assertThat(fixture.get(RA)).isEqualTo(RAM + 4);
    }

    @Test
    void anInstructionMayLieAcrossTwoPages() {
        fixture.place(RAM + 0x1ffe, a -> a.addi(A0, ZERO, 77));
        fixture.hart.setPc(RAM + 0x1ffe);
        fixture.step(1);
        assertThat(fixture.get(A0)).isEqualTo(77);
        assertThat(fixture.hart.pc()).isEqualTo(RAM + 0x2002);
    }

    @Test
    void aLoopWithACallComputesASum() {
        // sum of f(n) = 3n for n in 1..100
        fixture.execute(
                a -> {
                    Label loop = a.label();
                    Label function = a.label();
                    Label end = a.label();
                    a.li(A0, 0);
                    a.li(A1, 100);
                    a.bind(loop);
                    a.call(function);
                    a.add(A0, A0, T0);
                    a.addi(A1, A1, -1);
                    a.bnez(A1, loop);
                    a.j(end);
                    a.bind(function);
                    a.slli(T0, A1, 1);
                    a.add(T0, T0, A1);
                    a.ret();
                    a.bind(end);
                });
        assertThat(fixture.get(A0)).isEqualTo(3 * 5050);
    }
}
