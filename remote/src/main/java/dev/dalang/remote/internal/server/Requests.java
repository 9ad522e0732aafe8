package dev.dalang.remote.internal.server;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.pci.PciDoorbell;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Feature;
import dev.dalang.remote.internal.wire.IoFd;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;
import dev.dalang.remote.internal.wire.Request.DmaWrite;
import dev.dalang.remote.internal.wire.Request.IrqInfo;
import dev.dalang.remote.internal.wire.Request.MigrationRead;
import dev.dalang.remote.internal.wire.Request.MigrationWrite;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Request.WriteMulti;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.Version;
import dev.dalang.remote.internal.wire.Writer;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** What a client's requests do. One thread. */
final class Requests {
    /** What this side takes; QEMU takes no more than 16 for an answer. */
    private static final int MAX_MSG_FDS = 16;

    private static final int PAGE_BYTES = 4096;
    private static final byte[] NOTHING = {};

    private final ServedDevice device;
    private final Migration migration;
    private @Nullable Doorbells doorbells;

    /** The most descriptors that the client takes with one message. */
    private int mostDescriptors = 1;

    Requests(ServedDevice device) {
        this.device = device;
        migration = new Migration(device);
    }

    /** The client has said what it can. */
    void agreed(Capabilities theirs) {
        mostDescriptors = Math.min(theirs.maxMsgFds().orElse(1), MAX_MSG_FDS);
    }

    /**
     * What this side can do, of what a client knows.
     *
     * @param hasTwin true if a second socket goes with it
     */
    static Capabilities capabilities(Capabilities theirs, boolean hasTwin) {
        return new Capabilities(
                theirs.maxMsgFds().isPresent() ? OptionalInt.of(MAX_MSG_FDS) : OptionalInt.empty(),
                theirs.maxDataXferSize().isPresent()
                        ? OptionalLong.of(Connection.MAX_TRANSFER_BYTES)
                        : OptionalLong.empty(),
                theirs.maxDmaMaps().isPresent()
                        ? OptionalLong.of(ClientMemory.MAX_PIECES)
                        : OptionalLong.empty(),
                theirs.pgsizes().isPresent() ? OptionalLong.of(PAGE_BYTES) : OptionalLong.empty(),
                hasTwin
                        ? Optional.of(new Capabilities.TwinSocket(true, OptionalInt.of(0)))
                        : Optional.empty(),
                theirs.writeMultiple().isPresent() ? Optional.of(true) : Optional.empty(),
                theirs.migration().isPresent()
                        ? Optional.of(
                                new Capabilities.Migration(
                                        OptionalLong.of(PAGE_BYTES), OptionalLong.empty()))
                        : Optional.empty());
    }

    /**
     * Does a request.
     *
     * @param message what came; its descriptors are taken where they are wanted
     * @param with takes the descriptors that ride with the reply, which stay the device's
     * @return what is behind the header of the reply
     * @throws Refusal if it cannot be done
     */
    byte[] handle(Message message, List<Descriptor> with) {
        device.asking().lock();
        try {
            return handleAlone(message, with);
        } finally {
            device.asking().unlock();
        }
    }

    private byte[] handleAlone(Message message, List<Descriptor> with) {
        Refusal.unless(message.header().isRequest(), "neither a request nor a reply");
        Refusal.unless(!message.isSpoilt(), "descriptors behind the header");
        Command command =
                Command.of(message.header().command())
                        .filter(known -> !known.isFromServer() && known != Command.VERSION)
                        .orElseThrow(
                                () -> Refusal.invalid("command " + message.header().command()));
        Refusal.unless(migration.allows(command), "not while it is migrated");
        if (command != Command.DMA_MAP && command != Command.DMA_UNMAP) {
            device.release();
        }
        Request request = Request.parse(command, message.payload(), message.descriptors());
        return switch (request) {
            case DmaMap map -> map(map, message);
            case DmaUnmap unmap -> {
                device.unmap(unmap);
                yield unmap.payload();
            }
            case DeviceInfo _ ->
                    new DeviceInfo(
                                    DeviceInfo.BYTES,
                                    DeviceInfo.RESET | DeviceInfo.PCI,
                                    ServedDevice.REGIONS,
                                    ClientInterrupts.KINDS)
                            .payload();
            case RegionInfo query -> regionInfo(query, with);
            case RegionIoFds query -> ioFds(query, with);
            case IrqInfo query -> irqInfo(query);
            case SetIrqs set -> {
                device.interruptsOfClient().set(set, message.takeDescriptors());
                yield NOTHING;
            }
            case RegionRead read -> read(read);
            case RegionWrite write -> {
                device.write(write.region(), write.offset(), write.data().array());
                yield new RegionRead(write.offset(), write.region(), write.data().length())
                        .payload();
            }
            case WriteMulti writes -> writeAll(writes);
            case Reset _ -> {
                device.reset();
                migration.reset();
                yield NOTHING;
            }
            case Feature feature -> feature(feature);
            case MigrationRead read -> migration.read(read);
            case MigrationWrite write -> {
                migration.write(write.data().array());
                yield NOTHING;
            }
            case Version _, DmaRead _, DmaWrite _ -> throw Refusal.invalid("not of a client");
        };
    }

