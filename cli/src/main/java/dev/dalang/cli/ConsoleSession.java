package dev.dalang.cli;

import dev.dalang.vm.Console;
import dev.dalang.vm.Vm;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The connection between a machine's console and this process's standard streams or a file, for as
 * long as the machine runs.
 *
 * <p>Typed input is read by a thread of its own; output comes on the console's thread.
 */
final class ConsoleSession implements AutoCloseable {

    private static final String HELP =
            """

            Ctrl-A x   leave: stop the machine at once
            Ctrl-A h   this help
            Ctrl-A s   figures of the run so far
            Ctrl-A b   send a break, which Linux takes as the magic SysRq key
            Ctrl-A a   send Ctrl-A itself
            """;

    /**
     * A machine that does not stop within this time does not keep its user. Longer than it takes to
     * find that a device holds up a hart, which is the better thing to be told.
     */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

    private final Vm vm;

    /** The guest's console that has the standard streams, or has the file. */
    private final Console console;

    private final Optional<RawTerminal> terminal;
    private final AtomicReference<Optional<String>> failure =
            new AtomicReference<>(Optional.empty());
    private final LineOutput output = new LineOutput(new FileOutputStream(FileDescriptor.out));

    private ConsoleSession(Vm vm, Console console, ConsoleChoice choice) {
        this.vm = vm;
        this.console = console;
        this.terminal =
                choice instanceof ConsoleChoice.Stdio
                        ? RawTerminal.open(output::endLine)
                        : Optional.empty();
    }

    /** Connects a console as chosen. The machine has not started. */
    static ConsoleSession attach(Vm vm, Console console, ConsoleChoice choice, ConsoleFile file) {
        ConsoleSession session = new ConsoleSession(vm, console, choice);
        if (!(choice instanceof ConsoleChoice.Stdio)) {
            file.stream()
                    .ifPresent(stream -> session.attachOutput(ConsoleFile.name(choice), stream));
            return session;
        }
        session.attachOutput("standard output", session.output);
        if (session.terminal.isPresent()) {
            Thread.ofPlatform().daemon().name("dalang-keys").start(session::readKeys);
        } else {
            console.attachInput(new FileInputStream(FileDescriptor.in));
        }
        return session;
    }

    /** Whether a person at a terminal types the input. */
    boolean isTerminal() {
        return terminal.isPresent();
    }

    /** Why the console could not go on, if it could not. */
    Optional<String> failure() {
        return failure.get();
    }

    /** Restores the terminal and leaves the cursor at the start of a line. */
    @Override
    public void close() {
        terminal.ifPresent(RawTerminal::close);
    }

    private void attachOutput(String name, OutputStream stream) {
        console.attachOutput(
                stream,
                e -> {
                    // A run that nobody sees is of no use to anybody.
                    String why = name + " cannot be written: " + ConsoleFile.reason(e);
                    failure.set(Optional.of(why));
                    stop();
                });
    }

    private void readKeys() {
        EscapeFilter filter =
                new EscapeFilter(
                        new EscapeFilter.Listener() {
                            @Override
                            public void typed(byte[] bytes) {
                                type(bytes);
                            }

                            @Override
                            public void command(EscapeFilter.Command command) {
                                obey(command);
                            }
                        });
        byte[] buffer = new byte[256];
        try (InputStream in = new FileInputStream(FileDescriptor.in)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                filter.accept(buffer, n);
            }
        } catch (IOException _) {
            // The terminal is gone, and what follows is the same as for its end.
        }
        stop();
    }

    private void type(byte[] bytes) {
        try {
            console.write(bytes);
        } catch (IllegalStateException _) {
            // The guest has left megabytes unread: what is typed now is lost, and a bell says so.
            output.print("\7");
        }
    }

    private void obey(EscapeFilter.Command command) {
        switch (command) {
            case EXIT -> stop();
            case HELP -> output.print(HELP);
            case STATISTICS ->
                    output.print(
                            "\n"
                                    + String.join("\n", StatisticsReport.lines(vm.statistics()))
                                    + "\n");
            case BREAK -> console.sendBreak();
        }
    }

    /** Ends the run, and the process if that takes too long. */
    private void stop() {
        Thread.ofPlatform().daemon().name("dalang-stop").start(vm::stop);
        Thread.ofPlatform()
                .daemon()
                .name("dalang-stop-limit")
                .start(
                        () -> {
                            try {
                                Thread.sleep(STOP_LIMIT);
                            } catch (InterruptedException _) {
                                return;
                            }
                            terminal.ifPresent(RawTerminal::close);
                            System.err.println(
                                    "dalang: the machine did not stop within "
                                            + STOP_LIMIT.toSeconds()
                                            + " s");
                            Runtime.getRuntime().halt(ExitCode.DEFECT);
                        });
    }

    /** Output that knows whether a line has begun; the guest's and the host's share it. */
    private static final class LineOutput extends OutputStream {
        private final OutputStream out;
        private boolean inLine;

        LineOutput(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int octet) throws IOException {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
            if (length > 0) {
                inLine = bytes[offset + length - 1] != '\n';
            }
        }

        void print(String text) {
            byte[] bytes = text.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8);
            try {
                write(bytes, 0, bytes.length);
            } catch (IOException _) {
                // The console's own next output meets the same failure and reports it.
            }
        }

        void endLine() {
            boolean begun;
            synchronized (this) {
                begun = inLine;
            }
            if (begun) {
                print("\n");
            }
        }
    }
}
