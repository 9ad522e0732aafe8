package dev.dalang.vm;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.ExtendedCapability;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciHost;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;

/**
 * A device with a BAR of each kind, and with virtual configuration. A BAR answers with what was
 * written to it last, plus the offset.
 */
final class ScratchDevice implements PciDevice {
    private static final PciDeviceSpec SPEC =
            PciDeviceSpec.builder("scratch", 0x1234, 0x5c4a)
                    .classCode(0x08_8000)
                    .revision(3)
                    .subsystem(0x1af4, 0x0042)
                    .bar(PciBar.memory64(0, 2 << 20).prefetch())
                    .ioBar(2, 32)
                    .memoryBar(3, 4096)
                    .rom(2048)
                    .msix(5, 3, 0x800, 0xc00)
                    .msi(4, true)
                    .express()
                    .wakes()
                    .extendedCapability(
                            ExtendedCapability.serialNumber(0x5c4a_0001_0203_0405L),
                            Optional.empty())
                    .extendedCapability(
                            ExtendedCapability.vendor(0x5c4a, 2, 0x1111_1111, 0x2222_2222),
                            Optional.empty())
                    .build();

    private final long[] values = new long[PciDeviceSpec.ROM + 1];
    private final int[] virtual = new int[1024];
    private final MemorySegment page = Arena.ofAuto().allocate(4096, 4096);

    private volatile @Nullable PciHost host;

    @Override
    public PciDeviceSpec spec() {
        return SPEC;
    }

    @Override
    public void attach(PciHost given) {
        host = given;
    }

    /** Where it was plugged in. */
    PciHost host() {
        return Objects.requireNonNull(host);
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return values[bar] + offset;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        values[bar] = value;
    }

    @Override
    public int readVirtualConfig(int register) {
        return virtual[register] + register;
    }

    @Override
    public void writeVirtualConfig(int register, int value) {
        virtual[register] = value;
    }

    @Override
    public Optional<MemorySegment> virtualConfigSharedPage() {
        return Optional.of(page);
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("scratch", 1).put("values", values).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        long[] saved = snapshot.expect("scratch", 1).getLongs("values", values.length);
        System.arraycopy(saved, 0, values, 0, values.length);
    }
}
