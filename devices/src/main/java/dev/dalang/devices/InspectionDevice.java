package dev.dalang.devices;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciFaults;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciHost;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Shows and steers the monitor from inside the guest, for who tests a driver; 1234:da1a. Its
 * registers are those of the virtual configuration space, four bytes each:
 *
 * <pre>
 * 0 "DALG"              5 target, a requester id      9 interrupts of it to be dropped
 * 1 version             6 its vectors                10 to be delayed
 * 2 time, low half      7 write: trigger a vector    11 to be duplicated
 * 3 high half, as of    8 write: lower its wire      12 transfers of it to fail
 *   the latest read of the low                       13 nanoseconds of delay
 * 4 devices; write: fill the shared page with what was counted, from this number on
 * </pre>
 *
 * <p>What the shared page holds: times and counts, see its class.
 */
public final class InspectionDevice implements PciDevice {
    private static final int MAGIC = 0x474c_4144;
    private static final int VERSION = 1;
    private static final List<PciFaults.Kind> FAULTS = List.of(PciFaults.Kind.values());

    private final InspectionPage page = new InspectionPage();
    private volatile @Nullable PciHost host;

    /** A requester id; -1 for this device, wherever it is. */
    private volatile int target = -1;

    private volatile int timeHigh;

    /** Makes one. */
    public InspectionDevice() {}

    @Override
    public PciDeviceSpec spec() {
        PciDeviceSpec.Builder spec = PciDeviceSpec.builder("inspect", 0x1234, 0xda1a);
        return spec.classCode(0x08_8000).msix(4).intx().build();
    }

    @Override
    public void attach(PciHost given) {
        host = given;
    }

    @Override
    public Optional<MemorySegment> virtualConfigSharedPage() {
        return Optional.of(page.memory());
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return -1;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {}

    @Override
    public int readVirtualConfig(int register) {
        PciHost at = host;
        if (at == null) {
            return 0;
        }
        return switch (register) {
            case 0 -> MAGIC;
            case 1 -> VERSION;
            case 2 -> {
                long now = at.clock().nanos();
                timeHigh = (int) (now >>> 32);
                yield (int) now;
            }
            case 3 -> timeHigh;
            case 4 -> at.tree().map(tree -> tree.counters().devices().size()).orElse(0);
            case 5 -> target().map(function -> function.address().requesterId()).orElse(-1);
            case 6 -> target().map(function -> function.interrupts().vectors()).orElse(0);
            case 9, 10, 11, 12 ->
                    target().map(function -> function.faults().armed(fault(register))).orElse(0);
            case 13 -> target().map(function -> (int) function.faults().delayNanos()).orElse(0);
            default -> 0;
        };
    }

    @Override
    public void writeVirtualConfig(int register, int value) {
        switch (register) {
            case 4 -> page.show(host, value);
            case 5 -> target = value & 0xffff;
            case 7 -> target().ifPresent(function -> function.interrupts().trigger(value));
            case 8 -> target().ifPresent(function -> function.interrupts().lower());
            case 9, 10, 11, 12 ->
                    faults(faults -> faults.arm(fault(register), value & Integer.MAX_VALUE));
            case 13 -> faults(faults -> faults.delayNanos(Integer.toUnsignedLong(value)));
            default -> {}
        }
    }

    private void faults(Consumer<PciFaults> change) {
        target().map(PciFunction::faults).ifPresent(change);
    }

    private static PciFaults.Kind fault(int register) {
        return FAULTS.get(register - 9);
    }

    private Optional<PciFunction> target() {
        PciHost at = host;
        if (at == null) {
            return Optional.empty();
        }
        PciAddress address = target < 0 ? at.address() : PciAddress.ofRequesterId(target);
        return at.tree().flatMap(tree -> tree.function(address));
    }

    @Override
    public void reset() {
        target = -1;
        timeHigh = 0;
        page.clear();
    }

    @Override
    public Snapshot snapshot() {
        Snapshot.Builder snapshot = Snapshot.builder("inspect", VERSION);
        return snapshot.put("target", target).put("time-high", timeHigh).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        int savedTarget = snapshot.expect("inspect", VERSION).getInt("target", -1, 0xffff);
        timeHigh = snapshot.getInt("time-high", Integer.MIN_VALUE, Integer.MAX_VALUE);
        target = savedTarget;
    }
}
