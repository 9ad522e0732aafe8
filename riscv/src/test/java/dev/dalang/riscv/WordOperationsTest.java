package dev.dalang.riscv;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Consumer;

/** What the translator does in 32 bits, where a block knows its operands to be words. */
class WordOperationsTest {
    /**
     * From x5 and x6, which are words to the block, and x7, which is any value, into x10 to x17.
     */
    private enum Operation {
        LOGIC(
                a -> {
                    a.xor(10, 5, 6);
                    a.or(11, 5, 6);
                    a.and(12, 5, 6);
                    a.xori(13, 5, -1);
                    a.ori(14, 6, -2048);
                    a.andi(15, 6, -16);
                    a.andi(16, 7, 2047);
                    a.xor(16, 16, 5);
                    a.or(17, 5, 7);
                }),
        ROTATION(
                a -> {
                    a.srliw(10, 7, 7);
                    a.slliw(11, 7, 25);
                    a.or(10, 10, 11);
                    a.xor(12, 10, 5);
                    a.xor(12, 12, 7);
                }),
        NO_LONGER_A_WORD(
                a -> {
                    a.mv(10, 5);
                    a.slli(10, 10, 20);
                    a.xor(11, 10, 6);
                    a.add(5, 5, 7);
                    a.and(12, 5, 6);
                    a.lwu(6, 4, 8);
                    a.or(13, 6, 11);
                }),
        COMPARISON(
                a -> {
                    a.slt(10, 5, 6);
                    a.sltu(11, 5, 6);
                    a.slti(12, 6, -5);
                    a.sltiu(13, 6, -5);
                    a.slt(14, 7, 0);
                    a.slt(15, 0, 7);
                    a.sltu(16, 0, 7);
                    a.sltiu(17, 7, 1);
                    a.slt(5, 7, 6);
                    a.sltu(6, 7, 6);
                }),
        BRANCH_IF_EQUAL(a -> count(a, end -> a.beq(5, 6, end), end -> a.bne(5, 6, end))),
        BRANCH_IF_LESS(a -> count(a, end -> a.blt(5, 6, end), end -> a.bge(5, 6, end))),
        BRANCH_IF_BELOW(a -> count(a, end -> a.bltu(5, 6, end), end -> a.bgeu(5, 6, end))),
        LOADS(
                a -> {
                    a.lbu(10, 3, 8);
                    a.lhu(11, 6, 8);
                    a.lb(12, 7, 8);
                    a.lh(13, 2, 8);
                    a.lw(14, 4, 8);
                    a.xor(15, 10, 12);
                    a.or(16, 11, 13);
                    a.and(17, 14, 11);
                });

        @SuppressWarnings("ImmutableEnumChecker")
        private final Consumer<Assembler> body;

        Operation(Consumer<Assembler> body) {
            this.body = body;
        }

        /** In x10 and x11, how often control went on. The second begins a block of its own. */
        private static void count(Assembler a, Consumer<Label> first, Consumer<Label> second) {
            Label one = a.label();
            first.accept(one);
            a.addi(10, 10, 1);
            a.bind(one);
            a.lw(5, 0, 8);
            a.lw(6, 4, 8);
            Label two = a.label();
            second.accept(two);
            a.addi(11, 11, 1);
            a.bind(two);
        }

        /** A loop over values that are close to each other, and of all signs and lengths. */
        void write(Assembler a) {
            a.li(18, 0x9E37_79B9_7F4A_7C15L);
            a.li(19, 1);
            Label head = a.here();
            a.mul(19, 19, 18);
            a.addi(19, 19, 1);
            a.srai(20, 19, 58);
            a.sra(7, 19, 20);
            a.sd(7, 0, 8);
            a.lw(5, 0, 8);
            a.andi(20, 20, 3);
            a.addw(6, 5, 20);
            a.sw(6, 4, 8);
            body.accept(a);
            for (int r = 10; r < 18; r++) {
                a.xor(21, 21, r);
                a.mul(21, 21, 18);
            }
            a.j(head);
        }
    }

    @ParameterizedTest
    @EnumSource
    void doWhatTheInterpreterDoes(Operation operation) {
        try (var machine =
                new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], operation::write)) {
            machine.runUntil(EndlessMachine::isTranslated);

            machine.assertSameAsInterpreted(operation::write);
        }
    }
}
