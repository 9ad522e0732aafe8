package dev.dalang.bench;

import dev.dalang.pci.MsiSource;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.MsixConfig;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A device's trigger of an MSI-X vector, up to a target that accepts all messages: of a vector that
 * is usable, of a masked one whose pending bit is set, and by eight threads at once, each with a
 * vector of its own or all with the same.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class MsixBenchmark {
    private static final int THREADS = 8;
    private static final int MASKED = THREADS;

    /** Made by the harness. */
    public MsixBenchmark() {}

    /** A function of which all vectors but the last are usable. */
    @State(Scope.Benchmark)
    public static class Function {
        final MsixConfig msix =
                MsixConfig.create(
                        THREADS + 1,
                        MsiTargetRouter.create((_, data) -> data >= 0, THREADS + 1),
                        new MsiSource("bench", 0, 0));

        final AtomicInteger threads = new AtomicInteger();

        /** Made by the harness. */
        public Function() {}

        /** Does what a driver does. */
        @Setup
        public void setUp() {
            for (int vector = 0; vector < THREADS; vector++) {
                msix.writeMsixTable(16L * vector, 8, 0x2800_0000L);
                msix.writeMsixTable(16L * vector + 8, 8, vector);
            }
            msix.writeMsixCapability(2, 2, 0x8000);
        }
    }

    /** A device's thread. */
    @State(Scope.Thread)
    public static class DeviceThread {
        int vector;

        /** Made by the harness. */
        public DeviceThread() {}

        /**
         * Gives the thread its vector.
         *
         * @param function the function that the device belongs to
         */
        @Setup
        public void setUp(Function function) {
            vector = function.threads.getAndIncrement() % THREADS;
        }
    }

    /**
     * One thread, a usable vector.
     *
     * @param function the function
     */
    @Benchmark
    public void usable(Function function) {
        function.msix.trigger(0);
    }

    /**
     * One thread, a masked vector.
     *
     * @param function the function
     */
    @Benchmark
    public void masked(Function function) {
        function.msix.trigger(MASKED);
    }

    /**
     * Eight threads, a usable vector each.
     *
     * @param function the function
     * @param device the thread
     */
    @Benchmark
    @Threads(THREADS)
    public void eightThreads(Function function, DeviceThread device) {
        function.msix.trigger(device.vector);
    }

    /**
     * Eight threads, one usable vector.
     *
     * @param function the function
     */
    @Benchmark
    @Threads(THREADS)
    public void eightThreadsOneVector(Function function) {
        function.msix.trigger(0);
    }
}