    /** The client is gone: what it began is over. */
    void disconnected() {
        Doorbells theirs = doorbells;
        if (theirs != null) {
            theirs.close();
        }
        migration.abandon();
    }

    private byte[] map(DmaMap map, Message message) {
        List<Descriptor> files = message.takeDescriptors();
        try {
            device.memory().map(map, files.isEmpty() ? null : files.get(0));
        } finally {
            files.forEach(Descriptor::close); // what is mapped stays so without it
        }
        return NOTHING;
    }

    private static void requireIndex(int index, int count) {
        Refusal.unless(
                index >= 0 && index < count,
                "expected an index below %d, got %s"
                        .formatted(count, Integer.toUnsignedString(index)));
    }

    private byte[] regionInfo(RegionInfo query, List<Descriptor> with) {
        int region = query.index();
        requireIndex(region, ServedDevice.REGIONS);
        long bytes = device.regionBytes(region);
        int flags =
                bytes == 0
                        ? 0
                        : region == ServedDevice.ROM_REGION
                                ? RegionInfo.READ
                                : RegionInfo.READ | RegionInfo.WRITE;
        Optional<RegionFiles.RegionFile> file = device.files().of(region);
        if (file.isEmpty() || mostDescriptors == 0) {
            return new RegionInfo(RegionInfo.BYTES, flags, region, bytes, 0, List.of()).payload();
        }
        RegionInfo.SparseMmap areas = new RegionInfo.SparseMmap(file.get().areas());
        long offset = file.get().offset();
        int mappable = flags | RegionInfo.MMAP | RegionInfo.CAPS;
        int needed = new RegionInfo(0, 0, region, 0, 0, List.of(areas)).bytes();
        if (Integer.compareUnsigned(query.argsz(), needed) < 0) {
            // It asks again with more room, and gets the file then.
            return new RegionInfo(needed, mappable, region, bytes, offset, List.of()).payload();
        }
        with.add(file.get().descriptor());
        return new RegionInfo(needed, mappable, region, bytes, offset, List.of(areas)).payload();
    }

    /** The events of a region, as many as the client has room and takes descriptors for. */
    private byte[] ioFds(RegionIoFds query, List<Descriptor> with) {
        int region = query.index();
        requireIndex(region, ServedDevice.REGIONS);
        List<PciDoorbell> all = device.doorbells(region);
        List<PciDoorbell> told = all.subList(0, Math.min(all.size(), mostDescriptors));
        int needed = IoFd.bytes(told.size());
        if (told.isEmpty() || Integer.compareUnsigned(query.argsz(), needed) < 0) {
            return new RegionIoFds(needed, 0, region, told.size()).payload();
        }
        Doorbells events = doorbells;
        if (events == null) {
            events = new Doorbells(device.doorbells(), device::ring);
            doorbells = events;
        }
        List<IoFd> parts = new ArrayList<>();
        for (PciDoorbell bell : told) {
            int flags =
                    (bell.value().isPresent() ? IoFd.DATA_MATCH : 0)
                            | (device.isPorts(region) ? IoFd.PORTS : 0);
            parts.add(
                    new IoFd(
                            bell.offset(),
                            bell.size(),
                            with.size(),
                            IoFd.IOEVENTFD,
                            flags,
                            bell.value().orElse(0)));
            with.add(events.event(bell).descriptor());
        }
        return IoFd.reply(region, parts);
    }

    private byte[] irqInfo(IrqInfo query) {
        int kind = query.index();
        requireIndex(kind, ClientInterrupts.KINDS);
        int flags =
                IrqInfo.EVENTFD
                        | (kind == ClientInterrupts.INTX
                                ? IrqInfo.MASKABLE | IrqInfo.AUTOMASKED
                                : IrqInfo.NORESIZE);
        int count = device.interruptsOfClient().count(kind);
        return new IrqInfo(IrqInfo.BYTES, flags, kind, count).payload();
    }

    private byte[] read(RegionRead read) {
        Refusal.unless(
                read.count() >= 0 && read.count() <= Connection.MAX_TRANSFER_BYTES,
                "REGION_READ: " + Integer.toUnsignedString(read.count()) + " bytes");
        byte[] data = device.read(read.region(), read.offset(), read.count());
        return Writer.of(RegionRead.BYTES + data.length).put(read.payload()).put(data).bytes();
    }

