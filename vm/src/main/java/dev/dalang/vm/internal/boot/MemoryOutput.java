package dev.dalang.vm.internal.boot;

import java.io.IOException;
import java.io.OutputStream;

/** Puts what is written to it into memory, and refuses what is more than there is room for. */
final class MemoryOutput extends OutputStream {
    private final Target target;
    private final long bytes;
    private long written;

    /** Where bytes go. */
    @FunctionalInterface
    interface Target {
        /** Takes a part of {@code source} to a place counted from the beginning of the memory. */
        void put(byte[] source, int offset, int length, long place);
    }

    MemoryOutput(Target target, long bytes) {
        this.target = target;
        this.bytes = bytes;
    }

    @Override
    public void write(int octet) throws IOException {
        write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        if (length > bytes - written) {
            throw new IOException("more than %d bytes were written".formatted(bytes));
        }
        target.put(source, offset, length, written);
        written += length;
    }
}
