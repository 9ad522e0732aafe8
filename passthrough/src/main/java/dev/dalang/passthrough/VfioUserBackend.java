package dev.dalang.passthrough;

import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.LinuxFile;
import dev.dalang.remote.DmaMemory;
import dev.dalang.remote.VfioUserClient;
import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserInterrupts;
import dev.dalang.remote.VfioUserMigration;
import dev.dalang.remote.VfioUserRegion;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The way to a device that another process serves by vfio-user.
 *
 * <p>Writes to BARs are posted: that the server refuses one is not known, as it would not be on a
 * bus. Memory whose bytes are a shared mapping is given to the server as a file, all of which it
 * then reaches, and not the mapped part alone; other memory it asks for, message by message. The
 * server's end is the device's loss: who wants it back opens a backend anew.
 */
public final class VfioUserBackend implements PassthroughBackend {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** Whoever wants to know of the loss. Any thread. */
    private static final class Loss {
        private final List<Runnable> notices = new ArrayList<>();
        private boolean isLost;

        void happened() {
            List<Runnable> told;
            synchronized (this) {
                isLost = true;
                told = List.copyOf(notices);
                notices.clear();
            }
            told.forEach(Runnable::run);
        }

        void tell(Runnable notice) {
            synchronized (this) {
                if (!isLost) {
                    notices.add(notice);
                    return;
                }
            }
            notice.run();
        }
    }

    private final String label;
    private final VfioUserClient client;
    private final Loss loss;
    private final List<BackendRegion> regions;
    private final EventSignals signals;
    private final @Nullable VfioUserMigration migration;

    private VfioUserBackend(String label, VfioUserClient client, Loss loss, EventSignals signals)
            throws BackendException, VfioUserException {
        this.label = label;
        this.client = client;
        this.loss = loss;
        this.signals = signals;
        if (!client.isPci() || client.region(VfioUserRegion.CONFIGURATION).isEmpty()) {
            throw new BackendException("connect to " + label, 0, "expected a PCI device");
        }
        List<BackendRegion> all = new ArrayList<>();
        for (VfioUserRegion region : client.regions()) {
            all.add(
                    new BackendRegion(
                            region.index(),
                            region.size(),
                            region.isReadable(),
                            region.isWritable(),
                            false,
                            region.areas().stream()
                                    .map(area -> new BackendRegion.Area(area.offset(), area.size()))
                                    .toList()));
        }
        regions = List.copyOf(all);
        migration = client.migration().orElse(null);
    }

    /**
     * Connects to a server, which may take 30 seconds for each answer.
     *
     * @param path of the server's socket
     * @return the way to its device
     * @throws BackendException if there is no server, it has another client, or its device is no
     *     PCI device
     */
    public static VfioUserBackend connect(Path path) throws BackendException {
        return connect(path, TIMEOUT);
    }

    /**
     * Connects to a server.
     *
     * @param path of the server's socket
     * @param timeout how long it may take for an answer, before the device is lost; 1 ms to a day
     * @return the way to its device
     * @throws BackendException if there is no server, it has another client, or its device is no
     *     PCI device
     */
    public static VfioUserBackend connect(Path path, Duration timeout) throws BackendException {
        String label = "vfio-user:" + path;
        String operation = "connect to " + label;
        Loss loss = new Loss();
        EventSignals signals = null;
        VfioUserClient client = null;
        VfioUserBackend made = null;
        try {
            signals = EventSignals.start("passthrough " + path.getFileName());
            client =
                    VfioUserClient.builder(path)
                            .timeout(timeout)
                            .onLoss(_ -> loss.happened())
                            .connect();
            made = new VfioUserBackend(label, client, loss, signals);
            return made;
        } catch (VfioUserException failed) {
            throw of(operation, failed);
        } catch (HostIoException failed) {
            throw BackendException.of(operation, failed);
        } finally {
            if (made == null) {
                if (client != null) {
                    client.close();
                }
                if (signals != null) {
                    signals.close();
                }
            }
        }
    }

    static BackendException of(String operation, VfioUserException failed) {
        BackendException made =
                failed.isLost()
                        ? BackendException.lost(operation, String.valueOf(failed.getMessage()))
                        : new BackendException(
                                operation, failed.number(), String.valueOf(failed.getMessage()));
        made.initCause(failed);
        return made;
    }

    /** Something that is asked of the client. */
    private interface Ask<T> {
        T get() throws VfioUserException;
    }

    /** Something that the client is told. */
    private interface Order {
        void run() throws VfioUserException;
    }

    private static <T> T ask(String operation, Ask<T> what) throws BackendException {
        try {
            return what.get();
        } catch (VfioUserException failed) {
            throw of(operation, failed);
        }
    }

    private static void order(String operation, Order what) throws BackendException {
        try {
            what.run();
        } catch (VfioUserException failed) {
            throw of(operation, failed);
        }
    }

    // ---------------------------------------------------------------- what there is

    @Override
    public String label() {
        return label;
    }

    @Override
    public List<BackendRegion> regions() {
        return regions;
    }

    @Override
    public InterruptInfo interrupts(InterruptKind kind) {
        List<VfioUserInterrupts> all = client.interrupts();
        if (kind.index() >= all.size()) {
            return InterruptInfo.NONE;
        }
        VfioUserInterrupts found = all.get(kind.index());
        return new InterruptInfo(
                found.count(), found.isMaskable(), found.isAutoMasked(), found.isFixed());
    }

    @Override
    public boolean isResettable() {
        return client.isResettable();
    }

    // ---------------------------------------------------------------- regions

