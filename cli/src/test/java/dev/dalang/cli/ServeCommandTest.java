package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Linux;
import dev.dalang.linux.UnixListener;
import dev.dalang.linux.UnixSocket;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

class ServeCommandTest {
    @TempDir private Path directory;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
    }

    private int run(String... arguments) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        return commandLine.execute(arguments);
    }

    private void assertMistake(int status, String... parts) {
        assertThat(err.toString()).startsWith("dalang: ").contains(parts);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(out.toString()).isEmpty();
        assertThat(status).isEqualTo(2);
    }

    @Test
    void aDeviceIsServedUntilTheEnd() throws Exception {
        Path socket = directory.resolve("edu.sock");
        FutureTask<Integer> serving =
                new FutureTask<>(
                        () -> run("serve", "--device", "edu", "--socket", socket.toString()));
        Thread thread = Thread.ofPlatform().start(serving);
        while (!out.toString().contains("\n") && thread.isAlive()) {
            Thread.onSpinWait();
        }
        assertThat(out.toString())
                .isEqualTo("serving edu (1234:11e8) at " + socket + System.lineSeparator());

        try (UnixSocket client = UnixSocket.connect(socket);
                Arena arena = Arena.ofConfined()) {
            // VERSION 0.1, message 7.
            MemorySegment message = arena.allocate(20);
            message.set(ValueLayout.JAVA_SHORT, 0, (short) 7);
            message.set(ValueLayout.JAVA_SHORT, 2, (short) 1);
            message.set(ValueLayout.JAVA_INT, 4, 20);
            message.set(ValueLayout.JAVA_SHORT, 18, (short) 1);
            client.send(message, List.of());
            MemorySegment reply = arena.allocate(16);
            assertThat(client.receive(reply, new ArrayList<>(), 0).bytes()).isEqualTo(16);
            assertThat(reply.get(ValueLayout.JAVA_SHORT, 0)).isEqualTo((short) 7);
            assertThat(reply.get(ValueLayout.JAVA_INT, 8)).isEqualTo(1);
        }
        thread.interrupt();
        assertThat(serving.get()).isZero();
        assertThat(socket).doesNotExist();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aMachineOfOursPlugsInWhatIsServed() throws Exception {
        Path socket = directory.resolve("edu.sock");
        String option = "vfio-user:" + socket;
        Path program = TinyProgram.readBar(directory.resolve("program.elf"));
        assertMistake(
                run("run", "--bare", program.toString(), "--passthrough", option),
                "--passthrough: ",
                "no vfio-user server",
                "no such file or directory");
        err.getBuffer().setLength(0);
        FutureTask<Integer> serving =
                new FutureTask<>(
                        () -> run("serve", "--device", "edu", "--socket", socket.toString()));
        Thread thread = Thread.ofPlatform().start(serving);
        while (!out.toString().contains("\n") && thread.isAlive()) {
            Thread.onSpinWait();
        }
        Path trace = directory.resolve("trace");
        int status =
                run(
                        "run",
                        "--bare",
                        program.toString(),
                        "--console",
                        "none",
                        "--passthrough",
                        option + ",id=elsewhere,timeout=59.5",
                        "--trace",
                        "elsewhere,file=" + trace,
                        "--timeout",
                        "60");
        thread.interrupt();
        assertThat(serving.get()).isZero();
        assertThat(err.toString()).isEmpty();
        assertThat(status).isZero();
        assertThat(trace).content().contains("0x10000ed");
    }

    @Test
    void aServerThatDoesNotAnswerInTimeIsGivenUp() throws Exception {
        Path program = TinyProgram.readBar(directory.resolve("program.elf"));
        Path socket = directory.resolve("silent.sock");
        try (UnixListener _ = UnixListener.listen(socket)) {
            String option = "vfio-user:" + socket + ",timeout=0.05";
            assertMistake(
                    run("run", "--bare", program.toString(), "--passthrough", option),
                    "--passthrough: ",
                    "no answer to VERSION");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "nothing, found nothing",
        "'edu,size=4', found size=4",
        "'edu,addr=3', 'addr= and bootindex='",
        "'edu,bootindex=1', 'addr= and bootindex='",
        "root-port, no bridge"
    })
    void aDeviceThatCannotBeServedIsTold(String device, String part) {
        String socket = directory.resolve("s").toString();
        assertMistake(run("serve", "--device", device, "--socket", socket), "--device: ", part);
    }

    @Test
    void aSocketThatCannotBeIsTold() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        assertMistake(
                run("serve", "--device", "edu", "--socket", file.toString()),
                "--socket: ",
                "file",
                "in use");
        assertThat(file).exists();
    }

    @Test
    void aDirectoryThatThereIsNotIsTold() {
        String socket = directory.resolve("none/s").toString();
        assertMistake(
                run("serve", "--device", "edu", "--socket", socket),
                "--socket: ",
                "no such file or directory");
    }

    @Test
    void whatIsServedAndWhereMustBeSaid() {
        assertMistake(run("serve", "--device", "edu"), "--socket=PATH");
    }

    @Test
    void itIsOneDeviceOrOneDisk() {
        assertMistake(run("serve", "--socket", "s"), "--device", "--disk");
    }

    @Test
    void aDiskThatThereIsNotIsTold() {
        String socket = directory.resolve("s").toString();
        String disk = directory.resolve("none.img").toString();
        assertMistake(run("serve", "--disk", disk, "--socket", socket), "--disk: ", "none.img");
        assertThat(directory.resolve("s")).doesNotExist();
    }

    @Test
    void aDiskHasItsAddressWhereItIsUsed() throws Exception {
        String socket = directory.resolve("s").toString();
        Path disk = Files.write(directory.resolve("disk.img"), new byte[4096]);
        assertMistake(
                run("serve", "--disk", disk + ",addr=3", "--socket", socket),
                "--disk: ",
                "addr= and bootindex=");
    }
}
