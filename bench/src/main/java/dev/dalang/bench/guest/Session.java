package dev.dalang.bench.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A running monitor, with the guest's console on its standard streams. Its reader notes when a text
 * came; everything else is for one thread.
 */
final class Session implements AutoCloseable {
    private static final int SHOWN_ON_FAILURE = 2000;

    private final String name;
    private final Process process;
    private final OutputStream input;
    private final long began;
    private final StringBuilder unread = new StringBuilder();
    private boolean ended;

    private Session(String name, Process process, long began) {
        this.name = name;
        this.process = process;
        this.input = process.getOutputStream();
        this.began = began;
    }

    /**
     * Something that the guest printed.
     *
     * @param seconds since the process was started
     * @param match its parts
     */
    record Found(double seconds, MatchResult match) {}

    /** Starts the process. */
    static Session start(String name, List<String> command, Map<String, String> environment) {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        long began = System.nanoTime();
        try {
            var session = new Session(name, builder.start(), began);
            Thread.ofPlatform().daemon().start(session::read);
            return session;
        } catch (IOException e) {
            throw new BenchException(
                    "cannot start " + command.getFirst() + ": " + e.getMessage(), e);
        }
    }

    /** The process, to be watched. */
    ProcessHandle process() {
        return process.toHandle();
    }

    /** Seconds since the process was started. */
    double seconds() {
        return (System.nanoTime() - began) * 1e-9;
    }

    /** Writes a line to the guest's console. */
    void type(String line) {
        try {
            input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            input.flush();
        } catch (IOException e) {
            throw new BenchException(name + " no longer reads its console: " + e.getMessage(), e);
        }
    }

    /** Waits for the next match in what has not been matched yet. */
    Found await(Pattern pattern, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        synchronized (unread) {
            while (true) {
                Matcher matcher = pattern.matcher(unread);
                if (matcher.find()) {
                    var found = new Found(seconds(), matcher.toMatchResult());
                    unread.delete(0, matcher.end());
                    return found;
                }
                long left = deadline - System.nanoTime();
                if (ended || left <= 0) {
                    throw new BenchException(
                            "%s %s without '%s'; the last of its output:%n%s"
                                    .formatted(
                                            name,
                                            ended ? "ended" : "ran for " + limit.toSeconds() + " s",
                                            pattern,
                                            tail()));
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(unread, left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new BenchException("interrupted while " + name + " ran", e);
                }
            }
        }
    }

    /** Waits until the process ends by itself; its exit code. */
    int awaitEnd(Duration limit) {
        try {
            if (process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
                return process.exitValue();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new BenchException(
                "%s does not end; the last of its output:%n%s".formatted(name, tail()));
    }

    /** Kills the process if it still runs, and waits for its end. */
    @Override
    public void close() {
        process.destroyForcibly();
        boolean interrupted = false;
        while (true) {
            try {
                process.waitFor();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void read() {
        byte[] buffer = new byte[8192];
        try (InputStream output = process.getInputStream()) {
            for (int n = output.read(buffer); n >= 0; n = output.read(buffer)) {
                synchronized (unread) {
                    unread.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
                    unread.notifyAll();
                }
            }
        } catch (IOException _) {
            // The process was killed while we read: nobody waits for more.
        } finally {
            synchronized (unread) {
                ended = true;
                unread.notifyAll();
            }
        }
    }

    /** The last of what the guest printed and nobody waited for. */
    String tail() {
        synchronized (unread) {
            return unread.substring(Math.max(0, unread.length() - SHOWN_ON_FAILURE));
        }
    }
}