    @Override
    public long read(int region, long offset, int size) throws BackendException {
        try {
            return client.read(region, offset, size);
        } catch (VfioUserException failed) {
            throw of("read region %d at 0x%x".formatted(region, offset), failed);
        }
    }

    @Override
    public void write(int region, long offset, int size, long value) throws BackendException {
        try {
            if (region < BackendRegion.ROM) {
                client.post(region, offset, size, value);
            } else {
                client.write(region, offset, size, value);
            }
        } catch (VfioUserException failed) {
            throw of("write region %d at 0x%x".formatted(region, offset), failed);
        }
    }

    @Override
    public void read(int region, long offset, MemorySegment target) throws BackendException {
        order(
                "read region %d at 0x%x".formatted(region, offset),
                () -> client.read(region, offset, target));
    }

    @Override
    public MemorySegment map(int region, BackendRegion.Area area, Arena arena)
            throws BackendException {
        return ask(
                "map region %d at 0x%x".formatted(region, area.offset()),
                () ->
                        client.map(
                                region,
                                new VfioUserRegion.Area(area.offset(), area.size()),
                                arena));
    }

    // ---------------------------------------------------------------- interrupts

    /** {@inheritDoc} If it fails, none of them is armed. */
    @Override
    public void arm(InterruptKind kind, int start, int count, InterruptSink sink)
            throws BackendException {
        String operation = "arm %s %d..%d".formatted(kind, start, start + count - 1);
        requireInterrupts(operation, kind, start, count);
        try {
            signals.arm(
                    kind.index(),
                    start,
                    count,
                    sink,
                    events -> client.setEvents(kind.index(), start, events));
        } catch (VfioUserException failed) {
            throw of(operation, failed);
        } catch (HostIoException failed) {
            throw BackendException.of(operation, failed);
        }
    }

    private void requireInterrupts(String operation, InterruptKind kind, int start, int count)
            throws BackendException {
        int most = interrupts(kind).count();
        if (start < 0 || count < 1 || start > most - count) {
            throw new BackendException(
                    operation, Errno.EINVAL.number(), "%s has %d of them".formatted(label, most));
        }
    }

    @Override
    public void disarm(InterruptKind kind, int start, int count) throws BackendException {
        String operation = "disarm %s %d..%d".formatted(kind, start, start + count - 1);
        requireInterrupts(operation, kind, start, count);
        try {
            order(operation, () -> client.clearEvents(kind.index(), start, count));
        } finally {
            signals.disarm(kind.index(), start, count);
        }
    }

    @Override
    public void disable(InterruptKind kind) throws BackendException {
        if (!signals.isArmed(kind.index())) {
            return;
        }
        try {
            order("disable " + kind, () -> client.disable(kind.index()));
        } finally {
            signals.disarm(kind.index(), 0, InterruptInfo.MAX_COUNT);
        }
    }

    @Override
    public void mask(InterruptKind kind, int start, int count) throws BackendException {
        String operation = "mask %s %d..%d".formatted(kind, start, start + count - 1);
        requireInterrupts(operation, kind, start, count);
        order(operation, () -> client.mask(kind.index(), start, count));
    }

    @Override
    public void unmask(InterruptKind kind, int start, int count) throws BackendException {
        String operation = "unmask %s %d..%d".formatted(kind, start, start + count - 1);
        requireInterrupts(operation, kind, start, count);
        order(operation, () -> client.unmask(kind.index(), start, count));
    }

    // ---------------------------------------------------------------- memory

    @Override
    public void mapDma(DmaMapping mapping) throws BackendException {
        String operation =
                "map 0x%x bytes of memory at 0x%x".formatted(mapping.bytes(), mapping.address());
        switch (mapping.backing().orElse(null)) {
            case null -> mapDma(operation, mapping, Optional.empty(), 0);
            case MemoryBacking.Descriptor(int number, long offset) ->
                    // Only lent: it is not closed, and so stays its owner's.
                    mapDma(
                            operation,
                            mapping,
                            Optional.of(Descriptor.of(number, "memory")),
                            offset);
            case MemoryBacking.File(Path path, long offset) -> {
                try (LinuxFile file = LinuxFile.open(path, mapping.isWritable())) {
                    mapDma(operation, mapping, Optional.of(file.descriptor()), offset);
                } catch (HostIoException failed) {
                    throw BackendException.of(operation, failed);
                }
            }
        }
    }

    private void mapDma(
            String operation, DmaMapping mapping, Optional<Descriptor> file, long offset)
            throws BackendException {
        order(
                operation,
                () ->
                        client.mapMemory(
                                mapping.address(),
                                mapping.bytes(),
                                mapping.isReadable(),
                                mapping.isWritable(),
                                file,
                                offset,
                                memory(mapping.access())));
    }

    private static DmaMemory memory(DmaAccess access) {
        return new DmaMemory() {
            @Override
            public void read(long address, MemorySegment target) {
                access.read(address, target);
            }

            @Override
            public void write(long address, MemorySegment source) {
                access.write(address, source);
            }
        };
    }

    @Override
    public void unmapDma(long address, long bytes) throws BackendException {
        order(
                "unmap 0x%x bytes of memory at 0x%x".formatted(bytes, address),
                () -> client.unmapMemory(address, bytes));
    }

    // ---------------------------------------------------------------- life

    @Override
    public void reset() throws BackendException {
        order("reset", client::reset);
        for (InterruptKind kind : InterruptKind.values()) {
            disable(kind);
        }
    }

    @Override
    public void onLost(Runnable notice) {
        loss.tell(notice);
    }

    @Override
    public Optional<BackendMigration> migration() {
        return Optional.ofNullable(migration).map(VfioUserBackendMigration::new);
    }

    @Override
    public void close() {
        client.close();
        signals.close();
    }
}