    /** As many as can be done, in their order. */
    private byte[] writeAll(WriteMulti several) {
        long done = 0;
        for (RegionWrite write : several.writes()) {
            try {
                device.write(write.region(), write.offset(), write.data().array());
            } catch (Refusal refused) {
                if (done == 0) {
                    throw refused;
                }
                break;
            }
            done++;
        }
        return Writer.of(Long.BYTES).putLong(done).bytes();
    }

    // ---------------------------------------------------------------- features

    private byte[] feature(Feature feature) {
        boolean isKnown =
                switch (feature.number()) {
                    case Feature.MIGRATION, Feature.DMA_LOGGING_REPORT -> !feature.isSet();
                    case Feature.MIG_DEVICE_STATE -> true;
                    case Feature.DMA_LOGGING_START, Feature.DMA_LOGGING_STOP -> !feature.isGet();
                    default -> false;
                };
        if (!isKnown) {
            throw new Refusal(Errno.ENOTTY, "DEVICE_FEATURE: " + feature.number());
        }
        if (feature.isProbe()) {
            return Writer.of(Feature.BYTES).putInt(Feature.BYTES).putInt(feature.flags()).bytes();
        }
        return switch (feature.number()) {
            case Feature.MIGRATION ->
                    reply(feature, Writer.of(Long.BYTES).putLong(Migration.FLAGS).bytes());
            case Feature.MIG_DEVICE_STATE -> {
                if (feature.isSet()) {
                    migration.change(data(feature, 8).getInt());
                    yield feature.payload();
                }
                byte[] state = Writer.of(8).putInt(migration.state()).putInt(-1).bytes();
                yield reply(feature, state);
            }
            case Feature.DMA_LOGGING_START -> {
                startLog(feature);
                yield feature.payload();
            }
            case Feature.DMA_LOGGING_STOP -> {
                device.memory().stopLog();
                yield feature.payload();
            }
            default -> report(feature);
        };
    }

    private static ByteBuffer data(Feature feature, int bytes) {
        Refusal.unless(
                feature.data().length() >= bytes,
                "DEVICE_FEATURE %d: expected %d bytes, got %d"
                        .formatted(feature.number(), bytes, feature.data().length()));
        return ByteBuffer.wrap(feature.data().array()).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** If it is more than the client has room for, it is told how much there is. */
    private static byte[] reply(Feature feature, byte[] data) {
        int bytes = Feature.BYTES + data.length;
        boolean fits = Integer.compareUnsigned(feature.argsz(), bytes) >= 0;
        Writer reply = Writer.of(fits ? bytes : Feature.BYTES);
        reply.putInt(bytes).putInt(feature.flags());
        return fits ? reply.put(data).bytes() : reply.bytes();
    }

    private void startLog(Feature feature) {
        ByteBuffer data = data(feature, 16);
        requirePage(data.getLong());
        long ranges = Integer.toUnsignedLong(data.getInt());
        data.getInt();
        Refusal.unless(ranges * 16 <= data.remaining(), "DMA_LOGGING_START: ranges cut off");
        // All that the device writes is logged: the ranges say what the client will ask for.
        device.memory().startLog();
    }

    private byte[] report(Feature feature) {
        ByteBuffer data = data(feature, 24);
        long address = data.getLong();
        long length = data.getLong();
        long page = data.getLong();
        requirePage(page);
        int shift = Long.numberOfTrailingZeros(page);
        Refusal.unless(
                length > 0
                        && Long.compareUnsigned(address + (length - 1), address) >= 0
                        && (address & page - 1) == 0
                        && length - 1 >>> shift < 8L * (Connection.MAX_TRANSFER_BYTES - 64),
                "DMA_LOGGING_REPORT: no such range, or too much of it at a time");
        long words = (length - 1 >>> shift + 6) + 1;
        long bytes = Feature.BYTES + 24 + words * Long.BYTES;
        if (Long.compareUnsigned(Integer.toUnsignedLong(feature.argsz()), bytes) < 0) {
            // The log is not lost: it is taken when there is room for it.
            return Writer.of(Feature.BYTES).putInt((int) bytes).putInt(feature.flags()).bytes();
        }
        long[] bits = device.memory().takeLog(address, length, page);
        Writer reply = Writer.of(24 + bits.length * Long.BYTES);
        reply.putLong(address).putLong(length).putLong(page);
        for (long word : bits) {
            reply.putLong(word);
        }
        return reply(feature, reply.bytes());
    }

    private static void requirePage(long bytes) {
        Refusal.unless(
                bytes >= PAGE_BYTES && Long.bitCount(bytes) == 1,
                "expected pages of a power of two of at least %d bytes, got %s"
                        .formatted(PAGE_BYTES, Long.toUnsignedString(bytes)));
    }
}
