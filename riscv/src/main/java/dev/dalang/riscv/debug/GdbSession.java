package dev.dalang.riscv.debug;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartDebugger.Action;
import dev.dalang.riscv.debug.Hex.MalformedException;
import dev.dalang.riscv.debug.PacketReader.Message;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;

/**
 * One debugger's connection: GDB's remote serial protocol, all-stop, one thread for each hart. The
 * machine stands from the connection on and goes on when the debugger leaves. A packet that is
 * malformed gets an error, one that is unknown the empty answer, and nothing else happens.
 */
final class GdbSession {
    private static final String ERROR = "E01";
    private static final String UNREADABLE = "E14";
    private static final String OK = "OK";
    private static final int SIGINT = 2;
    private static final int SIGTRAP = 5;
    private static final int MESSAGES_AHEAD = 64;
    private static final int GENERAL_REGISTERS = TargetDescription.FIRST_CSR;

    /** What comes from the peer, the harts, and the owner. */
    private sealed interface Incoming {
        record FromPeer(Message message) implements Incoming {}

        record FromHart(HartControl.Event event) implements Incoming {}

        record MachineEnded(int status) implements Incoming {}
    }

    private final DebuggedMachine machine;
    private final List<Hart> harts;
    private final OutputStream out;
    private final PacketReader reader;
    private final HartControl control;
    private final Breakpoints breakpoints = new Breakpoints();
    private final BlockingQueue<Incoming> incoming = new LinkedBlockingQueue<>();

    private final Semaphore room = new Semaphore(MESSAGES_AHEAD);

    private boolean open = true;
    private Hart current;
    private String lastStop = "S05";
    private boolean paused;

    GdbSession(DebuggedMachine machine, Socket socket) throws IOException {
        this.machine = machine;
        this.harts = machine.harts();
        this.current = harts.getFirst();
        this.out = socket.getOutputStream();
        this.reader = new PacketReader(new BufferedInputStream(socket.getInputStream()), out);
        this.control = new HartControl(harts, event -> incoming.add(new Incoming.FromHart(event)));
    }

    /** The machine has ended: tells the debugger, and closes the connection. Any thread. */
    void machineEnded(int status) {
        incoming.add(new Incoming.MachineEnded(status));
    }

    /** Serves the connection until it ends. */
    void serve() {
        Thread.ofPlatform().daemon().name("dalang-gdb-reader").start(this::read);
        try {
            control.attachHalted();
            stand();
            lastStop = stopReply(SIGTRAP, current, "");
            while (open) {
                switch (incoming.take()) {
                    case Incoming.FromPeer(Message message) -> {
                        room.release();
                        fromPeer(message);
                    }
                    case Incoming.FromHart(HartControl.Event event) -> fromHart(event);
                    case Incoming.MachineEnded(int status) -> {
                        send("W%02x".formatted(status & 0xff));
                        open = false;
                    }
                }
            }
        } catch (IOException e) {
            // The peer is gone; what it had set goes with it.
            open = false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            room.release(Integer.MAX_VALUE / 2);
            control.detach();
            unpause();
        }
    }

    private void read() {
        Message message;
        do {
            message = reader.next();
            // A peer that sends more than is answered must not fill memory.
            room.acquireUninterruptibly();
            incoming.add(new Incoming.FromPeer(message));
        } while (!(message instanceof Message.Closed));
    }

    private void send(String data) throws IOException {
        synchronized (out) {
            out.write(PacketReader.encode(data));
            out.flush();
        }
    }

    // ---- stopping and going on ---------------------------------------------------------------

    private void stand() throws InterruptedException {
        control.awaitStanding();
        if (!paused) {
            paused = true;
            machine.paused();
        }
    }

    private void unpause() {
        if (paused) {
            paused = false;
            machine.resumed();
        }
    }

    private void fromHart(HartControl.Event event) throws IOException, InterruptedException {
        stand();
        current = event.hart();
        String reason = event.stop() == null ? "" : breakpoints.reason(event.stop());
        lastStop = stopReply(SIGTRAP, current, reason);
        send(lastStop);
    }

    private static String stopReply(int signal, Hart hart, String reason) {
        return "T%02x%sthread:%x;".formatted(signal, reason, thread(hart));
    }

    private static int thread(Hart hart) {
        return hart.id() + 1;
    }

    private void fromPeer(Message message) throws IOException, InterruptedException {
        switch (message) {
            case Message.Closed() -> open = false;
            case Message.Interrupt() -> {
                if (control.isRunning()) {
                    control.halt();
                    stand();
                    lastStop = stopReply(SIGINT, current, "");
                    send(lastStop);
                }
            }
            case Message.Packet(String data) -> {
                String answer;
                try {
                    answer = control.isRunning() ? ERROR : answer(data);
                } catch (MalformedException e) {
                    answer = ERROR;
                }
                if (data.equals("QStartNoAckMode")) {
                    // That packet was acknowledged when it came.
                    reader.acknowledge(false);
                }
                if (answer != null) {
                    send(answer);
                }
            }
        }
    }

