package dev.dalang.bench.guest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The guest's programs, built with the distribution's cross compiler: one for the guest, with all
 * workloads, and one for the bare machine, with the integer loop alone.
 */
final class Workloads {
    private static final String COMPILER = "riscv64-linux-gnu-gcc";
    private static final List<String> FLAGS =
            List.of("-O2", "-std=gnu17", "-Wall", "-Wextra", "-march=rv64gc", "-mabi=lp64d");

    /** As many as the guest's program does (bench/guest/main.c). */
    private static final int INTEGER_ITERATIONS = 12_000;

    private final Path root;
    private final Path source;
    private final Path target;

    /**
     * Names where things are.
     *
     * @param root the source tree
     * @param target an existing directory for what is built
     */
    Workloads(Path root, Path target) {
        this.root = root;
        this.source = root.resolve("bench/guest");
        this.target = target;
        HostTools.need(COMPILER);
    }

    /** The compiler and its flags, for the record. */
    String describe() {
        String version = HostTools.run(List.of(COMPILER, "-dumpfullversion")).strip();
        return "GCC %s, %s -static".formatted(version, String.join(" ", FLAGS));
    }

    /** Builds the program for the bare machine. */
    Path bare(int divisor) {
        Path program = target.resolve("bare.elf");
        List<String> command = new ArrayList<>(List.of(COMPILER));
        command.addAll(FLAGS);
        command.addAll(
                List.of(
                        "-ffreestanding",
                        "-nostdlib",
                        "-static",
                        "-fno-pic",
                        "-no-pie",
                        "-mcmodel=medany",
                        "-Wl,--build-id=none,--no-warn-rwx-segments",
                        "-DITERATIONS=" + Math.max(1, INTEGER_ITERATIONS / divisor),
                        "-T",
                        source.resolve("bare.ld").toString(),
                        "-o",
                        program.toString(),
                        source.resolve("bare.c").toString(),
                        source.resolve("integer.c").toString()));
        HostTools.run(command);
        return program;
    }

    /** Builds the driver of the edu device against the guest's kernel. */
    private Path module() {
        HostTools.need("mmdebstrap");
        Path driver = root.resolve("examples/edu-driver");
        String build = root.resolve("build/guest-module").toString();
        HostTools.run(List.of(build, driver.toString()));
        return driver.resolve("edu.ko");
    }

    /** Builds the guest's program and adds it to an initial file system. */
    Path addedTo(Path initrd) {
        Path program = target.resolve("bench");
        Path result = target.resolve("initrd");
        List<String> command = new ArrayList<>(List.of(COMPILER));
        command.addAll(FLAGS);
        command.addAll(List.of("-static", "-s", "-o", program.toString()));
        try (Stream<Path> files = Files.list(source)) {
            files.map(Path::toString)
                    .filter(file -> file.endsWith(".c") && !file.endsWith("/bare.c"))
                    .sorted()
                    .forEach(command::add);
            command.add("-lm");
            HostTools.run(command);
            try (OutputStream out = Files.newOutputStream(result)) {
                long bytes = Files.copy(initrd, out);
                out.write(new byte[(int) (-bytes & 3)]);
                out.write(NewcArchive.ofProgram("usr/bin/bench", Files.readAllBytes(program)));
                out.write(NewcArchive.ofProgram("usr/bin/edu.ko", Files.readAllBytes(module())));
            }
        } catch (IOException e) {
            throw new BenchException("cannot build the guest's programs: " + e.getMessage(), e);
        }
        return result;
    }
}
