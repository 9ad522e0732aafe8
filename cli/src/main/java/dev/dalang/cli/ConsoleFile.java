package dev.dalang.cli;

import dev.dalang.vm.ConfigurationException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The file of {@code --console file:PATH}, open for writing before anything else is begun. */
final class ConsoleFile implements AutoCloseable {

    private final @Nullable OutputStream stream;

    private ConsoleFile(@Nullable OutputStream stream) {
        this.stream = stream;
    }

    /** The option as the user gave it. */
    static String name(ConsoleChoice choice) {
        return switch (choice) {
            case ConsoleChoice.Stdio _ -> "--console stdio";
            case ConsoleChoice.None _ -> "--console none";
            case ConsoleChoice.ToFile(Path file) -> "--console file:" + file;
        };
    }

    /**
     * Refuses a file that cannot be written, before anything is fetched or made, and without making
     * the file.
     */
    static void check(ConsoleChoice choice) {
        if (choice instanceof ConsoleChoice.ToFile(Path file)) {
            String name = name(choice);
            Path parent = file.toAbsolutePath().getParent();
            if (Files.isDirectory(file)) {
                throw new ConfigurationException(name + ": expected a file, found a directory");
            }
            if (parent != null && !Files.isDirectory(parent)) {
                throw new ConfigurationException(name + ": there is no directory " + parent);
            }
            if (Files.exists(file) && !Files.isWritable(file)) {
                throw new ConfigurationException(name + ": may not be written");
            }
        }
    }

    /** Opens the file that the choice names, if it names one; what it held before is gone. */
    static ConsoleFile open(ConsoleChoice choice) {
        if (!(choice instanceof ConsoleChoice.ToFile(Path file))) {
            return new ConsoleFile(null);
        }
        String name = name(choice);
        try {
            return new ConsoleFile(Files.newOutputStream(file));
        } catch (AccessDeniedException e) {
            throw new ConfigurationException(name + ": may not be written", e);
        } catch (IOException e) {
            throw new ConfigurationException(name + ": cannot be written: " + reason(e), e);
        }
    }

    /** What went wrong, without the name of the file. */
    static String reason(IOException e) {
        if (e instanceof FileSystemException file && file.getReason() != null) {
            return file.getReason();
        }
        return String.valueOf(e.getMessage());
    }

    /** The stream, where there is a file. */
    Optional<OutputStream> stream() {
        return Optional.ofNullable(stream);
    }

    @Override
    public void close() {
        if (stream != null) {
            try {
                stream.close();
            } catch (IOException _) {
                // Nothing is buffered here: what could be written has been.
            }
        }
    }
}
