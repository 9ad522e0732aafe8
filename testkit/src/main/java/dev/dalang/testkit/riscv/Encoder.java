package dev.dalang.testkit.riscv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The output, the labels, and the instruction formats of the specification (§2.2, §26.2). */
abstract class Encoder {
    /** How a reference to a label is written into the bytes at its place. */
    private enum Kind {
        JUMP,
        BRANCH,
        COMPRESSED_JUMP,
        COMPRESSED_BRANCH,
        PC_RELATIVE_PAIR,
        ADDRESS
    }

    private record Reference(int offset, Kind kind, Label label) {}

    private static final int SP = 2;

    private final long origin;
    private final List<Reference> references = new ArrayList<>();
    private byte[] bytes = new byte[256];
    private int size;

    Encoder(long origin) {
        if ((origin & 1) != 0) {
            throw new IllegalArgumentException("odd origin 0x" + Long.toHexString(origin));
        }
        this.origin = origin;
    }

    /** Address of the first byte. */
    public long origin() {
        return origin;
    }

    /** Address of the next byte. */
    public long position() {
        return origin + size;
    }

    /** A label without a place. */
    public Label label() {
        return new Label(this);
    }

    /** A label at the next byte. */
    public Label here() {
        Label label = label();
        bind(label);
        return label;
    }

    /**
     * Gives a label its place: the next byte.
     *
     * @throws IllegalStateException if it has one
     */
    public void bind(Label label) {
        own(label).bindAt(size);
    }

    /**
     * The bytes so far, all references resolved.
     *
     * @throws IllegalStateException if a label that was used is not bound, or is out of reach
     */
    public byte[] toBytes() {
        byte[] result = Arrays.copyOf(bytes, size);
        for (Reference reference : references) {
            resolve(reference, result);
        }
        return result;
    }

    /** Data: bytes. */
    public void bytes(byte... data) {
        for (byte b : data) {
            append(b & 0xff, 1);
        }
    }

    /** Data, or an instruction by its encoding: two bytes. */
    public void half(int value) {
        append(value & 0xffff, 2);
    }

    /** Data, or an instruction by its encoding: four bytes. */
    public void word(int value) {
        append(value, 4);
    }

    /** Data: eight bytes. */
    public void dword(long value) {
        append(value, 8);
    }

    /** Data: the address of a label, eight bytes. */
    public void dword(Label label) {
        refer(Kind.ADDRESS, label);
        dword(0);
    }

    /** Zero bytes up to a multiple of {@code boundary}, a power of two. */
    public void align(int boundary) {
        if (Integer.bitCount(boundary) != 1) {
            throw new IllegalArgumentException("not a power of two: " + boundary);
        }
        while ((position() & (boundary - 1)) != 0) {
            append(0, 1);
        }
    }

    /** {@code count} zero bytes. */
    public void space(int count) {
        for (int n = 0; n < count; n++) {
            append(0, 1);
        }
    }

    // Emission.

    final void emit(int word) {
        append(word, 4);
    }

    final void emit16(int half) {
        append(half, 2);
    }

    final void emitJump(int rd, Label label) {
        refer(Kind.JUMP, label);
        emit(j(rd, 0));
    }

    final void emitBranch(int funct3, int rs1, int rs2, Label label) {
        refer(Kind.BRANCH, label);
        emit(b(funct3, rs1, rs2, 0));
    }

    final void emitCompressedJump(Label label) {
        refer(Kind.COMPRESSED_JUMP, label);
        emit16(cJump(0));
    }

    final void emitCompressedBranch(int funct3, int rs1, Label label) {
        refer(Kind.COMPRESSED_BRANCH, label);
        emit16(cBranch(funct3, rs1, 0));
    }

    /** {@code auipc temporary} and a second I-type instruction that gets the low twelve bits. */
    final void emitPair(int temporary, int second, Label label) {
        refer(Kind.PC_RELATIVE_PAIR, label);
        emit(u(0x17, temporary, 0));
        emit(second);
    }

