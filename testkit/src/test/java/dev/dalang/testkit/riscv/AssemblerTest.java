package dev.dalang.testkit.riscv;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.FA0;
import static dev.dalang.testkit.riscv.Registers.FA1;
import static dev.dalang.testkit.riscv.Registers.FA2;
import static dev.dalang.testkit.riscv.Registers.RA;
import static dev.dalang.testkit.riscv.Registers.T1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Consumer;

class AssemblerTest {
    private static final long ORIGIN = 0x8000_0000L;

    private static int[] words(Consumer<Assembler> program) {
        ByteBuffer bytes = ByteBuffer.wrap(Assembler.assemble(ORIGIN, program));
        int[] words = new int[bytes.capacity() / 4];
        bytes.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
        return words;
    }

    private static int word(Consumer<Assembler> program) {
        int[] words = words(program);
        assertThat(words).hasSize(1);
        return words[0];
    }

    @Test
    void zfaIsEncodedAsTheSpecificationLaysItOut() {
        // fli.s fa0, 1.0: 1111000 00001 10000 000 01010 1010011.
        assertThat(word(a -> a.fli_s(FA0, 16))).isEqualTo(0b1111000_00001_10000_000_01010_1010011);
        assertThat(word(a -> a.fli_d(FA0, 31))).isEqualTo(0b1111001_00001_11111_000_01010_1010011);
        assertThat(word(a -> a.fminm_s(FA0, FA1, FA2)))
                .isEqualTo(0b0010100_01100_01011_010_01010_1010011);
        assertThat(word(a -> a.fmaxm_d(FA0, FA1, FA2)))
                .isEqualTo(0b0010101_01100_01011_011_01010_1010011);
        assertThat(word(a -> a.fround_s(FA0, FA1, Rounding.RUP)))
                .isEqualTo(0b0100000_00100_01011_011_01010_1010011);
        assertThat(word(a -> a.froundnx_d(FA0, FA1)))
                .isEqualTo(0b0100001_00101_01011_111_01010_1010011);
        assertThat(word(a -> a.fcvtmod_w_d(A0, FA1)))
                .isEqualTo(0b1100001_01000_01011_001_01010_1010011);
        assertThat(word(a -> a.fleq_s(A0, FA1, FA2)))
                .isEqualTo(0b1010000_01100_01011_100_01010_1010011);
        assertThat(word(a -> a.fltq_d(A0, FA1, FA2)))
                .isEqualTo(0b1010001_01100_01011_101_01010_1010011);
    }

    @Test
    void zicondAndZacasAreEncodedAsTheSpecificationLaysThemOut() {
        assertThat(word(a -> a.czero_eqz(A0, A1, A2)))
                .isEqualTo(0b0000111_01100_01011_101_01010_0110011);
        assertThat(word(a -> a.czero_nez(A0, A1, A2)))
                .isEqualTo(0b0000111_01100_01011_111_01010_0110011);
        assertThat(word(a -> a.amocas_w(A0, A2, A1)))
                .isEqualTo(0b00101_00_01100_01011_010_01010_0101111);
        assertThat(word(a -> a.amocas_d(A0, A2, A1, Ordering.ACQUIRE)))
                .isEqualTo(0b00101_10_01100_01011_011_01010_0101111);
        assertThat(word(a -> a.amocas_q(A0, A2, A1, Ordering.ACQUIRE_RELEASE)))
                .isEqualTo(0b00101_11_01100_01011_100_01010_0101111);
    }

    @Test
    void aBranchReachesLabelsBeforeAndBehindIt() {
        int[] words =
                words(
                        a -> {
                            Label start = a.here();
                            Label end = a.label();
                            a.beq(A0, A1, end);
                            a.bne(A0, A1, start);
                            a.jal(RA, end);
                            a.jal(ZERO, start);
                            a.bind(end);
                        });

        assertThat(words)
                .containsExactly(
                        word(a -> a.beq(A0, A1, 16)),
                        word(a -> a.bne(A0, A1, -4)),
                        word(a -> a.jal(RA, 8)),
                        word(a -> a.jal(ZERO, -12)));
    }

    @Test
    void compressedBranchesReachLabels() {
        byte[] bytes =
                Assembler.assemble(
                        ORIGIN,
                        a -> {
                            Label start = a.here();
                            Label end = a.label();
                            a.c_beqz(A0, end);
                            a.c_bnez(A0, start);
                            a.c_j(end);
                            a.c_j(start);
                            a.bind(end);
                        });

        assertThat(bytes)
                .containsExactly(
                        Assembler.assemble(
                                ORIGIN,
                                a -> {
                                    a.c_beqz(A0, 8);
                                    a.c_bnez(A0, -2);
                                    a.c_j(4);
                                    a.c_j(-6);
                                }));
    }

