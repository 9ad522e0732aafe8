package dev.dalang.cli;

import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.DeviceTracing;
import dev.dalang.vm.VmBuilder;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the option {@code --trace} asks for: devices, and a file for their lines if not stderr. */
final class TraceOutput implements AutoCloseable {
    private static final String FILE = "file=";

    private final List<String> devices;
    private final OutputStream out;
    private final boolean isFile;
    private boolean failed;

    private TraceOutput(List<String> devices, OutputStream out, boolean isFile) {
        this.devices = devices;
        this.out = out;
        this.isFile = isFile;
    }

    /**
     * The option as the user gave it.
     *
     * @param devices names of devices; none without the option
     * @param file where their lines go, if not to standard error
     */
    record Choice(List<String> devices, Optional<Path> file) {}

    /** Reads the option; null for none. */
    static Choice parse(@Nullable String text) {
        if (text == null) {
            return new Choice(List.of(), Optional.empty());
        }
        var devices = new ArrayList<String>();
        Path file = null;
        for (String part : text.split(",", -1)) {
            if (part.startsWith(FILE) && part.length() > FILE.length() && file == null) {
                file = Path.of(part.substring(FILE.length()));
            } else if (part.isBlank() || part.contains("=")) {
                throw unexpected(text);
            } else {
                devices.add(part);
            }
        }
        if (devices.isEmpty()) {
            throw unexpected(text);
        }
        return new Choice(devices, Optional.ofNullable(file));
    }

    private static ConfigurationException unexpected(String found) {
        return new ConfigurationException(
                "--trace: expected DEVICE[,DEVICE...][,file=FILE], found " + found);
    }

    /** Opens the file, if there is one; what it held before is gone. */
    static TraceOutput open(Choice choice) {
        if (choice.file.isEmpty()) {
            return new TraceOutput(choice.devices, System.err, false);
        }
        Path file = choice.file.get();
        try {
            return new TraceOutput(choice.devices, Files.newOutputStream(file), true);
        } catch (IOException e) {
            throw new ConfigurationException(
                    "--trace: %s cannot be written: %s".formatted(file, ConsoleFile.reason(e)), e);
        }
    }

    /** Has a machine's devices traced, if any were named. */
    VmBuilder addTo(VmBuilder builder) {
        return devices.isEmpty() ? builder : builder.trace(new DeviceTracing(devices, this::line));
    }

    private synchronized void line(String text) {
        if (failed) {
            return;
        }
        try {
            out.write((text + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            failed = true;
            System.err.println("dalang: --trace ends: " + ConsoleFile.reason(e));
        }
    }

    @Override
    public void close() {
        if (isFile) {
            try {
                out.close();
            } catch (IOException _) {
                // Nothing is buffered here: what could be written has been.
            }
        }
    }
}
