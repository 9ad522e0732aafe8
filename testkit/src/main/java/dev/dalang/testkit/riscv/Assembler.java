package dev.dalang.testkit.riscv;

import java.util.function.Consumer;

/**
 * Assembles a guest program: one method per instruction of RV64GC and the extensions that the hart
 * has, labels, data, and the usual pseudo-instructions.
 *
 * <p>An instruction is written at the next byte as it is called for; nothing is relaxed and nothing
 * is compressed unless asked for by name ({@code c_addi}). Registers are numbers 0..31, named in
 * {@link Registers}; a branch goes to a {@link Label} or by a distance in bytes from itself. An
 * operand that the encoding cannot hold is an {@link IllegalArgumentException}. One thread.
 */
public final class Assembler extends PseudoInstructions {
    private Assembler(long origin) {
        super(origin);
    }

    /**
     * An empty program.
     *
     * @param origin address of its first byte, even
     * @return the assembler
     */
    public static Assembler at(long origin) {
        return new Assembler(origin);
    }

    /**
     * Assembles a program in one call.
     *
     * @param origin address of its first byte, even
     * @param program writes it
     * @return its bytes
     */
    public static byte[] assemble(long origin, Consumer<Assembler> program) {
        Assembler assembler = at(origin);
        program.accept(assembler);
        return assembler.toBytes();
    }
}
