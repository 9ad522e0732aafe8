package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;
import static dev.dalang.remote.internal.wire.Layout.requireArgsz;
import static dev.dalang.remote.internal.wire.Layout.rest;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What is behind the header of a request. Some replies have the layout of their request; those of
 * reads have the layout of the write, and the other way round.
 *
 * <p>What can be told without knowing the device is checked here: a structure that is cut off,
 * counts that do not fit what came, flags that there are not.
 */
public sealed interface Request
        permits Version,
                RegionInfo,
                SetIrqs,
                Feature,
                Request.DmaMap,
                Request.DmaUnmap,
                Request.DeviceInfo,
                Request.RegionIoFds,
                Request.IrqInfo,
                Request.RegionRead,
                Request.RegionWrite,
                Request.DmaRead,
                Request.DmaWrite,
                Request.Reset,
                Request.WriteMulti,
                Request.MigrationRead,
                Request.MigrationWrite {
    /** What it asks for. */
    Command command();

    /** It as bytes. */
    byte[] payload();

    /**
     * Reads a request.
     *
     * @param command what it asks for
     * @param payload what is behind the header
     * @param descriptors how many came with it
     * @throws Refusal if it is not as it should be
     */
    static Request parse(Command command, byte[] payload, int descriptors) {
        if (command != Command.DMA_MAP && command != Command.DEVICE_SET_IRQS) {
            Refusal.unless(descriptors == 0, "expected no descriptors, got " + descriptors);
        }
        return switch (command) {
            case VERSION -> Version.parse(payload);
            case DMA_MAP -> DmaMap.parse(payload, descriptors);
            case DMA_UNMAP -> DmaUnmap.parse(payload);
            case DEVICE_GET_INFO -> DeviceInfo.parse(payload);
            case DEVICE_GET_REGION_INFO -> RegionInfo.parse(payload);
            case DEVICE_GET_REGION_IO_FDS -> RegionIoFds.parse(payload);
            case DEVICE_GET_IRQ_INFO -> IrqInfo.parse(payload);
            case DEVICE_SET_IRQS -> SetIrqs.parse(payload, descriptors);
            case REGION_READ -> RegionRead.parse(payload);
            case REGION_WRITE -> RegionWrite.parse(payload);
            case DMA_READ -> DmaRead.parse(payload);
            case DMA_WRITE -> DmaWrite.parse(payload);
            case DEVICE_RESET -> Reset.INSTANCE;
            case REGION_WRITE_MULTI -> WriteMulti.parse(payload);
            case DEVICE_FEATURE -> Feature.parse(payload);
            case MIG_DATA_READ -> MigrationRead.parse(payload);
            case MIG_DATA_WRITE -> MigrationWrite.parse(payload);
        };
    }

    /**
     * Memory that the server may use.
     *
     * @param argsz bytes of this structure
     * @param flags {@link #READ}, {@link #WRITE} and hints of how it may be reached
     * @param offset where in the file of the descriptor, if one came, the memory begins
     * @param address where the memory is for the device, unsigned
     * @param size its bytes, unsigned
     */
    record DmaMap(int argsz, int flags, long offset, long address, long size) implements Request {
        public static final int BYTES = 32;
        public static final int READ = 1;
        public static final int WRITE = 2;

        /** Hints that one server knows: map it, or use it as a file. */
        private static final int HINTS = 4 | 8;

        public DmaMap(int flags, long offset, long address, long size) {
            this(BYTES, flags, offset, address, size);
        }

        static DmaMap parse(byte[] payload, int descriptors) {
            ByteBuffer from = reader(payload, BYTES, "DMA_MAP");
            DmaMap map =
                    new DmaMap(
                            from.getInt(),
                            from.getInt(),
                            from.getLong(),
                            from.getLong(),
                            from.getLong());
            requireArgsz(map.argsz, BYTES, "DMA_MAP");
            Refusal.unless(
                    (map.flags & ~(READ | WRITE | HINTS)) == 0,
                    "DMA_MAP: flags 0x" + Integer.toHexString(map.flags));
            Refusal.unless(descriptors <= 1, "DMA_MAP: expected a descriptor, got " + descriptors);
            Refusal.unless(
                    map.size != 0
                            && Long.compareUnsigned(map.address + (map.size - 1), map.address) >= 0,
                    "DMA_MAP: no such range");
            return map;
        }

        @Override
        public Command command() {
            return Command.DMA_MAP;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(BYTES).putInt(argsz).putInt(flags);
            return to.putLong(offset).putLong(address).putLong(size).bytes();
        }
    }

    /**
     * Takes memory back. The reply has the same layout.
     *
     * @param argsz bytes that the reply may have
     * @param flags {@link #ALL} or 0
     * @param address as it was mapped
     * @param size as it was mapped
     */
    record DmaUnmap(int argsz, int flags, long address, long size) implements Request {
        public static final int BYTES = 24;
        public static final int ALL = 2;

        public DmaUnmap(int flags, long address, long size) {
            this(BYTES, flags, address, size);
        }

        public static DmaUnmap parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "DMA_UNMAP");
            DmaUnmap unmap =
                    new DmaUnmap(from.getInt(), from.getInt(), from.getLong(), from.getLong());
            requireArgsz(unmap.argsz, BYTES, "DMA_UNMAP");
            Refusal.unless(
                    (unmap.flags & ~ALL) == 0,
                    "DMA_UNMAP: flags 0x" + Integer.toHexString(unmap.flags));
            Refusal.unless(
                    unmap.flags != ALL || unmap.address == 0 && unmap.size == 0,
                    "DMA_UNMAP: all of it, and a range");
            return unmap;
        }

        @Override
        public Command command() {
            return Command.DMA_UNMAP;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(BYTES).putInt(argsz).putInt(flags);
            return to.putLong(address).putLong(size).bytes();
        }
    }

    /**
     * What the device is. Of a request only {@code argsz} counts.
     *
     * @param argsz bytes that the reply may have, or has
     * @param flags {@link #RESET}, {@link #PCI}
     * @param regions how many there are
     * @param irqs how many kinds of interrupts there are
     */
    record DeviceInfo(int argsz, int flags, int regions, int irqs) implements Request {
        public static final int BYTES = 16;
        public static final int RESET = 1;
        public static final int PCI = 2;

        public static DeviceInfo parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "DEVICE_GET_INFO");
            DeviceInfo info =
                    new DeviceInfo(from.getInt(), from.getInt(), from.getInt(), from.getInt());
            requireArgsz(info.argsz, BYTES, "DEVICE_GET_INFO");
            return info;
        }

        @Override
        public Command command() {
            return Command.DEVICE_GET_INFO;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(BYTES).putInt(argsz).putInt(flags);
            return to.putInt(regions).putInt(irqs).bytes();
        }
    }

    /**
     * Asks for what brings accesses by descriptors. A reply has such things behind it.
     *
     * @param argsz bytes that the reply may have
     * @param flags 0
     * @param index of the region
     * @param count 0; in the reply how many there are
     */
    record RegionIoFds(int argsz, int flags, int index, int count) implements Request {
        public static final int BYTES = 16;

        public static RegionIoFds parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "DEVICE_GET_REGION_IO_FDS");
            RegionIoFds fds =
                    new RegionIoFds(from.getInt(), from.getInt(), from.getInt(), from.getInt());
            requireArgsz(fds.argsz, BYTES, "DEVICE_GET_REGION_IO_FDS");
            Refusal.unless(fds.flags == 0, "DEVICE_GET_REGION_IO_FDS: flags");
            return fds;
        }

        @Override
        public Command command() {
            return Command.DEVICE_GET_REGION_IO_FDS;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(BYTES).putInt(argsz).putInt(flags);
            return to.putInt(index).putInt(count).bytes();
        }
    }

    /**
     * What one kind of interrupts is like. Of a request {@code argsz} and {@code index} count.
     *
     * @param argsz bytes that the reply may have, or has
     * @param flags {@link #EVENTFD} and further
     * @param index of the kind
     * @param count how many there are
     */
    record IrqInfo(int argsz, int flags, int index, int count) implements Request {
        public static final int BYTES = 16;
        public static final int EVENTFD = 1;
        public static final int MASKABLE = 2;
        public static final int AUTOMASKED = 4;
        public static final int NORESIZE = 8;

        public static IrqInfo parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "DEVICE_GET_IRQ_INFO");
            IrqInfo info = new IrqInfo(from.getInt(), from.getInt(), from.getInt(), from.getInt());
            requireArgsz(info.argsz, BYTES, "DEVICE_GET_IRQ_INFO");
            return info;
        }

        @Override
        public Command command() {
            return Command.DEVICE_GET_IRQ_INFO;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(BYTES).putInt(argsz).putInt(flags);
            return to.putInt(index).putInt(count).bytes();
        }
    }

    /**
     * Reads a region; also the reply to a write.
     *
     * @param offset in the region, unsigned
     * @param region its index
     * @param count bytes, unsigned
     */
    record RegionRead(long offset, int region, int count) implements Request {
        public static final int BYTES = 16;

        public static RegionRead parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "REGION_READ");
            return new RegionRead(from.getLong(), from.getInt(), from.getInt());
        }

        @Override
        public Command command() {
            return Command.REGION_READ;
        }

        @Override
        public byte[] payload() {
            return Writer.of(BYTES).putLong(offset).putInt(region).putInt(count).bytes();
        }
    }

    /**
     * Writes a region; also the reply to a read.
     *
     * @param offset in the region, unsigned
     * @param region its index
     * @param data the bytes
     */
    record RegionWrite(long offset, int region, Bytes data) implements Request {
        public static RegionWrite parse(byte[] payload) {
            ByteBuffer from = reader(payload, RegionRead.BYTES, "REGION_WRITE");
            long offset = from.getLong();
            int region = from.getInt();
            int count = from.getInt();
            if (count != from.remaining()) {
                throw Refusal.invalid(
                        "REGION_WRITE: %s bytes are announced, %d came"
                                .formatted(Integer.toUnsignedString(count), from.remaining()));
            }
            return new RegionWrite(offset, region, rest(from));
        }

        @Override
        public Command command() {
            return Command.REGION_WRITE;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(RegionRead.BYTES + data.length());
            return to.putLong(offset)
                    .putInt(region)
                    .putInt(data.length())
                    .put(data.array())
                    .bytes();
        }
    }

    /**
     * Reads memory of the client's; also the reply to a write.
     *
     * @param address as the device knows it, unsigned
     * @param count bytes, unsigned
     */
    record DmaRead(long address, long count) implements Request {
        public static final int BYTES = 16;

        public static DmaRead parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "DMA_READ");
            return new DmaRead(from.getLong(), from.getLong());
        }

        @Override
        public Command command() {
            return Command.DMA_READ;
        }

        @Override
        public byte[] payload() {
            return Writer.of(BYTES).putLong(address).putLong(count).bytes();
        }
    }

    /**
     * Writes memory of the client's; also the reply to a read.
     *
     * @param address as the device knows it, unsigned
     * @param data the bytes
     */
    record DmaWrite(long address, Bytes data) implements Request {
        public static DmaWrite parse(byte[] payload) {
            ByteBuffer from = reader(payload, DmaRead.BYTES, "DMA_WRITE");
            long address = from.getLong();
            long count = from.getLong();
            if (count != from.remaining()) {
                throw Refusal.invalid(
                        "DMA_WRITE: %s bytes are announced, %d came"
                                .formatted(Long.toUnsignedString(count), from.remaining()));
            }
            return new DmaWrite(address, rest(from));
        }

        @Override
        public Command command() {
            return Command.DMA_WRITE;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(DmaRead.BYTES + data.length());
            return to.putLong(address).putLong(data.length()).put(data.array()).bytes();
        }
    }

    /** Puts the device into the state of power-on. It has no structure. */
    enum Reset implements Request {
        INSTANCE;

        @Override
        public Command command() {
            return Command.DEVICE_RESET;
        }

        @Override
        public byte[] payload() {
            return new byte[0];
        }
    }

    /**
     * Several writes, each of at most 8 bytes.
     *
     * @param writes in the order in which they are done
     */
    record WriteMulti(List<RegionWrite> writes) implements Request {
        private static final int ENTRY_BYTES = 24;
        private static final int DATA_BYTES = 8;

        static WriteMulti parse(byte[] payload) {
            ByteBuffer from = reader(payload, Long.BYTES, "REGION_WRITE_MULTI");
            long count = from.getLong();
            Refusal.unless(
                    from.remaining() % ENTRY_BYTES == 0 && count == from.remaining() / ENTRY_BYTES,
                    "REGION_WRITE_MULTI: %s writes are announced, %d bytes came"
                            .formatted(Long.toUnsignedString(count), from.remaining()));
            List<RegionWrite> writes = new ArrayList<>((int) count);
            while (from.hasRemaining()) {
                long offset = from.getLong();
                int region = from.getInt();
                int bytes = from.getInt();
                Refusal.unless(
                        bytes >= 0 && bytes <= DATA_BYTES,
                        "REGION_WRITE_MULTI: a write of " + Integer.toUnsignedString(bytes));
                byte[] data = new byte[bytes];
                from.get(from.position(), data);
                from.position(from.position() + DATA_BYTES);
                writes.add(new RegionWrite(offset, region, Bytes.of(data)));
            }
            return new WriteMulti(writes);
        }

        @Override
        public Command command() {
            return Command.REGION_WRITE_MULTI;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(Long.BYTES + ENTRY_BYTES * writes.size());
            to.putLong(writes.size());
            for (RegionWrite write : writes) {
                Bytes data = write.data;
                to.putLong(write.offset).putInt(write.region).putInt(data.length());
                to.put(data.array()).skip(DATA_BYTES - data.length());
            }
            return to.bytes();
        }
    }

    /**
     * Asks for a piece of the device's state; the reply has the layout of {@link MigrationWrite}.
     *
     * @param argsz bytes that the reply may have, unsigned
     * @param size bytes of state wanted, unsigned
     */
    record MigrationRead(int argsz, int size) implements Request {
        public static final int BYTES = 8;

        static MigrationRead parse(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "MIG_DATA_READ");
            MigrationRead read = new MigrationRead(from.getInt(), from.getInt());
            requireArgsz(read.argsz, BYTES, "MIG_DATA_READ");
            return read;
        }

        @Override
        public Command command() {
            return Command.MIG_DATA_READ;
        }

        @Override
        public byte[] payload() {
            return Writer.of(BYTES).putInt(argsz).putInt(size).bytes();
        }

        /**
         * Reads the reply. One library's is always as long as the piece that was asked for, however
         * short the piece is that came; what is behind it means nothing.
         *
         * @throws Refusal if it is cut off
         */
        public static Bytes parseReply(byte[] payload) {
            ByteBuffer from = reader(payload, BYTES, "MIG_DATA_READ");
            requireArgsz(from.getInt(), BYTES, "MIG_DATA_READ");
            int size = from.getInt();
            Refusal.unless(
                    size >= 0 && size <= from.remaining(),
                    "MIG_DATA_READ: %s bytes are announced, %d came"
                            .formatted(Integer.toUnsignedString(size), from.remaining()));
            return rest(from.limit(BYTES + size));
        }
    }

    /**
     * Brings a piece of a device's state.
     *
     * @param argsz bytes of this structure, without the state
     * @param data the state
     */
    record MigrationWrite(int argsz, Bytes data) implements Request {
        public MigrationWrite(Bytes data) {
            this(MigrationRead.BYTES + data.length(), data);
        }

        public static MigrationWrite parse(byte[] payload) {
            ByteBuffer from = reader(payload, MigrationRead.BYTES, "MIG_DATA_WRITE");
            int argsz = from.getInt();
            int size = from.getInt();
            requireArgsz(argsz, MigrationRead.BYTES, "MIG_DATA_WRITE");
            if (size != from.remaining()) {
                throw Refusal.invalid(
                        "MIG_DATA_WRITE: %s bytes are announced, %d came"
                                .formatted(Integer.toUnsignedString(size), from.remaining()));
            }
            return new MigrationWrite(argsz, rest(from));
        }

        @Override
        public Command command() {
            return Command.MIG_DATA_WRITE;
        }

        @Override
        public byte[] payload() {
            Writer to = Writer.of(MigrationRead.BYTES + data.length());
            return to.putInt(argsz).putInt(data.length()).put(data.array()).bytes();
        }
    }
}
