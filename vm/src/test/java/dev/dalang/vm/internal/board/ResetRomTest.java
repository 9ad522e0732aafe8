package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class ResetRomTest {
    private final ByteBuffer rom =
            ByteBuffer.wrap(ResetRom.bytes(0x8000_0000L, 0x8fe0_0000L, 0x8020_0000L, 3))
                    .order(ByteOrder.LITTLE_ENDIAN);

    /** Executes the few instructions that reset code may hold. */
    private long[] execute(long hart, long pc) {
        long[] x = new long[32];
        for (long at = pc; ; at += 4) {
            int instruction = rom.getInt((int) (at - pc));
            int rd = instruction >> 7 & 31;
            int rs1 = instruction >> 15 & 31;
            int immediate = instruction >> 20;
            switch (instruction & 0x7f) {
                case 0x17 -> x[rd] = at + (instruction & 0xffff_f000);
                case 0x13 -> x[rd] = x[rs1] + immediate;
                case 0x03 -> x[rd] = rom.getLong((int) (x[rs1] + immediate - pc));
                case 0x73 -> {
                    assertThat(instruction >>> 20).as("mhartid").isEqualTo(0xf14);
                    x[rd] = hart;
                }
                case 0x67 -> {
                    x[0] = x[rs1];
                    return x;
                }
                default -> throw new AssertionError("instruction " + instruction);
            }
        }
    }

    @Test
    void firmwareIsEnteredWithItsArguments() {
        long[] x = execute(7, 0x1000);
        assertThat(x[0]).as("pc").isEqualTo(0x8000_0000L);
        assertThat(x[10]).as("a0").isEqualTo(7);
        assertThat(x[11]).as("a1").isEqualTo(0x8fe0_0000L);
        assertThat(x[12]).as("a2").isEqualTo(0x1000 + 40);
    }

    @Test
    void a2PointsToTheDescriptionThatOpenSbiExpects() {
        assertThat(rom.getLong(40)).as("magic").isEqualTo(0x4942_534fL);
        assertThat(rom.getLong(48)).as("version").isEqualTo(2);
        assertThat(rom.getLong(56)).as("next_addr").isEqualTo(0x8020_0000L);
        assertThat(rom.getLong(64)).as("next_mode").isEqualTo(1);
        assertThat(rom.getLong(72)).as("options").isZero();
        assertThat(rom.getLong(80)).as("boot_hart").isEqualTo(3);
        assertThat(rom.capacity()).isEqualTo(88);
    }
}
