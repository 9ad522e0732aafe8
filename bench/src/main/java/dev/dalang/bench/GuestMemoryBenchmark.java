package dev.dalang.bench;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** What a device pays for a checked access to guest memory, at random places in 1 MiB. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GuestMemoryBenchmark {
    private static final long BASE = 0x8000_0000L;
    private static final int BYTES = 1 << 20;
    private static final int ADDRESSES = 1 << 12;

    private final Arena arena = Arena.ofShared();
    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(BASE, arena.allocate(BYTES, 4096)));
    private final long[] addresses = new long[ADDRESSES];
    private int next;

    /** Chooses the addresses, the same in every run. */
    @Setup
    public void chooseAddresses() {
        var random = new SplittableRandom(1);
        for (int i = 0; i < ADDRESSES; i++) {
            addresses[i] = BASE + random.nextInt(BYTES / 8) * 8L;
        }
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        arena.close();
    }

    private long address() {
        next = (next + 1) & (ADDRESSES - 1);
        return addresses[next];
    }

    /** {@return a plain 4-byte load} */
    @Benchmark
    public int readInt() {
        return memory.readInt(address());
    }

    /** {@return a 2-byte load with acquire semantics, as a ring's index is read} */
    @Benchmark
    public short getShortAcquire() {
        return memory.getShortAcquire(address());
    }

    /** Stores 4 bytes. */
    @Benchmark
    public void writeInt() {
        memory.writeInt(address(), next);
    }
}
