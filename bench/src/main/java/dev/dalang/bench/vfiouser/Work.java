package dev.dalang.bench.vfiouser;

import dev.dalang.bench.guest.BenchException;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.DmaMemory;
import dev.dalang.remote.VfioUserClient;
import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserRegion;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.BiConsumer;

/** What the client does with a server's device, and how often it can. */
final class Work implements AutoCloseable {
    /** Where the device finds memory that it maps, and memory that it asks for. */
    private static final long MAPPED = 0x1_0000_0000L;

    private static final long BY_MESSAGES = 0x2_0000_0000L;

    /** Round trips between two looks at the clock. */
    private static final int ROUND_TRIPS = 256;

    /** Bytes that are moved between two looks at the clock, at the most. */
    private static final int BATCH_BYTES = 16 << 20;

    private static final int MOST_TRANSFERS = 256;
    private static final int[] SIZES = {4 << 10, 64 << 10, 1 << 20};
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private final VfioUserClient device;
    private final double warmUpSeconds;
    private final double seconds;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment mapped;
    private final MemorySegment asked = arena.allocate(Device.MOST_BYTES, 4096);

    /**
     * Gives a device its memory.
     *
     * @param warmUpSeconds how long each row is done before it is measured
     * @param seconds how long each row is measured
     */
    Work(VfioUserClient device, double warmUpSeconds, double seconds)
            throws HostIoException, VfioUserException {
        this.device = device;
        this.warmUpSeconds = warmUpSeconds;
        this.seconds = seconds;
        try (Descriptor file = SharedMemory.create("the memory", Device.MOST_BYTES)) {
            mapped = SharedMemory.map(file, 0, Device.MOST_BYTES, true, arena);
            DmaMemory memory = new Asked();
            int bytes = Device.MOST_BYTES;
            device.mapMemory(MAPPED, bytes, true, true, Optional.of(file), 0, memory);
            device.mapMemory(BY_MESSAGES, bytes, true, true, Optional.empty(), 0, memory);
        }
        device.write(VfioUserRegion.CONFIGURATION, 4, 2, 6);
    }

    /** The memory that the device asks for. */
    private final class Asked implements DmaMemory {
        @Override
        public void read(long address, MemorySegment target) {
            target.copyFrom(asked.asSlice(address - BY_MESSAGES, target.byteSize()));
        }

        @Override
        public void write(long address, MemorySegment source) {
            asked.asSlice(address - BY_MESSAGES, source.byteSize()).copyFrom(source);
        }
    }

    /** Some of a row's work; tells how much it was. */
    @FunctionalInterface
    private interface Batch {
        long run(long number) throws VfioUserException;
    }

    /**
     * Does all rows.
     *
     * @param found takes each row's name, and how much of it was done in a second
     */
    void run(BiConsumer<Row, Double> found) throws VfioUserException {
        // Client and server begin cold: what all rows use is done for nothing first.
        rate(this::reads);
        rate(this::writes);
        found.accept(Row.READ, rate(this::reads));
        found.accept(Row.WRITE, rate(this::writes));
        found.accept(Row.POST, rate(this::posts));
        for (int size : SIZES) {
            found.accept(
                    Row.transfer("DMA_READ", size), rate(transfers(Device.READ_BY_MESSAGES, size)));
            found.accept(
                    Row.transfer("DMA_WRITE", size),
                    rate(transfers(Device.WRITE_BY_MESSAGES, size)));
        }
        for (int size : SIZES) {
            found.accept(
                    Row.transfer("mapped memory, read", size),
                    rate(transfers(Device.READ_MAPPED, size)));
            found.accept(
                    Row.transfer("mapped memory, written", size),
                    rate(transfers(Device.WRITE_MAPPED, size)));
        }
    }

    private double rate(Batch batch) throws VfioUserException {
        long number = 0;
        for (long end = after(warmUpSeconds); System.nanoTime() < end; number++) {
            batch.run(number);
        }
        long began = System.nanoTime();
        long end = after(seconds);
        long done = 0;
        long now;
        do {
            done += batch.run(number++);
            now = System.nanoTime();
        } while (now < end);
        return done / ((now - began) * 1e-9);
    }

    private static long after(double seconds) {
        return System.nanoTime() + (long) (seconds * 1e9);
    }

    // ---------------------------------------------------------------- registers

    private long reads(long number) throws VfioUserException {
        device.write(0, Device.SCRATCH, 4, number);
        for (int n = 0; n < ROUND_TRIPS; n++) {
            require(device.read(0, Device.SCRATCH, 4), number & 0xffff_ffffL);
        }
        return ROUND_TRIPS;
    }

    private long writes(long number) throws VfioUserException {
        for (int n = 0; n < ROUND_TRIPS; n++) {
            device.write(0, Device.SCRATCH, 4, number + n);
        }
        require(device.read(0, Device.SCRATCH, 4), number + ROUND_TRIPS - 1 & 0xffff_ffffL);
        return ROUND_TRIPS;
    }

    private long posts(long number) throws VfioUserException {
        for (int n = 0; n < ROUND_TRIPS; n++) {
            device.post(0, Device.SCRATCH, 4, number + n);
        }
        require(device.read(0, Device.SCRATCH, 4), number + ROUND_TRIPS - 1 & 0xffff_ffffL);
        return ROUND_TRIPS;
    }

    // ---------------------------------------------------------------- transfers

    private Batch transfers(int command, int size) {
        boolean isMapped = command == Device.READ_MAPPED || command == Device.WRITE_MAPPED;
        boolean isRead = command == Device.READ_MAPPED || command == Device.READ_BY_MESSAGES;
        MemorySegment memory = isMapped ? mapped : asked;
        int count = Math.min(BATCH_BYTES / size, isMapped ? Integer.MAX_VALUE : MOST_TRANSFERS);
        return number -> {
            if (isRead) {
                memory.set(LONG, 0, number);
                memory.set(LONG, size - Long.BYTES, ~number);
            }
            device.write(0, Device.ADDRESS, 8, isMapped ? MAPPED : BY_MESSAGES);
            device.write(0, Device.LENGTH, 4, size);
            device.write(0, Device.COUNT, 4, count);
            device.write(0, Device.COMMAND, 4, command);
            require(device.read(0, Device.FIRST, 8), isRead ? number : count - 1);
            require(device.read(0, Device.LAST, 8), isRead ? ~number : count - 1);
            if (!isRead) {
                require(memory.get(LONG, 0), count - 1);
                require(memory.get(LONG, size - Long.BYTES), count - 1);
            }
            return (long) count * size;
        };
    }

    /** Work that is not done is not measured. */
    private static void require(long came, long expected) {
        if (came != expected) {
            throw new BenchException(
                    "the device is not as it should be: expected 0x%x, got 0x%x"
                            .formatted(expected, came));
        }
    }

    @Override
    public void close() {
        device.close();
        arena.close();
    }
}
