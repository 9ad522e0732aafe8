package dev.dalang.bench.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The distribution's programs that the comparison needs. */
final class HostTools {
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
     * @return what it printed
     */
    static String run(List<String> command) {
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

    /** A line for the user, beside the table on standard output. */
    static void say(String line) {
        System.err.println("bench: " + line);
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
