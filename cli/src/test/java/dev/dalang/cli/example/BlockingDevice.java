package dev.dalang.cli.example;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;

import java.util.concurrent.locks.LockSupport;

/** A user's device, with a read that never returns. */
public final class BlockingDevice implements PciDevice {
    /** As a plugin's class has it. */
    public BlockingDevice() {}

    @Override
    public PciDeviceSpec spec() {
        return PciDeviceSpec.builder("blocking", 0x1234, 0xb10c).memoryBar(0, 4096).build();
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        while (true) {
            LockSupport.park(this);
        }
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {}

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("blocking", 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {}
}
