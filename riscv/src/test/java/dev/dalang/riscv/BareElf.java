package dev.dalang.riscv;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.function.BiConsumer;

/** As much of the ELF format as a statically linked bare-metal program needs. */
final class BareElf {
    private static final int PT_LOAD = 1;
    private static final int SHT_SYMTAB = 2;

    private final ByteBuffer file;

    private BareElf(ByteBuffer file) {
        this.file = file;
    }

    static BareElf read(Path path) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        if (file.capacity() < 64 || file.getInt(0) != 0x464c457f || file.getShort(18) != 243) {
            throw new IOException(path + " is no ELF file for RISC-V");
        }
        return new BareElf(file);
    }

    long entry() {
        return file.getLong(24);
    }

    /** Gives each loadable segment's physical address and bytes, zeros at its end included. */
    void forEachSegment(BiConsumer<Long, byte[]> action) {
        for (int n = 0; n < file.getShort(56); n++) {
            int header = (int) file.getLong(32) + n * file.getShort(54);
            if (file.getInt(header) == PT_LOAD) {
                byte[] bytes = new byte[(int) file.getLong(header + 40)];
                file.get((int) file.getLong(header + 8), bytes, 0, (int) file.getLong(header + 32));
                action.accept(file.getLong(header + 24), bytes);
            }
        }
    }

    /** Value of a symbol. */
    OptionalLong symbol(String name) {
        for (int n = 0; n < file.getShort(60); n++) {
            int section = section(n);
            if (file.getInt(section + 4) != SHT_SYMTAB) {
                continue;
            }
            int strings = (int) file.getLong(section(file.getInt(section + 40)) + 24);
            int start = (int) file.getLong(section + 24);
            int end = start + (int) file.getLong(section + 32);
            for (int symbol = start; symbol < end; symbol += 24) {
                if (string(strings + file.getInt(symbol)).equals(name)) {
                    return OptionalLong.of(file.getLong(symbol + 8));
                }
            }
        }
        return OptionalLong.empty();
    }

    private int section(int index) {
        return (int) file.getLong(40) + index * file.getShort(58);
    }

    private String string(int offset) {
        StringBuilder text = new StringBuilder();
        for (int at = offset; file.get(at) != 0; at++) {
            text.append((char) file.get(at));
        }
        return text.toString();
    }
}
