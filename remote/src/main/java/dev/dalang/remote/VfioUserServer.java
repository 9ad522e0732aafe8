package dev.dalang.remote;

import dev.dalang.linux.HostIoException;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciException;
import dev.dalang.pci.PciFunction;
import dev.dalang.remote.internal.server.Host;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Serves a PCI device of ours to a machine that is not: whatever speaks vfio-user at a socket, such
 * as QEMU's {@code vfio-user-pci}, has the device on its own bus.
 *
 * {@snippet :
 * try (VfioUserServer server = VfioUserServer.of(new EduDevice(), Path.of("edu.sock"))) {
 *     server.awaitClosed();
 * }
 * }
 *
 * <p>There is one client at a time; another is told that the device is busy. When the client goes,
 * its memory and its interrupts go with it; the device keeps its state, and the next client is let
 * in. A process may have many servers. The device's calls come on threads of the server's, as they
 * would on those of harts; its memory is what the client lets it have, and where the client gave no
 * descriptor for it, an access is a message that waits for its answer, for five seconds at most.
 *
 * <p>Nothing that a client sends throws here: a request that cannot be done is refused, and
 * counted. Any thread.
 */
public final class VfioUserServer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Host host;

    private VfioUserServer(Host host) {
        this.host = host;
    }

    /**
     * Serves a device from now on.
     *
     * @param device the device; the server's until it is closed
     * @param path where clients connect. A socket that nobody listens at any more is replaced
     * @return the server, which listens
     * @throws HostIoException if the path cannot be listened at, or this is no Linux
     * @throws PciException if the device cannot be as it says
     */
    public static VfioUserServer of(PciDevice device, Path path) throws HostIoException {
        return of(device, path, PATIENCE);
    }

    /**
     * Serves a device from now on.
     *
     * @param device the device; the server's until it is closed
     * @param path where clients connect. A socket that nobody listens at any more is replaced
     * @param patience how long a client may take to say what it speaks, to finish a message that it
     *     began, and to read one, before it is let go for the sake of others: 1 ms to a day; 10 s
     *     unless it is said
     * @return the server, which listens
     * @throws HostIoException if the path cannot be listened at, or this is no Linux
     * @throws PciException if the device cannot be as it says
     */
    public static VfioUserServer of(PciDevice device, Path path, Duration patience)
            throws HostIoException {
        long millis = patience.toMillis();
        if (millis < 1 || millis > Duration.ofDays(1).toMillis()) {
            throw new IllegalArgumentException(
                    "expected a patience of 1 ms to a day, got " + patience);
        }
        return new VfioUserServer(Host.start(device, path, (int) millis));
    }

    /** {@return where clients connect} */
    public Path path() {
        return host.path();
    }

    /** {@return the device's function: its configuration space, and faults to inject} */
    public PciFunction function() {
        return host.function();
    }

    /** {@return true while there is a client} */
    public boolean isConnected() {
        return host.isConnected();
    }

    /** {@return how many clients there have been, with the present one} */
    public long clients() {
        return host.clients();
    }

    /** {@return how many clients were told that there is one already} */
    public long clientsTurnedAway() {
        return host.turnedAway();
    }

    /** {@return how many messages were refused} */
    public long refusals() {
        return host.refusals();
    }

    /** {@return how many MSI and MSI-X messages of the device reached a client} */
    public long messagesSent() {
        return host.messages();
    }

    /** {@return how many pieces of memory the client lets the device use at present} */
    public int memoryPieces() {
        return host.memoryPieces();
    }

    /**
     * Waits until somebody closes the server.
     *
     * @throws InterruptedException if the thread is interrupted
     */
    public void awaitClosed() throws InterruptedException {
        host.awaitClosed();
    }

    /**
     * Lets the client go, removes the socket and detaches the device. Returns when no thread of the
     * server's is left that could call it. Closing twice does nothing.
     */
    @Override
    public void close() {
        host.close();
    }
}
