package dev.dalang.virtio.console;

import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_DEVICE_READY;
import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_PORT_OPEN;
import static dev.dalang.virtio.console.ControlMessages.VIRTIO_CONSOLE_PORT_READY;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.virtio.VirtioException;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The ports of a device by their numbers, and what driver and device tell each other of them on the
 * control queues (virtio 1.3 §5.3.6.2). Any thread; guards every {@link Port}, and calls nobody
 * meanwhile.
 */
final class PortTable {
    private static final String TYPE = "virtio-console-ports";
    private static final int VERSION = 1;

    private final ConsoleCounters counters;
    private final @Nullable Port[] ports;

    /** Whether the driver is there and wants to hear of ports. */
    private boolean isDriverReady;

    private boolean isDetached;

    PortTable(int maxPorts, ConsoleCounters counters) {
        ports = new Port[maxPorts];
        this.counters = counters;
    }

    int max() {
        return ports.length;
    }

    /** The first console, which is always there. */
    synchronized Port first() {
        return Objects.requireNonNull(ports[0]);
    }

    synchronized @Nullable Port get(long id) {
        return id >= 0 && id < ports.length ? ports[(int) id] : null;
    }

    synchronized List<Port> present() {
        return Arrays.stream(ports).filter(Objects::nonNull).toList();
    }

    // ---------------------------------------------------------------- the host's side

    /** Adds a port in the first free place; a name that is taken, or no place, is refused. */
    synchronized Port add(String name, boolean isConsole, PortBackend backend) {
        int id = 0;
        while (id < ports.length && ports[id] != null) {
            id++;
        }
        if (id == ports.length || isDetached) {
            throw new VirtioException(
                    "console: expected at most %d ports, got one more: %s"
                            .formatted(ports.length, name));
        }
        for (Port port : ports) {
            if (port != null && !name.isEmpty() && port.name.equals(name)) {
                throw new VirtioException("console: there is a port " + name + " already");
            }
        }
        Port added = new Port(id, name, isConsole, backend);
        ports[id] = added;
        if (isDriverReady) {
            added.announce();
        }
        return added;
    }

    /** Removes a port; its place is free when the driver has heard of it. */
    synchronized Port remove(int id) {
        Port port = get(id);
        if (id == 0 || port == null || port.isRemoved) {
            throw new VirtioException("console: there is no port to be removed, " + id);
        }
        port.removed();
        if (port.isGone()) {
            ports[id] = null;
        }
        return port;
    }

    synchronized void resize(int id, ConsoleSize size) {
        Port port = get(id);
        if (port == null || !port.isConsole) {
            throw new VirtioException("console: there is no console " + id);
        }
        port.resized(size);
    }

    synchronized void hostOpened(Port port, boolean isOpen) {
        port.hostOpened(isOpen);
    }

    /** The size of the first console. */
    synchronized ConsoleSize size() {
        return first().size;
    }

    /** No port can be added any more; those that there are. */
    synchronized List<Port> detach() {
        isDetached = true;
        return present();
    }

    // ---------------------------------------------------------------- the driver

    /** A program of the guest has opened or closed a port; false if that is nothing to anybody. */
    synchronized boolean guestOpened(Port port, boolean isOpen) {
        if (port.isRemoved) {
            return false;
        }
        port.isGuestOpen = isOpen;
        return true;
    }

    /** The driver is gone; the ports that it had open. */
    synchronized List<Port> reset() {
        List<Port> open = new ArrayList<>();
        isDriverReady = false;
        for (Port port : present()) {
            port.sent = 0;
            if (port.isGuestOpen) {
                open.add(port);
            }
            port.forget();
            if (port.isRemoved) {
                ports[port.id] = null;
            }
        }
        return open;
    }

    /** Says to the driver what is to be said, as far as it has buffers. */
    void tell(VirtQueue queue) {
        boolean hasMore;
        do {
            queue.disableNotification();
            DescriptorChain chain = null;
            while ((hasMore = speaker() != null) && (chain = queue.pop()) != null) {
                queue.complete(chain, speak(chain));
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
        } while (hasMore && queue.enableNotification());
    }

    private synchronized @Nullable Port speaker() {
        for (Port port : ports) {
            if (port != null && port.message() != null) {
                return port;
            }
        }
        return null;
    }

    /** Puts the next message into a buffer; 0 if it does not fit, or there is none after all. */
    private synchronized int speak(DescriptorChain chain) {
        Port port = speaker();
        byte[] message = port == null ? null : port.message();
        if (port == null || message == null || chain.writableBytes() < message.length) {
            counters.count(ConsoleEvent.EMPTY_BUFFER);
            return 0;
        }
        chain.write(message);
        port.said();
        if (port.isGone()) {
            ports[port.id] = null;
        }
        return message.length;
    }

    /** What a message means for a port outside of this table. */
    interface Listener {
        /** A program of the guest has opened or closed a port. */
        void guestOpened(Port port, boolean isOpen);
    }

    /** Takes what the driver says. */
    void listen(VirtQueue queue, Listener listener) {
        do {
            queue.disableNotification();
            DescriptorChain chain;
            while ((chain = queue.pop()) != null) {
                if (chain.readableBytes() < ControlMessages.BYTES) {
                    counters.count(ConsoleEvent.MESSAGE_MALFORMED);
                } else {
                    hear(
                            Integer.toUnsignedLong(chain.readInt()),
                            chain.readShort() & 0xffff,
                            chain.readShort() & 0xffff,
                            listener);
                }
                queue.complete(chain, 0);
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
        } while (queue.enableNotification());
    }

    private void hear(long id, int event, int value, Listener listener) {
        Port port = get(id);
        if (value > 1 || port == null && event != VIRTIO_CONSOLE_DEVICE_READY) {
            counters.count(ConsoleEvent.MESSAGE_MALFORMED);
        } else if (event == VIRTIO_CONSOLE_DEVICE_READY || event == VIRTIO_CONSOLE_PORT_READY) {
            if (value == 0) {
                counters.count(ConsoleEvent.DRIVER_FAILED);
            } else {
                ready(event == VIRTIO_CONSOLE_PORT_READY ? port : null);
            }
        } else if (event == VIRTIO_CONSOLE_PORT_OPEN && port != null) {
            if (guestOpened(port, value == 1)) {
                listener.guestOpened(port, value == 1);
            }
        } else {
            counters.count(ConsoleEvent.MESSAGE_MALFORMED);
        }
    }

    /** The driver has set up a port, or is about to set up all of them. */
    private synchronized void ready(@Nullable Port port) {
        if (port != null) {
            port.driverReady();
        } else if (!isDriverReady) {
            isDriverReady = true;
            present().forEach(Port::announce);
        }
    }

    // ---------------------------------------------------------------- saving

    synchronized Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("max", ports.length)
                .put("driver-ready", isDriverReady)
                .put("count", present().size())
                .put("ports", present().stream().map(Port::save).toList())
                .build();
    }

    /** Takes a state, all or nothing. */
    synchronized void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        snapshot.getInt("max", ports.length, ports.length);
        boolean wasReady = snapshot.getBoolean("driver-ready");
        List<Port> all = present();
        int count = snapshot.getInt("count", all.size(), all.size());
        List<Snapshot> saved = snapshot.getList("ports", count);
        List<Runnable> states = new ArrayList<>();
        for (int k = 0; k < saved.size(); k++) {
            states.add(all.get(k).parse(saved.get(k)));
        }
        states.forEach(Runnable::run);
        isDriverReady = wasReady;
    }
}
