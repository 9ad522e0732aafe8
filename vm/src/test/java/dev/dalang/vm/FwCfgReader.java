package dev.dalang.vm;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Reads a machine's {@code fw_cfg} as firmware does, through its registers. */
final class FwCfgReader {
    private static final long DATA = 0x1010_0000L;
    private static final long SELECTOR = DATA + 8;
    private static final int DIRECTORY = 0x19;
    private static final int NAME_BYTES = 56;

    private final Vm vm;

    private FwCfgReader(Vm vm) {
        this.vm = vm;
    }

    /** The content of a file; empty if there is none of that name. */
    static Optional<String> file(Vm vm, String name) {
        return new FwCfgReader(vm).find(name);
    }

    private Optional<String> find(String name) {
        select(DIRECTORY);
        int count = number(4);
        for (int i = 0; i < count; i++) {
            int bytes = number(4);
            int key = number(2);
            number(2);
            if (text(NAME_BYTES).replace("\0", "").equals(name)) {
                select(key);
                return Optional.of(text(bytes));
            }
        }
        return Optional.empty();
    }

    private void select(int key) {
        // Big-endian.
        vm.io().mmioWrite(SELECTOR, 2, Short.reverseBytes((short) key) & 0xffffL);
    }

    private int number(int bytes) {
        int value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | next();
        }
        return value;
    }

    private String text(int bytes) {
        byte[] read = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            read[i] = (byte) next();
        }
        return new String(read, StandardCharsets.ISO_8859_1);
    }

    private int next() {
        return (int) vm.io().mmioRead(DATA, 1) & 0xff;
    }
}
