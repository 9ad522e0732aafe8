package dev.dalang.bench.guest;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The distribution's programs that the comparison needs. */
public final class HostTools {
    private static final Map<String, List<String>> PACKAGES =
            Map.of(
                    "riscv64-linux-gnu-gcc",
                    List.of("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
                    "mmdebstrap",
                    List.of("mmdebstrap"));

    private HostTools() {}

    /** Makes sure that a program is there; installs its packages where we may. */
    static void need(String program) {
        if (isInPath(program)) {
            return;
        }
        List<String> packages = PACKAGES.getOrDefault(program, List.of(program));
        if (!System.getProperty("user.name").equals("root") || !isInPath("apt-get")) {
            throw new BenchException(
                    "%s is not in PATH; on Debian: apt-get install %s"
                            .formatted(program, String.join(" ", packages)));
        }
        say("installing " + String.join(" ", packages));
        run(List.of("apt-get", "-q", "update"));
        List<String> install =
                new ArrayList<>(
                        List.of(
                                "env",
                                "DEBIAN_FRONTEND=noninteractive",
                                "apt-get",
                                "-q",
                                "install",
                                "-y",
                                "--no-install-recommends"));
        install.addAll(packages);
        run(install);
    }

    /**
     * Runs a program to its end.
     *
     * @param command the program and its arguments
     * @return what it printed
     */
    public static String run(List<String> command) {
        return run(command, Map.of());
    }

    /** Likewise, with additions to the environment. */
    static String run(List<String> command, Map<String, String> environment) {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        try {
            Process process = builder.start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int code = process.waitFor();
            if (code != 0) {
                throw new BenchException(
                        "%s ended with code %d:%n%s"
                                .formatted(String.join(" ", command), code, output.strip()));
            }
            return output;
        } catch (IOException e) {
            throw new BenchException("cannot run " + command.getFirst() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted while " + command.getFirst() + " ran", e);
        }
    }

    /** A signal ends us without a word to the processes that we have started. */
    public static void endChildrenWithUs() {
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .unstarted(
                                        () ->
                                                ProcessHandle.current()
                                                        .children()
                                                        .forEach(ProcessHandle::destroyForcibly)));
    }

    /**
     * Tells the user something, beside the table on standard output.
     *
     * @param line a line
     */
    public static void say(String line) {
        System.err.println("bench: " + line);
    }

    /** Deletes a directory and what is in it. */
    static void deleteTree(Path root) throws IOException {
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException failure) throws IOException {
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    private static boolean isInPath(String program) {
        for (String directory : System.getenv().getOrDefault("PATH", "").split(":")) {
            if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, program))) {
                return true;
            }
        }
        return false;
    }
}
