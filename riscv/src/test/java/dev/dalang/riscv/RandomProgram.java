package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.RAM;

import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** Programs of random instructions, of two shapes. x8 to x11 point to data, and are left alone. */
enum RandomProgram {
    /**
     * Instruction after instruction, legal and not: traps in every position, little that is hot.
     */
    WILD {
        @Override
        byte[] code(Random random) {
            return Assembler.assemble(
                    RAM,
                    a -> {
                        while (a.position() < RAM + BYTES) {
                            wild(a, random);
                        }
                    });
        }

        @Override
        byte[] handler(long address) {
            return Assembler.assemble(
                    address,
                    a -> {
                        a.csrr(31, Csr.MSCRATCH);
                        a.addi(31, 31, 4);
                        goOn(a, Csr.MSCRATCH);
                    });
        }
    },

    /**
     * Functions that call each other's neighbours, with nested loops, jumps through registers,
     * accesses off one base, and long straight code: what a translator makes large regions of.
     */
    LOOPS {
        @Override
        byte[] code(Random random) {
            return Assembler.assemble(RAM, a -> functions(a, random));
        }

        @Override
        byte[] handler(long address) {
            return Assembler.assemble(
                    address,
                    a -> {
                        Label exception = a.label();
                        a.csrr(31, Csr.MCAUSE);
                        a.bgez(31, exception);
                        a.csrw(Csr.MIE, 0);
                        a.mret();
                        a.bind(exception);
                        a.csrr(31, Csr.MEPC);
                        a.addi(31, 31, 4);
                        goOn(a, Csr.MEPC);
                    });
        }
    };

    /** Size of a program: two pages. */
    static final int BYTES = 1 << 13;

    private static final int FUNCTIONS = 6;
    private static final int ROOM = BYTES - 1400;

    /** Opcodes that are worth trying, some of them more often than others. */
    private static final int[] OPCODES = {
        0x03, 0x07, 0x0f, 0x13, 0x13, 0x1b, 0x17, 0x23, 0x23, 0x27, 0x2f, 0x33, 0x33, 0x33, 0x37,
        0x3b, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x53, 0x53, 0x63, 0x63, 0x67, 0x6f, 0x73, 0x5b
    };

    /** Opcodes of integer instructions that touch no memory. */
    private static final int[] INTEGER_OPCODES = {0x13, 0x1b, 0x17, 0x33, 0x33, 0x37, 0x3b};

    /** What the handlers and the comparison need for themselves. */
    private static final Set<Integer> RESERVED_CSRS =
            Set.of(Csr.MTVEC, Csr.MSCRATCH, Csr.MEDELEG, Csr.MIDELEG);

    /** Return address, pointers, loop counters. */
    private static final Set<Integer> KEPT = Set.of(1, 8, 9, 10, 11, 18, 19);

    private static final int COUNTER = 18;

    /** A copy of a pointer, which loads may overwrite. */
    private static final int COPY = 12;

    private static final int WFI = 0x1050_0073;

    /** A program for {@link HartFixture#RAM}. */
    abstract byte[] code(Random random);

    /** What traps of it go to. */
    abstract byte[] handler(long address);

    /** A random instruction of four bytes, legal or not. */
    static int instruction(Random random) {
        return instruction(random, OPCODES);
    }

    private static int instruction(Random random, int[] opcodes) {
        while (true) {
            int opcode = opcodes[random.nextInt(opcodes.length)];
            int word = random.nextInt() & ~0x7f | opcode;
            switch (opcode) {
                case 0x03, 0x07, 0x23, 0x27, 0x2f -> {
                    // The base is a pointer, mostly, and the offset of loads and stores is small.
                    word = word & ~(31 << 15) | 8 + random.nextInt(4) << 15;
                    if (opcode != 0x2f && random.nextInt(4) != 0) {
                        word &= ~(15 << 28);
                    }
                }
                case 0x63, 0x6f -> word &= ~(31 << 27);
                case 0x13, 0x1b, 0x33, 0x3b, 0x53 -> {
                    if (random.nextInt(3) != 0) {
                        // Upper parts that mean something.
                        int[] upper = {0, 1, 4, 5, 7, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34};
                        word = word & ~(127 << 25) | upper[random.nextInt(upper.length)] << 25;
                    }
                }
                default -> {}
            }
            boolean pointer = (word >>> 7 & 28) == 8 && opcode != 0x23 && opcode != 0x63;
            boolean reserved = opcode == 0x73 && RESERVED_CSRS.contains(word >>> 20);
            boolean pmp = opcode == 0x73 && word >>> 20 >= 0x3a0 && word >>> 20 < 0x3f0;
            if (word != WFI && !pointer && !reserved && !pmp) {
                return word;
            }
        }
    }

