package dev.dalang.bench;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciBridge;
import dev.dalang.pci.PciBus;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;

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

import java.lang.foreign.Arena;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A hart's 4-byte reads from PCI functions chosen at random: of a BAR's register, and of a register
 * in configuration space through ECAM where it is trapped. (A guest reads the mapped configuration
 * space of the root bus as it reads memory.) The scores are per read.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class PciBenchmark {
    private static final int ACCESSES = 65_536;
    private static final int BUSES = 2;
    private static final long RAM = 0x8000_0000L;
    private static final long ECAM = 0x3000_0000L;
    private static final long MEMORY = 0x4000_0000L;
    private static final int FUNCTION_SHIFT = 12;
    private static final int COMMAND = 4;
    private static final int MEMORY_AND_MASTER = 6;

    /** Devices beside host bridge and bridge, half of them behind the latter. */
    @Param({"4", "256"})
    public int devices;

    private final IoManager io = IoManager.create();
    private final GuestIo hart = io.hartIo();
    private final long[] registers = new long[ACCESSES];
    private final long[] configurations = new long[ACCESSES];

    /** Made by the harness. */
    public PciBenchmark() {}

    /** Fills the tree as firmware leaves it, and chooses the addresses. */
    @Setup
    public void setUp() {
        var memory = GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(4096, 4096)));
        PciRoot root =
                PciRoot.builder(io, memory, new ManualVirtualClock())
                        .memory32(new MmioRange(MEMORY, MEMORY))
                        .buses(BUSES)
                        .build();
        long bytes = PciConfigMmio.bytes(BUSES, PciAddress.ECAM_REGISTER_BITS);
        io.registerMmio(new MmioRange(ECAM, bytes), PciConfigMmio.ecam(root));
        PciFunction bridge =
                root.bus().add(PciBridge.of(new PciBridge.Windows(0, 2L << 20, 0, 1)), 31, 0);
        enable(bridge);
        PciFunction[] functions = new PciFunction[devices];
        for (int i = 0; i < devices; i++) {
            PciBus bus = i % 2 == 0 ? root.bus() : bridge.behind().orElseThrow();
            int place = PciBus.FUNCTIONS + i / 2;
            functions[i] =
                    bus.add(new Device(i), place / PciBus.FUNCTIONS, place % PciBus.FUNCTIONS);
            enable(functions[i]);
        }
        Random random = new Random(42);
        for (int i = 0; i < ACCESSES; i++) {
            PciFunction function = functions[random.nextInt(devices)];
            MmioRange bar = (MmioRange) function.bar(0).orElseThrow().busRange().orElseThrow();
            registers[i] = bar.base() + random.nextInt(64) * 4L;
            configurations[i] = configuration(function) + random.nextInt(16) * 4L;
        }
        hart.attach();
    }

    private static long configuration(PciFunction function) {
        return ECAM + ((long) function.address().requesterId() << FUNCTION_SHIFT);
    }

    private void enable(PciFunction function) {
        io.mmioWrite(configuration(function) + COMMAND, 2, MEMORY_AND_MASTER);
    }

    /**
     * A register behind a BAR.
     *
     * @return a value that depends on every read
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long barRead() {
        return readAll(registers);
    }

    /**
     * A register of a header, through ECAM.
     *
     * @return a value that depends on every read
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long ecamRead() {
        return readAll(configurations);
    }

    private long readAll(long[] addresses) {
        long sum = 0;
        for (long address : addresses) {
            sum += hart.load(address, 4);
        }
        return sum;
    }

    private static final class Device implements PciDevice {
        private static final PciDeviceSpec SPEC =
                PciDeviceSpec.builder("bench", 0x1234, 1)
                        .memoryBar(0, 4096)
                        .msix(1)
                        .concurrent()
                        .build();

        private final int value;

        Device(int value) {
            this.value = value;
        }

        @Override
        public PciDeviceSpec spec() {
            return SPEC;
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            return value + offset;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long written) {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("bench", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            snapshot.expect("bench", 1);
        }
    }
}
