package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the command says and how it ends, without a guest. */
class CommandLineTest {

    @TempDir private Path directory;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

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

    private String file(String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content).toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "run --help",
                "devices --help",
                "serve --help",
                "guest --help",
                "guest list --help",
                "guest fetch --help",
                "guest remove --help",
                "completion --help"
            })
    void helpIsEverywhere(String arguments) {
        assertThat(run(arguments.split(" "))).isZero();
        assertThat(out.toString()).startsWith("Usage: dalang");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void devicesAreListedWithWhatTheyAre() {
        assertThat(run("devices")).isZero();
        assertThat(out.toString().lines())
                .hasSize(12)
                .anyMatch(line -> line.matches("nvme +1234:4e56  an NVMe disk"))
                .anyMatch(line -> line.matches("edu +1234:11e8  the device of driver courses.*"))
                .anyMatch(line -> line.matches("inspect +1234:da1a  shows and steers.*"))
                .anyMatch(line -> line.matches("root-port +1b36:000c  .*"))
                .anyMatch(line -> line.matches("virtio-rng +1af4:1044  a source of entropy"))
                .anyMatch(line -> line.matches(" +rate= +bytes a second .*"))
                .anyMatch(line -> line.matches(" +seed= +a number, .*"));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aPluginThatIsNoJarIsTold() throws IOException {
        String text = file("text.jar", "not a jar".getBytes(StandardCharsets.UTF_8));
        assertMistake(run("devices", "--plugin", text), "--plugin: expected a jar", "text.jar");
    }

    @ParameterizedTest
    @CsvSource({
        "nothing, 'one of edu, inspect, nvme, root-port, virtio-rng or class=CLASS, found nothing'",
        "class=no.Such, found no.Such",
        "'edu,size=4', 'expected id=ID, addr=DD.F, bootindex=N for edu, found size=4'",
        "class=java.lang.String, found java.lang.String"
    })
    void aDeviceThatIsNotThereIsTold(String device, String part) {
        assertMistake(run("run", "--device", device), "--device: expected", part);
    }

    @Test
    void helpOfRunNamesEveryOption() {
        run("run", "--help");

        assertThat(out.toString())
                .contains(
                        "--kernel",
                        "--initrd",
                        "--initrd-add",
                        "--append",
                        "--memory",
                        "--cpus",
                        "--bios",
                        "--firmware",
                        "--flash",
                        "--device",
                        "--passthrough",
                        "--net",
                        "--transport",
                        "--packed",
                        "--plugin",
                        "--bare",
                        "--aia",
                        "--engine",
                        "--console",
                        "--timeout",
                        "--max-instructions",
                        "--gdb",
                        "--trace",
                        "--quiet",
                        "--stats",
                        "Ctrl-A x");
    }

    @Test
    void versionIsOneLine() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString().lines()).hasSize(1);
        assertThat(out.toString()).startsWith("dalang ").contains("Java 25");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh"})
    void completionIsAScriptThatKnowsTheOptions(String shell) {
        assertThat(run("completion", shell)).isZero();
        assertThat(out.toString()).contains("complete -F", "--max-instructions");
    }

    @ParameterizedTest
    @CsvSource({
        "'', 'expected a command, found none'",
        "walk, walk",
        "run --foo, --foo",
        "run kernel, kernel",
        "run --cpus x, --cpus",
        "run --cpus 0, 'expected 1 to 128, found 0'",
        "run --cpus 129, 'expected 1 to 128, found 129'",
        "run --memory x, 'expected a size such as 512M or 2G, found x'",
        "run --memory 63M, 'found 66060288'",
        "run --memory 17G, 'found 18253611008'",
        "run --memory 67108865, 'expected a multiple of 4096 bytes'",
        "run --aia plic, 'expected one of aplic-imsic, none, found plic'",
        "run --engine jit, 'expected one of interpreter, translator, translate-at-once, found jit'",
        "run --console tty, 'expected stdio, file:PATH or none, found tty'",
        "run --console file:, 'expected stdio, file:PATH or none, found file:'",
        "run --timeout x, 'expected seconds such as 30 or 0.5, found x'",
        "run --timeout 0, 'found 0'",
        "run --timeout -1, 'found -1'",
        "run --timeout 1e99, 'found 1e99'",
        "run --max-instructions 0, 'expected 1 or more, found 0'",
        "run --gdb x, 'expected a port, 0 to 65535, and maybe ,wait behind it; found x'",
        "run --gdb 65536, 'found 65536'",
        "'run --trace edu,,x', 'expected DEVICE[,DEVICE...][,file=FILE], found edu,,x'",
        "run --trace file=x, 'found file=x'",
        "run --flash /dev/null --kernel /dev/null, 'expected a file of 33554432 bytes'",
        "run --firmware /dev/null --kernel /dev/null, 'firmware file /dev/null: expected a file'",
        "run --initrd-add /dev/null --bare /dev/null, '--bare: expected no --initrd-add beside it'",
        "run --initrd-add /dev/null --kernel /dev/null, '--kernel /dev/null'",
        "run --firmware edk2 --bare /dev/null, '--bare: expected no --firmware beside it'",
        "run --firmware edk2 --flash a --flash b, 'expected at most 1 bank beside --firmware'",
        "run --max-instructions x, --max-instructions",
        "run --net tap, '--net: expected user, tap=NAME or none, found tap'",
        "run --net user --net none, '--net: expected none alone'",
        "'run --net user,hostfwd=tcp:22', '--net: hostfwd=tcp:22: expected PROTOCOL:'",
        "'run --net user,restrict=yes', '--net: expected restrict=on or off, found yes'",
        "run --passthrough usb:1, 'expected vfio-user:SOCKET or vfio:PCI-ADDRESS, found usb:1'",
        "run --passthrough vfio-user:, 'or vfio:PCI-ADDRESS, found vfio-user:'",
        "run --passthrough vfio:01:00, '--passthrough: '",
        "run --passthrough vfio:, '--passthrough: '",
        "'run --passthrough vfio-user:s,size=4', 'expected timeout=, id=, addr= or bootindex='",
        "'run --passthrough vfio:00:04.0,timeout=4', 'expected id=, addr= or bootindex=, found'",
        "'run --passthrough vfio-user:s,timeout=0', 'expected 0.001..86400 seconds, found 0'",
        "'run --passthrough vfio-user:s,timeout=86401', 'seconds, found 86401'",
        "'run --passthrough vfio-user:s,timeout=1e999999999', 'seconds, found 1e999999999'",
        "'run --passthrough vfio-user:s,timeout=soon', 'seconds, found soon'",
        "'run --passthrough vfio-user:s,timeout=1,timeout=2', '--passthrough: expected timeout= once'",
        "'run --passthrough vfio-user:s,id=a,id=b', '--passthrough: expected id= once'",
        "run --transport usb, '--transport: expected pci or mmio, found usb'",
        "guest, 'expected one of list, fetch, disk, remove'",
        "guest fetch nothing, 'there is no guest ''nothing''; there is debian'",
        "guest fetch --if-missing nothing, 'there is no guest ''nothing''; there is debian'",
        "guest remove, NAME",
        "completion fish, fish"
    })
    void aMistakeIsOneLineThatSaysWhatWasExpected(String arguments, String part) {
        String[] split = arguments.isEmpty() ? new String[0] : arguments.split(" ");

        assertMistake(run(split), part);
    }

    @Test
    void traceGoesToItsFileAndReplacesWhatWasThere() throws IOException {
        Path trace = Files.writeString(directory.resolve("trace.txt"), "of yesterday");
        Path program = TinyProgram.readBar(directory.resolve("program.elf"));

        int status =
                run(
                        "run",
                        "--bare",
                        program.toString(),
                        "--device",
                        "edu,id=edu0",
                        "--trace",
                        "edu0,file=" + trace,
                        "--console",
                        "none",
                        "--timeout",
                        "60");

        assertThat(status).isZero();
        assertThat(Files.readAllLines(trace))
                .hasSize(3)
                .allMatch(line -> line.matches(" *[0-9]+\\.[0-9]{9} edu0: .*"))
                .anyMatch(line -> line.endsWith(" write 4 config 0x10 BAR0 = 0x40000000"))
                .anyMatch(line -> line.endsWith(" write 4 config 0x4 COMMAND = 0x2"))
                .anyMatch(line -> line.endsWith(" read  4 BAR0+0x0 identification = 0x10000ed"));
        assertThat(err.toString()).isEmpty();
    }

    private int runTinyProgram(String hotCode) throws IOException {
        Path program = TinyProgram.readBar(directory.resolve("program.elf"));
        return run(
                "run",
                "--bare",
                program.toString(),
                "--device",
                "edu",
                "--console",
                "none",
                "--timeout",
                "60",
                "--hot-code",
                hotCode);
    }

    @Test
    void hotCodeIsKeptInTheFileThatIsNamed() throws IOException {
        Path file = directory.resolve("new/hot-code");

        assertThat(runTinyProgram(file.toString())).isZero();
        byte[] kept = Files.readAllBytes(file);
        assertThat(kept).startsWith('D', 'H', 'C', '1');
        // A second run takes it, and keeps it.
        assertThat(runTinyProgram(file.toString())).isZero();
        assertThat(file).hasBinaryContent(kept);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void damagedHotCodeIsReplacedWithoutAWord() throws IOException {
        Path file = Files.writeString(directory.resolve("hot-code"), "something else");

        assertThat(runTinyProgram(file.toString())).isZero();
        assertThat(Files.readAllBytes(file)).startsWith('D', 'H', 'C', '1');
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void hotCodeThatCannotBeKeptIsNoError() throws IOException {
        Path inTheWay = Files.writeString(directory.resolve("file"), "");

        assertThat(runTinyProgram(inTheWay.resolve("hot-code").toString())).isZero();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void noHotCodeIsKeptIfNoneIsAskedFor() throws IOException {
        assertThat(runTinyProgram("none")).isZero();
        assertThat(Path.of("none")).doesNotExist();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void traceFileThatCannotBeWrittenIsRefusedBeforeTheRun() throws IOException {
        Path program = TinyProgram.readBar(directory.resolve("program.elf"));
        String trace = directory.resolve("no/trace.txt").toString();

        assertMistake(
                run(
                        "run",
                        "--bare",
                        program.toString(),
                        "--device",
                        "edu,id=edu0",
                        "--trace",
                        "edu0,file=" + trace),
                "--trace: " + trace + " cannot be written");
    }

    @Test
    void filesThatCannotBeBootedAreNamed() throws IOException {
        String missing = directory.resolve("missing").toString();
        assertMistake(run("run", "--kernel", missing), "--kernel " + missing, "no such file");
    }

    @Test
    void aDirectoryIsNoKernel() {
        assertMistake(
                run("run", "--kernel", directory.toString()),
                directory.toString(),
                "found a directory");
    }

    @Test
    void anEmptyFileIsNoKernel() throws IOException {
        String empty = file("empty", new byte[0]);
        assertMistake(run("run", "--kernel", empty), empty, "0 bytes");
    }

    @Test
    void aFileOfSomethingElseIsNoKernel() throws IOException {
        String text =
                file("text", "Call me Ishmael.".repeat(500).getBytes(StandardCharsets.US_ASCII));
        assertMistake(run("run", "--kernel", text), text);
    }

    @Test
    void anElfFileForAnotherMachineSaysWhich() throws IOException {
        byte[] elf = new byte[64];
        System.arraycopy(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}, 0, elf, 0, 7);
        elf[16] = 2;
        elf[18] = 62;
        String file = file("x86", elf);
        assertMistake(run("run", "--bare", file), file, "62", "243");
    }

    @Test
    void aConsoleFileInAMissingDirectoryIsRefusedBeforeAnythingElse() {
        String file = directory.resolve("no/console.log").toString();
        assertMistake(
                run("run", "--kernel", "/nowhere", "--console", "file:" + file),
                "--console file:" + file,
                directory.resolve("no").toString());
    }

    @Test
    void aConsoleFileThatIsADirectoryIsRefused() {
        assertMistake(
                run("run", "--bare", "/nowhere", "--console", "file:" + directory),
                "found a directory");
    }

    @Test
    void noConsoleFileIsMadeWhenTheRunCannotBegin() {
        Path console = directory.resolve("console.log");
        run("run", "--bare", "/nowhere", "--console", "file:" + console);

        assertThat(console).doesNotExist();
    }
}
