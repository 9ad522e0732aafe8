package dev.dalang.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bench.guest.GuestCommand;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;

final class MainTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "guest", "nvme", "vfio-user", "soak", "soak boots", "soak stress"})
    void everyCommandHasHelp(String command) {
        StringWriter out = new StringWriter();
        CommandLine line = Main.commandLine().setOut(new PrintWriter(out));
        assertThat(line.execute((command + " --help").strip().split(" "))).isZero();
        assertThat(out.toString())
                .startsWith(("Usage: dalang bench " + command).strip())
                .doesNotContain("--root");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "guest --fast",
                "nvme --runs 0",
                "vfio-user --seconds x",
                "soak",
                "soak sleep",
                "soak boots many",
                "soak boots 1 0",
                "guest --version",
                "soak stress 1 2 3"
            })
    void aMistakeHasAnExitCodeOfItsOwn(String command) {
        assertThat(Main.commandLine().execute(command.split(" "))).isEqualTo(2);
    }

    @Test
    void theRecordOfACommandDoesNotSayWhereTheTreeIs() {
        CommandLine line = Main.commandLine();
        var parsed = line.parseArgs("guest", "--root=/tree", "--quick");
        var command = (GuestCommand) parsed.subcommand().commandSpec().userObject();
        assertThat(command.asGiven()).isEqualTo("dalang bench guest --quick");
    }
}
