package dev.dalang.bench.vfiouser;

import dev.dalang.bench.guest.BenchException;
import dev.dalang.bench.guest.HostTools;
import dev.dalang.linux.Errno;
import dev.dalang.remote.VfioUserClient;
import dev.dalang.remote.VfioUserException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A server that is measured.
 *
 * @param name in the table
 * @param command that serves at the path that is added to it
 * @param flags what there is to say about how it was built
 */
record Peer(String name, List<String> command, String flags) {
    private static final List<String> FLAGS = List.of("-std=gnu17", "-O2", "-Wall", "-Wextra");
    private static final int PAUSE_MILLIS = 5;

    /** Our server, in a JVM of its own, with the options that the launcher gives every one. */
    static Peer ours(Path root) {
        List<String> command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "@" + root.resolve("build/jvm.options"),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path", ""),
                        Device.class.getName());
        return new Peer("Dalang", command, "Java " + Runtime.version());
    }

    /** The server on the library, built on the spot; empty if the library is not there. */
    static Optional<Peer> theirs(Path root, Path target) {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path library =
                (cache != null && Path.of(cache).isAbsolute()
                                ? Path.of(cache)
                                : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("dalang/tools/libvfio-user");
        if (!Files.exists(library.resolve("commit"))) {
            HostTools.say("no libvfio-user; build/libvfio-user builds it in " + library);
            return Optional.empty();
        }
        Path program = target.resolve("server");
        List<String> command = new ArrayList<>(List.of("cc"));
        command.addAll(FLAGS);
        command.addAll(
                List.of(
                        "-I" + library.resolve("include"),
                        "-o",
                        program.toString(),
                        root.resolve("bench/vfio-user/server.c").toString(),
                        "-L" + library.resolve("lib"),
                        "-Wl,-rpath," + library.resolve("lib"),
                        "-lvfio-user"));
        HostTools.run(command);
        String version = HostTools.run(List.of("cc", "-dumpfullversion")).strip();
        return Optional.of(
                new Peer(
                        "libvfio-user",
                        List.of(program.toString()),
                        "GCC %s, %s; the library of commit %s with meson's --buildtype=release"
                                .formatted(version, String.join(" ", FLAGS), commit(library))));
    }

    private static String commit(Path library) {
        try {
            return Files.readString(library.resolve("commit")).strip().substring(0, 12);
        } catch (IOException failed) {
            throw new BenchException("cannot read what was built: " + failed.getMessage(), failed);
        }
    }

    /** Starts it, and measures all rows. */
    void measure(VfioUserCommand options, Path directory, Figures figures) {
        Path socket = directory.resolve("bench.sock");
        Process server = null;
        try {
            Files.deleteIfExists(socket);
            List<String> command = new ArrayList<>(command());
            command.add(socket.toString());
            server =
                    new ProcessBuilder(command)
                            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            try (Work work =
                    new Work(connect(server, socket), options.seconds() / 2, options.seconds())) {
                work.run(
                        (row, rate) -> {
                            HostTools.say("%s: %s: %s".formatted(name, row.name(), row.text(rate)));
                            figures.add(row, rate);
                        });
            }
        } catch (IOException failed) {
            throw new BenchException(name + ": " + failed.getMessage(), failed);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted while " + name + " started", stop);
        } finally {
            if (server != null) {
                server.destroyForcibly().onExit().join();
            }
        }
    }

    /** Waits until it has its socket and listens there. */
    private VfioUserClient connect(Process server, Path socket)
            throws IOException, InterruptedException {
        while (true) {
            try {
                return VfioUserClient.builder(socket).connect();
            } catch (VfioUserException early) {
                boolean isEarly =
                        early.errno()
                                .filter(
                                        errno ->
                                                errno == Errno.ENOENT
                                                        || errno == Errno.ECONNREFUSED)
                                .isPresent();
                if (!isEarly || server.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw early;
                }
            }
        }
    }
}
