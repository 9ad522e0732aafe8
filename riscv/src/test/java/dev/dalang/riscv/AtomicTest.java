package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.DEVICE;
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
import static dev.dalang.testkit.riscv.Registers.T0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;
import dev.dalang.testkit.riscv.Ordering;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.math.BigInteger;
import java.util.function.BinaryOperator;
import java.util.function.LongFunction;
import java.util.stream.Stream;

/** The A extension, Zacas and Zawrs. */
class AtomicTest {
    private static final long BEFORE = 0x1111_1111_1111_1111L;

    private final HartFixture fixture = HartFixture.create();

    /** A read-modify-write: the view of both operands, and what is stored. */
    record Amo(
            String name,
            Code code,
            int size,
            LongFunction<BigInteger> view,
            BinaryOperator<BigInteger> model) {
        interface Code {
            void write(Assembler a, int rd, int rs2, int base);
        }

        long stored(long memory, long operand) {
            long bits = model.apply(view.apply(memory), view.apply(operand)).longValue();
            return size == 4 ? bits & 0xffff_ffffL : bits;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Amo> amos() {
        LongFunction<BigInteger> sw = Operand::signedWord;
        LongFunction<BigInteger> uw = Operand::unsignedWord;
        LongFunction<BigInteger> sd = Operand::signed;
        LongFunction<BigInteger> ud = Operand::unsigned;
        return Stream.of(
                new Amo("amoswap.w", Assembler::amoswap_w, 4, sw, (_, b) -> b),
                new Amo("amoadd.w", Assembler::amoadd_w, 4, sw, BigInteger::add),
                new Amo("amoxor.w", Assembler::amoxor_w, 4, sw, BigInteger::xor),
                new Amo("amoand.w", Assembler::amoand_w, 4, sw, BigInteger::and),
                new Amo("amoor.w", Assembler::amoor_w, 4, sw, BigInteger::or),
                new Amo("amomin.w", Assembler::amomin_w, 4, sw, BigInteger::min),
                new Amo("amomax.w", Assembler::amomax_w, 4, sw, BigInteger::max),
                new Amo("amominu.w", Assembler::amominu_w, 4, uw, BigInteger::min),
                new Amo("amomaxu.w", Assembler::amomaxu_w, 4, uw, BigInteger::max),
                new Amo("amoswap.d", Assembler::amoswap_d, 8, sd, (_, b) -> b),
                new Amo("amoadd.d", Assembler::amoadd_d, 8, sd, BigInteger::add),
                new Amo("amoxor.d", Assembler::amoxor_d, 8, sd, BigInteger::xor),
                new Amo("amoand.d", Assembler::amoand_d, 8, sd, BigInteger::and),
                new Amo("amoor.d", Assembler::amoor_d, 8, sd, BigInteger::or),
                new Amo("amomin.d", Assembler::amomin_d, 8, sd, BigInteger::min),
                new Amo("amomax.d", Assembler::amomax_d, 8, sd, BigInteger::max),
                new Amo("amominu.d", Assembler::amominu_d, 8, ud, BigInteger::min),
                new Amo("amomaxu.d", Assembler::amomaxu_d, 8, ud, BigInteger::max));
    }

    @ParameterizedTest
    @MethodSource("amos")
    void anAmoStoresWhatItsModelDoesAndReturnsTheOldValueSignExtended(Amo amo) {
        fixture.place(HartFixture.RAM, a -> amo.code.write(a, A0, A2, A1));
        for (Operand.Pair pair : Operand.pairs()) {
            fixture.poke(DATA, 8, BEFORE).poke(DATA + 8, 8, BEFORE);
            fixture.poke(DATA, amo.size, pair.a());
            fixture.set(A1, DATA).set(A2, pair.b());
            fixture.hart.setPc(HartFixture.RAM);
            fixture.step(1);
            assertThat(fixture.peek(DATA, amo.size))
                    .as("%s %x, %x", amo, pair.a(), pair.b())
                    .isEqualTo(amo.stored(pair.a(), pair.b()));
            assertThat(fixture.get(A0)).isEqualTo(amo.size == 4 ? (int) pair.a() : pair.a());
            assertThat(fixture.peek(DATA + 8, 8)).isEqualTo(BEFORE);
            if (amo.size == 4) {
                assertThat(fixture.peek(DATA + 4, 4)).isEqualTo(BEFORE >>> 32);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("amos")
    void anAmoMayReturnIntoItsOperandOrItsAddressOrNowhere(Amo amo) {
        long stored = amo.stored(7, 12);
        fixture.poke(DATA, 8, 7).set(A1, DATA).set(A2, 12);
        fixture.execute(a -> amo.code.write(a, A2, A2, A1));
        assertThat(fixture.get(A2)).isEqualTo(7);
        assertThat(fixture.peek(DATA, amo.size)).isEqualTo(stored);

        fixture.poke(DATA, 8, 7).set(A1, DATA).set(A2, 12);
        fixture.execute(a -> amo.code.write(a, A1, A2, A1));
        assertThat(fixture.get(A1)).isEqualTo(7);
        assertThat(fixture.peek(DATA, amo.size)).isEqualTo(stored);

        fixture.poke(DATA, 8, 7).set(A1, DATA).set(A2, 12);
        fixture.execute(a -> amo.code.write(a, ZERO, A2, A1));
        assertThat(fixture.get(ZERO)).isZero();
        assertThat(fixture.peek(DATA, amo.size)).isEqualTo(stored);
    }

    @ParameterizedTest
    @MethodSource("amos")
    void aMisalignedAmoTrapsAsAStoreAndChangesNothing(Amo amo) {
        for (int misalignment = 1; misalignment < amo.size; misalignment++) {
            long address = DATA + misalignment;
            fixture.set(A0, 99).set(A1, address).set(A2, 12);
            HartFixture.Trap trap = fixture.trap(a -> amo.code.write(a, A0, A2, A1));
            assertThat(trap.cause()).isIn(Cause.STORE_MISALIGNED, Cause.STORE_ACCESS_FAULT);
            assertThat(trap.tval()).isEqualTo(address);
            assertThat(fixture.get(A0)).isEqualTo(99);
            assertThat(fixture.peek(DATA, 8)).isZero();
        }
    }

    @Test
    void atomicsOnADeviceAreAccessFaults() {
        fixture.set(A1, DEVICE);
        assertThat(fixture.trap(a -> a.amoadd_w(A0, A2, A1)).cause())
                .isEqualTo(Cause.STORE_ACCESS_FAULT);
        assertThat(fixture.trap(a -> a.amocas_d(A0, A2, A1)).cause())
                .isEqualTo(Cause.STORE_ACCESS_FAULT);
        assertThat(fixture.trap(a -> a.lr_w(A0, A1)).cause()).isEqualTo(Cause.LOAD_ACCESS_FAULT);
        assertThat(fixture.io.accesses).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Ordering.class)
    void anLrAndScPairStoresOnceWithAnyOrdering(Ordering ordering) {
        fixture.poke(DATA, 8, 0xffff_ffff_8000_0000L).set(A1, DATA).set(A2, 0x1_0000_0007L);
        fixture.execute(
                a -> {
                    a.lr_w(A0, A1, ordering);
                    a.sc_w(A3, A2, A1, ordering);
                    a.sc_w(A4, ZERO, A1, ordering);
                });
        assertThat(fixture.get(A0)).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(fixture.get(A3)).isZero();
        assertThat(fixture.get(A4)).as("second store-conditional").isNotZero();
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0xffff_ffff_0000_0007L);

        fixture.poke(DATA, 8, BEFORE);
        fixture.execute(
                a -> {
                    a.lr_d(A0, A1, ordering);
                    a.sc_d(A3, A2, A1, ordering);
                });
        assertThat(fixture.get(A0)).isEqualTo(BEFORE);
        assertThat(fixture.get(A3)).isZero();
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x1_0000_0007L);
    }

    @Test
    void aStoreConditionalWithoutAReservationFails() {
        fixture.set(A1, DATA).set(A2, 5);
        fixture.execute(a -> a.sc_d(A3, A2, A1));
        assertThat(fixture.get(A3)).isEqualTo(1);
        assertThat(fixture.peek(DATA, 8)).isZero();
    }

    @Test
    void aStoreConditionalToAnotherAddressFailsAndEndsTheReservation() {
        fixture.set(A1, DATA).set(A5, DATA + 0x1000).set(A2, 5);
        fixture.execute(
                a -> {
                    a.lr_d(A0, A1);
                    a.sc_d(A3, A2, A5);
                    a.sc_d(A4, A2, A1);
                });
        assertThat(fixture.get(A3)).isEqualTo(1);
        assertThat(fixture.get(A4)).isEqualTo(1);
        assertThat(fixture.peek(DATA, 8)).isZero();
        assertThat(fixture.peek(DATA + 0x1000, 8)).isZero();
    }

    @Test
    void aStoreToTheReservedWordThatChangesItEndsTheReservation() {
        fixture.set(A1, DATA).set(A2, 5);
        fixture.execute(
                a -> {
                    a.lr_w(A0, A1);
                    a.sw(A2, 0, A1);
                    a.sc_w(A3, ZERO, A1);
                });
        assertThat(fixture.get(A3)).isEqualTo(1);
        assertThat(fixture.peek(DATA, 4)).isEqualTo(5);
    }

    @Test
    void aTrapReturnEndsTheReservation() {
        fixture.set(A1, DATA).set(A2, 5);
        fixture.csr(Csr.MSTATUS, Csr.MSTATUS_MPP | Csr.MSTATUS_FS);
        fixture.execute(
                a -> {
                    Label next = a.label();
                    a.lr_w(A0, A1);
                    a.la(T0, next);
                    a.csrw(Csr.MEPC, T0);
                    a.mret();
                    a.bind(next);
                    a.sc_w(A3, A2, A1);
                });
        assertThat(fixture.get(A3)).isEqualTo(1);
        assertThat(fixture.peek(DATA, 4)).isZero();
    }

    @Test
    void misalignedLrAndScTrap() {
        fixture.set(A1, DATA + 2);
        HartFixture.Trap lr = fixture.trap(a -> a.lr_w(A0, A1));
        assertThat(lr.cause()).isIn(Cause.LOAD_MISALIGNED, Cause.LOAD_ACCESS_FAULT);
        assertThat(lr.tval()).isEqualTo(DATA + 2);
        HartFixture.Trap sc = fixture.trap(a -> a.sc_w(A0, A2, A1));
        assertThat(sc.cause()).isIn(Cause.STORE_MISALIGNED, Cause.STORE_ACCESS_FAULT);
        assertThat(sc.tval()).isEqualTo(DATA + 2);
    }

    @Test
    void aLoadReservedWithASecondSourceIsIllegal() {
        // lr.w with rs2 = 1
        assertThat(fixture.trap(a -> a.word(0x1015_a52f)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
    }

    @Test
    void compareAndSwapOfAWordComparesTheWordAndReturnsItSignExtended() {
        fixture.poke(DATA, 8, 0x1234_5678_8000_0000L).set(A1, DATA).set(A2, 0x42);
        // The upper half of the comparand is ignored.
        fixture.set(A0, 0x7777_7777_8000_0000L).execute(a -> a.amocas_w(A0, A2, A1));
        assertThat(fixture.get(A0)).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x1234_5678_0000_0042L);

        fixture.set(A0, 0x41).set(A2, 0x99).execute(a -> a.amocas_w(A0, A2, A1));
        assertThat(fixture.get(A0)).isEqualTo(0x42);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x1234_5678_0000_0042L);
    }

    @Test
    void compareAndSwapOfADoubleWord() {
        fixture.poke(DATA, 8, BEFORE).set(A1, DATA).set(A2, 0x42);
        fixture.set(A0, BEFORE ^ 1L << 63).execute(a -> a.amocas_d(A0, A2, A1));
        assertThat(fixture.get(A0)).isEqualTo(BEFORE);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(BEFORE);

        fixture.execute(a -> a.amocas_d(A0, A2, A1));
        assertThat(fixture.get(A0)).isEqualTo(BEFORE);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(0x42);
    }

    @Test
    void compareAndSwapOfAQuadWordUsesPairsOfRegisters() {
        fixture.poke(DATA, 8, 1).poke(DATA + 8, 8, 2).set(A1, DATA);
        fixture.set(S2, 1).set(S3, 3).set(S4, 10).set(S5, 20);
        fixture.execute(a -> a.amocas_q(S2, S4, A1));
        assertThat(fixture.get(S2)).isEqualTo(1);
        assertThat(fixture.get(S3)).isEqualTo(2);
        assertThat(fixture.peek(DATA, 8)).isEqualTo(1);
        assertThat(fixture.peek(DATA + 8, 8)).isEqualTo(2);

        fixture.execute(a -> a.amocas_q(S2, S4, A1));
        assertThat(fixture.peek(DATA, 8)).isEqualTo(10);
        assertThat(fixture.peek(DATA + 8, 8)).isEqualTo(20);
    }

    @Test
    void thePairOfRegisterZeroIsZeroInBothHalves() {
        // x1 is not part of a pair that begins with x0 (Zacas, amocas.q).
        fixture.poke(DATA, 8, 0).poke(DATA + 8, 8, 0).set(A1, DATA);
        fixture.set(1, 0xbad).set(S4, 10).set(S5, 20);
        fixture.execute(a -> a.amocas_q(ZERO, S4, A1));
        assertThat(fixture.peek(DATA, 8)).isEqualTo(10);
        assertThat(fixture.peek(DATA + 8, 8)).isEqualTo(20);
        assertThat(fixture.get(1)).isEqualTo(0xbad);

        fixture.set(S4, 10).set(S5, 20).execute(a -> a.amocas_q(S4, ZERO, A1));
        assertThat(fixture.peek(DATA, 8)).isZero();
        assertThat(fixture.peek(DATA + 8, 8)).isZero();
    }

    @Test
    void aQuadWordNeedsEvenRegistersAndAnAlignedAddress() {
        int valid = 0b00101_00_10100_01011_100_10010_0101111;
        assertThat(fixture.trap(a -> a.word(valid | 1 << 7)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        assertThat(fixture.trap(a -> a.word(valid | 1 << 20)).cause())
                .isEqualTo(Cause.ILLEGAL_INSTRUCTION);
        fixture.set(A1, DATA + 8);
        HartFixture.Trap trap = fixture.trap(a -> a.word(valid));
        assertThat(trap.cause()).isIn(Cause.STORE_MISALIGNED, Cause.STORE_ACCESS_FAULT);
        assertThat(trap.tval()).isEqualTo(DATA + 8);
    }

    @Test
    void waitingOnAReservationSetComesToAnEnd() {
        // wrs.sto ends by itself; wrs.nto may end for any reason, and does without a reservation.
        fixture.set(A1, DATA);
        fixture.execute(
                a -> {
                    a.wrs_nto();
                    a.lr_w(A0, A1);
                    a.wrs_sto();
                    a.li(A3, 1);
                });
        assertThat(fixture.get(A3)).isEqualTo(1);
    }
}
