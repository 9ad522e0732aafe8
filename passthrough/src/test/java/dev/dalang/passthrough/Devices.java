package dev.dalang.passthrough;

import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.pci.PciBar;

import java.util.List;

/** Scripted devices that several tests use. */
final class Devices {
    static final int VECTORS = 8;
    static final long TABLE = 0x4000;
    static final long PENDING = 0x5000;

    private Devices() {}

    /** All that a device may have. */
    static ScriptedBackend.Builder rich() {
        return rich(config());
    }

    static ScriptedConfig config() {
        return new ScriptedConfig(0x1af4, 0x1041)
                .put(0x08, 1, 3)
                .put(0x09, 3, 0x02_0000)
                .put(0x2c, 4, 0x0011_1af4)
                .intx()
                .powerManagement()
                .msi(4, true)
                .msix(VECTORS, 0, (int) TABLE, 0, (int) PENDING)
                .express();
    }

    static ScriptedBackend.Builder rich(ScriptedConfig config) {
        return ScriptedBackend.builder(config)
                .bar(PciBar.memory64(0, 0x8000), List.of(new Area(0, 0x8000)))
                .bar(PciBar.memory32(2, 0x1000))
                .bar(PciBar.io(3, 32))
                .bar(PciBar.rom(2048))
                .interrupts(InterruptKind.INTX, 1)
                .interrupts(InterruptKind.MSI, 4)
                .interrupts(InterruptKind.MSIX, VECTORS)
                .interrupts(InterruptKind.ERROR, 1)
                .interrupts(InterruptKind.REQUEST, 1);
    }

    static PassthroughDevice open(PassthroughBackend backend) {
        return PassthroughDevice.open(PassthroughDeviceType.GENERIC_PCI, backend);
    }
}
