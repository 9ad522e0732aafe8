package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;

/** The host bridge at 00:00.0: identification, and nothing behind it. */
final class PciHostBridge implements PciDevice {
    private static final int VENDOR_REDHAT = 0x1b36;
    private static final int DEVICE_PCIE_HOST = 0x0008;
    private static final int CLASS_BRIDGE_HOST = 0x06_0000;

    private static final PciDeviceSpec SPEC =
            PciDeviceSpec.builder("pci-host-bridge", VENDOR_REDHAT, DEVICE_PCIE_HOST)
                    .classCode(CLASS_BRIDGE_HOST)
                    .subsystem(0x1af4, 0x1100)
                    .powerManagement(false)
                    .build();

    @Override
    public PciDeviceSpec spec() {
        return SPEC;
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return -1;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {}

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(SPEC.name(), 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(SPEC.name(), 1);
    }
}
