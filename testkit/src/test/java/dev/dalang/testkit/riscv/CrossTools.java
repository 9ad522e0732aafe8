package dev.dalang.testkit.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The distribution's assembler for RISC-V, as an independent witness. */
final class CrossTools {
    private static final String PREFIX = "riscv64-linux-gnu-";
    private static final String BASE =
            "rv64gc_zba_zbb_zbc_zbs_zicbom_zicbop_zicboz_zawrs_svinval_zihintpause_zicsr_zifencei";

    /** Extensions that an older tool may not know, by a pattern of the methods' names. */
    private static final Map<String, String> NEW_EXTENSIONS =
            Map.of(
                    "zfa",
                    "fli_.*|f(min|max)m_.*|fround.*|fcvtmod_.*|f(le|lt)q_.*",
                    "zicond",
                    "czero_.*",
                    "zacas",
                    "amocas_.*");

    /** The constants of {@code fli}, by number, as the assembly language writes them. */
    static final List<String> FLI_CONSTANTS =
            List.of(
                    "-1", "min", "0x1p-16", "0x1p-15", "0x1p-8", "0x1p-7", "0.0625", "0.125",
                    "0.25", "0.3125", "0.375", "0.4375", "0.5", "0.625", "0.75", "0.875", "1",
                    "1.25", "1.5", "1.75", "2", "2.5", "3", "4", "8", "16", "128", "256", "32768",
                    "65536", "inf", "nan");

    private final Path directory;

    private CrossTools(Path directory) {
        this.directory = directory;
    }

    /** The tools, or the end of the test where they are not installed. */
    static CrossTools require(Path directory) {
        boolean present = false;
        for (String entry : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            present |= Files.isExecutable(Path.of(entry, PREFIX + "as"));
        }
        assumeTrue(
                present,
                PREFIX + "as is not installed (Debian: apt install binutils-riscv64-linux-gnu)");
        return new CrossTools(directory);
    }

    /** The extension of an instruction if an older tool may not know it, or nothing. */
    static String newExtensionOf(String method) {
        return NEW_EXTENSIONS.entrySet().stream()
                .filter(e -> method.matches(e.getValue()))
                .map(Map.Entry::getKey)
                .findAny()
                .orElse("");
    }

    /** True if the tool knows the extension. */
    boolean knows(String extension) throws IOException, InterruptedException {
        Path source = Files.writeString(directory.resolve("probe.s"), "nop\n");
        return run("as", "-march=rv64gc_" + extension, "-o", "/dev/null", source.toString()) == 0;
    }

    /** The bytes of these lines. */
    byte[] assemble(List<String> lines) throws IOException, InterruptedException {
        StringBuilder march = new StringBuilder(BASE);
        for (String extension : NEW_EXTENSIONS.keySet()) {
            if (knows(extension)) {
                march.append('_').append(extension);
            }
        }
        List<String> source = new ArrayList<>(List.of(".text", ".option norelax"));
        for (String line : lines) {
            source.add(line.startsWith("c.") ? ".option rvc" : ".option norvc");
            source.add(line);
        }
        Path text = Files.write(directory.resolve("program.s"), source);
        Path object = directory.resolve("program.o");
        Path binary = directory.resolve("program.bin");
        assertThat(run("as", "-march=" + march, "-o", object.toString(), text.toString()))
                .as("%s", Files.readString(directory.resolve("output")))
                .isZero();
        String section = "--only-section=.text";
        assertThat(run("objcopy", "-O", "binary", section, object.toString(), binary.toString()))
                .isZero();
        return Files.readAllBytes(binary);
    }

    private int run(String tool, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(PREFIX + tool));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start()
                .waitFor();
    }
}
