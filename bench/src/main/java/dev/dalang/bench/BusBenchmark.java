package dev.dalang.bench;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A dispatched 4-byte read at random devices: the lookup, the call of the device, and the counting.
 * The scores are per read. With one class of devices this is what rust-vmm's figures measure; with
 * four, no call site and no branch predictor knows beforehand which one comes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class BusBenchmark {
    private static final int ACCESSES = 65_536;
    private static final long BASE = 0x1000_0000L;
    private static final long STRIDE = 0x1000;

    /** Ranges on the bus, each with a device of its own. */
    @Param({"4", "64", "1024"})
    public int ranges;

    /** Classes that the devices are of. */
    @Param({"1", "4"})
    public int classes;

    private final IoManager io = IoManager.create();
    private final GuestIo hart = io.hartIo();
    private final GuestIo detached = io.hartIo();
    private final long[] addresses = new long[ACCESSES];

    /** Made by the harness. */
    public BusBenchmark() {}

    /** Fills the bus and chooses the addresses. */
    @Setup
    public void setUp() {
        for (int i = 0; i < ranges; i++) {
            DeviceMmio device =
                    switch (i % classes) {
                        case 0 -> new First(i);
                        case 1 -> new Second(i);
                        case 2 -> new Third(i);
                        default -> new Fourth(i);
                    };
            io.registerMmio(new MmioRange(BASE + i * STRIDE, STRIDE), device);
        }
        Random random = new Random(42);
        for (int i = 0; i < ACCESSES; i++) {
            addresses[i] = BASE + random.nextInt(ranges) * STRIDE + random.nextInt(64) * 4L;
        }
        hart.attach();
    }

    /**
     * What a hart pays.
     *
     * @return a value that depends on every read
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long hartRead() {
        return readAll(hart);
    }

    /**
     * What a thread pays that is no hart and announces each access.
     *
     * @return a value that depends on every read
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long otherThreadRead() {
        return readAll(detached);
    }

    private long readAll(GuestIo through) {
        long sum = 0;
        for (long address : addresses) {
            sum += through.load(address, 4);
        }
        return sum;
    }

    private abstract static class Device implements DeviceMmio {
        final int value;

        Device(int value) {
            this.value = value;
        }

        @Override
        public String label() {
            return getClass().getSimpleName() + value;
        }

        @Override
        public String typeId() {
            return "bench";
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long written) {}
    }

    private static final class First extends Device {
        First(int value) {
            super(value);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return value + offset;
        }
    }

    private static final class Second extends Device {
        Second(int value) {
            super(value);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return value ^ offset;
        }
    }

    private static final class Third extends Device {
        Third(int value) {
            super(value);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return value - offset;
        }
    }

    private static final class Fourth extends Device {
        Fourth(int value) {
            super(value);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return value | offset;
        }
    }
}
