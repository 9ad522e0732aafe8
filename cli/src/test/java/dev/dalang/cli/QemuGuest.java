package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A Linux in QEMU, at the prompt of a shell on its serial port. */
final class QemuGuest implements LinuxGuest {
    private static final String PROMPT = "~ # ";

    /** Long, for machines that have much else to do. */
    private static final long LIMIT_NANOS = TimeUnit.MINUTES.toNanos(10);

    private final Process process;
    private final Object lock = new Object();

    // Guarded by the lock.
    private final StringBuilder screen = new StringBuilder();
    private int read;
    private boolean isOver;

    private QemuGuest(Process process) {
        this.process = process;
        Thread.ofPlatform().daemon().name("console of QEMU").start(this::listen);
    }

    static QemuGuest boot(List<String> command) throws IOException, InterruptedException {
        // What QEMU has to say of itself comes between what the guest says.
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        QemuGuest guest = new QemuGuest(process);
        try {
            guest.await(PROMPT);
            guest.command("dmesg -n 1");
            return guest;
        } catch (Throwable failed) {
            guest.close();
            throw failed;
        }
    }

    private void listen() {
        byte[] octets = new byte[4096];
        try (InputStream in = process.getInputStream()) {
            for (int count = in.read(octets); count >= 0; count = in.read(octets)) {
                synchronized (lock) {
                    screen.append(new String(octets, 0, count, ISO_8859_1).replace("\r", ""));
                    lock.notifyAll();
                }
            }
        } catch (IOException _) {
            // It was killed.
        } finally {
            synchronized (lock) {
                isOver = true;
                lock.notifyAll();
            }
        }
    }

    /** What comes up to a text and with it. */
    private String await(String text) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT_NANOS;
        synchronized (lock) {
            int at = screen.indexOf(text, read);
            while (at < 0) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (isOver || left <= 0) {
                    throw new AssertionError("expected " + text + ", found:\n" + screen);
                }
                lock.wait(left);
                at = screen.indexOf(text, read);
            }
            String found = screen.substring(read, at + text.length());
            read = at + text.length();
            return found;
        }
    }

    private void type(String line) {
        try {
            process.getOutputStream().write((line + "\n").getBytes(ISO_8859_1));
            process.getOutputStream().flush();
        } catch (IOException over) {
            throw new UncheckedIOException(over);
        }
    }

    @Override
    public String command(String command) throws InterruptedException {
        // The markers are not what the terminal echoes.
        type("(echo 'answer'':'; " + command + "); echo 'end''-of-answer'");
        await("answer:\n");
        String answer = await("end-of-answer");
        await(PROMPT);
        return answer.substring(0, answer.length() - "end-of-answer".length());
    }

    /** Begins a command that does not come back. */
    void begin(String command) {
        type(command);
    }

    void powerOff() throws InterruptedException {
        type("poweroff -f");
        assertThat(process.waitFor(LIMIT_NANOS, TimeUnit.NANOSECONDS)).isTrue();
        assertThat(process.exitValue()).as("QEMU's end").isZero();
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
