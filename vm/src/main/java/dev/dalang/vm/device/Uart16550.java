package dev.dalang.vm.device;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.trace.RegisterNames;

/**
 * A 16550A UART (National Semiconductor PC16550D data sheet) with byte-wide registers at
 * consecutive addresses. A wider access acts on the one register at its address, as a 32-bit
 * peripheral bus would do it; offsets beyond the eight registers read as zero.
 *
 * <p>Characters take no time on the wire: the divisor is kept and has no effect. The transmitter is
 * busy only while its {@link ConsoleBackend} has no room. Input comes out of the backend no faster
 * than the receiver has room, so that nothing is overrun; what the guest clears unread is given
 * back to it. What waits below the trigger level gives the character-timeout interrupt at once,
 * because the input has stalled by then.
 *
 * <p>Any thread.
 */
public final class Uart16550 implements DeviceMmio, RegisterNames, Suspendable, ConsolePeer {
    /** Bytes of the register window on the {@code virt} board. */
    public static final int WINDOW_BYTES = 0x100;

    /** Input clock of the {@code virt} board's UART, for the device tree. */
    public static final int CLOCK_HZ = 3_686_400;

    private static final String SNAPSHOT_TYPE = "ns16550";
    private static final int SNAPSHOT_VERSION = 1;

    private static final int IER_RDA = 0x01;
    private static final int IER_THRE = 0x02;
    private static final int IER_LINE_STATUS = 0x04;
    private static final int IER_MODEM_STATUS = 0x08;

    private static final int IIR_MODEM_STATUS = 0x00;
    private static final int IIR_NONE = 0x01;
    private static final int IIR_THRE = 0x02;
    private static final int IIR_RDA = 0x04;
    private static final int IIR_LINE_STATUS = 0x06;
    private static final int IIR_CHARACTER_TIMEOUT = 0x0c;
    private static final int IIR_FIFOS_ENABLED = 0xc0;

    private static final int FCR_ENABLE = 0x01;
    private static final int FCR_CLEAR_RECEIVER = 0x02;
    private static final int FCR_CLEAR_TRANSMITTER = 0x04;
    private static final int FCR_TRIGGER = 0xc0;
    private static final int FCR_KEPT = 0xc9;

    private static final int LCR_BREAK = 0x40;
    private static final int LCR_DLAB = 0x80;

    private static final int MCR_DTR = 0x01;
    private static final int MCR_RTS = 0x02;
    private static final int MCR_OUT1 = 0x04;
    private static final int MCR_OUT2 = 0x08;
    private static final int MCR_LOOP = 0x10;
    private static final int MCR_BITS = 0x1f;

    private static final int LSR_DATA_READY = 0x01;
    private static final int LSR_OVERRUN = 0x02;
    private static final int LSR_BREAK = 0x10;
    private static final int LSR_THRE = 0x20;
    private static final int LSR_TEMT = 0x40;
    private static final int LSR_FIFO_ERROR = 0x80;
    private static final int LSR_ERRORS = 0x1e;
    private static final int LSR_CHARACTER_ERRORS = 0x1c;

    private static final int MSR_DELTA_CTS = 0x01;
    private static final int MSR_DELTA_DSR = 0x02;
    private static final int MSR_TRAILING_RI = 0x04;
    private static final int MSR_DELTA_DCD = 0x08;
    private static final int MSR_CTS = 0x10;
    private static final int MSR_DSR = 0x20;
    private static final int MSR_RI = 0x40;
    private static final int MSR_DCD = 0x80;

    private static final int DIVISOR_9600 = CLOCK_HZ / 16 / 9600;

    private final Object lock = new Object();
    private final String label;
    private final InterruptLine line;
    private final ConsoleBackend backend;

    // Everything below is guarded by the lock.
    private final CharacterFifo receiver = new CharacterFifo();
    private final CharacterFifo transmitter = new CharacterFifo();
    private int ier;
    private int fcr;
    private int lcr;
    private int mcr;
    private int scr;
    private int divisor;
    private int lineErrors;
    private int modemDeltas;
    private boolean threPending;
    private boolean level;
    private boolean asleep;

    private long overruns;
    private long discarded;
    private long invalidAccesses;

    /**
     * A UART after reset, which becomes the peer of {@code backend}.
     *
     * @param label its name, such as {@code uart0}
     * @param line its interrupt wire
     * @param backend the host's side
     */
    public Uart16550(String label, InterruptLine line, ConsoleBackend backend) {
        this.label = label;
        this.line = line;
        this.backend = backend;
        resetRegisters();
        backend.connect(this);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return "ns16550";
    }

