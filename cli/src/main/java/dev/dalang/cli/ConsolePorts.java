package dev.dalang.cli;

import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.Console;
import dev.dalang.vm.ConsolePort;
import dev.dalang.vm.VmBuilder;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The options {@code --console-port}: ports of the guest's virtio console device, of which one may
 * have this process's standard streams.
 */
final class ConsolePorts implements AutoCloseable {
    private static final String STDIO = "=stdio";

    private final List<ConsolePort> ports = new ArrayList<>();
    private @Nullable Console stdio;
    private boolean isConsoleOnStdio;

    private ConsolePorts() {}

    /**
     * Reads the options.
     *
     * @param texts each {@code NAME=stdio|file:PATH|socket:PATH|none}
     */
    static ConsolePorts parse(List<String> texts) {
        ConsolePorts parsed = new ConsolePorts();
        texts.forEach(parsed::add);
        return parsed;
    }

    private void add(String text) {
        if (!text.endsWith(STDIO)) {
            ports.add(ConsolePort.parse(text));
            return;
        }
        if (stdio != null) {
            throw new ConfigurationException(
                    "--console-port: expected standard input and output for one port, found "
                            + text
                            + " beside another");
        }
        String name = text.substring(0, text.length() - STDIO.length());
        Console made = Console.create();
        stdio = made;
        isConsoleOnStdio = name.equals(ConsolePort.CONSOLE);
        ports.add(ConsolePort.of(name, made));
    }

    /** What the standard streams are connected to in the place of the serial console. */
    Optional<Console> stdio() {
        return Optional.ofNullable(stdio);
    }

    /** Whether the guest's system console is to be the virtio console. */
    boolean isSystemConsole() {
        return isConsoleOnStdio;
    }

    /** Gives a machine its ports: every one has a console, though perhaps with nobody behind it. */
    void addTo(VmBuilder builder) {
        if (ports.stream().noneMatch(port -> port.name().equals(ConsolePort.CONSOLE))) {
            builder.consolePort(ConsolePort.parse(ConsolePort.CONSOLE + "=none"));
        }
        ports.forEach(builder::consolePort);
    }

    @Override
    public void close() {
        if (stdio != null) {
            stdio.close();
        }
    }
}
