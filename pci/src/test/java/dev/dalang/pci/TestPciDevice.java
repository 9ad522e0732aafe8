package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** A device that remembers what was asked of it, and answers each read with its latest write. */
class TestPciDevice implements PciDevice {
    static final int VENDOR = 0x1234;
    static final int DEVICE = 0x0001;

    private final PciDeviceSpec spec;
    final List<String> calls = new CopyOnWriteArrayList<>();

    /** Set where calls come by the million. */
    private volatile boolean forgetful;

    PciHost host;
    volatile long value;
    MemorySegment page;

    TestPciDevice(UnaryOperator<PciDeviceSpec.Builder> parts) {
        spec = parts.apply(PciDeviceSpec.builder("test", VENDOR, DEVICE)).build();
    }

    /** A device with 4 KiB of memory at BAR 0. */
    static TestPciDevice withMemory() {
        return new TestPciDevice(spec -> spec.memoryBar(0, 4096));
    }

    TestPciDevice forgetful() {
        forgetful = true;
        return this;
    }

    private void called(Supplier<String> what) {
        if (!forgetful) {
            calls.add(what.get());
        }
    }

    @Override
    public PciDeviceSpec spec() {
        return spec;
    }

    @Override
    public void attach(PciHost given) {
        host = given;
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return value + 0x100L * bar + offset;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long written) {
        called(() -> "write %d+%x %d %x".formatted(bar, offset, size, written));
        value = written;
    }

    @Override
    public void barChanged(int bar, Optional<BarRange> range) {
        String where = range.map(at -> Long.toHexString(at.base())).orElse("off");
        called(() -> "bar %d %s".formatted(bar, where));
    }

    @Override
    public void reset() {
        called(() -> "reset");
        value = 0;
    }

    @Override
    public void detach() {
        called(() -> "detach");
    }

    @Override
    public int readVirtualConfig(int register) {
        return 0xdead_0000 | register;
    }

    @Override
    public void writeVirtualConfig(int register, int written) {
        called(() -> "virtual %d %x".formatted(register, written));
    }

    @Override
    public Optional<MemorySegment> virtualConfigSharedPage() {
        return Optional.ofNullable(page);
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("test", 1).put("value", value).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        value = snapshot.expect("test", 1).getLong("value");
    }
}