    /** The answer to a packet; null if there is none now. */
    private @Nullable String answer(String data) throws MalformedException {
        if (data.isEmpty()) {
            return "";
        }
        String rest = data.substring(1);
        return switch (data.charAt(0)) {
            case '?' -> lastStop;
            case 'g' -> readAll();
            case 'G' -> writeAll(rest);
            case 'p' -> readRegister(rest);
            case 'P' -> writeRegister(rest);
            case 'm' -> readMemory(rest);
            case 'M' -> writeMemory(rest, false);
            case 'X' -> writeMemory(rest, true);
            case 'Z' -> changeBreakpoint(true, rest);
            case 'z' -> changeBreakpoint(false, rest);
            case 'H' -> selectThread(rest);
            case 'T' -> find(rest).isPresent() ? OK : ERROR;
            case 'q', 'Q' -> query(data);
            case 'c', 's' -> resumeAt(data.charAt(0), rest);
            case 'C', 'S' -> resumeAt(data.charAt(0), afterSignal(rest));
            case 'v' -> verbose(data);
            case 'D' -> {
                open = false;
                yield OK;
            }
            case 'k' -> {
                kill();
                yield null;
            }
            default -> "";
        };
    }

    private void kill() {
        open = false;
        machine.kill();
    }

    private @Nullable String verbose(String data) throws MalformedException {
        if (data.equals("vCont?")) {
            return "vCont;c;C;s;S";
        }
        if (data.startsWith("vCont;")) {
            return resume(actions(data.substring("vCont;".length())));
        }
        if (data.startsWith("vKill")) {
            kill();
            return OK;
        }
        return "";
    }

    private static String afterSignal(String text) {
        int semicolon = text.indexOf(';');
        return semicolon < 0 ? "" : text.substring(semicolon + 1);
    }

    private @Nullable String resumeAt(char action, String address) throws MalformedException {
        if (!address.isEmpty()) {
            long pc = Hex.number(address);
            if (!ask(hart -> hart.setPc(pc))) {
                return ERROR;
            }
        }
        boolean step = action == 's' || action == 'S';
        Map<Hart, Action> plan = new HashMap<>();
        harts.forEach(hart -> plan.put(hart, step ? Action.HOLD : Action.RUN));
        if (step) {
            plan.put(current, Action.STEP);
        }
        return resume(plan);
    }

    private @Nullable String resume(Map<Hart, Action> plan) {
        unpause();
        control.resume(breakpoints.traps(), hart -> plan.getOrDefault(hart, Action.HOLD));
        return null;
    }

    /** The actions of {@code vCont}: for each hart the first that names it or all. */
    private Map<Hart, Action> actions(String text) throws MalformedException {
        Map<Hart, Action> plan = new HashMap<>();
        for (String part : text.split(";", -1)) {
            int colon = part.indexOf(':');
            String verb = colon < 0 ? part : part.substring(0, colon);
            Action action =
                    switch (verb.isEmpty() ? ' ' : verb.charAt(0)) {
                        case 'c', 'C' -> Action.RUN;
                        case 's', 'S' -> Action.STEP;
                        default -> throw new MalformedException();
                    };
            if (colon < 0 || part.substring(colon + 1).equals("-1")) {
                harts.forEach(hart -> plan.putIfAbsent(hart, action));
            } else {
                Optional<Hart> one = find(part.substring(colon + 1));
                if (one.isEmpty()) {
                    throw new MalformedException();
                }
                plan.putIfAbsent(one.get(), action);
            }
        }
        return plan;
    }

    private Optional<Hart> find(String thread) throws MalformedException {
        long number = Hex.number(thread);
        return harts.stream().filter(hart -> thread(hart) == number).findFirst();
    }

    // ---- registers and memory -------------------------------------------------------------------

    private interface Work {
        void on(Hart hart);
    }

    private boolean ask(Work work) {
        Boolean done =
                HartControl.ask(
                        current,
                        hart -> {
                            work.on(hart);
                            return true;
                        });
        return done != null && done;
    }

    private String readAll() {
        String text =
                HartControl.ask(
                        current,
                        hart -> {
                            StringBuilder all = new StringBuilder();
                            for (int i = 0; i < GENERAL_REGISTERS; i++) {
                                all.append(Hex.littleEndian(GuestView.register(hart, i), 8));
                            }
                            return all.toString();
                        });
        return text == null ? ERROR : text;
    }

    private String writeAll(String text) throws MalformedException {
        if (text.length() != GENERAL_REGISTERS * 16) {
            return ERROR;
        }
        long[] values = new long[GENERAL_REGISTERS];
        for (int i = 0; i < values.length; i++) {
            values[i] = Hex.fromLittleEndian(text.substring(16 * i, 16 * i + 16));
        }
        boolean done =
                ask(
                        hart -> {
                            for (int i = 0; i < values.length; i++) {
                                GuestView.setRegister(hart, i, values[i]);
                            }
                        });
        return done ? OK : ERROR;
    }

