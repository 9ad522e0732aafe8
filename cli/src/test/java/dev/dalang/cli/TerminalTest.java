package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.cli.example.BlockingDevice;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The command on a terminal: a pseudo terminal that {@code script} of util-linux makes. */
@Timeout(120)
class TerminalTest {
    private static final String CONTROL_A = "\1";

    @TempDir private Path directory;

    private static String quoted(String word) {
        return "'" + word.replace("'", "'\\''") + "'";
    }

    /** Runs the command in a shell on a terminal of its own; then says how it ended. */
    private static Process start(String... arguments) throws IOException {
        StringBuilder command =
                new StringBuilder(quoted(System.getProperty("java.home") + "/bin/java"))
                        .append(" --module-path ")
                        .append(quoted(System.getProperty("jdk.module.path")))
                        .append(" --module dev.dalang.cli/dev.dalang.cli.Main");
        for (String argument : arguments) {
            command.append(' ').append(quoted(argument));
        }
        command.append("; echo \"status $?\"; stty -a");
        return new ProcessBuilder("script", "-qfc", command.toString(), "/dev/null")
                .redirectErrorStream(true)
                .start();
    }

    private static String readTo(InputStream in, String end) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int octet = in.read(); octet >= 0; octet = in.read()) {
            text.append((char) octet);
            if (text.indexOf(end, Math.max(0, text.length() - end.length())) >= 0) {
                return text.toString();
            }
        }
        throw new AssertionError("expected " + end + " on the terminal, found:\n" + text);
    }

    @Test
    void controlAThenXLeavesAMachineThatADeviceBlocks() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "there is no script(1)");
        Process process =
                start(
                        "run",
                        "--bare",
                        TinyProgram.readBar(directory.resolve("program.elf")).toString(),
                        "--plugin",
                        PluginJars.of(directory.resolve("blocking.jar"), BlockingDevice.class)
                                .toString(),
                        "--device",
                        "class=" + BlockingDevice.class.getName());
        try (OutputStream keys = process.getOutputStream();
                InputStream screen = process.getInputStream()) {
            // The watchdog: from here on the hart is inside the device.
            assertThat(readTo(screen, "holds up")).contains("00:01.0", "blocking");

            keys.write((CONTROL_A + "x").getBytes(StandardCharsets.US_ASCII));
            keys.flush();

            String rest = readTo(screen, "status ") + (char) screen.read() + (char) screen.read();
            assertThat(rest)
                    .contains("dalang: device 00:01.0 blocks: it holds up hart 0")
                    .endsWith("status " + ExitCode.DEFECT);
            assertThat(readTo(screen, "icanon")).as("the mode of before").doesNotContain("-icanon");
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
    }
}