    private static void wild(Assembler a, Random random) {
        int half = random.nextInt(0x1_0000);
        if (random.nextInt(4) == 0 && (half & 3) != 3) {
            a.half(half);
        } else if (random.nextInt(40) == 0) {
            group(a, random);
        } else if (random.nextInt(800) == 0) {
            straight(a, random, 60 + random.nextInt(60));
        } else {
            a.word(instruction(random));
        }
    }

    /** With an address of the program or nearly so in x31, goes on there. */
    private static void goOn(Assembler a, int csr) {
        int bits = Integer.numberOfLeadingZeros(BYTES - 1) + 32;
        a.slli(31, 31, bits);
        a.srli(31, 31, bits);
        if (csr == Csr.MSCRATCH) {
            a.csrw(Csr.MSCRATCH, 31);
        }
        a.li(30, RAM);
        a.add(31, 31, 30);
        a.csrw(Csr.MEPC, 31);
        a.mret();
    }

    // ---- groups of loads and stores -------------------------------------------------------------

    /** Loads and stores off one base, of all sizes, aligned or not, with something in between. */
    private static void group(Assembler a, Random random) {
        int base = 8 + random.nextInt(4);
        if (random.nextInt(3) == 0) {
            a.addi(COPY, base, random.nextInt(128) - 64);
            base = COPY;
        } else if (random.nextInt(3) == 0) {
            a.andi(COPY, base, -8);
            base = COPY;
        }
        int near = random.nextInt(3) == 0 ? random.nextInt(3000) - 1500 & -8 : 0;
        boolean apart = random.nextInt(6) == 0;
        int count = 2 + random.nextInt(7);
        for (int n = 0; n < count; n++) {
            int size = random.nextInt(4);
            int offset = near + (random.nextInt(apart ? 500 : 64) >> size << size);
            if (random.nextInt(12) == 0) {
                offset++;
            }
            a.word(access(random, base, offset, size));
            if (random.nextInt(4) == 0) {
                a.word(legal(random, INTEGER_OPCODES));
            } else if (random.nextInt(40) == 0) {
                a.csrr(13, Csr.SSTATUS);
            }
        }
    }

    private static int access(Random random, int base, int offset, int size) {
        int register = random.nextInt(32);
        boolean isFloat = size >= 2 && random.nextInt(4) == 0;
        if (random.nextBoolean()) {
            int opcode = isFloat ? 0x27 : 0x23;
            int high = (offset >> 5 & 127) << 25;
            return high | register << 20 | base << 15 | size << 12 | (offset & 31) << 7 | opcode;
        }
        int unsigned = !isFloat && size < 3 && random.nextBoolean() ? 4 : 0;
        int rd = isFloat || !KEPT.contains(register) ? register : 13;
        int opcode = isFloat ? 0x07 : 0x03;
        return (offset & 0xfff) << 20 | base << 15 | (size | unsigned) << 12 | rd << 7 | opcode;
    }

    // ---- functions ------------------------------------------------------------------------------

    private static void functions(Assembler a, Random random) {
        Label main = a.here();
        List<Label> functions = Stream.generate(a::label).limit(FUNCTIONS).toList();
        for (int n = 0; n < 2 * FUNCTIONS; n++) {
            Label function = functions.get(random.nextInt(FUNCTIONS));
            if (random.nextBoolean()) {
                a.jal(1, function);
            } else {
                a.call(function);
            }
        }
        a.j(main);
        for (int n = 0; n < FUNCTIONS; n++) {
            long end = RAM + (long) ROOM * (n + 1) / FUNCTIONS;
            a.bind(functions.get(n));
            do {
                statement(a, random, 0);
            } while (a.position() < end);
            a.ret();
        }
        while (a.position() < RAM + BYTES) {
            a.j(main);
        }
    }

    private static void statement(Assembler a, Random random, int depth) {
        switch (random.nextInt(depth < 2 ? 16 : 10)) {
            case 0, 1 -> group(a, random);
            case 2, 3 -> skip(a, random, depth);
            case 4 -> throughRegister(a, random);
            case 5 -> atomic(a, random);
            case 6 -> {
                if (random.nextInt(4) == 0) {
                    straight(a, random, 60 + random.nextInt(100));
                } else {
                    control(a, random);
                }
            }
            case 7, 8, 9 -> some(a, random);
            default -> loop(a, random, depth);
        }
    }

