package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.DEVICE;
import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.FA0;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.math.BigInteger;
import java.util.stream.Stream;

/** Loads and stores of every size, aligned and not, to memory and to devices. */
class LoadStoreTest {
    private static final int[] OFFSETS = {-2048, -8, -1, 0, 1, 8, 2047};

    private final HartFixture fixture = HartFixture.create();

    /** A load or store. */
    record Access(String name, Code code, int size, boolean isSigned) {
        interface Code {
            void write(Assembler a, int register, int offset, int base);
        }

        /** What the register holds of the bytes that a load found. */
        long extend(long bytes) {
            BigInteger value = BigInteger.ZERO;
            for (int bit = 0; bit < 8 * size; bit++) {
                value = (bytes >>> bit & 1) == 0 ? value : value.setBit(bit);
            }
            boolean negative = isSigned && value.testBit(8 * size - 1);
            return (negative ? value.subtract(BigInteger.TWO.pow(8 * size)) : value).longValue();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Access> loads() {
        return Stream.of(
                new Access("lb", Assembler::lb, 1, true),
                new Access("lbu", Assembler::lbu, 1, false),
                new Access("lh", Assembler::lh, 2, true),
                new Access("lhu", Assembler::lhu, 2, false),
                new Access("lw", Assembler::lw, 4, true),
                new Access("lwu", Assembler::lwu, 4, false),
                new Access("ld", Assembler::ld, 8, true));
    }

    static Stream<Access> stores() {
        return Stream.of(
                new Access("sb", Assembler::sb, 1, false),
                new Access("sh", Assembler::sh, 2, false),
                new Access("sw", Assembler::sw, 4, false),
                new Access("sd", Assembler::sd, 8, false));
    }

    /** Every alignment inside a page, and every way to lie across two. */
    private static long[] addresses() {
        long[] result = new long[32];
        for (int n = 0; n < 16; n++) {
            result[n] = DATA + n;
            result[16 + n] = DATA + 0x1000 - 8 + n;
        }
        return result;
    }

    private void fillPattern() {
        for (long address = DATA - 16; address < DATA + 0x1020; address++) {
            fixture.poke(address, 1, address * 0x9d ^ address >>> 5);
        }
    }

    @ParameterizedTest
    @MethodSource("loads")
    void aLoadExtendsWhatItFindsAtAnyAlignment(Access load) {
        fillPattern();
        for (int offset : OFFSETS) {
            fixture.place(HartFixture.RAM, a -> load.code.write(a, A0, offset, A1));
            for (long address : addresses()) {
                fixture.set(A1, address - offset);
                fixture.hart.setPc(HartFixture.RAM);
                fixture.step(1);
                assertThat(fixture.get(A0))
                        .as("%s at %x", load, address)
                        .isEqualTo(load.extend(fixture.peek(address, load.size)));
                assertThat(fixture.hart.pc()).isEqualTo(HartFixture.RAM + 4);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("stores")
    void aStoreChangesItsBytesAndNoOthersAtAnyAlignment(Access store) {
        long value = 0xf1e2_d3c4_b5a6_9788L;
        for (int offset : OFFSETS) {
            fixture.place(HartFixture.RAM, a -> store.code.write(a, A0, offset, A1));
            for (long address : addresses()) {
                fillPattern();
                long before = fixture.peek(address - 8, 8);
                long after = fixture.peek(address + store.size, 8);
                fixture.set(A0, value).set(A1, address - offset);
                fixture.hart.setPc(HartFixture.RAM);
                fixture.step(1);
                assertThat(fixture.peek(address, store.size)).isEqualTo(store.extend(value));
                assertThat(fixture.peek(address - 8, 8)).isEqualTo(before);
                assertThat(fixture.peek(address + store.size, 8)).isEqualTo(after);
            }
        }
    }

    @Test
    void aLoadIntoItsOwnBaseUsesTheOldBase() {
        fixture.poke(DATA + 8, 8, 0x1234);
        fixture.set(A1, DATA).execute(a -> a.ld(A1, 8, A1));
        assertThat(fixture.get(A1)).isEqualTo(0x1234);
    }

    @Test
    void aLoadIntoRegisterZeroStillReachesTheDevice() {
        fixture.set(A1, DEVICE).execute(a -> a.lw(0, 0, A1));
        assertThat(fixture.io.accesses)
                .containsExactly(new HartFixture.Access(false, DEVICE, 4, 0));
        assertThat(fixture.get(0)).isZero();
    }

    @ParameterizedTest
    @MethodSource("loads")
    void aLoadFromADeviceIsOneAccessOfItsSize(Access load) {
        fixture.io.answer = 0x8182_8384_8586_8788L;
        fixture.set(A1, DEVICE + 0x18).execute(a -> load.code.write(a, A0, -8, A1));
        assertThat(fixture.io.accesses)
                .containsExactly(
                        new HartFixture.Access(false, DEVICE + 0x10, load.size, fixture.io.answer));
        assertThat(fixture.get(A0)).isEqualTo(load.extend(fixture.io.answer));
    }

    @ParameterizedTest
    @MethodSource("stores")
    void aStoreToADeviceIsOneAccessOfItsSizeZeroExtended(Access store) {
        long value = 0x8182_8384_8586_8788L;
        fixture.set(A0, value);
        fixture.set(A1, DEVICE).execute(a -> store.code.write(a, A0, 0, A1));
        assertThat(fixture.io.accesses)
                .containsExactly(
                        new HartFixture.Access(true, DEVICE, store.size, store.extend(value)));
    }

    @Test
    void theFirstAndTheLastBytesOfMemoryAreMemory() {
        long last = HartFixture.RAM + HartFixture.RAM_BYTES;
        fixture.poke(last - 8, 8, 0x77);
        fixture.set(A1, last).execute(a -> a.ld(A0, -8, A1));
        assertThat(fixture.get(A0)).isEqualTo(0x77);

        fixture.set(A1, last).execute(a -> a.ld(A0, 0, A1));
        fixture.set(A1, HartFixture.RAM).execute(a -> a.ld(A0, -8, A1));
        assertThat(fixture.io.accesses)
                .extracting(HartFixture.Access::address)
                .containsExactly(last, HartFixture.RAM - 8);
    }

    @Test
    void anAccessAtTheEndOfTheAddressSpaceIsSurvived() {
        for (long address : new long[] {-1, -4, -7, 0, 0x7fff_ffff_ffff_fffdL}) {
            fixture.set(A1, address);
            fixture.place(HartFixture.RAM, a -> a.ld(A0, 0, A1));
            fixture.hart.setPc(HartFixture.RAM);
            fixture.step(1);
            fixture.place(HartFixture.RAM, a -> a.sd(A0, 0, A1));
            fixture.hart.setPc(HartFixture.RAM);
            fixture.step(1);
        }
        assertThat(fixture.get(A1)).isEqualTo(0x7fff_ffff_ffff_fffdL);
    }

    @Test
    void floatingLoadsAndStoresMoveRawBitsAtAnyAlignment() {
        fillPattern();
        for (long address : addresses()) {
            long target = DATA + 0x8000 + (address & 0x1fff);
            fixture.set(A1, address).set(A0, target);
            fixture.execute(
                    a -> {
                        a.fld(FA0, 0, A1);
                        a.fsd(FA0, 0, A0);
                    });
            assertThat(fixture.hart.fpRegister(FA0)).isEqualTo(fixture.peek(address, 8));
            assertThat(fixture.peek(target, 8)).isEqualTo(fixture.peek(address, 8));

            fixture.set(A1, address).set(A0, target + 16);
            fixture.execute(
                    a -> {
                        a.flw(FA0, 0, A1);
                        a.fsw(FA0, 0, A0);
                    });
            assertThat(fixture.hart.fpRegister(FA0))
                    .isEqualTo(0xffff_ffff_0000_0000L | fixture.peek(address, 4));
            assertThat(fixture.peek(target + 16, 4)).isEqualTo(fixture.peek(address, 4));
        }
    }
}
