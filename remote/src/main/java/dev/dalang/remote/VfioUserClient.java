package dev.dalang.remote;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.remote.internal.client.Channel;
import dev.dalang.remote.internal.client.DeviceCalls;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A device that another process serves by vfio-user: one of {@link VfioUserServer}, or any other's.
 *
 * {@snippet :
 * try (VfioUserClient edu = VfioUserClient.builder(Path.of("edu.sock")).connect()) {
 *     long identification = edu.read(0, 0, 4);
 * }
 * }
 *
 * <p>Any thread, several at a time. A call waits for the device's answer, for the time that the
 * client gives it, and cannot be interrupted meanwhile. The device's own requests, for memory that
 * it cannot map, are served by a thread of the client's.
 *
 * <p>The server is trusted with nothing but the memory that is mapped for it. The first answer that
 * is not one to what was asked, a message that is never finished, an answer that does not come:
 * each ends the connection. Then the device is gone: all calls that wait, and all that come, throw
 * a {@link VfioUserException} that {@linkplain VfioUserException#isLost is lost}, and the listener
 * is told. {@link #reconnect} makes a new connection, of which the device knows no memory and no
 * events: both are given anew.
 */
public final class VfioUserClient implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final Path path;
    private final int timeoutMillis;
    private final boolean hasTwinSocket;
    private final Consumer<VfioUserException> onLoss;
    private final Object connecting = new Object();

    private volatile DeviceCalls device;

    /** Guarded by {@link #connecting}. */
    private boolean isClosed;

    private VfioUserClient(Builder builder) throws VfioUserException {
        path = builder.path;
        timeoutMillis = builder.timeoutMillis;
        hasTwinSocket = builder.hasTwinSocket;
        onLoss = builder.onLoss;
        device = connect();
    }

    private DeviceCalls connect() throws VfioUserException {
        return DeviceCalls.over(path, Channel.connect(path, timeoutMillis, hasTwinSocket, onLoss));
    }

    /**
     * Prepares a client.
     *
     * @param path of the server's socket
     * @return the builder
     */
    public static Builder builder(Path path) {
        return new Builder(path);
    }

    /** What a client is like. */
    public static final class Builder {
        private final Path path;
        private int timeoutMillis = (int) TIMEOUT.toMillis();
        private boolean hasTwinSocket = true;
        private Consumer<VfioUserException> onLoss = _ -> {};

        private Builder(Path path) {
            this.path = Objects.requireNonNull(path);
        }

        /**
         * Says how long the server may take for an answer.
         *
         * @param value 1 ms to a day; 30 s unless it is said
         * @return this
         */
        public Builder timeout(Duration value) {
            long millis = value.toMillis();
            if (millis < 1 || millis > Duration.ofDays(1).toMillis()) {
                throw new IllegalArgumentException(
                        "expected a time-out of 1 ms to a day, got " + value);
            }
            timeoutMillis = (int) millis;
            return this;
        }

        /**
         * Says whether the server's own requests, for memory that it cannot map, may come over a
         * second socket. One library takes a request that crosses its own on one socket for the
         * answer.
         *
         * @param value true, unless it is said, for a second socket if the server has that
         * @return this
         */
        public Builder twinSocket(boolean value) {
            hasTwinSocket = value;
            return this;
        }

        /**
         * Says who is told when the device is gone, unless the client was closed.
         *
         * @param value told once for each connection, by a thread of the client's, when all that
         *     waited is through and the device's memory is left alone; it may reconnect or close
         * @return this
         */
        public Builder onLoss(Consumer<VfioUserException> value) {
            onLoss = Objects.requireNonNull(value);
            return this;
        }

        /**
         * Connects.
         *
         * @return the client
         * @throws VfioUserException if there is no server, it has another client, or is not as it
         *     should be
         */
        public VfioUserClient connect() throws VfioUserException {
            return new VfioUserClient(this);
        }
    }

    // ---------------------------------------------------------------- the connection

    /** {@return where the server is} */
    public Path path() {
        return path;
    }

    /** {@return true until the device is gone, or this is closed} */
    public boolean isConnected() {
        return device.channel().isConnected();
    }

    /**
     * Makes a new connection if the device is gone; does nothing while there is one.
     *
     * @throws VfioUserException if it cannot be, or is closed
     */
    public void reconnect() throws VfioUserException {
        DeviceCalls ended = null;
        while (true) {
            DeviceCalls gone;
            synchronized (connecting) {
                if (isClosed) {
                    throw new VfioUserException(
                            VfioUserException.Kind.LOST, 0, path + ": it is closed");
                }
                if (isConnected()) {
                    return;
                }
                if (device == ended) {
                    device = connect();
                    return;
                }
                gone = device;
            }
            // Without the lock: it waits for who is told of the loss, who may come here, too.
            gone.channel().close();
            ended = gone;
        }
    }

    /** {@return how many requests of the device's for memory were refused} */
    public long refusals() {
        return device.channel().refusals();
    }

    /** {@return how many pieces of memory are mapped for the device} */
    public int memoryPieces() {
        return device.channel().opened();
    }

    /**
     * Ends the connection. When this returns, the device's memory is left alone. Closing twice does
     * nothing.
     */
    @Override
    public void close() {
        DeviceCalls last;
        synchronized (connecting) {
            isClosed = true;
            last = device;
        }
        // Without the lock: it waits for who is told of a loss, who may reconnect or close, too.
        last.channel().close();
    }

    // ---------------------------------------------------------------- what there is

    /** {@return true if it is a PCI device, whose regions and interrupts are numbered as PCI's} */
    public boolean isPci() {
        return device.isPci();
    }

    /** {@return true if {@link #reset} can be called} */
    public boolean isResettable() {
        return device.isResettable();
    }

    /** {@return the regions that have bytes, by number} */
    public List<VfioUserRegion> regions() {
        return device.regions();
    }

    /**
     * Finds a region.
     *
     * @param index its number
     * @return the region; empty if there is none, or it has no bytes
     */
    public Optional<VfioUserRegion> region(int index) {
        return regions().stream().filter(region -> region.index() == index).findFirst();
    }

    /** {@return what there is of each kind of interrupt, by number} */
    public List<VfioUserInterrupts> interrupts() {
        return device.interrupts();
    }

    // ---------------------------------------------------------------- regions

    /**
     * Reads a register.
     *
     * @param region number of the region
     * @param offset in the region
     * @param size 1, 2, 4 or 8
     * @return the value, little-endian, zero-extended
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public long read(int region, long offset, int size) throws VfioUserException {
        return device.read(region, offset, size);
    }

    /**
     * Reads bytes, in as many messages as it takes.
     *
     * @param region number of the region
     * @param offset in the region
     * @param target where the bytes go
     * @throws VfioUserException if the server refuses, or the device is gone; some may have come
     */
    public void read(int region, long offset, MemorySegment target) throws VfioUserException {
        device.read(region, offset, target);
    }

    /**
     * Writes a register, and waits until the device has it.
     *
     * @param region number of the region
     * @param offset in the region
     * @param size 1, 2, 4 or 8
     * @param value the value; bits above {@code size} bytes are ignored
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void write(int region, long offset, int size, long value) throws VfioUserException {
        device.write(region, offset, size, value);
    }

    /**
     * Writes bytes, in as many messages as it takes, and waits until the device has them.
     *
     * @param region number of the region
     * @param offset in the region
     * @param source the bytes
     * @throws VfioUserException if the server refuses, or the device is gone; some may be written
     */
    public void write(int region, long offset, MemorySegment source) throws VfioUserException {
        device.write(region, offset, source);
    }

    /**
     * Writes a register without waiting. The device has it before anything that is asked later.
     * That the server refuses is not known.
     *
     * @param region number of the region
     * @param offset in the region
     * @param size 1, 2, 4 or 8
     * @param value the value; bits above {@code size} bytes are ignored
     * @throws VfioUserException if the device is gone
     */
    public void post(int region, long offset, int size, long value) throws VfioUserException {
        device.post(region, offset, size, value);
    }

    /**
     * A write of a register among several.
     *
     * @param region number of the region
     * @param offset in the region
     * @param size 1, 2, 4 or 8
     * @param value the value
     */
    public record RegisterWrite(int region, long offset, int size, long value) {}

    /**
     * Writes registers in their order, in few messages if the server can, and waits until the
     * device has them.
     *
     * @param writes the writes
     * @throws VfioUserException if the server refuses, or the device is gone; those before may be
     *     done
     */
    public void writeAll(List<RegisterWrite> writes) throws VfioUserException {
        device.writeAll(writes);
    }

    /**
     * Maps a part of a region, whose loads and stores then go to the device without a message. A
     * server that makes its file smaller makes an access fail with an {@link InternalError}.
     *
     * @param region number of the region
     * @param area one of the region's areas, or a part of one in whole pages
     * @param arena the mapping's life, whatever becomes of the connection; shared
     * @return the memory
     * @throws VfioUserException if it cannot be
     */
    public MemorySegment map(int region, VfioUserRegion.Area area, Arena arena)
            throws VfioUserException {
        return device.map(region, area, arena);
    }

    /**
     * Asks for events that can be signalled instead of writing registers of a region. What is told
     * so comes late, and once if it is told several times; nothing says that it comes before or
     * after what is sent.
     *
     * @param region number of the region
     * @return the registers with their events, which are the caller's to close; mostly none
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public List<VfioUserDoorbell> doorbells(int region) throws VfioUserException {
        return device.doorbells(region);
    }

    // ---------------------------------------------------------------- interrupts

    /**
     * Has interrupts signalled by events from now on.
     *
     * @param kind number of the kind
     * @param start the first
     * @param events one for each; they stay the caller's
     * @throws VfioUserException if the server refuses, or the device is gone; then none of them has
     *     its event any more, as far as the server does what it is told
     */
    public void setEvents(int kind, int start, List<EventDescriptor> events)
            throws VfioUserException {
        device.setEvents(kind, start, events);
    }

    /**
     * Has interrupts signalled no more.
     *
     * @param kind number of the kind
     * @param start the first
     * @param count how many, at least 1
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void clearEvents(int kind, int start, int count) throws VfioUserException {
        device.clearEvents(kind, start, count);
    }

    /**
     * Takes the device away from one kind of interrupt.
     *
     * @param kind number of the kind
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void disable(int kind) throws VfioUserException {
        device.disable(kind);
    }

    /**
     * Holds interrupts back.
     *
     * @param kind number of the kind
     * @param start the first
     * @param count how many, at least 1
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void mask(int kind, int start, int count) throws VfioUserException {
        device.mask(kind, start, count);
    }

    /**
     * Lets interrupts come again.
     *
     * @param kind number of the kind
     * @param start the first
     * @param count how many, at least 1
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void unmask(int kind, int start, int count) throws VfioUserException {
        device.unmask(kind, start, count);
    }

    /**
     * Lets the wired interrupt come again whenever an event is signalled.
     *
     * @param event the event, which stays the caller's; empty to end that
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void setUnmaskEvent(Optional<EventDescriptor> event) throws VfioUserException {
        device.setUnmaskEvent(event);
    }

    /**
     * Signals interrupts as if the device had.
     *
     * @param kind number of the kind
     * @param start the first
     * @param count how many, at least 1
     * @throws VfioUserException if the server refuses, or the device is gone
     */
    public void trigger(int kind, int start, int count) throws VfioUserException {
        device.trigger(kind, start, count);
    }

    // ---------------------------------------------------------------- memory

    /**
     * Lets the device reach memory.
     *
     * @param address the first address, as the device uses it; unsigned
     * @param size bytes; both are multiples of 4 KiB, or of what the server takes
     * @param isReadable true if the device may read
     * @param isWritable true if the device may write
     * @param file the file that the server maps; empty if each access is to be a message. It stays
     *     the caller's
     * @param offset where in the file the memory begins
     * @param memory serves the messages
     * @throws VfioUserException if it overlaps with another piece, there are too many, the server
     *     refuses, or the device is gone
     */
    public void mapMemory(
            long address,
            long size,
            boolean isReadable,
            boolean isWritable,
            Optional<Descriptor> file,
            long offset,
            DmaMemory memory)
            throws VfioUserException {
        device.mapMemory(address, size, isReadable, isWritable, file, offset, memory);
    }

    /**
     * Takes memory away from the device. When this returns, no message reaches it.
     *
     * @param address as it was mapped
     * @param size as it was mapped
     * @throws VfioUserException if it was not mapped so, the server refuses, or the device is gone:
     *     a server that refuses, or is gone as far as this client can tell, may still have a file
     *     that was given to it
     */
    public void unmapMemory(long address, long size) throws VfioUserException {
        device.unmapMemory(address, size);
    }

    // ---------------------------------------------------------------- life

    /**
     * Puts the device into the state of power-on. Events and memory stay as they are.
     *
     * @throws VfioUserException if it has no reset, the server refuses, or the device is gone
     */
    public void reset() throws VfioUserException {
        device.reset();
    }

    /**
     * Tells of the device's ability to give its state away.
     *
     * @return it, for this connection; empty if the device has none
     * @throws VfioUserException if the device is gone
     */
    public Optional<VfioUserMigration> migration() throws VfioUserException {
        return VfioUserMigration.of(device.channel());
    }
}