    private static void loop(Assembler a, Random random, int depth) {
        int counter = COUNTER + depth;
        a.li(counter, 2 + random.nextInt(depth == 0 ? 60 : 8));
        Label head = a.here();
        int statements = 1 + random.nextInt(3);
        for (int n = 0; n < statements && a.position() < RAM + ROOM; n++) {
            statement(a, random, depth + 1);
        }
        a.addi(counter, counter, -1);
        // Whoever comes in here from elsewhere does not stay for 2^63 rounds.
        a.andi(counter, counter, 63);
        Label out = a.label();
        if (a.position() - head.address() > 3000) {
            a.beqz(counter, out);
            a.j(head);
        } else {
            a.bnez(counter, head);
        }
        a.bind(out);
    }

    private static void skip(Assembler a, Random random, int depth) {
        Label over = a.label();
        int one = random.nextInt(32);
        int other = random.nextInt(32);
        switch (random.nextInt(6)) {
            case 0 -> a.beq(one, other, over);
            case 1 -> a.bne(one, other, over);
            case 2 -> a.blt(one, other, over);
            case 3 -> a.bge(one, other, over);
            case 4 -> a.bltu(one, other, over);
            default -> a.bgeu(one, other, over);
        }
        if (depth == 2 || random.nextBoolean()) {
            some(a, random);
        } else {
            group(a, random);
        }
        a.bind(over);
    }

    private static void throughRegister(Assembler a, Random random) {
        Label one = a.label();
        Label other = a.label();
        Label chosen = a.label();
        a.la(13, one);
        a.bltu(random.nextInt(32), random.nextInt(32), chosen);
        a.la(13, other);
        a.bind(chosen);
        a.jr(13);
        a.bind(one);
        some(a, random);
        a.bind(other);
    }

    private static void atomic(Assembler a, Random random) {
        a.andi(13, 8 + random.nextInt(4), -8);
        for (int n = 0; n < 3; n++) {
            int word = instruction(random, new int[] {0x2f}) & ~(31 << 15) | 13 << 15;
            if ((Decoder.decode32(word) & Op.MASK) < Op.FIRST_SYSTEM
                    && !KEPT.contains(word >>> 7 & 31)) {
                a.word(word);
            }
        }
    }

    private static void control(Assembler a, Random random) {
        switch (random.nextInt(8)) {
            case 0, 1 -> a.csrwi(Csr.FRM, random.nextInt(5));
            case 2 -> a.csrwi(Csr.FFLAGS, random.nextInt(32));
            case 3 -> a.csrr(13, Csr.FCSR);
            case 4 -> a.csrr(13, random.nextBoolean() ? Csr.INSTRET : Csr.CYCLE);
            case 5 -> a.csrrw(13, Csr.SSCRATCH, random.nextInt(32));
            case 6 -> a.csrr(13, Csr.SSTATUS);
            default -> a.word(instruction(random));
        }
    }

    private static void some(Assembler a, Random random) {
        int count = 1 + random.nextInt(12);
        for (int n = 0; n < count; n++) {
            int half = random.nextInt(0x1_0000);
            if (random.nextInt(200) == 0) {
                a.word(instruction(random));
            } else if (random.nextInt(4) == 0 && isHarmless(Decoder.decode16(half), half)) {
                a.half(half);
            } else {
                a.word(legal(random, OPCODES));
            }
        }
    }

    private static void straight(Assembler a, Random random, int count) {
        for (int n = 0; n < count; n++) {
            a.word(legal(random, INTEGER_OPCODES));
        }
    }

    /** An instruction that does not trap in most states, and goes on behind itself. */
    private static int legal(Random random, int[] opcodes) {
        while (true) {
            int word = instruction(random, opcodes);
            if (isHarmless(Decoder.decode32(word), 3)) {
                return word;
            }
        }
    }

    private static boolean isHarmless(long i, int half) {
        if (Decoder.isLong(half) != (half == 3)) {
            return false;
        }
        int op = (int) i & Op.MASK;
        boolean isJump = op >= Op.JAL && op <= Op.BGEU;
        boolean isMemory = op >= Op.LB && op <= Op.SD || op >= Op.FLW && op <= Op.FSD;
        boolean isAtomic = op >= Op.FIRST_ATOMIC && op <= Op.LAST_ATOMIC;
        return !isJump
                && !isAtomic
                && (!isMemory || ((int) (i >>> 18) & 28) == 8)
                && op < Op.FIRST_SYSTEM
                && !KEPT.contains((int) (i >>> 12) & 63);
    }
}
