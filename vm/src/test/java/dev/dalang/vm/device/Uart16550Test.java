package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Random;

class Uart16550Test implements SuspendableLifeCycle<Uart16550> {
    private static final long BASE = 0x1000_0000L;
    private static final int RBR_THR = 0;
    private static final int IER = 1;
    private static final int IIR_FCR = 2;
    private static final int LCR = 3;
    private static final int MCR = 4;
    private static final int LSR = 5;
    private static final int MSR = 6;
    private static final int SCR = 7;

    private final TestLine line = new TestLine();
    private final TestBackend host = new TestBackend();
    private final Uart16550 uart = new Uart16550("uart0", line, host);

    @Override
    public Uart16550 create() {
        return new Uart16550("uart0", new TestLine(), new TestBackend());
    }

    @Override
    public void mutate(Uart16550 object) {
        object.mmioWrite(BASE, IIR_FCR, 1, 0x81);
        object.mmioWrite(BASE, MCR, 1, 0x10);
        object.mmioWrite(BASE, RBR_THR, 1, 'x');
    }

    private int read(int register) {
        return (int) uart.mmioRead(BASE, register, 1);
    }

    private void write(int register, int value) {
        uart.mmioWrite(BASE, register, 1, value);
    }

    private void transmit(String text) {
        text.chars().forEach(c -> write(RBR_THR, c));
    }

    private String receive() {
        var text = new StringBuilder();
        while ((read(LSR) & 1) != 0) {
            text.append((char) read(RBR_THR));
        }
        return text.toString();
    }

    @Test
    void resetValuesAreThoseOfTheDataSheet() {
        assertThat(read(IER)).isZero();
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
        assertThat(read(LCR)).isZero();
        assertThat(read(MCR)).isZero();
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(read(MSR)).isEqualTo(0xb0);
        assertThat(read(RBR_THR)).isZero();
        assertThat(line.isRaised()).isFalse();
        assertThat(uart.label()).isEqualTo("uart0");
        assertThat(uart.typeId()).isEqualTo("ns16550");
    }

    @Test
    void registersKeepOnlyTheBitsTheyHave() {
        write(LCR, 0x7f);
        write(IER, 0xff);
        write(MCR, 0xff);
        write(SCR, 0xa5);
        assertThat(read(LCR)).isEqualTo(0x7f);
        assertThat(read(IER)).isEqualTo(0x0f);
        assertThat(read(MCR)).isEqualTo(0x1f);
        assertThat(read(SCR)).isEqualTo(0xa5);
    }

    @Test
    void lineAndModemStatusAreReadOnly() {
        write(LSR, 0xff);
        write(MSR, 0xff);
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(read(MSR)).isEqualTo(0xb0);
    }

    @Test
    void divisorLatchHidesTheDataAndInterruptRegisters() {
        write(IER, 0x05);
        write(LCR, 0x80);
        write(RBR_THR, 0x34);
        write(IER, 0x12);
        assertThat(read(RBR_THR)).isEqualTo(0x34);
        assertThat(read(IER)).isEqualTo(0x12);

        write(LCR, 0x03);
        assertThat(read(IER)).isEqualTo(0x05);
        assertThat(read(RBR_THR)).isZero();
        assertThat(host.output()).isEmpty();
        write(LCR, 0x83);
        assertThat(read(RBR_THR) | read(IER) << 8).isEqualTo(0x1234);
    }

    @Test
    void wideAccessesActOnTheOneRegisterAtTheirAddress() {
        uart.mmioWrite(BASE, SCR, 4, 0xffff_ff5aL);
        assertThat(uart.mmioRead(BASE, SCR, 8)).isEqualTo(0x5a);
        uart.mmioWrite(BASE, RBR_THR, 8, 0x4142_4344_4546_4748L);
        assertThat(host.output()).isEqualTo("H");
        assertThat(read(IER)).isZero();
    }

    @Test
    void offsetsBeyondTheRegistersReadAsZeroAndAreCounted() {
        assertThat(read(8)).isZero();
        write(255, 0xff);
        assertThat(uart.mmioRead(BASE, 0xffff_ffff_0000_0000L, 1)).isZero();
        assertThat(uart.invalidAccesses()).isEqualTo(3);
    }

