package dev.dalang.cli.example;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;

import java.util.concurrent.locks.LockSupport;

/**
 * To a driver of the edu device one of those, until it reads whether the device lives: then it says
 * so on standard output, and the read does not return.
 */
public final class HoldingDevice implements PciDevice {
    private static final int LIVENESS = 0x04;

    /** As a plugin's class has it. */
    public HoldingDevice() {}

    @Override
    public PciDeviceSpec spec() {
        return PciDeviceSpec.builder("holding", 0x1234, 0x11e8)
                .memoryBar(0, 1 << 20)
                .msix(3)
                .build();
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        if (offset == LIVENESS) {
            System.out.println("held");
            System.out.flush();
            while (true) {
                LockSupport.park(this);
            }
        }
        return 0;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {}

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("holding", 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {}
}
