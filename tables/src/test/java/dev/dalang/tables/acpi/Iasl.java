package dev.dalang.tables.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ACPICA's compiler as a judge of our tables. It has to know RISC-V's tables, which the one of
 * bookworm does not: the one in PATH is taken if it is new enough, otherwise the one that {@code
 * build/iasl} puts into the cache.
 */
final class Iasl {
    /** The first release that knows all of MADT's RISC-V structures. */
    private static final int FIRST_VERSION = 20240322;

    private static final Pattern VERSION = Pattern.compile("version (\\d{8})");

    private final String program;

    private Iasl(String program) {
        this.program = program;
    }

    /** Finds it, or aborts the test. */
    static Iasl find() throws IOException, InterruptedException {
        for (String program : List.of("iasl", inCache().toString())) {
            if (version(program) >= FIRST_VERSION) {
                return new Iasl(program);
            }
        }
        return abort(
                "no iasl of %d or later (trixie: acpica-tools); build/iasl fetches one to %s"
                        .formatted(FIRST_VERSION, inCache()));
    }

    private static Path inCache() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base =
                cache != null && Path.of(cache).isAbsolute()
                        ? Path.of(cache)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("dalang/tools/iasl/iasl");
    }

    private static int version(String program) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(program, "-v").redirectErrorStream(true).start();
        } catch (IOException _) {
            return 0;
        }
        String text = output(process);
        process.waitFor();
        Matcher matcher = VERSION.matcher(text);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    }

    /** Disassembles a table; external ones give it their names. */
    String disassemble(Path table, Path... externals) throws IOException, InterruptedException {
        var arguments = new ArrayList<String>();
        if (externals.length != 0) {
            var names = new StringBuilder();
            for (Path external : externals) {
                names.append(names.isEmpty() ? "" : ",").append(external);
            }
            arguments.addAll(List.of("-e", names.toString()));
        }
        arguments.addAll(List.of("-d", table.toString()));
        run(table, arguments);
        Path source = Path.of(table.toString().replaceFirst("\\.[^.]*$", ".dsl"));
        return Files.readString(source, StandardCharsets.ISO_8859_1);
    }

    /** Compiles a source, and gives the table. */
    byte[] compile(Path source, Path target) throws IOException, InterruptedException {
        String log =
                run(
                        source,
                        List.of(
                                // Names as they are written, not the shortest way to them.
                                "-oa",
                                "-p",
                                target.toString().replaceFirst("\\.aml$", ""),
                                source.toString()));
        assertThat(log).contains("0 Errors, 0 Warnings");
        return Files.readAllBytes(target);
    }

    /** Runs it, and fails if it has an error or a warning to tell. */
    private String run(Path about, List<String> arguments)
            throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(program);
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String log = output(process);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("iasl ends").isTrue();
        assertThat(log.replace("0 Errors, 0 Warnings", "").lines())
                .as("what iasl says of %s:%n%s", about.getFileName(), log)
                .noneMatch(
                        line ->
                                line.matches(
                                        "(?i).*\\b(error|warning|invalid|exceeds|unknown)s?\\b.*"));
        assertThat(process.exitValue()).isZero();
        return log;
    }

    private static String output(Process process) throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
