package dev.dalang.pci;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The registers of one configuration space, the masks that say who may change which bit, and the
 * page that mirrors them. Reads take no lock; whatever changes a register holds this object's
 * monitor, under which nothing else is called.
 */
final class RegisterFile {
    /** The header type in its register: the byte at 0x0e, which only {@link #setMultiFunction}. */
    static final int HEADER_TYPE_BITS = 0x00ff_0000;

    static final int MULTI_FUNCTION_BIT = PciRegisters.PCI_HEADER_TYPE_MFD << 16;

    private static final VarHandle REGISTER = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle PAGE_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle PAGE_BYTE = ValueLayout.JAVA_BYTE.varHandle();

    private final int[] values;
    private final int[] resetValues;
    private final int[] writable;
    private final int[] writeOneToClear;
    private @Nullable MemorySegment page;
    private boolean mapped;

    RegisterFile(int registers) {
        values = new int[registers];
        resetValues = new int[registers];
        writable = new int[registers];
        writeOneToClear = new int[registers];
    }

    int registers() {
        return values.length;
    }

    int get(int register) {
        return (int) REGISTER.getOpaque(values, register);
    }

    int writable(int register) {
        return writable[register];
    }

    /** The bits that only the device changes. */
    int readOnly(int register) {
        return ~(writable[register] | writeOneToClear[register]);
    }

    /** Defines bits while the function is set up: their value at reset, and who changes them. */
    synchronized void define(int register, int mask, int value, int write, int clear) {
        writable[register] = writable[register] & ~mask | write & mask;
        writeOneToClear[register] = writeOneToClear[register] & ~mask | clear & mask;
        resetValues[register] = resetValues[register] & ~mask | value & mask;
        store(register, values[register] & ~mask | value & mask);
    }

    /** Sets bits at reset as well as now; who may change them stays. */
    synchronized void preset(int register, int mask, int value) {
        resetValues[register] = resetValues[register] & ~mask | value & mask;
        store(register, values[register] & ~mask | value & mask);
    }

    /** A guest's write of some byte lanes. */
    synchronized void write(int register, int lanes, int data) {
        int write = writable[register] & lanes;
        int clear = writeOneToClear[register] & lanes;
        store(register, (values[register] & ~write | data & write) & ~(data & clear));
    }

    /** The device's write, past all masks; the header type stays. */
    synchronized void set(int register, int mask, int value) {
        int bits = register == PciRegisters.REG_HEADER_TYPE ? mask & ~HEADER_TYPE_BITS : mask;
        store(register, values[register] & ~bits | value & bits);
    }

    /** A guest's bits as at power-on; what only the device changes stays. */
    synchronized void reset() {
        for (int register = 0; register < values.length; register++) {
            int kept = readOnly(register);
            store(register, values[register] & kept | resetValues[register] & ~kept);
        }
    }

    /** Copies all registers, the multi-function bit apart: that is the tree's. */
    synchronized int[] copy() {
        int[] copy = values.clone();
        copy[PciRegisters.REG_HEADER_TYPE] &= ~MULTI_FUNCTION_BIT;
        return copy;
    }

    /** Takes what {@link #copy} gave. */
    synchronized void replace(int[] registers) {
        for (int register = 0; register < values.length; register++) {
            set(register, -1, registers[register]);
        }
    }

    synchronized void setMultiFunction(boolean on) {
        int register = PciRegisters.REG_HEADER_TYPE;
        int value = values[register] & ~MULTI_FUNCTION_BIT | (on ? MULTI_FUNCTION_BIT : 0);
        store(register, value);
        if (page != null) {
            PAGE_BYTE.setRelease(page, 4L * register + 2, (byte) (value >> 16));
        }
    }

    /** Fills a page and keeps it up to date from now on; false if there was one before. */
    synchronized boolean map(MemorySegment segment) {
        if (mapped) {
            return false;
        }
        mapped = true;
        page = segment;
        int count = (int) (segment.byteSize() / Integer.BYTES);
        for (int register = 0; register < count; register++) {
            int value = register < values.length ? values[register] : -1;
            PAGE_INT.setRelease(segment, (long) register * Integer.BYTES, value);
        }
        return true;
    }

    synchronized void unmap() {
        page = null;
    }

    private void store(int register, int value) {
        REGISTER.setRelease(values, register, value);
        MemorySegment mirror = page;
        long offset = (long) register * Integer.BYTES;
        if (mirror == null || offset >= mirror.byteSize()) {
            return;
        }
        if (register == PciRegisters.REG_HEADER_TYPE) {
            PAGE_BYTE.setRelease(mirror, offset, (byte) value);
            PAGE_BYTE.setRelease(mirror, offset + 1, (byte) (value >> 8));
            PAGE_BYTE.setRelease(mirror, offset + 3, (byte) (value >> 24));
        } else {
            PAGE_INT.setRelease(mirror, offset, value);
        }
    }

    @Override
    public String toString() {
        return Arrays.toString(values);
    }
}
