package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Registers;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.Set;

/**
 * Guests that execute noise, with registers that point at every device of the board. Whatever they
 * do, the machine ends its run in one of the ways that a guest can ask for.
 */
@Timeout(300)
class GarbageGuestTest {
    private static final int ROUNDS = 60;
    private static final int WORDS = 700;
    private static final long[] INTERESTING = {
        0x1000,
        0x10_0000,
        0x10_1000,
        0x200_0000,
        0x200_BFF8,
        0xC00_0000,
        0xD00_0000,
        0xD00_3004,
        0x1000_0000,
        0x1000_0005,
        0x1010_0000,
        0x1010_0010,
        0x2000_0000,
        0x2200_0000,
        0x2400_0000,
        0x2800_0000,
        0x8000_0000L,
        0x8000_8000L,
        0x83FF_FFF8L,
        0x8400_0000L,
        -8,
        -1,
        0,
        1,
        2047,
        Long.MIN_VALUE,
        Long.MAX_VALUE,
        0x7FFF_FFFF,
        0x4442434E,
        0x48534D,
        0x52464E43,
        0x504D55
    };

    /** Major opcodes of RV64GC, so that most words are instructions. */
    private static final int[] OPCODES = {
        0x03, 0x07, 0x0F, 0x13, 0x17, 0x1B, 0x23, 0x27, 0x2F, 0x33, 0x37, 0x3B, 0x43, 0x47, 0x4B,
        0x4F, 0x53, 0x63, 0x67, 0x6F, 0x73, 0x73
    };

    @TempDir private Path directory;

    @Test
    void noiseInMachineModeLeavesTheMachineWhole() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            check(
                    seed,
                    new BareMachine(directory)
                            .program(a -> noise(a, random, 0x305, 0x341, 0x302))
                            .aia(architecture(seed)));
        }
    }

    @Test
    void noiseUnderTheFirmwareLeavesTheMachineWhole() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            check(
                    seed,
                    Vm.builder()
                            .memory(MemorySize.MiB(64))
                            .kernel(
                                    new BareMachine(directory)
                                            .kernel(a -> noise(a, random, 0x105, 0x141, 0)))
                            .aia(architecture(seed)));
        }
    }

    private static InterruptArchitecture architecture(int seed) {
        return seed % 2 == 0 ? InterruptArchitecture.APLIC_IMSIC : InterruptArchitecture.NONE;
    }

    private static void check(int seed, VmBuilder builder) throws InterruptedException {
        VmBuilder bounded =
                builder.cpus(1 + seed % 3)
                        .reboot(false)
                        .maxInstructions(100_000)
                        .timeout(Duration.ofMillis(300));
        try (Vm vm = bounded.build()) {
            vm.start();
            VmExit exit = vm.awaitExit();
            Set<Class<? extends VmExit>> possible =
                    Set.of(
                            VmExit.PoweredOff.class,
                            VmExit.ResetRequested.class,
                            VmExit.Failed.class,
                            VmExit.Stuck.class,
                            VmExit.TimedOut.class,
                            VmExit.InstructionLimitReached.class);
            assertThat(possible).as("seed %d: %s", seed, exit).contains(exit.getClass());
        }
    }

    /** A handler that goes on behind what trapped, registers that point somewhere, and noise. */
    private static void noise(Assembler a, Random random, int tvec, int epc, int deleg) {
        var start = a.label();
        var handler = a.label();
        a.j(start);
        a.align(8);
        a.bind(handler);
        a.csrr(Registers.T6, epc);
        a.addi(Registers.T6, Registers.T6, 4);
        a.csrw(epc, Registers.T6);
        if (tvec == 0x305) {
            a.mret();
        } else {
            a.sret();
        }
        a.bind(start);
        a.la(Registers.T6, handler);
        a.csrw(tvec, Registers.T6);
        if (deleg != 0) {
            a.csrw(deleg, Registers.ZERO);
        }
        for (int register = 1; register < 31; register++) {
            a.li(register, INTERESTING[random.nextInt(INTERESTING.length)]);
        }
        for (int i = 0; i < WORDS; i++) {
            int word = random.nextInt();
            if (random.nextInt(16) != 0) {
                word = word & ~0x7F | OPCODES[random.nextInt(OPCODES.length)];
            }
            a.word(word);
        }
    }
}