    private void append(long value, int count) {
        if (size + count > bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * bytes.length);
        }
        putLittleEndian(bytes, size, value, count);
        size += count;
    }

    private static void putLittleEndian(byte[] target, int offset, long value, int count) {
        for (int n = 0; n < count; n++) {
            target[offset + n] = (byte) (value >>> (8 * n));
        }
    }

    private void refer(Kind kind, Label label) {
        references.add(new Reference(size, kind, own(label)));
    }

    private Label own(Label label) {
        if (label.owner() != this) {
            throw new IllegalArgumentException("the label is of another assembler");
        }
        return label;
    }

    private void resolve(Reference reference, byte[] target) {
        int at = reference.offset;
        long address = reference.label.address();
        int distance;
        try {
            distance =
                    reference.kind == Kind.ADDRESS ? 0 : Math.toIntExact(address - (origin + at));
        } catch (ArithmeticException _) {
            throw outOfReach(reference, address);
        }
        try {
            switch (reference.kind) {
                case JUMP -> merge(target, at, j(0, distance), 4);
                case BRANCH -> merge(target, at, b(0, 0, 0, distance), 4);
                case COMPRESSED_JUMP -> merge(target, at, cJump(distance), 2);
                case COMPRESSED_BRANCH -> merge(target, at, cBranch(0, 8, distance), 2);
                case PC_RELATIVE_PAIR -> {
                    merge(target, at, (distance + 0x800) & 0xfffff000, 4);
                    merge(target, at + 4, (distance & 0xfff) << 20, 4);
                }
                case ADDRESS -> putLittleEndian(target, at, address, 8);
            }
        } catch (IllegalArgumentException _) {
            throw outOfReach(reference, address);
        }
    }

    private IllegalStateException outOfReach(Reference reference, long address) {
        return new IllegalStateException(
                "0x%x is out of reach of the %s at 0x%x"
                        .formatted(address, reference.kind, origin + reference.offset));
    }

    /** The operand bits are zero in the target, and the opcode bits are equal in both. */
    private static void merge(byte[] target, int offset, int value, int count) {
        for (int n = 0; n < count; n++) {
            target[offset + n] |= (byte) (value >>> (8 * n));
        }
    }

    // Checks.

    static int register(int number) {
        return unsigned(number, 5);
    }

    static int notZero(int value) {
        if (value == 0) {
            throw new IllegalArgumentException("0 is reserved, or a hint, here");
        }
        return value;
    }

    static int even(int number) {
        return multiple(number, 2);
    }

    static int luiTarget(int rd) {
        if (rd == SP) {
            throw new IllegalArgumentException("c.lui cannot name sp");
        }
        return notZero(rd);
    }

    static int unsigned(int value, int bits) {
        if (value < 0 || value >= 1 << bits) {
            throw new IllegalArgumentException(
                    "%d does not fit in %d unsigned bits".formatted(value, bits));
        }
        return value;
    }

    private static int signed(int value, int bits) {
        if (value < -1 << (bits - 1) || value >= 1 << (bits - 1)) {
            throw new IllegalArgumentException(
                    "%d does not fit in %d signed bits".formatted(value, bits));
        }
        return value;
    }

    private static int multiple(int value, int unit) {
        if (value % unit != 0) {
            throw new IllegalArgumentException("%d is no multiple of %d".formatted(value, unit));
        }
        return value;
    }

    /** Bits {@code high}..{@code low} of a value, moved to bit {@code to}. */
    private static int field(int value, int high, int low, int to) {
        return ((value >>> low) & ((1 << (high - low + 1)) - 1)) << to;
    }

    // 32-bit formats (§2.2, §2.3).

    static int r(int opcode, int funct3, int funct7, int rd, int rs1, int rs2) {
        return funct7 << 25
                | register(rs2) << 20
                | register(rs1) << 15
                | funct3 << 12
                | register(rd) << 7
                | opcode;
    }

    static int r4(int opcode, int format, int rd, int rs1, int rs2, int rs3, Rounding rm) {
        return r(opcode, rm.bits(), register(rs3) << 2 | format, rd, rs1, rs2);
    }

    static int fp(int funct7, int rd, int rs1, int rs2, Rounding rm) {
        return r(0x53, rm.bits(), funct7, rd, rs1, rs2);
    }

    static int amo(int funct3, int funct5, int rd, int base, int rs2, Ordering ordering) {
        return r(0x2f, funct3, funct5 << 2 | ordering.bits(), rd, base, rs2);
    }

    static int i(int opcode, int funct3, int rd, int rs1, int imm12) {
        return signed(imm12, 12) << 20
                | register(rs1) << 15
                | funct3 << 12
                | register(rd) << 7
                | opcode;
    }

    static int shift64(int opcode, int funct3, int funct6, int rd, int rs1, int shamt) {
        return i(opcode, funct3, rd, rs1, 0) | funct6 << 26 | unsigned(shamt, 6) << 20;
    }

    static int shift32(int opcode, int funct3, int funct7, int rd, int rs1, int shamt) {
        return r(opcode, funct3, funct7, rd, rs1, shamt);
    }

    static int s(int opcode, int funct3, int rs2, int rs1, int imm12) {
        signed(imm12, 12);
        return r(opcode, funct3, (imm12 >> 5) & 0x7f, imm12 & 31, rs1, rs2);
    }

    static int b(int funct3, int rs1, int rs2, int distance) {
        signed(multiple(distance, 2), 13);
        return r(0x63, funct3, 0, 0, rs1, rs2)
                | field(distance, 12, 12, 31)
                | field(distance, 10, 5, 25)
                | field(distance, 4, 1, 8)
                | field(distance, 11, 11, 7);
    }

    static int u(int opcode, int rd, int imm20) {
        return unsigned(imm20, 20) << 12 | register(rd) << 7 | opcode;
    }

    static int j(int rd, int distance) {
        signed(multiple(distance, 2), 21);
        return field(distance, 20, 20, 31)
                | field(distance, 10, 1, 21)
                | field(distance, 11, 11, 20)
                | field(distance, 19, 12, 12)
                | register(rd) << 7
                | 0x6f;
    }

    static int csr(int funct3, int rd, int csr, int source) {
        return unsigned(csr, 12) << 20 | source << 15 | funct3 << 12 | register(rd) << 7 | 0x73;
    }

    static int fenceWord(int predecessor, int successor) {
        return unsigned(predecessor, 4) << 24 | unsigned(successor, 4) << 20 | 0x0f;
    }

    static int prefetch(int code, int offset, int base) {
        signed(multiple(offset, 32), 12);
        return (offset & 0xfe0) << 20 | code << 20 | register(base) << 15 | 6 << 12 | 0x13;
    }

    // 16-bit formats (§26.2). Each checks what its immediate can hold.

    /** One of the eight registers that a three-bit field can name. */
    private static int popular(int number) {
        if (number < 8 || number > 15) {
            throw new IllegalArgumentException("register " + number + " is not one of 8..15");
        }
        return number - 8;
    }

    static int cAddi4spn(int rd, int imm) {
        unsigned(notZero(multiple(imm, 4)), 10);
        return field(imm, 5, 4, 11)
                | field(imm, 9, 6, 7)
                | field(imm, 2, 2, 6)
                | field(imm, 3, 3, 5)
                | popular(rd) << 2;
    }

    static int cMemory(int funct3, int size, int rd, int base, int offset) {
        unsigned(multiple(offset, size), size == 4 ? 7 : 8);
        int low =
                size == 4
                        ? field(offset, 2, 2, 6) | field(offset, 6, 6, 5)
                        : field(offset, 7, 6, 5);
        return funct3 << 13 | field(offset, 5, 3, 10) | popular(base) << 7 | low | popular(rd) << 2;
    }

    static int cImmediate(int funct3, int rd, int imm) {
        signed(imm, 6);
        return funct3 << 13 | field(imm, 5, 5, 12) | register(rd) << 7 | field(imm, 4, 0, 2) | 1;
    }

    static int cAddi16sp(int imm) {
        signed(notZero(multiple(imm, 16)), 10);
        return 0x6101
                | field(imm, 9, 9, 12)
                | field(imm, 4, 4, 6)
                | field(imm, 6, 6, 5)
                | field(imm, 8, 7, 3)
                | field(imm, 5, 5, 2);
    }

    static int cShift(int funct2, int rd, int shamt) {
        unsigned(shamt, 6);
        return 0x8001
                | field(shamt, 5, 5, 12)
                | funct2 << 10
                | popular(rd) << 7
                | field(shamt, 4, 0, 2);
    }

    static int cAndi(int rd, int imm) {
        return cShift(2, rd, signed(imm, 6) & 0x3f);
    }

    static int cArithmetic(int word, int funct2, int rd, int rs2) {
        return 0x8c01 | word << 12 | popular(rd) << 7 | funct2 << 5 | popular(rs2) << 2;
    }

    static int cJump(int distance) {
        signed(multiple(distance, 2), 12);
        return 0xa001
                | field(distance, 11, 11, 12)
                | field(distance, 4, 4, 11)
                | field(distance, 9, 8, 9)
                | field(distance, 10, 10, 8)
                | field(distance, 6, 6, 7)
                | field(distance, 7, 7, 6)
                | field(distance, 3, 1, 3)
                | field(distance, 5, 5, 2);
    }

    static int cBranch(int funct3, int rs1, int distance) {
        signed(multiple(distance, 2), 9);
        return funct3 << 13
                | field(distance, 8, 8, 12)
                | field(distance, 4, 3, 10)
                | popular(rs1) << 7
                | field(distance, 7, 6, 5)
                | field(distance, 2, 1, 3)
                | field(distance, 5, 5, 2)
                | 1;
    }

    static int cSlli(int rd, int shamt) {
        return unsigned(shamt, 6) << 2 & 0x7c | field(shamt, 5, 5, 12) | register(rd) << 7 | 2;
    }

    static int cStackLoad(int funct3, int size, int rd, int offset) {
        unsigned(multiple(offset, size), size == 4 ? 8 : 9);
        int low =
                size == 4
                        ? field(offset, 4, 2, 4) | field(offset, 7, 6, 2)
                        : field(offset, 4, 3, 5) | field(offset, 8, 6, 2);
        return funct3 << 13 | field(offset, 5, 5, 12) | register(rd) << 7 | low | 2;
    }

    static int cStackStore(int funct3, int size, int rs2, int offset) {
        unsigned(multiple(offset, size), size == 4 ? 8 : 9);
        int high =
                size == 4
                        ? field(offset, 5, 2, 9) | field(offset, 7, 6, 7)
                        : field(offset, 5, 3, 10) | field(offset, 8, 6, 7);
        return funct3 << 13 | high | register(rs2) << 2 | 2;
    }

    static int cRegister(int bit12, int rd, int rs2) {
        return 0x8002 | bit12 << 12 | register(rd) << 7 | register(rs2) << 2;
    }
}
