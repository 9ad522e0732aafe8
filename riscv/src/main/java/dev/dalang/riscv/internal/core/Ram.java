package dev.dalang.riscv.internal.core;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Plain accesses to RAM for generated code, which the compiler directives have inlined. Offsets are
 * in bytes.
 */
public final class Ram {
    /** Memory of no use, for calls that are made to be linked. */
    public static final MemorySegment SCRATCH = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);

    private Ram() {}

    /** One byte. */
    public static byte readByte(MemorySegment ram, long offset) {
        return (byte) Mmu.BYTE.get(ram, offset);
    }

    /** Two bytes. */
    public static short readShort(MemorySegment ram, long offset) {
        return (short) Mmu.SHORT.get(ram, offset);
    }

    /** Four bytes. */
    public static int readInt(MemorySegment ram, long offset) {
        return (int) Mmu.INT.get(ram, offset);
    }

    /** Eight bytes. */
    public static long readLong(MemorySegment ram, long offset) {
        return (long) Mmu.LONG.get(ram, offset);
    }

    /** One byte. */
    public static void writeByte(MemorySegment ram, long offset, long value) {
        Mmu.BYTE.set(ram, offset, (byte) value);
    }

    /** Two bytes. */
    public static void writeShort(MemorySegment ram, long offset, long value) {
        Mmu.SHORT.set(ram, offset, (short) value);
    }

    /** Four bytes. */
    public static void writeInt(MemorySegment ram, long offset, long value) {
        Mmu.INT.set(ram, offset, (int) value);
    }

    /** Eight bytes. */
    public static void writeLong(MemorySegment ram, long offset, long value) {
        Mmu.LONG.set(ram, offset, value);
    }
}
