package dev.dalang.cli;

import dev.dalang.virtio.console.ConsoleSize;

import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The terminal on standard input, in raw mode: every key goes to the reader at once, unchanged and
 * without echo. Closing it, the end of the JVM and a signal that ends the JVM all restore the mode
 * that was found.
 *
 * <p>The mode is read and set with {@code stty}, which every Unix has; it needs no native code of
 * ours and costs a few milliseconds.
 */
final class RawTerminal implements AutoCloseable {

    private static final long STTY_SECONDS = 5;

    private final String saved;
    private final Runnable beforeRestore;
    private final AtomicBoolean restored = new AtomicBoolean();
    private final Thread hook = new Thread(this::restore, "dalang-terminal-restore");

    private RawTerminal(String saved, Runnable beforeRestore) {
        this.saved = saved;
        this.beforeRestore = beforeRestore;
    }

    /**
     * Switches the terminal on standard input to raw mode.
     *
     * @param beforeRestore run once, before the mode is restored
     * @return the terminal, or empty where standard input is none
     */
    static Optional<RawTerminal> open(Runnable beforeRestore) {
        Optional<String> saved = stty("-g");
        // The answer goes back to stty as it came, so it is held against the form of POSIX's.
        if (saved.isEmpty() || !saved.get().matches("[0-9A-Za-z:=,-]+")) {
            return Optional.empty();
        }
        RawTerminal terminal = new RawTerminal(saved.get(), beforeRestore);
        Runtime.getRuntime().addShutdownHook(terminal.hook);
        // Output processing stays on, so that lines of the host's own come out straight.
        if (stty("raw", "-echo", "opost").isEmpty()) {
            terminal.close();
            return Optional.empty();
        }
        return Optional.of(terminal);
    }

    /** Whether a standard stream is a terminal: 0 input, 1 output, 2 errors. */
    static boolean isTerminal(int descriptor) {
        try {
            String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return target.startsWith("/dev/pts/")
                    || target.startsWith("/dev/tty")
                    || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException _) {
            // Not this system's way of naming streams: what depends on it does without.
            return false;
        }
    }

    /** Restores the mode that was found. */
    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The JVM is ending, and the hook has run or finds the work done.
        }
    }

    private void restore() {
        if (restored.compareAndSet(false, true)) {
            beforeRestore.run();
            discardTyped();
            stty(saved);
        }
    }

    /**
     * Throws away what nobody will read: without this, the terminal's answers to the guest's
     * questions would be typed into the user's shell.
     */
    private static void discardTyped() {
        InputStream in = new FileInputStream(FileDescriptor.in);
        try {
            for (int n = in.available(); n > 0; n = in.available()) {
                if (in.readNBytes(n).length < n) {
                    return;
                }
            }
        } catch (IOException _) {
            // The terminal is gone; there is nothing to throw away.
        }
    }

    /** How large the terminal is, if it knows. */
    static Optional<ConsoleSize> size() {
        String[] words = stty("size").orElse("").split(" ");
        try {
            return words.length == 2
                    ? Optional.of(
                            new ConsoleSize(Integer.parseInt(words[1]), Integer.parseInt(words[0])))
                    : Optional.empty();
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private static Optional<String> stty(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add("stty");
        command.addAll(List.of(arguments));
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectInput(ProcessBuilder.Redirect.INHERIT)
                            .redirectError(ProcessBuilder.Redirect.to(new File("/dev/null")))
                            .start();
            byte[] answer = process.getInputStream().readNBytes(4096);
            if (!process.waitFor(STTY_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                return Optional.empty();
            }
            return Optional.of(new String(answer, StandardCharsets.US_ASCII).strip());
        } catch (IOException _) {
            return Optional.empty();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
