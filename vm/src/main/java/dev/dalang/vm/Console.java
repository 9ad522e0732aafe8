package dev.dalang.vm;

import dev.dalang.vm.device.ConsoleBackend;
import dev.dalang.vm.device.ConsolePeer;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A guest's serial console, seen from the host.
 *
 * <p><b>Output.</b> What the guest writes goes into a bounded buffer, from which a thread of the
 * console copies it to the transcript and to every attached stream. When the streams are slower
 * than the guest, the buffer fills and the guest's transmitter stays busy: nothing is lost, memory
 * stays bounded, and no hart ever waits for the host.
 *
 * <p><b>Input.</b> What the host writes waits in a queue until the guest takes it, no faster than
 * its receiver has room. In {@link InputMode#HELD}, the default, it also waits until the guest
 * listens, because a guest's driver throws away what arrives before it is set up.
 *
 * <p>All methods may be called on any thread, and none but {@link #await}, {@link #flush} and
 * {@link #close} waits.
 */
public final class Console implements AutoCloseable {
    /** When queued input begins to reach the guest. */
    public enum InputMode {
        /** Once the guest has enabled receive interrupts: right for files, pipes and programs. */
        HELD,
        /** At once: right for a person at a terminal, who may talk to firmware that only polls. */
        IMMEDIATE
    }

    /** Bytes of output that wait for the host's streams at most. */
    public static final int OUTPUT_BYTES = 64 << 10;

    /** Bytes of output that {@link #transcript} keeps: the newest ones. */
    public static final int TRANSCRIPT_BYTES = 1 << 20;

    /** Bytes that {@link #write} queues at most while the guest does not take them. */
    public static final int INPUT_BYTES = 16 << 20;

    /** An attached input stream is read on only while fewer bytes than this wait. */
    private static final int SOURCE_BYTES = 64 << 10;

    private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition outputReady = lock.newCondition();
    private final Condition drained = lock.newCondition();
    private final Condition inputTaken = lock.newCondition();
    private final ByteQueue output = new ByteQueue(OUTPUT_BYTES, OUTPUT_BYTES);
    private final ByteQueue input = new ByteQueue(1 << 10, INPUT_BYTES);
    private final Transcript transcript = new Transcript(TRANSCRIPT_BYTES);
    private final CopyOnWriteArrayList<Sink> sinks = new CopyOnWriteArrayList<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private final ConsoleBackend backend = new Backend();

    private InputMode inputMode = InputMode.HELD;
    private @Nullable ConsolePeer peer;
    private long mark;
    private long transmitted;
    private long delivered;
    private boolean refused;
    private boolean closed;

    /** Why nothing comes any more, once that is so. */
    private @Nullable String end;

    private Console() {}

    /** {@return a console that no stream is attached to} */
    public static Console create() {
        var console = new Console();
        daemon("dalang-console-output", console::drain);
        return console;
    }

    /** {@return the end that a serial device, or the firmware's debug console, talks to} */
    public ConsoleBackend backend() {
        return backend;
    }

    /**
     * Chooses when queued input reaches the guest.
     *
     * @param mode the new mode
     */
    public void inputMode(InputMode mode) {
        lock.lock();
        try {
            inputMode = Objects.requireNonNull(mode);
        } finally {
            lock.unlock();
        }
        inputReady();
    }

    /**
     * Queues a text for the guest, in UTF-8. A line of a shell ends with {@code \n}.
     *
     * @param text the text
     * @throws IllegalStateException as {@link #write(byte[])}
     */
    public void write(String text) {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Queues bytes for the guest.
     *
     * @param bytes what to queue; copied
     * @throws IllegalStateException if the guest has left so much unread that these bytes would
     *     make it more than {@link #INPUT_BYTES}; none of them is queued then
     */
    public void write(byte[] bytes) {
        lock.lock();
        try {
            if (!closed && !input.addAll(bytes, 0, bytes.length)) {
                throw new IllegalStateException(
                        "console input: expected at most %d bytes to wait, got %d and %d more"
                                .formatted(INPUT_BYTES, input.size(), bytes.length));
            }
        } finally {
            lock.unlock();
        }
        inputReady();
    }

    /** Sends the guest a break, which Linux takes as the magic SysRq key. */
    public void sendBreak() {
        ConsolePeer device = peer();
        if (device != null) {
            device.breakReceived();
        }
    }

    /** {@return the number of bytes written for the guest that it has not taken yet} */
    public int pendingInput() {
        lock.lock();
        try {
            return input.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the guest has written {@code text}. The search begins behind the text that the
     * last call found, so that a prompt can be awaited again and again, and sees what the guest
     * wrote before the call as far as the transcript still holds it.
     *
     * @param text what to wait for, not empty; searched for as UTF-8
     * @param timeout how long to wait
     * @return what the guest wrote since the last call's text, up to and with {@code text}; at most
     *     the newest {@link #TRANSCRIPT_BYTES} of it
     * @throws ConsoleTimeoutException if the text has not come after {@code timeout}, or cannot
     *     come any more because the console is closed
     * @throws InterruptedException if the calling thread is interrupted
     */
    public String await(String text, Duration timeout) throws InterruptedException {
        byte[] pattern = text.getBytes(StandardCharsets.UTF_8);
        if (pattern.length == 0) {
            throw new IllegalArgumentException("expected a text to await, got an empty one");
        }
        long nanos = saturatedNanos(timeout);
        lock.lock();
        try {
            var waiter = new Waiter(pattern, lock.newCondition());
            waiter.scan(Math.max(mark, transcript.start()));
            waiters.add(waiter);
            try {
                while (waiter.found == null) {
                    if (end != null && delivered == transmitted) {
                        throw failed(text, "before " + end);
                    }
                    if (nanos <= 0) {
                        throw failed(text, "within " + timeout);
                    }
                    nanos = waiter.condition.awaitNanos(nanos);
                }
            } finally {
                waiters.remove(waiter);
            }
            return waiter.found;
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return what the guest has written, as UTF-8: at most the newest} {@link #TRANSCRIPT_BYTES}.
     */
    public String transcript() {
        lock.lock();
        try {
            return transcript.text(transcript.start(), transcript.end());
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return how many bytes the guest has written in all, whether the transcript still holds them
     * or not}
     */
    public long outputBytes() {
        lock.lock();
        try {
            return transmitted;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Copies the guest's output from now on to {@code stream}, which is flushed whenever the
     * console has caught up, and never closed. A stream that fails is detached.
     *
     * @param stream written to by the console's thread only
     * @param onFailure told once if the stream fails; on the console's thread
     */
    public void attachOutput(OutputStream stream, Consumer<IOException> onFailure) {
        sinks.add(new Sink(stream, onFailure));
    }

    /**
     * Copies the guest's output from now on to a stream, whose failures only detach it.
     *
     * @param stream written to by the console's thread only
     */
    public void attachOutput(OutputStream stream) {
        attachOutput(stream, _ -> {});
    }

    /**
     * Ends the copying to a stream; what has been taken for it already may still come.
     *
     * @param stream as it was attached
     */
    public void detachOutput(OutputStream stream) {
        sinks.removeIf(sink -> sink.stream == stream);
    }

    /**
     * Feeds {@code stream} to the guest until it ends or fails. It is read by a thread of its own,
     * no further ahead of the guest than a bounded buffer, and never closed.
     *
     * @param stream where the input comes from
     */
    public void attachInput(InputStream stream) {
        daemon("dalang-console-input", () -> feed(stream));
    }

    /**
     * Waits until everything that the guest has written up to now is with the attached streams.
     *
     * @param timeout how long to wait
     * @return false if it is not after {@code timeout}
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean flush(Duration timeout) throws InterruptedException {
        long nanos = saturatedNanos(timeout);
        lock.lock();
        try {
            long target = transmitted;
            while (delivered < target) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = drained.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Tells everyone who awaits a text that the guest writes nothing more; what is on its way still
     * counts.
     *
     * @param reason completes the sentence "expected the guest to write ... before"
     */
    void endOutput(String reason) {
        lock.lock();
        try {
            if (end == null) {
                end = reason;
            }
            waiters.forEach(waiter -> waiter.condition.signalAll());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the console: later output and input are dropped, and everyone who awaits a text is told.
     * Waits up to a second for the attached streams to take what the guest had written before.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (end == null) {
                end = "the console was closed";
            }
            outputReady.signalAll();
            inputTaken.signalAll();
            long nanos = CLOSE_NANOS;
            while (delivered < transmitted && nanos > 0) {
                nanos = drained.awaitNanos(nanos);
            }
            waiters.forEach(waiter -> waiter.condition.signalAll());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private ConsoleTimeoutException failed(String text, String when) {
        long from = Math.max(transcript.start(), transcript.end() - 400);
        return new ConsoleTimeoutException(
                "expected the guest to write \"%s\" %s; its last output was: %s"
                        .formatted(text, when, transcript.text(from, transcript.end())));
    }

    private @Nullable ConsolePeer peer() {
        lock.lock();
        try {
            return peer;
        } finally {
            lock.unlock();
        }
    }

    private void inputReady() {
        ConsolePeer device = peer();
        if (device != null) {
            device.inputReady();
        }
    }

    /**
     * The output thread: buffer to transcript and streams, until the console is closed and empty.
     */
    private void drain() {
        byte[] chunk = new byte[8 << 10];
        while (true) {
            int length;
            boolean caughtUp;
            ConsolePeer device = null;
            lock.lock();
            try {
                while (output.size() == 0) {
                    if (closed) {
                        return;
                    }
                    outputReady.awaitUninterruptibly();
                }
                length = output.drainTo(chunk);
                caughtUp = output.size() == 0;
                if (refused && output.room() >= OUTPUT_BYTES / 4) {
                    refused = false;
                    device = peer;
                }
                record(chunk, length);
            } finally {
                lock.unlock();
            }
            if (device != null) {
                device.outputRoom();
            }
            for (Sink sink : sinks) {
                if (!sink.accept(chunk, length, caughtUp)) {
                    sinks.remove(sink);
                }
            }
            lock.lock();
            try {
                delivered += length;
                drained.signalAll();
                if (end != null) {
                    waiters.forEach(waiter -> waiter.condition.signalAll());
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void record(byte[] chunk, int length) {
        // A chunk is smaller than the transcript: a waiter sees each byte before it is overwritten.
        transcript.append(chunk, length);
        for (Waiter waiter : waiters) {
            waiter.scan(transcript.end() - length);
        }
    }

    private void feed(InputStream stream) {
        byte[] chunk = new byte[4 << 10];
        try {
            for (int length = stream.read(chunk); length >= 0; length = stream.read(chunk)) {
                lock.lock();
                try {
                    while (!closed && input.size() + length > SOURCE_BYTES) {
                        inputTaken.awaitUninterruptibly();
                    }
                    if (closed || !input.addAll(chunk, 0, length)) {
                        return;
                    }
                } finally {
                    lock.unlock();
                }
                inputReady();
            }
        } catch (IOException e) {
            System.getLogger(Console.class.getName())
                    .log(System.Logger.Level.WARNING, "console input ended: {0}", e.getMessage());
        }
    }

    private static long saturatedNanos(Duration timeout) {
        try {
            return timeout.toNanos();
        } catch (ArithmeticException _) {
            return Long.MAX_VALUE;
        }
    }

    private static void daemon(String name, Runnable body) {
        Thread.ofPlatform().name(name).daemon().start(body);
    }

    /** One call of {@link #await}; guarded by the console's lock. */
    private final class Waiter {
        final Condition condition;
        private final Expectation expectation;
        private @Nullable String found;

        Waiter(byte[] pattern, Condition condition) {
            this.expectation = new Expectation(pattern);
            this.condition = condition;
        }

        void scan(long from) {
            for (long at = from; found == null && at < transcript.end(); at++) {
                if (expectation.accept(transcript.at(at))) {
                    found = transcript.text(mark, at + 1);
                    mark = at + 1;
                    condition.signal();
                }
            }
        }
    }

    private record Sink(OutputStream stream, Consumer<IOException> onFailure) {
        boolean accept(byte[] bytes, int length, boolean flush) {
            try {
                stream.write(bytes, 0, length);
                if (flush) {
                    stream.flush();
                }
                return true;
            } catch (IOException e) {
                onFailure.accept(e);
                return false;
            } catch (RuntimeException e) {
                onFailure.accept(new IOException("the stream threw " + e, e));
                return false;
            }
        }
    }

    private final class Backend implements ConsoleBackend {
        @Override
        public boolean transmit(int octet) {
            lock.lock();
            try {
                if (closed) {
                    return true;
                }
                if (!output.add((byte) octet)) {
                    refused = true;
                    return false;
                }
                transmitted++;
                if (output.size() == 1) {
                    outputReady.signal();
                }
                return true;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public int receive(boolean guestListens) {
            lock.lock();
            try {
                if (inputMode == InputMode.HELD && !guestListens) {
                    return -1;
                }
                int octet = input.poll();
                if (input.size() == SOURCE_BYTES / 2) {
                    inputTaken.signalAll();
                }
                return octet;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean unread(int octet) {
            lock.lock();
            try {
                if (inputMode == InputMode.HELD && !closed) {
                    input.addFirst((byte) octet);
                    return true;
                }
                return false;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void connect(ConsolePeer device) {
            lock.lock();
            try {
                peer = Objects.requireNonNull(device);
            } finally {
                lock.unlock();
            }
        }
    }
}