    /**
     * {@return how many characters were lost because the guest wrote while the transmitter, or its
     * loop, was full}
     */
    public long overruns() {
        synchronized (lock) {
            return overruns;
        }
    }

    /** {@return how many characters the guest threw away by clearing a FIFO} */
    public long discarded() {
        synchronized (lock) {
            return discarded;
        }
    }

    /** {@return how many accesses went beyond the eight registers} */
    public long invalidAccesses() {
        synchronized (lock) {
            return invalidAccesses;
        }
    }

    /** Back to the state after power-on; what waits in the transmitter is dropped. */
    public void reset() {
        synchronized (lock) {
            resetRegisters();
            update();
        }
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        synchronized (lock) {
            boolean dlab = (lcr & LCR_DLAB) != 0;
            int value =
                    switch (register(offset)) {
                        case 0 -> dlab ? divisor & 0xff : readCharacter();
                        case 1 -> dlab ? divisor >> 8 : ier;
                        case 2 -> readIdentification();
                        case 3 -> lcr;
                        case 4 -> mcr;
                        case 5 -> readLineStatus();
                        case 6 -> readModemStatus();
                        case 7 -> scr;
                        default -> {
                            invalidAccesses++;
                            yield 0;
                        }
                    };
            update();
            return value;
        }
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        int octet = (int) value & 0xff;
        synchronized (lock) {
            boolean dlab = (lcr & LCR_DLAB) != 0;
            switch (register(offset)) {
                case 0 -> {
                    if (dlab) {
                        divisor = divisor & 0xff00 | octet;
                    } else {
                        transmit(octet);
                    }
                }
                case 1 -> {
                    if (dlab) {
                        divisor = divisor & 0xff | octet << 8;
                    } else {
                        writeInterruptEnable(octet);
                    }
                }
                case 2 -> writeFifoControl(octet);
                case 3 -> writeLineControl(octet);
                case 4 -> writeModemControl(octet);
                case 5, 6 -> {
                    // LSR and MSR are read-only but for the factory's tests.
                }
                case 7 -> scr = octet;
                default -> invalidAccesses++;
            }
            update();
        }
    }

    @Override
    public void inputReady() {
        synchronized (lock) {
            update();
        }
    }

    @Override
    public void outputRoom() {
        synchronized (lock) {
            if (!asleep) {
                flush();
                update();
            }
        }
    }

    @Override
    public void breakReceived() {
        synchronized (lock) {
            if ((mcr & MCR_LOOP) == 0) {
                arrive(0, LSR_BREAK);
                update();
            }
        }
    }

    @Override
    public String registerName(long base, long offset, boolean write) {
        synchronized (lock) {
            boolean dlab = (lcr & LCR_DLAB) != 0;
            return switch (register(offset)) {
                case 0 -> dlab ? "DLL" : write ? "THR" : "RBR";
                case 1 -> dlab ? "DLM" : "IER";
                case 2 -> write ? "FCR" : "IIR";
                case 3 -> "LCR";
                case 4 -> "MCR";
                case 5 -> "LSR";
                case 6 -> "MSR";
                case 7 -> "SCR";
                default -> "0x" + Long.toHexString(offset);
            };
        }
    }

    /** The register at an offset, or −1 where there is none. */
    private static int register(long offset) {
        return Long.compareUnsigned(offset, 8) < 0 ? (int) offset : -1;
    }

    private int readCharacter() {
        if (receiver.count() == 0) {
            return 0;
        }
        int octet = receiver.first();
        receiver.remove();
        lineErrors |= receiver.firstErrors();
        return octet;
    }

    /** Reading IIR takes back the THRE interrupt if that is the one it shows. */
    private int readIdentification() {
        int id = identification();
        if (id == IIR_THRE) {
            threPending = false;
        }
        return id | (isFifoMode() ? IIR_FIFOS_ENABLED : 0);
    }

    private int readLineStatus() {
        int value = lineErrors;
        if (receiver.count() != 0) {
            value |= LSR_DATA_READY;
        }
        if (transmitter.count() == 0) {
            value |= LSR_THRE | LSR_TEMT;
        }
        boolean errorInFifo =
                (lineErrors & LSR_CHARACTER_ERRORS) != 0 || receiver.hasErrorsBehindFirst();
        if (isFifoMode() && errorInFifo) {
            value |= LSR_FIFO_ERROR;
        }
        lineErrors = 0;
        return value;
    }

    private int readModemStatus() {
        int value = modemInputs() | modemDeltas;
        modemDeltas = 0;
        return value;
    }

