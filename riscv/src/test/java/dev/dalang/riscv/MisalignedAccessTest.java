package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Consumer;

/** Misaligned loads and stores inside a page, of which the C library's memcpy is full. */
class MisalignedAccessTest {
    private static final int MASK = 127;
    private static final long PATTERN = 0x0123_4567_89ab_cdefL;

    /** Off x9, which goes through all alignments. */
    private enum Loop {
        ALONE(
                a -> {
                    a.ld(5, 0, 9);
                    a.add(6, 6, 5);
                    a.addi(9, 9, 1);
                    a.sh(6, 2, 9);
                }),
        IN_A_GROUP(
                a -> {
                    a.ld(5, 1, 9);
                    a.lw(6, 11, 9);
                    a.lhu(7, 0, 9);
                    a.add(6, 6, 5);
                    a.sd(6, 9, 9);
                    a.sw(7, 5, 9);
                }),
        OF_FLOATS(
                a -> {
                    a.fld(1, 3, 9);
                    a.flw(2, 6, 9);
                    a.fsd(1, 11, 9);
                    a.fsw(2, 7, 9);
                });

        @SuppressWarnings("ImmutableEnumChecker")
        private final Consumer<Assembler> body;

        Loop(Consumer<Assembler> body) {
            this.body = body;
        }

        void write(Assembler a) {
            a.li(5, Csr.MSTATUS_FS);
            a.csrs(Csr.MSTATUS, 5);
            a.li(5, PATTERN);
            for (int at = 0; at < 256; at += 8) {
                a.sd(5, at, 8);
                a.addi(5, 5, at);
            }
            a.li(10, 0);
            Label head = a.here();
            a.addi(10, 10, 3);
            a.andi(10, 10, MASK);
            a.add(9, 8, 10);
            body.accept(a);
            a.j(head);
        }
    }

    @ParameterizedTest
    @EnumSource
    void areTranslated(Loop loop) {
        try (var machine = new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], loop::write)) {
            machine.runUntil(EndlessMachine::isTranslated);

            assertThat(machine.statistics().failures()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void readAndWriteWhatTheInterpreterDoes(Loop loop) {
        try (var machine = new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], loop::write)) {
            machine.runUntil(EndlessMachine::isTranslated);

            machine.assertSameAsInterpreted(loop::write);
        }
    }
}