    private String readRegister(String text) throws MalformedException {
        int number = Hex.number(text, TargetDescription.PRIVILEGE);
        Long value = HartControl.ask(current, hart -> GuestView.register(hart, number));
        return value == null ? ERROR : Hex.littleEndian(value, TargetDescription.bytes(number));
    }

    private String writeRegister(String text) throws MalformedException {
        int equals = text.indexOf('=');
        if (equals < 0) {
            return ERROR;
        }
        int number = Hex.number(text.substring(0, equals), TargetDescription.PRIVILEGE);
        long value = Hex.fromLittleEndian(text.substring(equals + 1));
        return ask(hart -> GuestView.setRegister(hart, number, value)) ? OK : ERROR;
    }

    private String readMemory(String text) throws MalformedException {
        int comma = text.indexOf(',');
        if (comma < 0) {
            return ERROR;
        }
        long address = Hex.number(text.substring(0, comma));
        int length =
                Math.min(
                        Hex.number(text.substring(comma + 1), Integer.MAX_VALUE),
                        PacketReader.MAX_BYTES / 2 - 8);
        byte[] bytes =
                HartControl.ask(
                        current, hart -> GuestView.read(hart, machine.memory(), address, length));
        if (bytes == null || bytes.length == 0 && length > 0) {
            return UNREADABLE;
        }
        return Hex.text(bytes, bytes.length);
    }

    private String writeMemory(String text, boolean binary) throws MalformedException {
        int comma = text.indexOf(',');
        int colon = text.indexOf(':');
        if (comma < 0 || colon < comma) {
            return ERROR;
        }
        long address = Hex.number(text.substring(0, comma));
        int length = Hex.number(text.substring(comma + 1, colon), PacketReader.MAX_BYTES);
        String data = text.substring(colon + 1);
        byte[] bytes = binary ? data.getBytes(StandardCharsets.ISO_8859_1) : Hex.bytes(data);
        if (bytes.length != length) {
            return ERROR;
        }
        Boolean written =
                HartControl.ask(
                        current, hart -> GuestView.write(hart, machine.memory(), address, bytes));
        if (written == null || !written) {
            return UNREADABLE;
        }
        // The bytes may be code: all harts fetch them anew.
        harts.forEach(hart -> hart.post(Hart::fenceInstructions));
        return OK;
    }

    private String changeBreakpoint(boolean set, String text) throws MalformedException {
        // What may follow after a semicolon are conditions, which were never offered.
        String[] parts = text.split(";", 2)[0].split(",", -1);
        if (parts.length != 3) {
            return ERROR;
        }
        return breakpoints
                .change(
                        set,
                        Hex.number(parts[0], 15),
                        Hex.number(parts[1]),
                        Hex.number(parts[2], Integer.MAX_VALUE))
                .map(done -> done ? OK : ERROR)
                .orElse("");
    }

    private String selectThread(String text) throws MalformedException {
        if (text.isEmpty()) {
            return ERROR;
        }
        String thread = text.substring(1);
        if (thread.equals("-1") || thread.equals("0")) {
            return OK;
        }
        Optional<Hart> chosen = find(thread);
        if (chosen.isEmpty()) {
            return ERROR;
        }
        current = chosen.get();
        return OK;
    }

    // ---- queries --------------------------------------------------------------------------------

    private String query(String data) throws MalformedException {
        if (data.startsWith("qSupported")) {
            return "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+"
                    .formatted(PacketReader.MAX_BYTES);
        }
        if (data.startsWith("qXfer:features:read:target.xml:")) {
            return part(TargetDescription.xml(), data.substring(data.lastIndexOf(':') + 1));
        }
        if (data.startsWith("qThreadExtraInfo,")) {
            Optional<Hart> hart = find(data.substring(data.indexOf(',') + 1));
            return hart.isEmpty() ? ERROR : describe(hart.get());
        }
        return switch (data) {
            case "QStartNoAckMode" -> OK;
            case "qfThreadInfo" -> threads();
            case "qsThreadInfo" -> "l";
            case "qC" -> "QC%x".formatted(thread(current));
            case "qAttached" -> "1";
            default -> "";
        };
    }

    private String threads() {
        List<String> numbers = new ArrayList<>();
        harts.forEach(hart -> numbers.add(Integer.toHexString(thread(hart))));
        return "m" + String.join(",", numbers);
    }

    private static String describe(Hart hart) {
        String mode = HartControl.ask(hart, self -> self.privilege().name());
        String text = "hart %d, %s, mode %s".formatted(hart.id(), hart.state(), mode);
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return Hex.text(bytes, bytes.length);
    }

    /** A part of a text that is asked for by offset and length. */
    private static String part(String text, String range) throws MalformedException {
        int comma = range.indexOf(',');
        if (comma < 0) {
            return ERROR;
        }
        int offset = Hex.number(range.substring(0, comma), Integer.MAX_VALUE);
        int length = Hex.number(range.substring(comma + 1), Integer.MAX_VALUE);
        if (offset >= text.length()) {
            return "l";
        }
        int end = (int) Math.min(text.length(), (long) offset + Math.min(length, 0x1000));
        return (end == text.length() ? "l" : "m") + text.substring(offset, end);
    }
}