    private void writeInterruptEnable(int value) {
        boolean threEnabled = (value & ~ier & IER_THRE) != 0;
        ier = value & (IER_RDA | IER_THRE | IER_LINE_STATUS | IER_MODEM_STATUS);
        if (threEnabled && transmitter.count() == 0) {
            threPending = true;
        }
    }

    private void writeFifoControl(int value) {
        boolean enable = (value & FCR_ENABLE) != 0;
        boolean toggled = enable != isFifoMode();
        if (toggled || enable && (value & FCR_CLEAR_RECEIVER) != 0) {
            clearReceiver();
            lineErrors &= ~LSR_CHARACTER_ERRORS;
        }
        if (toggled || enable && (value & FCR_CLEAR_TRANSMITTER) != 0) {
            discarded += transmitter.count();
            transmitter.clear();
            threPending = true;
        }
        // The other bits are programmed only while bit 0 is one.
        fcr = enable ? value & FCR_KEPT : 0;
    }

    private void writeLineControl(int value) {
        boolean breakBegins = (value & ~lcr & LCR_BREAK) != 0;
        lcr = value;
        if (breakBegins && (mcr & MCR_LOOP) != 0) {
            arrive(0, LSR_BREAK);
        }
    }

    private void writeModemControl(int value) {
        int before = modemInputs();
        mcr = value & MCR_BITS;
        int after = modemInputs();
        int changed = before ^ after;
        modemDeltas |= (changed & MSR_CTS) != 0 ? MSR_DELTA_CTS : 0;
        modemDeltas |= (changed & MSR_DSR) != 0 ? MSR_DELTA_DSR : 0;
        modemDeltas |= (changed & before & MSR_RI) != 0 ? MSR_TRAILING_RI : 0;
        modemDeltas |= (changed & MSR_DCD) != 0 ? MSR_DELTA_DCD : 0;
    }

