package dev.dalang.remote;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of libvfio-user's, which is not ours: what {@code build/libvfio-user} built. */
final class LibvfioUser {
    private static final int PAUSE_MILLIS = 5;

    private final Path directory;

    private LibvfioUser(Path directory) {
        this.directory = directory;
    }

    /** Finds it, or aborts the test. */
    static LibvfioUser find() {
        Path directory = userCache().resolve("dalang/tools/libvfio-user");
        if (!Files.exists(directory.resolve("commit"))) {
            abort("no libvfio-user; build/libvfio-user builds it in " + directory);
        }
        return new LibvfioUser(directory);
    }

    private static Path userCache() {
        String cache = System.getenv("XDG_CACHE_HOME");
        return cache != null && Path.of(cache).isAbsolute()
                ? Path.of(cache)
                : Path.of(System.getProperty("user.home"), ".cache");
    }

    /** One of its samples. */
    Path program(String sample) {
        return directory.resolve("samples").resolve(sample);
    }

    /** Starts one of its samples; what it prints goes to a file beside the socket. */
    Sample start(String sample, Path socket, String... options) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program(sample).toString());
        command.addAll(List.of(options));
        command.add(socket.toString());
        Path log = socket.resolveSibling(sample + ".log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        return new Sample(process, socket, log);
    }

    /** A sample that runs, until it is closed. */
    record Sample(Process process, Path socket, Path log) implements AutoCloseable {
        /** Connects as soon as it listens. */
        VfioUserClient connect(VfioUserClient.Builder builder)
                throws IOException, InterruptedException {
            while (true) {
                try {
                    return builder.connect();
                } catch (VfioUserException early) {
                    boolean hasEnded = process.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
                    // It makes its socket before it listens there.
                    boolean mayListenYet =
                            early.number() == 2 /* ENOENT */
                                    || early.number() == 111 /* ECONNREFUSED */;
                    if (hasEnded || !mayListenYet) {
                        throw new IOException("it printed: " + printed(), early);
                    }
                }
            }
        }

        VfioUserClient connect() throws IOException, InterruptedException {
            return connect(VfioUserClient.builder(socket));
        }

        /** Waits until it has printed something. */
        void await(String text) throws IOException, InterruptedException {
            boolean hasEnded = false;
            while (!printed().contains(text)) {
                if (hasEnded) {
                    throw new IOException("it printed: " + printed());
                }
                hasEnded = process.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
            }
        }

        /** What it has printed. */
        String printed() {
            try {
                return Files.readString(log);
            } catch (IOException failed) {
                throw new UncheckedIOException(failed);
            }
        }

        /** Twice is fine. */
        void kill() {
            process.destroyForcibly().onExit().join();
        }

        @Override
        public void close() {
            kill();
        }
    }
}