    @Test
    void charactersGoToTheHostAtOnce() {
        transmit("Dalang\n");
        assertThat(host.output()).isEqualTo("Dalang\n");
        assertThat(read(LSR)).isEqualTo(0x60);
    }

    @Test
    void transmitterStaysBusyWhileTheHostHasNoRoomAndLosesNothing() {
        write(IIR_FCR, 0x01);
        host.room(3);
        transmit("0123456789abcdefghi");
        assertThat(host.output()).isEqualTo("012");
        assertThat(read(LSR)).isZero();

        host.room(4);
        assertThat(host.output()).isEqualTo("0123456");
        assertThat(read(LSR)).isZero();
        host.room(100);
        assertThat(host.output()).isEqualTo("0123456789abcdefghi");
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(uart.overruns()).isZero();
    }

    @Test
    void writingToAFullTransmitterLosesTheCharacterAndCountsIt() {
        host.room(0);
        transmit("ab");
        assertThat(uart.overruns()).isEqualTo(1);
        write(IIR_FCR, 0x01);
        transmit("0123456789abcdefX");
        assertThat(uart.overruns()).isEqualTo(2);
        host.room(100);
        assertThat(host.output()).isEqualTo("0123456789abcdef");
    }

    @Test
    void transmitterInterruptComesWhenItIsEnabledAndGoesWhenIdentified() {
        write(IER, 0x02);
        assertThat(line.isRaised()).isTrue();
        assertThat(read(IIR_FCR)).isEqualTo(0x02);
        assertThat(line.isRaised()).isFalse();
        assertThat(read(IIR_FCR)).isEqualTo(0x01);

        write(IER, 0x00);
        write(IER, 0x02);
        assertThat(read(IIR_FCR)).as("Linux tests that it is reasserted").isEqualTo(0x02);
    }

    @Test
    void transmitterInterruptComesAgainAfterEachCharacter() {
        write(IER, 0x02);
        read(IIR_FCR);
        transmit("x");
        assertThat(line.isRaised()).isTrue();
        assertThat(read(IIR_FCR)).isEqualTo(0x02);
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
    }

    @Test
    void transmitterInterruptWaitsForTheHostsRoom() {
        write(IER, 0x02);
        host.room(0);
        transmit("x");
        assertThat(line.isRaised()).isFalse();
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
        host.room(1);
        assertThat(line.isRaised()).isTrue();
    }

