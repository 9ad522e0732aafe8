package dev.dalang.cli;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code dalang serve} in a process of its own, which can be killed. */
final class ServeProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader lines;

    private ServeProcess(Process process) {
        this.process = process;
        lines = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Starts it; what it serves can be connected to. */
    static ServeProcess start(Path socket, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + "/bin/java");
        String modules = System.getProperty("jdk.module.path");
        if (modules == null) {
            command.add("--enable-native-access=ALL-UNNAMED");
            command.addAll(List.of("-cp", classPath()));
            command.add(Main.class.getName());
        } else {
            command.add("--enable-native-access=dev.dalang.linux");
            command.addAll(List.of("--module-path", modules, "--module"));
            command.add("dev.dalang.cli/" + Main.class.getName());
        }
        command.addAll(List.of("serve", "--socket", socket.toString()));
        command.addAll(List.of(arguments));
        ServeProcess served =
                new ServeProcess(
                        new ProcessBuilder(command)
                                .redirectError(ProcessBuilder.Redirect.INHERIT)
                                .start());
        try {
            served.await("serving ");
            return served;
        } catch (Throwable failed) {
            served.close();
            throw failed;
        }
    }

    /** Without the tests' own classes: a plugin's must not be there already. */
    private static String classPath() {
        String mine = ServeProcess.class.getName().replace('.', '/') + ".class";
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !Files.exists(Path.of(entry, mine)))
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Waits for a line that it prints. */
    void await(String beginning) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith(beginning)) {
                return;
            }
        }
        throw new AssertionError("expected '" + beginning + "' of the server, found its end");
    }

    /** As {@code kill -9} does. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
