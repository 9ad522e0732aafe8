package dev.dalang.testkit.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every instruction method, called with random operands, gives the bytes that the distribution's
 * assembler gives for the same text. The text follows from the names of method and parameters.
 */
class AssemblerEncodingTest {
    private static final int ROUNDS = 24;
    private static final long SEED = 0x5eed_2025;

    /** Not one instruction with operands of its own, or tested beside this in other ways. */
    private static final Set<String> NOT_INSTRUCTIONS =
            Set.of("at", "assemble", "li", "la", "call", "tail");

    private record Case(String text, String ours) {}

    @TempDir Path directory;

    static Stream<Method> instructions() {
        Class<?> type = Assembler.class;
        List<Method> methods = new ArrayList<>();
        for (; type != Encoder.class; type = type.getSuperclass()) {
            Arrays.stream(type.getDeclaredMethods())
                    .filter(m -> Modifier.isPublic(m.getModifiers()) && !m.isBridge())
                    .filter(m -> !NOT_INSTRUCTIONS.contains(m.getName()))
                    .filter(m -> !Arrays.asList(m.getParameterTypes()).contains(Label.class))
                    .forEach(methods::add);
        }
        return methods.stream();
    }

    @Test
    void everyInstructionIsEncodedAsTheDistributionsAssemblerDoes() throws Exception {
        CrossTools tools = CrossTools.require(directory);
        Random random = new Random(SEED);
        List<Case> cases = new ArrayList<>();
        for (Method method : instructions().toList()) {
            String extension = CrossTools.newExtensionOf(method.getName());
            if (!extension.isEmpty() && !tools.knows(extension)) {
                continue;
            }
            for (int n = 0; n < ROUNDS; n++) {
                cases.add(random(method, random));
            }
        }
        assertThat(cases).as("instructions that the tool knows").hasSizeGreaterThan(300 * ROUNDS);

        byte[] theirs = tools.assemble(cases.stream().map(Case::text).toList());

        String hex = HexFormat.of().formatHex(theirs);
        int at = 0;
        for (Case c : cases) {
            int end = Math.min(at + c.ours.length(), hex.length());
            assertThat(c.ours).as("%s (seed %d)", c.text, SEED).isEqualTo(hex.substring(at, end));
            at = end;
        }
        assertThat(hex).hasSize(at);
    }

    private static Case random(Method method, Random random) throws ReflectiveOperationException {
        String mnemonic = method.getName().replace('_', '.');
        Object[] arguments = new Object[method.getParameterCount()];
        StringBuilder operands = new StringBuilder();
        Parameter[] parameters = method.getParameters();
        for (int n = 0; n < parameters.length; n++) {
            String name = parameters[n].getName();
            if (parameters[n].getType() == Ordering.class) {
                Ordering ordering = pick(random, Ordering.values());
                arguments[n] = ordering;
                mnemonic +=
                        switch (ordering) {
                            case RELAXED -> "";
                            case RELEASE -> ".rl";
                            case ACQUIRE -> ".aq";
                            case ACQUIRE_RELEASE -> ".aqrl";
                        };
            } else if (parameters[n].getType() == Rounding.class) {
                Rounding rm = pick(random, Rounding.values());
                arguments[n] = rm;
                operands.append(", ").append(rm.name().toLowerCase(Locale.ROOT));
            } else {
                int value = operand(mnemonic, name, random);
                arguments[n] = value;
                String text = text(mnemonic, name, value);
                boolean base = name.startsWith("base");
                boolean afterOffset = n > 0 && parameters[n - 1].getName().startsWith("offset");
                operands.append(base && afterOffset ? "" : ", ").append(text);
            }
        }
        if (mnemonic.equals("fcvtmod.w.d")) {
            operands.append(", rtz");
        }
        Assembler assembler = Assembler.at(0x8000_0000L);
        method.setAccessible(true);
        method.invoke(assembler, arguments);
        String text = operands.isEmpty() ? "" : " " + operands.substring(2);
        return new Case(mnemonic + text, HexFormat.of().formatHex(assembler.toBytes()));
    }

    private static <T> T pick(Random random, T[] values) {
        return values[random.nextInt(values.length)];
    }

    /** A value in the range that the parameter's name says, its ends more often than the rest. */
    private static int operand(String mnemonic, String name, Random random) {
        boolean compressed = mnemonic.startsWith("c.");
        return switch (name) {
            case "rdlui" -> pick(random, new Integer[] {1, 3, 10, 31});
            case "rdc", "rs1c", "rs2c", "fdc", "fs2c", "basec" -> between(random, 8, 15);
            case "rdnz", "rs1nz", "rs2nz" -> between(random, 1, 31);
            case "rdEven", "rs2Even" -> between(random, 0, 31) & ~1;
            case "imm6", "imm6nz" -> {
                int value = between(random, -32, 31);
                yield value == 0 && name.endsWith("nz") ? 1 : value;
            }
            case "imm10" -> {
                int value = 16 * between(random, -32, 31);
                yield value == 0 ? 16 : value;
            }
            case "uimm10" -> 4 * between(random, 1, 255);
            case "imm12" -> between(random, -2048, 2047);
            case "imm20" -> between(random, 0, 0xfffff);
            case "csr" -> between(random, 0, 0xfff);
            case "shamt6" -> between(random, 0, 63);
            case "shamt6nz" -> between(random, 1, 63);
            case "predecessor", "successor" -> between(random, 1, 15);
            case "offset32" -> 32 * between(random, -64, 63);
            case "offset" -> {
                if (!compressed) {
                    yield between(random, -2048, 2047);
                }
                yield mnemonic.endsWith("w")
                        ? 4 * between(random, 0, 31)
                        : 8 * between(random, 0, 31);
            }
            case "spOffset" ->
                    mnemonic.contains("wsp")
                            ? 4 * between(random, 0, 63)
                            : 8 * between(random, 0, 63);
            case "target" ->
                    switch (mnemonic) {
                        case "jal", "j" -> 2 * between(random, -(1 << 19), (1 << 19) - 1);
                        case "c.j" -> 2 * between(random, -1024, 1023);
                        case "c.beqz", "c.bnez" -> 2 * between(random, -128, 127);
                        default -> 2 * between(random, -2048, 2047);
                    };
            default -> between(random, 0, 31);
        };
    }

    private static int between(Random random, int low, int high) {
        return switch (random.nextInt(8)) {
            case 0 -> low;
            case 1 -> high;
            default -> low + random.nextInt(high - low + 1);
        };
    }

    private static String text(String mnemonic, String name, int value) {
        if (name.startsWith("base")) {
            return "(x" + value + ")";
        }
        if (name.matches("(rd|rs|rt).*")) {
            return "x" + value;
        }
        if (name.matches("(fd|fs).*")) {
            return "f" + value;
        }
        return switch (name) {
            case "target" -> value < 0 ? ".-" + -value : ".+" + value;
            case "spOffset" -> value + "(sp)";
            case "uimm10", "imm10" -> "sp, " + value;
            case "imm6nz" -> "" + (mnemonic.equals("c.lui") ? value & 0xfffff : value);
            case "predecessor", "successor" ->
                    ((value & 8) != 0 ? "i" : "")
                            + ((value & 4) != 0 ? "o" : "")
                            + ((value & 2) != 0 ? "r" : "")
                            + ((value & 1) != 0 ? "w" : "");
            case "constant" -> CrossTools.FLI_CONSTANTS.get(value);
            default -> "" + value;
        };
    }
}
