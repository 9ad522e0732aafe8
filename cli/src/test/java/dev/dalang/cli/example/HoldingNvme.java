package dev.dalang.cli.example;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciCapStatus;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciHost;
import dev.dalang.vm.DeviceCatalogue;

import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The NVMe disk of the house, until its driver enables the controller: then it says so on standard
 * output, and the write does not return.
 */
public final class HoldingNvme implements PciDevice {
    private static final int CC = 0x14;
    private static final int CC_EN = 1;

    private final PciDevice disk;

    /**
     * As a plugin's class has it.
     *
     * @param options with the image's {@code file}
     */
    public HoldingNvme(Map<String, String> options) {
        disk = DeviceCatalogue.builtIn().parse("nvme,file=" + options.get("file"), 0).device();
    }

    @Override
    public PciDeviceSpec spec() {
        return disk.spec();
    }

    @Override
    public void attach(PciHost host) {
        disk.attach(host);
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return disk.readBar(bar, offset, size);
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (offset == CC && (value & CC_EN) != 0) {
            System.out.println("held");
            System.out.flush();
            while (true) {
                LockSupport.park(this);
            }
        }
        disk.writeBar(bar, offset, size, value);
    }

    @Override
    public void capabilityWritten(PciCapStatus status) {
        disk.capabilityWritten(status);
    }

    @Override
    public void reset() {
        disk.reset();
    }

    @Override
    public void detach() {
        disk.detach();
    }

    @Override
    public Snapshot snapshot() {
        return disk.snapshot();
    }

    @Override
    public void restore(Snapshot snapshot) {
        disk.restore(snapshot);
    }
}
