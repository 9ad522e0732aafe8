package dev.dalang.virtio.console;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.VirtioConfigSpace;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioDeviceType;
import dev.dalang.virtio.VirtioException;
import dev.dalang.virtio.VirtioHost;
import dev.dalang.virtio.VirtioQueueReset;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The console device (virtio 1.3 §5.3): consoles, which Linux calls {@code hvc0} and so on, and
 * named ports, {@code /dev/virtio-ports/NAME}. Each has a {@link PortBackend} on the host.
 *
 * <p>A port whose back end has no room holds up who writes to it in the guest. A console does not:
 * Linux waits for it with its interrupts off, and so what nobody takes is dropped and counted.
 * Ports can be added and removed while the guest runs. A message that makes no sense is counted and
 * changes nothing.
 *
 * <p>Any thread.
 */
public final class VirtioConsoleDevice
        implements VirtioDevice, VirtioConfigSpace, VirtioQueueReset {
    /** The configuration has the console's size. */
    public static final long VIRTIO_CONSOLE_F_SIZE = 1;

    /** There may be several ports. */
    public static final long VIRTIO_CONSOLE_F_MULTIPORT = 1L << 1;

    /** A character can be written before there are queues. */
    public static final long VIRTIO_CONSOLE_F_EMERG_WRITE = 1L << 2;

    /** The greatest number of ports. */
    public static final int MAX_PORTS = 31;

    /** The longest name of a port. */
    public static final int MAX_NAME_CHARACTERS = 64;

    private static final int VERSION = 1;
    private static final int QUEUE_SIZE = 128;
    private static final int CONTROL_QUEUE_SIZE = 32;
    private static final int CONTROL_TO_DRIVER = 2;
    private static final int CONTROL_TO_DEVICE = 3;

    private static final int CONFIG_BYTES = 12;
    private static final int CONFIG_COLUMNS = 0;
    private static final int CONFIG_ROWS = 2;
    private static final int CONFIG_MAX_PORTS = 4;
    private static final int CONFIG_EMERGENCY_WRITE = 8;

    private final ConsoleCounters counters = new ConsoleCounters();
    private final PortStreams streams = new PortStreams(counters);
    private final PortTable ports;
    private @Nullable VirtioHost host;
    private volatile @Nullable VirtioActivation active;

    private VirtioConsoleDevice(Builder builder) {
        ports = new PortTable(builder.maxPorts(), counters);
        List<PortBackend> consoles =
                builder.consoles.isEmpty() ? List.of(PortBackend.none()) : builder.consoles;
        consoles.forEach(console -> ports.add("", true, console));
        builder.named.forEach(port -> ports.add(port.name(), false, port.backend()));
        ports.resize(0, builder.size);
    }

    /** {@return the options of a device} */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Tells how often something happened.
     *
     * @param event what happened
     * @return how often
     */
    public long count(ConsoleEvent event) {
        return counters.get(event);
    }

    // ---------------------------------------------------------------- the host's side

    /**
     * Sets the size of the first console; its driver is told.
     *
     * @param size the size
     */
    public void resize(ConsoleSize size) {
        resize(0, size);
    }

    /**
     * Sets the size of a console; its driver is told.
     *
     * @param id the number of the port
     * @param size the size
     * @throws VirtioException if there is no such port, or it is no console
     */
    public void resize(int id, ConsoleSize size) {
        ports.resize(id, size);
        VirtioHost there = host;
        if (id == 0 && there != null) {
            there.configChanged();
        }
        ring(CONTROL_TO_DRIVER);
    }

    /**
     * Adds a port.
     *
     * @param name its name, as for {@link Builder#port}
     * @param backend what stands behind it; the device closes it, if this does not throw
     * @return its number
     * @throws VirtioException if there are as many as there may be, or one of that name
     */
    public int addPort(String name, PortBackend backend) {
        Builder.requireName(name);
        Port added = ports.add(name, false, backend);
        start(added);
        ring(CONTROL_TO_DRIVER);
        return added.id;
    }

    /**
     * Removes a port, and closes what stands behind it. Its number is free again when the driver
     * has heard of it.
     *
     * @param id the port's number; not the first console's
     * @throws VirtioException if there is no such port
     */
    public void removePort(int id) {
        Port port = ports.remove(id);
        port.backend.close();
        ring(CONTROL_TO_DRIVER);
        // Who waits in the guest for a chain that nobody will take now gets it back.
        ring(transmitQueue(id));
    }

    private void start(Port port) {
        port.backend.start(
                new PortPeer() {
                    @Override
                    public void opened(boolean isOpen) {
                        ports.hostOpened(port, isOpen);
                        ring(CONTROL_TO_DRIVER);
                        ring(transmitQueue(port.id));
                    }

                    @Override
                    public void readable() {
                        ring(receiveQueue(port.id));
                    }

                    @Override
                    public void writable() {
                        ring(transmitQueue(port.id));
                    }
                });
    }

    private void ring(int queue) {
        VirtioActivation now = active;
        if (now != null) {
            now.notifyQueue(queue);
        }
    }

    // ---------------------------------------------------------------- constants

    @Override
    public VirtioDeviceType type() {
        return VirtioDeviceType.CONSOLE;
    }

    @Override
    public List<Integer> queueMaxSizes() {
        List<Integer> sizes = new ArrayList<>(Collections.nCopies(2 * ports.max() + 2, QUEUE_SIZE));
        sizes.set(CONTROL_TO_DRIVER, CONTROL_QUEUE_SIZE);
        sizes.set(CONTROL_TO_DEVICE, CONTROL_QUEUE_SIZE);
        return List.copyOf(sizes);
    }

    private static int receiveQueue(int port) {
        return port == 0 ? 0 : 2 * port + 2;
    }

    private static int transmitQueue(int port) {
        return receiveQueue(port) + 1;
    }

    /** The port of a queue that is not for control. */
    private static int portOf(int queue) {
        return queue < CONTROL_TO_DRIVER ? 0 : queue / 2 - 1;
    }

    @Override
    public long features() {
        return VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_MULTIPORT | VIRTIO_CONSOLE_F_EMERG_WRITE;
    }

    // ---------------------------------------------------------------- configuration (§5.3.4)

    @Override
    public int configBytes() {
        return CONFIG_BYTES;
    }

    @Override
    public long readConfig(int offset, int size) {
        ConsoleSize characters = ports.size();
        long value = 0;
        for (int at = offset + size - 1; at >= offset; at--) {
            value = value << 8 | configByte(at, characters);
        }
        return value;
    }

    private int configByte(int offset, ConsoleSize characters) {
        int field =
                switch (offset & ~1) {
                    case CONFIG_COLUMNS -> characters.columns();
                    case CONFIG_ROWS -> characters.rows();
                    case CONFIG_MAX_PORTS -> ports.max();
                    default -> 0;
                };
        return field >>> 8 * (offset & 1) & 0xff;
    }

    @Override
    public void writeConfig(int offset, int size, long value) {
        if (offset == CONFIG_EMERGENCY_WRITE) {
            streams.count(ports.first().backend.write(new byte[] {(byte) value}, 0, 1), 1);
        }
    }

    // ---------------------------------------------------------------- the life cycle

    @Override
    public void attach(VirtioHost given) {
        host = given;
        ports.present().forEach(this::start);
    }

    @Override
    public void activate(VirtioActivation given) {
        boolean isMultiport = given.hasFeatures(VIRTIO_CONSOLE_F_MULTIPORT);
        if (!isMultiport) {
            // Such a driver has one console, and says no more of it.
            Port first = ports.first();
            ports.guestOpened(first, true);
            first.backend.guestOpened(true);
        }
        active = given;
        given.queues().values().forEach(queue -> bind(queue, given));
    }

    private void bind(VirtQueue queue, VirtioActivation to) {
        int index = queue.index();
        if (index != 0 && index != 1 && !to.hasFeatures(VIRTIO_CONSOLE_F_MULTIPORT)) {
            return; // without the feature, nothing is behind it
        }
        Runnable handler =
                switch (index) {
                    case CONTROL_TO_DRIVER -> () -> ports.tell(queue);
                    case CONTROL_TO_DEVICE -> () -> listen(queue);
                    default ->
                            index % 2 == 0
                                    ? () -> streams.receive(ports.get(portOf(index)), queue, to)
                                    : () -> streams.transmit(ports.get(portOf(index)), queue, to);
                };
        to.onNotify(index, handler);
    }

    private void listen(VirtQueue queue) {
        ports.listen(
                queue,
                (port, isOpen) -> {
                    port.backend.guestOpened(isOpen);
                    ring(receiveQueue(port.id));
                });
        ring(CONTROL_TO_DRIVER);
    }

    @Override
    public void reset() {
        active = null;
        ports.reset().forEach(port -> port.backend.guestOpened(false));
    }

    @Override
    public void queueReset(int queue) {
        Port port = ports.get(portOf(queue));
        if (queue % 2 != 0 && queue != CONTROL_TO_DEVICE && port != null) {
            port.sent = 0;
        }
    }

    @Override
    public void queueEnabled(VirtQueue queue, VirtioActivation now) {
        bind(queue, now);
    }

    @Override
    public void sleep() {
        active = null;
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(typeId(), VERSION).put("ports", ports.snapshot()).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        ports.restore(snapshot.expect(typeId(), VERSION).getSnapshot("ports"));
        for (Port port : ports.present()) {
            port.backend.guestOpened(port.isGuestOpen);
            if (port.isRemoved) {
                port.backend.close();
            }
        }
    }

    @Override
    public void detach() {
        ports.detach().forEach(port -> port.backend.close());
    }

    /** The options of a device. */
    public static final class Builder {
        private record Named(String name, PortBackend backend) {}

        private final List<PortBackend> consoles = new ArrayList<>();
        private final List<Named> named = new ArrayList<>();
        private ConsoleSize size = ConsoleSize.UNKNOWN;
        private int maxPorts;

        private Builder() {}

        /**
         * Adds a console; without this there is one, to which nobody is connected.
         *
         * @param backend what stands behind it; the device closes it
         * @return this
         */
        public Builder console(PortBackend backend) {
            consoles.add(backend);
            return this;
        }

        /**
         * Adds a named port.
         *
         * @param name what the guest finds it by: 1 to {@link #MAX_NAME_CHARACTERS} letters,
         *     digits, dots, hyphens and underscores, beginning with none of the latter three
         * @param backend what stands behind it; the device closes it
         * @return this
         * @throws VirtioException if the name cannot be, or is taken
         */
        public Builder port(String name, PortBackend backend) {
            requireName(name);
            if (named.stream().anyMatch(other -> other.name.equals(name))) {
                throw new VirtioException("console: there is a port " + name + " already");
            }
            named.add(new Named(name, backend));
            return this;
        }

        static void requireName(String name) {
            if (!name.matches(
                    "[A-Za-z0-9][A-Za-z0-9._-]{0,%d}".formatted(MAX_NAME_CHARACTERS - 1))) {
                throw new VirtioException(
                        "console: expected a name of 1 to %d letters, digits, '.', '-', '_', got %s"
                                .formatted(MAX_NAME_CHARACTERS, name));
            }
        }

        /**
         * Sets the size that the first console has at the start; not known by default.
         *
         * @param characters the size
         * @return this
         */
        public Builder size(ConsoleSize characters) {
            size = characters;
            return this;
        }

        /**
         * Makes room for ports that are added later; by default there is none. Each port takes two
         * queues, and with them interrupts and memory of the guest's.
         *
         * @param count how many there may be at once, consoles included, up to {@link #MAX_PORTS}
         * @return this
         */
        public Builder maxPorts(int count) {
            maxPorts = count;
            return this;
        }

        private int maxPorts() {
            return maxPorts == 0 ? present() : maxPorts;
        }

        private int present() {
            return Math.max(1, consoles.size()) + named.size();
        }

        /**
         * Makes the device.
         *
         * @return the device
         * @throws VirtioException if there are more ports than there may be
         */
        public VirtioConsoleDevice build() {
            if (maxPorts() < present() || maxPorts() > MAX_PORTS) {
                throw new VirtioException(
                        "console: expected room for 1 to %d ports and at least as many as there are, "
                                        .formatted(MAX_PORTS)
                                + "got room for %d and %d ports".formatted(maxPorts(), present()));
            }
            return new VirtioConsoleDevice(this);
        }
    }
}