    /** The four modem inputs as MSR shows them: a connected peer, or our own outputs looped. */
    private int modemInputs() {
        if ((mcr & MCR_LOOP) == 0) {
            return MSR_CTS | MSR_DSR | MSR_DCD;
        }
        return ((mcr & MCR_RTS) != 0 ? MSR_CTS : 0)
                | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0)
                | ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0)
                | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0);
    }

    private void transmit(int octet) {
        threPending = false;
        if ((mcr & MCR_LOOP) != 0) {
            arrive(octet, 0);
        } else if (transmitter.count() != 0 || !backend.transmit(octet)) {
            if (transmitter.count() == capacity()) {
                overruns++;
                return;
            }
            transmitter.add(octet, 0);
        }
        threPending = transmitter.count() == 0;
    }

    private void flush() {
        if (transmitter.count() == 0) {
            return;
        }
        while (transmitter.count() != 0 && backend.transmit(transmitter.first())) {
            transmitter.remove();
        }
        threPending |= transmitter.count() == 0;
    }

    /** A character comes off the wire, whether or not there is room for it. */
    private void arrive(int octet, int bits) {
        if (receiver.count() == capacity()) {
            lineErrors |= LSR_OVERRUN;
            overruns++;
            if (isFifoMode()) {
                return; // the FIFO keeps what it has; the shift register is overwritten
            }
            receiver.clear();
        }
        receiver.add(octet, bits);
        if (receiver.count() == 1) {
            lineErrors |= receiver.firstErrors();
        }
    }

    /**
     * Empties the receiver. Linux enables receive interrupts before it enables the FIFOs, which
     * clears them: what the host had sent in between goes back to it.
     */
    private void clearReceiver() {
        while (receiver.count() != 0) {
            int octet = receiver.removeLast();
            if (octet < 0 || !backend.unread(octet)) {
                discarded++;
            }
        }
    }

    private boolean isFifoMode() {
        return (fcr & FCR_ENABLE) != 0;
    }

    private int capacity() {
        return isFifoMode() ? CharacterFifo.DEPTH : 1;
    }

    private int triggerLevel() {
        return switch (fcr & FCR_TRIGGER) {
            case 0x40 -> 4;
            case 0x80 -> 8;
            case 0xc0 -> 14;
            default -> 1;
        };
    }

    /** The pending interrupt of the highest priority, as IIR's low four bits. */
    private int identification() {
        if ((ier & IER_LINE_STATUS) != 0 && (lineErrors & LSR_ERRORS) != 0) {
            return IIR_LINE_STATUS;
        }
        if ((ier & IER_RDA) != 0 && receiver.count() != 0) {
            return receiver.count() >= triggerLevel() ? IIR_RDA : IIR_CHARACTER_TIMEOUT;
        }
        if ((ier & IER_THRE) != 0 && threPending) {
            return IIR_THRE;
        }
        if ((ier & IER_MODEM_STATUS) != 0 && modemDeltas != 0) {
            return IIR_MODEM_STATUS;
        }
        return IIR_NONE;
    }

    /** Takes in what input there is room for, and drives the wire. */
    private void update() {
        if (!asleep && (mcr & MCR_LOOP) == 0) {
            boolean guestListens = (ier & IER_RDA) != 0;
            while (receiver.count() < capacity()) {
                int octet = backend.receive(guestListens);
                if (octet < 0) {
                    break;
                }
                arrive(octet, CharacterFifo.FROM_HOST);
            }
        }
        boolean pending = identification() != IIR_NONE;
        if (pending != level) {
            level = pending;
            line.set(pending);
        }
    }

    private void resetRegisters() {
        clearReceiver();
        transmitter.clear();
        ier = 0;
        fcr = 0;
        lcr = 0;
        mcr = 0;
        scr = 0;
        divisor = DIVISOR_9600;
        lineErrors = 0;
        modemDeltas = 0;
        threPending = false;
    }

    @Override
    public void sleep() {
        synchronized (lock) {
            asleep = true;
        }
    }

    @Override
    public void wake() {
        synchronized (lock) {
            asleep = false;
            flush();
            update();
        }
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            return Snapshot.builder(SNAPSHOT_TYPE, SNAPSHOT_VERSION)
                    .put("ier", ier)
                    .put("fcr", fcr)
                    .put("lcr", lcr)
                    .put("mcr", mcr)
                    .put("scr", scr)
                    .put("divisor", divisor)
                    .put("lineErrors", lineErrors)
                    .put("modemDeltas", modemDeltas)
                    .put("threPending", threPending)
                    .put("received", receiver.octetsInOrder())
                    .put("receivedErrors", receiver.errorsInOrder())
                    .put("transmitting", transmitter.octetsInOrder())
                    .build();
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(SNAPSHOT_TYPE, SNAPSHOT_VERSION);
        int newIer = bits(snapshot, "ier", 0x0f);
        int newFcr = bits(snapshot, "fcr", FCR_KEPT);
        int newLcr = bits(snapshot, "lcr", 0xff);
        int newMcr = bits(snapshot, "mcr", MCR_BITS);
        int newScr = bits(snapshot, "scr", 0xff);
        int newDivisor = bits(snapshot, "divisor", 0xffff);
        int newLineErrors = bits(snapshot, "lineErrors", LSR_ERRORS);
        int newModemDeltas = bits(snapshot, "modemDeltas", 0x0f);
        boolean newThrePending = snapshot.getBoolean("threPending");
        int depth = (newFcr & FCR_ENABLE) != 0 ? CharacterFifo.DEPTH : 1;
        byte[] received = snapshot.getBytes("received", depth);
        byte[] errors = snapshot.getBytes("receivedErrors", depth);
        byte[] transmitting = snapshot.getBytes("transmitting", depth);
        if (errors.length != received.length) {
            throw new SnapshotException(
                    "ns16550.receivedErrors: expected %d bytes as received, got %d"
                            .formatted(received.length, errors.length));
        }
        for (byte error : errors) {
            if ((error & ~(LSR_CHARACTER_ERRORS | CharacterFifo.FROM_HOST)) != 0) {
                throw new SnapshotException(
                        "ns16550.receivedErrors: expected bits of 0x1d, got 0x%02x"
                                .formatted(error & 0xff));
            }
        }
        synchronized (lock) {
            ier = newIer;
            fcr = newFcr;
            lcr = newLcr;
            mcr = newMcr;
            scr = newScr;
            divisor = newDivisor;
            lineErrors = newLineErrors;
            modemDeltas = newModemDeltas;
            receiver.clear();
            for (int i = 0; i < received.length; i++) {
                receiver.add(received[i], errors[i]);
            }
            transmitter.clear();
            for (byte octet : transmitting) {
                transmitter.add(octet, 0);
            }
            threPending = newThrePending && transmitting.length == 0;
            level = identification() != IIR_NONE;
            line.set(level);
        }
    }

    private static int bits(Snapshot snapshot, String name, int mask) {
        int value = snapshot.getInt(name, 0, 0xffff);
        if ((value & ~mask) != 0) {
            throw new SnapshotException(
                    "%s.%s: expected bits of 0x%x, got 0x%x"
                            .formatted(SNAPSHOT_TYPE, name, mask, value));
        }
        return value;
    }
}