    @Test
    void addressesOfLabelsAreSplitSoThatTheSignedLowPartIsRight() {
        for (int distance : new int[] {8, 2044, 2048, 4092, 0x1234, 0x8800}) {
            int[] words =
                    words(
                            a -> {
                                Label label = a.label();
                                a.la(A0, label);
                                a.space(distance - 8);
                                a.bind(label);
                            });

            long address = ORIGIN + (words[0] & 0xfffff000) + (words[1] >> 20);
            assertThat(address).isEqualTo(ORIGIN + distance);
        }
    }

    @Test
    void aCallIsAnAuipcAndAJalrThroughTheRegistersOfTheConvention() {
        assertThat(words(a -> a.call(a.here())))
                .containsExactly(word(a -> a.auipc(RA, 0)), word(a -> a.jalr(RA, 0, RA)));
        assertThat(words(a -> a.tail(a.here())))
                .containsExactly(word(a -> a.auipc(T1, 0)), word(a -> a.jalr(ZERO, 0, T1)));
    }

    @Test
    void constantsOfAnySizeAreBuiltFromAtMostEightInstructions() {
        Random random = new Random(42);
        long[] corners = {
            0,
            1,
            -1,
            2047,
            2048,
            -2048,
            -2049,
            0x7fffffffL,
            0x80000000L,
            0xffffffffL,
            -0x80000000L,
            -0x80000001L,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            0x7fffffff_fffff800L,
            0x12345678_9abcdef0L,
            0x800L << 32,
            0xfffL << 20
        };
        for (int n = 0; n < 10_000; n++) {
            long value = n < corners.length ? corners[n] : random.nextLong() >> random.nextInt(64);
            int[] words = words(a -> a.li(A0, value));

            assertThat(words.length).isLessThanOrEqualTo(8);
            assertThat(interpretLi(words)).isEqualTo(value);
        }
    }

    /** Executes the four instructions that {@code li} uses, all on a0. */
    private static long interpretLi(int[] words) {
        long a0 = 0;
        for (int word : words) {
            long source = ((word >>> 15) & 31) == A0 ? a0 : 0;
            a0 =
                    switch (word & 0x707f) {
                        case 0x0013 -> source + (word >> 20);
                        case 0x1013 -> source << ((word >>> 20) & 63);
                        case 0x001b -> (int) (source + (word >> 20));
                        default -> {
                            assertThat(word & 0x7f).isEqualTo(0x37);
                            yield word & 0xfffff000;
                        }
                    };
        }
        return a0;
    }

    @Test
    void operandsThatDoNotFitAreRefused() {
        Assembler a = Assembler.at(ORIGIN);
        assertThatIllegalArgumentException().isThrownBy(() -> a.addi(A0, A1, 2048));
        assertThatIllegalArgumentException().isThrownBy(() -> a.addi(32, A1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> a.slli(A0, A1, 64));
        assertThatIllegalArgumentException().isThrownBy(() -> a.slliw(A0, A1, 32));
        assertThatIllegalArgumentException().isThrownBy(() -> a.beq(A0, A1, 4096));
        assertThatIllegalArgumentException().isThrownBy(() -> a.beq(A0, A1, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> a.lui(A0, -1));
        assertThatIllegalArgumentException().isThrownBy(() -> a.csrr(A0, 4096));
        assertThatIllegalArgumentException().isThrownBy(() -> a.c_add(A0, ZERO));
        assertThatIllegalArgumentException().isThrownBy(() -> a.c_lui(Registers.SP, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> a.c_lw(A0, 2, A1));
        assertThatIllegalArgumentException().isThrownBy(() -> a.c_sub(A0, T1));
        assertThatIllegalArgumentException().isThrownBy(() -> a.prefetch_r(16, A0));
        assertThat(a.toBytes()).isEmpty();
    }

    @Test
    void aLabelThatIsUsedMustBeBoundOnceAndWithinReach() {
        Assembler a = Assembler.at(ORIGIN);
        Label label = a.label();
        a.c_beqz(A0, label);
        assertThatIllegalStateException().isThrownBy(a::toBytes).withMessageContaining("not bound");

        a.space(300);
        a.bind(label);
        assertThatIllegalStateException()
                .isThrownBy(a::toBytes)
                .withMessageContaining("out of reach");
        assertThatIllegalStateException().isThrownBy(() -> a.bind(label));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Assembler.at(ORIGIN).j(label))
                .withMessageContaining("another assembler");
    }

    @Test
    void dataIsLittleEndianAndAligned() {
        byte[] bytes =
                Assembler.assemble(
                        ORIGIN,
                        a -> {
                            Label start = a.here();
                            a.bytes((byte) 1);
                            a.align(4);
                            a.half(0x1234);
                            a.align(8);
                            a.dword(start);
                        });

        assertThat(bytes).containsExactly(1, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0);
    }
}
