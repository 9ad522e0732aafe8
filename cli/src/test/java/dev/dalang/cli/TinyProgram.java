package dev.dalang.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Programs of a few instructions for the bare machine, which use the device at 00:01.0. */
final class TinyProgram {
    private static final long RAM = 0x8000_0000L;
    private static final int HEADER_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int MACHINE_RISCV = 243;

    /** Places BAR 0 of 00:01.0 at 0x4000_0000, enables memory, and loads its first register. */
    private static final int[] READ_BAR = {
        0x30008537, // lui   a0, 0x30008      configuration space of 00:01.0
        0x400005b7, // lui   a1, 0x40000
        0x00b52823, // sw    a1, 16(a0)       BAR 0
        0x00200413, // li    s0, 2
        0x00852223, // sw    s0, 4(a0)        memory space enable
        0x0005a403, // lw    s0, 0(a1)
    };

    private static final int[] POWER_OFF = {
        0x00100537, // lui   a0, 0x100        the finisher
        0x000055b7, // lui   a1, 5
        0x5555859b, // addiw a1, a1, 0x555
        0x00b52023, // sw    a1, 0(a0)
        0x0000006f, // j     .
    };

    private TinyProgram() {}

    /** Reads the device's register, and powers off. */
    static Path readBar(Path file) throws IOException {
        ByteBuffer code =
                ByteBuffer.allocate(4 * (READ_BAR.length + POWER_OFF.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (int instruction : READ_BAR) {
            code.putInt(instruction);
        }
        for (int instruction : POWER_OFF) {
            code.putInt(instruction);
        }
        return Files.write(file, elf(code.array()));
    }

    private static byte[] elf(byte[] code) {
        int begin = HEADER_BYTES + SEGMENT_BYTES;
        ByteBuffer file = ByteBuffer.allocate(begin + code.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        file.putShort((short) 2).putShort((short) MACHINE_RISCV).putInt(1);
        file.putLong(RAM).putLong(HEADER_BYTES).putLong(0).putInt(0);
        file.putShort((short) HEADER_BYTES).putShort((short) SEGMENT_BYTES).putShort((short) 1);
        file.position(HEADER_BYTES);
        file.putInt(1).putInt(5).putLong(begin).putLong(RAM).putLong(RAM);
        file.putLong(code.length).putLong(code.length).putLong(4);
        return file.put(code).array();
    }
}
