package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.dalang.vm.device.ConsolePeer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

@Timeout(60)
class ConsoleTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final Console console = Console.create();

    @AfterEach
    void close() {
        console.close();
    }

    private void guestWrites(String text) {
        for (byte octet : text.getBytes(UTF_8)) {
            assertThat(console.backend().transmit(octet & 0xff)).isTrue();
        }
    }

    @Test
    void awaitReturnsWhatTheGuestWroteUpToTheText() throws Exception {
        guestWrites("Linux version 6.12\n~ # rest");

        assertThat(console.await("~ #", LONG)).isEqualTo("Linux version 6.12\n~ #");
        assertThat(console.await("st", LONG)).isEqualTo(" rest");
    }

    @Test
    void awaitFindsTheSamePromptOnlyOnceForEachTimeItIsWritten() throws Exception {
        guestWrites("~ # ");
        console.await("~ #", LONG);

        assertThatThrownBy(() -> console.await("~ #", Duration.ZERO))
                .isInstanceOf(ConsoleTimeoutException.class);
        guestWrites("~ # ");
        assertThat(console.await("~ #", LONG)).isEqualTo(" ~ #");
    }

    @Test
    void awaitIsWokenByOutputThatComesLater() throws Exception {
        CompletableFuture<String> awaited =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return console.await("abab!", LONG);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        guestWrites("ababab!");

        assertThat(awaited.get(30, TimeUnit.SECONDS)).isEqualTo("ababab!");
    }

    @Test
    void awaitTimesOutWithTheTextAndTheLastOutput() throws Exception {
        guestWrites("Kernel panic - not syncing");
        console.flush(LONG);

        assertThatThrownBy(() -> console.await("login:", Duration.ofMillis(1)))
                .isInstanceOf(ConsoleTimeoutException.class)
                .hasMessageContaining("\"login:\"")
                .hasMessageContaining("PT0.001S")
                .hasMessageContaining("Kernel panic - not syncing");
    }

    @Test
    void awaitEndsWhenTheConsoleIsClosed() {
        console.close();

        assertThatThrownBy(() -> console.await("~ #", LONG))
                .isInstanceOf(ConsoleTimeoutException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void awaitStillFindsWhatWasWrittenBeforeTheConsoleWasClosed() throws Exception {
        guestWrites("reboot: Power down");
        console.close();

        assertThat(console.await("Power down", LONG)).isEqualTo("reboot: Power down");
    }

    @Test
    void awaitRefusesAnEmptyText() {
        assertThatThrownBy(() -> console.await("", LONG))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void awaitFindsATextAcrossMoreOutputThanTheTranscriptKeeps() throws Exception {
        CompletableFuture<String> awaited =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return console.await("END", LONG);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        byte[] text = ("x".repeat(3 * Console.TRANSCRIPT_BYTES) + "END").getBytes(US_ASCII);
        for (byte octet : text) {
            while (!console.backend().transmit(octet)) {
                Thread.onSpinWait();
            }
        }

        String found = awaited.get(30, TimeUnit.SECONDS);

        assertThat(found).endsWith("xEND");
        assertThat(found.length()).isEqualTo(Console.TRANSCRIPT_BYTES);
        assertThat(console.transcript()).hasSize(Console.TRANSCRIPT_BYTES).endsWith("xEND");
        assertThat(console.outputBytes()).isEqualTo(text.length);
    }

    @Test
    void outputReachesEveryAttachedStreamAndTheTranscript() throws Exception {
        var first = new ByteArrayOutputStream();
        var second = new ByteArrayOutputStream();
        console.attachOutput(first);
        console.attachOutput(second);

        guestWrites("wayang kulit ꦮ\n");

        assertThat(console.flush(LONG)).isTrue();
        assertThat(first.toString(UTF_8)).isEqualTo("wayang kulit ꦮ\n");
        assertThat(second.toString(UTF_8)).isEqualTo("wayang kulit ꦮ\n");
        assertThat(console.transcript()).isEqualTo("wayang kulit ꦮ\n");
    }

    @Test
    void aDetachedStreamGetsNothingMore() throws Exception {
        var stream = new ByteArrayOutputStream();
        console.attachOutput(stream);
        guestWrites("one");
        console.flush(LONG);

        console.detachOutput(stream);
        guestWrites("two");
        console.flush(LONG);

        assertThat(stream.toString(UTF_8)).isEqualTo("one");
    }

    @Test
    void aStreamThatFailsIsDetachedAndReportedOnce() throws Exception {
        var failures = new Semaphore(0);
        var healthy = new ByteArrayOutputStream();
        console.attachOutput(
                new OutputStream() {
                    @Override
                    public void write(int octet) throws IOException {
                        throw new IOException("no space left on device");
                    }
                },
                failure -> failures.release());
        console.attachOutput(healthy);

        guestWrites("a");
        console.flush(LONG);
        guestWrites("b");
        console.flush(LONG);

        assertThat(failures.availablePermits()).isEqualTo(1);
        assertThat(healthy.toString(UTF_8)).isEqualTo("ab");
    }

    @Test
    void aSlowStreamHoldsTheGuestBackAndLosesNothing() throws Exception {
        var released = new CountDownLatch(1);
        var room = new Semaphore(0);
        var stream = new ByteArrayOutputStream();
        console.attachOutput(
                new OutputStream() {
                    @Override
                    public void write(int octet) {
                        write(new byte[] {(byte) octet}, 0, 1);
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        try {
                            released.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        stream.write(bytes, offset, length);
                    }
                });
        console.backend()
                .connect(
                        new ConsolePeer() {
                            @Override
                            public void inputReady() {}

                            @Override
                            public void outputRoom() {
                                room.release();
                            }

                            @Override
                            public void breakReceived() {}
                        });

        int accepted = 0;
        while (console.backend().transmit(accepted % 251)) {
            accepted++;
        }
        assertThat(accepted).isBetween(Console.OUTPUT_BYTES, Console.OUTPUT_BYTES + (8 << 10));
        assertThat(console.flush(Duration.ZERO)).isFalse();

        released.countDown();
        assertThat(room.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        assertThat(console.flush(LONG)).isTrue();
        byte[] seen = stream.toByteArray();
        byte[] expected = new byte[accepted];
        for (int i = 0; i < accepted; i++) {
            expected[i] = (byte) (i % 251);
        }
        assertThat(seen).isEqualTo(expected);
    }

    @Test
    void heldInputWaitsUntilTheGuestListens() {
        console.write("ls\n");

        assertThat(console.backend().receive(false)).isEqualTo(-1);
        assertThat(console.pendingInput()).isEqualTo(3);
        assertThat(console.backend().receive(true)).isEqualTo('l');
        assertThat(console.backend().receive(false)).isEqualTo(-1);
        assertThat(console.backend().receive(true)).isEqualTo('s');
        assertThat(console.backend().receive(true)).isEqualTo('\n');
        assertThat(console.backend().receive(true)).isEqualTo(-1);
    }

    @Test
    void immediateInputReachesAGuestThatOnlyPolls() {
        console.inputMode(Console.InputMode.IMMEDIATE);
        console.write(new byte[] {(byte) 0xff});

        assertThat(console.backend().receive(false)).isEqualTo(0xff);
    }

    @Test
    void heldInputCanBeGivenBackAndImmediateInputCannot() {
        console.write("ab");
        int first = console.backend().receive(true);
        int second = console.backend().receive(true);
        assertThat(console.backend().unread(second)).isTrue();
        assertThat(console.backend().unread(first)).isTrue();
        assertThat(console.backend().receive(true)).isEqualTo('a');
        assertThat(console.backend().receive(true)).isEqualTo('b');

        console.inputMode(Console.InputMode.IMMEDIATE);
        assertThat(console.backend().unread('b')).isFalse();
        assertThat(console.pendingInput()).isZero();
    }

    @Test
    void inputBeyondTheLimitIsRefusedWhole() {
        byte[] half = new byte[Console.INPUT_BYTES / 2 + 1];
        console.write(half);

        assertThatThrownBy(() -> console.write(half))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("16777216")
                .hasMessageContaining("8388609");
        assertThat(console.pendingInput()).isEqualTo(half.length);
    }

    @Test
    void anAttachedStreamIsFedInOrderAndNotReadFarAhead() {
        byte[] script = new byte[1 << 20];
        for (int i = 0; i < script.length; i++) {
            script[i] = (byte) (i * 31 >> 3);
        }
        var stream = new ByteArrayInputStream(script);
        console.attachInput(stream);

        byte[] received = new byte[script.length];
        int mostPending = 0;
        for (int i = 0; i < received.length; i++) {
            int octet = console.backend().receive(true);
            while (octet < 0) {
                Thread.onSpinWait();
                octet = console.backend().receive(true);
            }
            received[i] = (byte) octet;
            mostPending = Math.max(mostPending, console.pendingInput());
        }
        assertThat(received).isEqualTo(script);
        assertThat(mostPending).isLessThanOrEqualTo(64 << 10);
        assertThat(console.backend().receive(true)).isEqualTo(-1);
    }

    @Test
    void closingTwiceIsHarmlessAndAClosedConsoleSwallowsEverything() {
        console.close();
        console.close();

        console.write("lost");
        assertThat(console.backend().transmit('x')).isTrue();
        assertThat(console.pendingInput()).isZero();
        assertThat(console.outputBytes()).isZero();
    }
}
