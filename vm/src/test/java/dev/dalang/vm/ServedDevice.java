package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A device that another process serves by vfio-user, until that is killed. */
final class ServedDevice implements AutoCloseable {
    private static final String PROGRAM =
            """
            public class Served {
                public static void main(String[] arguments) throws Exception {
                    var path = java.nio.file.Path.of(arguments[0]);
                    var device = new dev.dalang.devices.EduDevice();
                    try (var server = dev.dalang.remote.VfioUserServer.of(device, path)) {
                        System.out.println("serving");
                        server.awaitClosed();
                    }
                }
            }
            """;

    private final Process process;
    private final Path socket;

    private ServedDevice(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    /** Serves an edu device at a socket in a directory; clients can connect when it returns. */
    static ServedDevice edu(Path directory) throws IOException {
        Path program = Files.writeString(directory.resolve("Served.java"), PROGRAM);
        Path socket = directory.resolve("edu.sock");
        String classes =
                Stream.of("jdk.module.path", "java.class.path")
                        .map(System::getProperty)
                        .filter(Objects::nonNull)
                        .collect(Collectors.joining(File.pathSeparator));
        Process process =
                new ProcessBuilder(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        classes,
                                        program.toString(),
                                        socket.toString()))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        ServedDevice served = new ServedDevice(process, socket);
        try {
            BufferedReader out = process.inputReader();
            assertThat(out.readLine()).isEqualTo("serving");
            return served;
        } catch (IOException | RuntimeException | Error failed) {
            served.close();
            throw failed;
        }
    }

    /** What a machine plugs in. */
    String option() {
        return "vfio-user:" + socket;
    }

    /** Kills the process, which can do nothing about it; twice is fine. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        kill();
    }
}
