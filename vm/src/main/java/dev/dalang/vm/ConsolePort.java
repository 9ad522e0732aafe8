package dev.dalang.vm;

import dev.dalang.virtio.VirtioException;
import dev.dalang.virtio.console.FileBackend;
import dev.dalang.virtio.console.PortBackend;
import dev.dalang.virtio.console.SocketBackend;
import dev.dalang.virtio.console.VirtioConsoleDevice;
import dev.dalang.vm.internal.board.ConsoleBridge;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A port of the guest's virtio console device, and what stands behind it on the host. The port
 * {@link #CONSOLE} is the device's console, which Linux calls {@code hvc0}; any other is a stream
 * of bytes, {@code /dev/virtio-ports/NAME}. What is behind it is opened when the machine is built.
 */
public final class ConsolePort {
    /** The name of the console among the ports. */
    public static final String CONSOLE = "hvc0";

    private interface Opener {
        PortBackend open() throws IOException;
    }

    private final String name;
    private final String text;
    private final Opener opener;

    private ConsolePort(String name, String text, Opener opener) {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
            throw new ConfigurationException(
                    "--console-port: expected a name of 1 to %d letters, digits, '.', '-' and '_',"
                                    .formatted(VirtioConsoleDevice.MAX_NAME_CHARACTERS)
                            + " found \""
                            + name
                            + "\"");
        }
        this.name = name;
        this.text = text;
        this.opener = opener;
    }

    /**
     * A port for a back end of the program's own.
     *
     * @param name the port's name
     * @param backend for this machine alone, which closes it
     * @return the port
     * @throws ConfigurationException if the name cannot be
     */
    public static ConsolePort of(String name, PortBackend backend) {
        return new ConsolePort(name, name, () -> backend);
    }

    /**
     * A port that the program reads and writes as it does the serial console.
     *
     * @param name the port's name
     * @param console what the guest writes comes here, and what is written here goes to the guest;
     *     the program closes it, after the machine
     * @return the port
     * @throws ConfigurationException if the name cannot be
     */
    public static ConsolePort of(String name, Console console) {
        return new ConsolePort(name, name, () -> new ConsoleBridge(console.backend()));
    }

    /**
     * Reads the form {@code NAME=file:PATH|socket:PATH|none}: a file that takes what the guest
     * writes, a Unix-domain socket at which somebody may connect, or nobody.
     *
     * @param text the text
     * @return the port
     * @throws ConfigurationException if it has not that form
     */
    public static ConsolePort parse(String text) {
        int equals = text.indexOf('=');
        String name = equals < 0 ? "" : text.substring(0, equals);
        String target = text.substring(equals + 1);
        if (equals > 0 && target.equals("none")) {
            return new ConsolePort(name, text, PortBackend::none);
        }
        int colon = target.indexOf(':');
        String kind = colon < 0 ? "" : target.substring(0, colon);
        String place = target.substring(colon + 1);
        if (equals < 1 || place.isEmpty() || !kind.equals("file") && !kind.equals("socket")) {
            throw new ConfigurationException(
                    "--console-port: expected NAME=file:PATH, NAME=socket:PATH or NAME=none, found "
                            + text);
        }
        Path path;
        try {
            path = Path.of(place);
        } catch (InvalidPathException wrong) {
            throw new ConfigurationException(
                    "--console-port %s: expected a path, found %s".formatted(text, place), wrong);
        }
        return new ConsolePort(
                name,
                text,
                kind.equals("file")
                        ? () -> FileBackend.open(path)
                        : () -> SocketBackend.listen(path));
    }

    /** {@return the port's name} */
    public String name() {
        return name;
    }

    /** Makes the device with its ports; all or nothing. */
    static VirtioConsoleDevice open(List<ConsolePort> ports) {
        VirtioConsoleDevice.Builder device = VirtioConsoleDevice.builder();
        List<PortBackend> opened = new ArrayList<>();
        try {
            boolean hasConsole = false;
            for (ConsolePort port : ports) {
                PortBackend backend = port.open();
                opened.add(backend);
                if (!port.name.equals(CONSOLE)) {
                    device.port(port.name, backend);
                } else if (hasConsole) {
                    throw new VirtioException("there is a port hvc0 already");
                } else {
                    hasConsole = true;
                    device.console(backend);
                }
            }
            return device.build();
        } catch (VirtioException refused) {
            opened.forEach(PortBackend::close);
            throw new ConfigurationException("--console-port: " + refused.getMessage(), refused);
        } catch (ConfigurationException refused) {
            opened.forEach(PortBackend::close);
            throw refused;
        }
    }

    private PortBackend open() {
        try {
            return opener.open();
        } catch (IOException failed) {
            String reason =
                    failed instanceof FileSystemException file && file.getReason() != null
                            ? file.getReason()
                            : String.valueOf(failed.getMessage());
            throw new ConfigurationException(
                    "--console-port %s: it cannot be opened: %s".formatted(text, reason), failed);
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
