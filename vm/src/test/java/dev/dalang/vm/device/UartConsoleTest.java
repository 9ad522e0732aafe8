package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.Console;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The UART in front of a real console: a driver that does what Linux's does, and host threads. */
@Timeout(60)
class UartConsoleTest {
    private static final long BASE = 0x1000_0000;
    private static final int RBR_THR = 0;
    private static final int IER = 1;
    private static final int FCR = 2;
    private static final int LSR = 5;
    private static final int DATA_READY = 0x01;
    private static final int THRE = 0x20;

    private final Console console = Console.create();
    private final TestLine line = new TestLine();
    private final Uart16550 uart = new Uart16550("uart0", line, console.backend());

    @AfterEach
    void close() {
        console.close();
    }

    private int read(int register) {
        return (int) uart.mmioRead(BASE, register, 1);
    }

    private void write(int register, int value) {
        uart.mmioWrite(BASE, register, 1, value);
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 7 ^ i >> 5);
        }
        return bytes;
    }

    @Test
    void aGuestThatFloodsASlowTerminalLosesNothing() throws Exception {
        var terminal = new ByteArrayOutputStream();
        console.attachOutput(
                new OutputStream() {
                    @Override
                    public void write(int octet) {
                        terminal.write(octet);
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        for (int spin = 0; spin < 20_000; spin++) {
                            Thread.onSpinWait();
                        }
                        terminal.write(bytes, offset, length);
                    }
                });
        write(FCR, 0x01);
        byte[] flood = pattern(1 << 20);
        for (int sent = 0; sent < flood.length; ) {
            if ((read(LSR) & THRE) == 0) {
                Thread.onSpinWait();
                continue;
            }
            for (int room = 16; room > 0 && sent < flood.length; room--) {
                write(RBR_THR, flood[sent++]);
            }
        }
        while ((read(LSR) & THRE) == 0) {
            Thread.onSpinWait();
        }
        assertThat(console.flush(Duration.ofSeconds(30))).isTrue();
        assertThat(terminal.toByteArray()).isEqualTo(flood);
        assertThat(uart.overruns()).isZero();
    }

    @Test
    void aPipedScriptSurvivesTheDriversStartUp() {
        byte[] script = pattern(200_000);
        console.attachInput(new ByteArrayInputStream(script));
        write(FCR, 0x01);
        write(FCR, 0x07);
        write(FCR, 0x00);
        read(LSR);
        read(RBR_THR);
        write(IER, 0x05); // in this order: receive interrupts come before the FIFOs
        write(FCR, 0x01);
        write(FCR, 0x81);

        byte[] received = new byte[script.length];
        for (int i = 0; i < received.length; ) {
            if (!line.isRaised()) {
                Thread.onSpinWait();
                continue;
            }
            while ((read(LSR) & DATA_READY) != 0) {
                received[i++] = (byte) read(RBR_THR);
            }
        }
        assertThat(received).isEqualTo(script);
        assertThat(line.isRaised()).isFalse();
        assertThat(uart.overruns()).isZero();
        assertThat(uart.discarded()).isZero();
    }

    @Test
    void aProgramTalksWithTheGuest() throws Exception {
        write(FCR, 0x01);
        "login: ".chars().forEach(c -> write(RBR_THR, c));
        console.await("login:", Duration.ofSeconds(30));
        console.write("root\n");
        assertThat(line.isRaised()).as("the guest does not listen yet").isFalse();
        write(IER, 0x01);
        var typed = new StringBuilder();
        while ((read(LSR) & DATA_READY) != 0) {
            typed.append((char) read(RBR_THR));
        }
        assertThat(typed.toString()).isEqualTo("root\n");
        for (byte octet : typed.toString().getBytes(StandardCharsets.US_ASCII)) {
            write(RBR_THR, octet);
        }
        assertThat(console.await("root\n", Duration.ofSeconds(30))).isEqualTo(" root\n");
    }

    @Test
    void aPersonAtATerminalReachesFirmwareThatPolls() {
        console.inputMode(Console.InputMode.IMMEDIATE);
        console.write("x");
        assertThat(read(LSR) & DATA_READY).isEqualTo(DATA_READY);
        assertThat(read(RBR_THR)).isEqualTo('x');
    }
}