    @Test
    void enablingTheTransmitterInterruptWhileBusyRaisesNothing() {
        host.room(0);
        transmit("x");
        write(IER, 0x02);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void inputIsHeldUntilReceiveInterruptsAreEnabled() {
        host.type("uname -a\n");
        assertThat(read(LSR) & 1).isZero();
        write(IIR_FCR, 0x07);
        assertThat(host.pending()).isEqualTo(9);

        write(IER, 0x01);
        assertThat(line.isRaised()).isTrue();
        assertThat(receive()).isEqualTo("uname -a\n");
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void inputOfAPollingGuestNeedsNoInterrupt() {
        host.immediate();
        host.type("q");
        assertThat(line.isRaised()).isFalse();
        assertThat(receive()).isEqualTo("q");
    }

    @Test
    void inputComesNoFasterThanTheReceiverHasRoom() {
        String text = "The quick brown fox jumps over the lazy dog";
        write(IER, 0x01);
        host.type(text);
        assertThat(host.pending()).isEqualTo(text.length() - 1);
        write(IIR_FCR, 0x01);
        assertThat(host.pending()).isEqualTo(text.length() - 16);
        assertThat(receive()).isEqualTo(text);
        assertThat(uart.overruns()).isZero();
    }

    @Test
    void heldInputThatTheDriverClearsComesAgain() {
        write(IER, 0x01); // Linux listens first, and enables the FIFOs when it sets the speed
        host.type("uname");
        write(IIR_FCR, 0x01);
        write(IIR_FCR, 0xc3);
        assertThat(receive()).isEqualTo("uname");
        assertThat(uart.discarded()).isZero();
    }

    @Test
    void immediateInputThatTheGuestClearsIsLost() {
        host.immediate();
        write(IIR_FCR, 0x01);
        host.type("stale");
        write(IIR_FCR, 0x03);
        assertThat(receive()).isEmpty();
        assertThat(uart.discarded()).isEqualTo(5);
    }

    @Test
    void resetGivesHeldInputBack() {
        write(IIR_FCR, 0x01);
        write(IER, 0x01);
        host.type("for the next kernel");
        uart.reset();
        assertThat(host.pending()).isEqualTo(19);
    }

    @ParameterizedTest
    @CsvSource({"0x01, 1", "0x41, 4", "0x81, 8", "0xc1, 14"})
    void receiveInterruptComesAtTheTriggerLevelAndTheTimeoutBelowIt(String fcr, int trigger) {
        write(IIR_FCR, Integer.decode(fcr));
        write(IER, 0x01);
        host.type("x".repeat(trigger));
        assertThat(read(IIR_FCR)).isEqualTo(0xc4);
        read(RBR_THR);
        int below = trigger == 1 ? 0xc1 : 0xcc;
        assertThat(read(IIR_FCR)).isEqualTo(below);
        assertThat(line.isRaised()).isEqualTo(trigger != 1);
        receive();
        assertThat(read(IIR_FCR)).isEqualTo(0xc1);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void withoutFifosOneCharacterRaisesTheReceiveInterrupt() {
        write(IER, 0x01);
        host.type("a");
        assertThat(read(IIR_FCR)).isEqualTo(0x04);
        assertThat(read(RBR_THR)).isEqualTo('a');
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
    }

    @Test
    void interruptsAreIdentifiedInOrderOfPriority() {
        write(IIR_FCR, 0x01);
        write(MCR, 0x13); // loop, RTS and DTR: DCD falls, CTS and DSR stay
        transmit("x".repeat(17));
        write(IER, 0x0f);
        assertThat(read(IIR_FCR)).isEqualTo(0xc6);
        assertThat(read(IIR_FCR)).as("only LSR takes it back").isEqualTo(0xc6);
        assertThat(read(LSR) & 0x02).isEqualTo(0x02);
        assertThat(read(IIR_FCR)).isEqualTo(0xc4);
        assertThat(receive()).hasSize(16);
        assertThat(read(IIR_FCR)).isEqualTo(0xc2);
        assertThat(read(IIR_FCR)).isEqualTo(0xc0);
        assertThat(line.isRaised()).isTrue();
        assertThat(read(MSR)).isEqualTo(0x38);
        assertThat(read(IIR_FCR)).isEqualTo(0xc1);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void otherFifoControlBitsCountOnlyWithTheEnableBit() {
        write(IIR_FCR, 0xc0);
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
        write(IIR_FCR, 0xc1);
        write(IER, 0x01);
        host.type("abc");
        write(IIR_FCR, 0xc1);
        assertThat(receive()).as("writing the same value again clears nothing").isEqualTo("abc");
    }

    @Test
    void clearingTheReceiverDropsWhatItHolds() {
        write(IIR_FCR, 0x01);
        write(MCR, 0x10);
        transmit("abc");
        write(IIR_FCR, 0x03);
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(uart.discarded()).isEqualTo(3);
    }

    @Test
    void clearingTheTransmitterMakesItEmpty() {
        write(IIR_FCR, 0x01);
        host.room(0);
        transmit("abc");
        write(IER, 0x02);
        assertThat(line.isRaised()).isFalse();
        write(IIR_FCR, 0x05);
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(line.isRaised()).isTrue();
        host.room(10);
        assertThat(host.output()).isEmpty();
        assertThat(uart.discarded()).isEqualTo(3);
    }

    @Test
    void disablingTheFifosClearsBoth() {
        write(IIR_FCR, 0x01);
        write(MCR, 0x10);
        transmit("abc");
        write(IIR_FCR, 0x00);
        assertThat(read(LSR)).isEqualTo(0x60);
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
    }

    @Test
    void loopBackKeepsCharactersFromTheHostBothWays() {
        write(IIR_FCR, 0x01);
        write(IER, 0x01);
        write(MCR, 0x10);
        host.type("host");
        transmit("self");
        assertThat(host.output()).isEmpty();
        assertThat(receive()).isEqualTo("self");
        assertThat(host.pending()).isEqualTo(4);
        write(MCR, 0x00);
        assertThat(receive()).isEqualTo("host");
    }

    @ParameterizedTest
    @CsvSource({"0x11, 0x20", "0x12, 0x10", "0x14, 0x40", "0x18, 0x80", "0x1a, 0x90"})
    void loopBackConnectsModemOutputsToInputs(String mcr, String msr) {
        write(MCR, Integer.decode(mcr));
        assertThat(read(MSR) & 0xf0).isEqualTo(Integer.decode(msr));
    }

    @Test
    void modemStatusShowsWhatChangedUntilItIsRead() {
        write(MCR, 0x1b); // loop with CTS, DSR, DCD as before: no change
        assertThat(read(MSR)).isEqualTo(0xb0);
        write(MCR, 0x14);
        assertThat(read(MSR)).as("CTS, DSR, DCD fell; a rising RI is no event").isEqualTo(0x4b);
        assertThat(read(MSR)).isEqualTo(0x40);
        write(MCR, 0x10);
        assertThat(read(MSR)).as("the trailing edge of RI is one").isEqualTo(0x04);
    }

    @Test
    void overrunWithoutFifosReplacesTheCharacterAndWithThemKeepsIt() {
        write(MCR, 0x10);
        transmit("ab");
        assertThat(read(LSR)).isEqualTo(0x63);
        assertThat(read(LSR)).as("reading takes the error back").isEqualTo(0x61);
        assertThat(read(RBR_THR)).isEqualTo('b');

        write(IIR_FCR, 0x01);
        transmit("0123456789abcdefX");
        assertThat(read(LSR)).isEqualTo(0x63);
        assertThat(receive()).isEqualTo("0123456789abcdef");
        assertThat(uart.overruns()).isEqualTo(2);
    }

    @Test
    void breakFromTheHostIsANullCharacterWithItsError() {
        write(IIR_FCR, 0x01);
        write(IER, 0x05);
        host.sendBreak();
        assertThat(read(IIR_FCR)).isEqualTo(0xc6);
        assertThat(read(LSR)).isEqualTo(0xf1);
        assertThat(read(LSR)).isEqualTo(0x61);
        assertThat(read(RBR_THR)).isZero();
        assertThat(read(LSR)).isEqualTo(0x60);
    }

    @Test
    void breakInsideTheFifoIsShownWhenItReachesTheTop() {
        write(IIR_FCR, 0x01);
        write(IER, 0x05);
        host.type("a");
        host.sendBreak();
        host.type("b");
        assertThat(read(LSR)).as("only the FIFO's summary bit").isEqualTo(0xe1);
        assertThat(read(RBR_THR)).isEqualTo('a');
        assertThat(read(LSR)).isEqualTo(0xf1);
        assertThat(read(RBR_THR)).isZero();
        assertThat(read(LSR)).isEqualTo(0x61);
        assertThat(read(RBR_THR)).isEqualTo('b');
    }

    @Test
    void breakInLoopBackComesBack() {
        write(MCR, 0x10);
        write(LCR, 0x43);
        assertThat(read(LSR)).isEqualTo(0x71);
        write(LCR, 0x43);
        assertThat(read(RBR_THR)).isZero();
        assertThat(read(LSR)).as("holding the line low is one break").isEqualTo(0x60);
    }

    @Test
    void resetLowersTheWire() {
        write(IER, 0x02);
        uart.reset();
        assertThat(line.isRaised()).isFalse();
        assertThat(read(IER)).isZero();
    }

    @Test
    void asleepItTakesNoInputAndAwakeItCatchesUp() {
        write(IIR_FCR, 0x01);
        write(IER, 0x01);
        host.room(0);
        transmit("x");
        uart.sleep();
        uart.sleep();
        host.type("abc");
        host.room(5);
        assertThat(host.pending()).isEqualTo(3);
        assertThat(host.output()).isEmpty();

        uart.wake();
        uart.wake();
        assertThat(line.isRaised()).isTrue();
        assertThat(receive()).isEqualTo("abc");
        assertThat(host.output()).isEqualTo("x");
    }

    @Test
    void restoredUartGoesOnWhereTheOtherStopped() {
        write(IIR_FCR, 0x41);
        write(LCR, 0x1b);
        write(MCR, 0x0b);
        write(SCR, 0x77);
        write(IER, 0x07);
        host.type("hello");
        host.sendBreak();
        host.room(0);
        transmit("bye");
        uart.sleep();
        Snapshot snapshot = uart.snapshot();

        var otherLine = new TestLine();
        var otherHost = new TestBackend();
        var other = new Uart16550("uart0", otherLine, otherHost);
        other.sleep();
        other.restore(snapshot);

        assertThat(other.snapshot().fields())
                .usingRecursiveComparison()
                .isEqualTo(snapshot.fields());
        assertThat(otherLine.isRaised()).isTrue();
        other.wake();
        assertThat(otherHost.output()).isEqualTo("bye");
        for (char c : "hello".toCharArray()) {
            assertThat(other.mmioRead(BASE, RBR_THR, 1)).isEqualTo(c);
        }
        assertThat(other.mmioRead(BASE, LSR, 1) & 0x11).isEqualTo(0x11);
        assertThat(other.mmioRead(BASE, SCR, 1)).isEqualTo(0x77);
    }

    @Test
    void snapshotOfAnotherTypeVersionOrWithImpossibleValuesIsRefusedWhole() {
        write(SCR, 0x11);
        uart.sleep();
        Snapshot good = uart.snapshot();
        assertRefused(Snapshot.builder("rtc", 1).build());
        assertRefused(Snapshot.builder("ns16550", 2).build());
        assertRefused(Snapshot.builder("ns16550", 1).build());
        assertRefused(changed(good, "ier", 0x10L));
        assertRefused(changed(good, "fcr", -1L));
        assertRefused(changed(good, "mcr", 0x20L));
        assertRefused(changed(good, "divisor", 0x1_0000L));
        assertRefused(changed(good, "threPending", 2L));
        assertRefused(changed(good, "received", new byte[2]));
        assertRefused(changed(good, "received", new byte[1]));
        assertRefused(changed(good, "transmitting", new byte[17]));
        assertRefused(changed(good, "lineErrors", "text"));
    }

    private void assertRefused(Snapshot hostile) {
        assertThatThrownBy(() -> uart.restore(hostile)).isInstanceOf(SnapshotException.class);
        assertThat(read(SCR)).isEqualTo(0x11);
        assertThat(read(LSR)).isEqualTo(0x60);
    }

    private static Snapshot changed(Snapshot snapshot, String field, Object value) {
        return Snapshots.with(snapshot, field, value);
    }

    @Test
    void randomAccessesNeverThrowAndLeaveAUsableUart() {
        long seed = 16550;
        var random = new Random(seed);
        host.immediate();
        for (int step = 0; step < 40_000; step++) {
            int offset = random.nextInt(random.nextInt(10) == 0 ? 256 : 8);
            int size = 1 << random.nextInt(4);
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    long value = uart.mmioRead(BASE, offset, size);
                    assertThat(value).as("seed %d step %d", seed, step).isBetween(0L, 255L);
                }
                case 3, 4, 5 -> uart.mmioWrite(BASE, offset, size, random.nextLong());
                case 6 -> host.type(Integer.toString(step & 3));
                default -> {
                    if (random.nextInt(8) == 0) {
                        host.sendBreak();
                    }
                    host.room(random.nextInt(20));
                }
            }
            boolean pending = (peekIdentification() & 1) == 0;
            assertThat(line.isRaised()).as("seed %d step %d", seed, step).isEqualTo(pending);
        }
        uart.reset();
        host.room(100);
        int before = host.output().length();
        transmit("ok");
        assertThat(host.output().substring(before)).isEqualTo("ok");
    }

    /** IIR as the wire must agree with it, from the state alone. */
    private int peekIdentification() {
        var other = new TestLine();
        var copy = new Uart16550("copy", other, new TestBackend());
        copy.restore(uart.snapshot());
        return (int) copy.mmioRead(BASE, IIR_FCR, 1);
    }
}
