package dev.dalang.passthrough;

import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.passthrough.CapabilityWalk.Found;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciRegisters;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a guest gets to see of a device's configuration space, field by field: as the device has it,
 * made by the machine, or not at all. What is not known here is shown and cannot be written.
 */
final class FunctionSpec {
    /** Host pages, in which regions are mapped. */
    static final long PAGE_BYTES = 4096;

    private static final String NAME = "passthrough";
    private static final int INTERRUPT_PIN = 0x3d;

    private static final int CAP_VPD = 0x03;
    private static final int CAP_SUBSYSTEM = 0x0d;
    private static final int CAP_PCIX = 0x07;
    private static final int CAP_ADVANCED_FEATURES = 0x13;
    private static final int CAP_ENHANCED_ALLOCATION = 0x14;
    private static final int CAP_SLOT = 0x04;
    private static final int CAP_HOT_SWAP = 0x06;
    private static final int CAP_HOT_PLUG = 0x0c;

    private static final int EXT_ATS = 0x0f;
    private static final int EXT_ARI = 0x0e;
    private static final int EXT_SRIOV = 0x10;
    private static final int EXT_PRI = 0x13;
    private static final int EXT_RESIZABLE_BAR = 0x15;
    private static final int EXT_PASID = 0x1b;
    private static final int EXT_VF_RESIZABLE_BAR = 0x24;

    /** Of a capability that nobody here knows. */
    private static final int UNKNOWN_REGISTERS = 16;

    private static final int EXT_UNKNOWN_REGISTERS = 64;
    private static final int CONVENTIONAL_REGISTERS = 48;
    private static final int EXTENDED_REGISTERS = 960;

    private final ConfigImage image;
    private final PassthroughBackend backend;
    private final OwnedRegisters registers;
    private final PassthroughOptions options;
    private final ForwardedExpress.Surroundings surroundings;
    private final List<PciBar> bars;
    private final List<List<Area>> tables = new ArrayList<>();
    private int room = CONVENTIONAL_REGISTERS;
    private int extendedRoom = EXTENDED_REGISTERS;

    private FunctionSpec(
            ConfigImage image,
            PassthroughBackend backend,
            OwnedRegisters registers,
            List<PciBar> bars,
            PassthroughOptions options,
            ForwardedExpress.Surroundings surroundings) {
        this.image = image;
        this.backend = backend;
        this.registers = registers;
        this.bars = bars;
        this.options = options;
        this.surroundings = surroundings;
        for (int index = 0; index < BackendRegion.ROM; index++) {
            tables.add(List.of());
        }
    }

    /**
     * What was made of a device.
     *
     * @param spec what the guest sees
     * @param tables what of the BARs is not the device's for the guest, by BAR
     */
    record Made(PciDeviceSpec spec, List<List<Area>> tables) {}

    static Made of(
            ConfigImage image,
            PassthroughBackend backend,
            OwnedRegisters registers,
            List<PciBar> bars,
            PassthroughOptions options,
            ForwardedExpress.Surroundings surroundings) {
        FunctionSpec made =
                new FunctionSpec(image, backend, registers, bars, options, surroundings);
        return new Made(made.build(), List.copyOf(made.tables));
    }

    private PciDeviceSpec build() {
        PciDeviceSpec.Builder spec =
                PciDeviceSpec.builder(
                                NAME,
                                options.vendor().orElse(image.get(0x00, 2)),
                                options.deviceId().orElse(image.get(0x02, 2)))
                        .revision(image.get(0x08, 1))
                        .classCode(image.get(0x09, 3))
                        .subsystem(image.get(0x2c, 2), image.get(0x2e, 2))
                        .powerManagement(false)
                        .withoutConfigurationMapping()
                        .concurrent();
        List<Found> found = CapabilityWalk.of(image);
        List<PciBar> shown = new ArrayList<>(bars);
        boolean hasMsix = first(found, PciRegisters.PCI_CAP_ID_MSIX).isPresent();
        if (hasMsix) {
            msix(spec, first(found, PciRegisters.PCI_CAP_ID_MSIX).get(), shown);
        }
        shown.forEach(spec::bar);
        first(found, PciRegisters.PCI_CAP_ID_MSI).ifPresent(each -> msi(spec, each));
        if (first(found, PciRegisters.PCI_CAP_ID_PM).isPresent()) {
            spec.powerManagement(true);
            room -= 2;
        }
        if (image.get(INTERRUPT_PIN, 1) != 0
                && backend.interrupts(InterruptKind.INTX).count() > 0) {
            spec.intx();
        }
        first(found, PciRegisters.PCI_CAP_ID_EXP).ifPresent(each -> express(spec, each));
        for (Found each : found) {
            forward(spec, each);
        }
        return spec.build();
    }

    private static Optional<Found> first(List<Found> found, int id) {
        return found.stream().filter(each -> !each.isExtended() && each.id() == id).findFirst();
    }

    // ---------------------------------------------------------------- interrupts

    private void msi(PciDeviceSpec.Builder spec, Found found) {
        int control = image.get(found.offset() + 2, 2);
        int asked = 1 << Math.min(control >> 1 & 7, 5);
        int have = Math.min(asked, backend.interrupts(InterruptKind.MSI).count());
        if (have > 0) {
            boolean masks = (control & 0x100) != 0;
            spec.msi(Integer.highestOneBit(have), masks);
            room -= masks ? 6 : 4;
        }
    }

    private void msix(PciDeviceSpec.Builder spec, Found found, List<PciBar> shown) {
        int asked = (image.get(found.offset() + 2, 2) & 0x7ff) + 1;
        int table = image.get(found.offset() + 4, 4);
        int pending = image.get(found.offset() + 8, 4);
        int vectors = Math.min(asked, backend.interrupts(InterruptKind.MSIX).count());
        OptionalInt tableBar = memoryBar(table & 7);
        OptionalInt pendingBar = memoryBar(pending & 7);
        if (vectors == 0) {
            return;
        }
        long tableAt = table & 0xffff_fff8L;
        long pendingAt = pending & 0xffff_fff8L;
        long tableBytes = 16L * vectors;
        long pendingBytes = 8L * ((vectors + 63) / 64);
        if (tableBar.isPresent()) {
            // However the device says that it lies: what may be a table is never mapped.
            forbid(table & 7, tableAt, tableBytes);
        }
        if (pendingBar.isPresent()) {
            forbid(pending & 7, pendingAt, pendingBytes);
        }
        boolean isSound =
                tableBar.isPresent()
                        && pendingBar.isPresent()
                        && tableAt + tableBytes <= bar(table & 7).size()
                        && pendingAt + pendingBytes <= bar(pending & 7).size()
                        && tableAt <= Integer.MAX_VALUE
                        && pendingAt <= Integer.MAX_VALUE
                        && ((table & 7) != (pending & 7)
                                || tableAt + tableBytes <= pendingAt
                                || pendingAt + pendingBytes <= tableAt);
        if (isSound && !options.isMsixRelocated()) {
            spec.msix(vectors, table & 7, (int) tableAt, pending & 7, (int) pendingAt);
            room -= 3;
        } else if (isSound && relocateAbove(spec, vectors, table & 7, shown)) {
            room -= 3;
        } else if (hasFreeBar(shown)) {
            spec.msix(vectors);
            room -= 3;
        }
    }

    /**
     * Doubles the BAR with the table, and puts the tables into the half that the device has not.
     */
    private boolean relocateAbove(
            PciDeviceSpec.Builder spec, int vectors, int index, List<PciBar> shown) {
        PciBar old = bar(index);
        long tableBytes = 16L * vectors + (PAGE_BYTES - 1) & -PAGE_BYTES;
        if (old.type() != PciBar.Type.MEMORY64
                || old.size() > 1 << 29
                || tableBytes + PAGE_BYTES > old.size()) {
            return false;
        }
        PciBar doubled = PciBar.memory64(index, 2 * old.size());
        shown.set(shown.indexOf(old), old.prefetchable() ? doubled.prefetch() : doubled);
        spec.msix(vectors, index, (int) old.size(), (int) (old.size() + tableBytes));
        return true;
    }

    private static boolean hasFreeBar(List<PciBar> shown) {
        int taken = 0;
        for (PciBar bar : shown) {
            if (bar.index() != PciBar.ROM) {
                taken += bar.type() == PciBar.Type.MEMORY64 ? 2 : 1;
            }
        }
        return taken < BackendRegion.ROM;
    }

    private OptionalInt memoryBar(int index) {
        return bars.stream()
                        .anyMatch(
                                bar ->
                                        bar.index() == index
                                                && index < BackendRegion.ROM
                                                && bar.type() != PciBar.Type.IO)
                ? OptionalInt.of(index)
                : OptionalInt.empty();
    }

    private PciBar bar(int index) {
        return bars.stream().filter(bar -> bar.index() == index).findFirst().orElseThrow();
    }

    private void forbid(int index, long offset, long bytes) {
        List<Area> all = new ArrayList<>(tables.get(index));
        all.add(new Area(offset, bytes));
        tables.set(index, List.copyOf(all));
    }

    // ---------------------------------------------------------------- capabilities

    private void express(PciDeviceSpec.Builder spec, Found found) {
        int length = Math.min(ForwardedExpress.REGISTERS, found.bytes() / 4);
        if (length >= 3 && length <= room) {
            var forwarded = new ForwardedExpress(registers, found, length, surroundings);
            spec.capability(forwarded, forwarded);
            room -= length;
        }
    }

    private void forward(PciDeviceSpec.Builder spec, Found found) {
        int length;
        boolean isWritable = false;
        if (found.isExtended()) {
            switch (found.id()) {
                case 0, EXT_ARI, EXT_SRIOV, EXT_RESIZABLE_BAR, EXT_VF_RESIZABLE_BAR -> {
                    return;
                }
                case EXT_ATS, EXT_PRI, EXT_PASID -> {
                    // There is no IOMMU of the guest's that could answer.
                    return;
                }
                case PciRegisters.PCI_EXT_CAP_ID_DSN -> length = 3;
                case PciRegisters.PCI_EXT_CAP_ID_VNDR -> {
                    length = Math.max(image.get(found.offset() + 4, 4) >>> 20, 8) + 3 >>> 2;
                    isWritable = true;
                }
                default -> length = EXT_UNKNOWN_REGISTERS;
            }
        } else {
            switch (found.id()) {
                case PciRegisters.PCI_CAP_ID_PM,
                        PciRegisters.PCI_CAP_ID_MSI,
                        PciRegisters.PCI_CAP_ID_MSIX,
                        PciRegisters.PCI_CAP_ID_EXP -> {
                    return;
                }
                case 0, CAP_ENHANCED_ALLOCATION, CAP_SLOT, CAP_HOT_SWAP, CAP_HOT_PLUG -> {
                    // Fixed addresses, or a slot's: neither is the guest's.
                    return;
                }
                case CAP_ADVANCED_FEATURES -> {
                    // Its one use is a reset, which the guest has by PCI Express or not at all.
                    return;
                }
                case PciRegisters.PCI_CAP_ID_VNDR -> {
                    length = Math.max(image.get(found.offset() + 2, 1), 3) + 3 >>> 2;
                    isWritable = true;
                }
                case CAP_VPD -> {
                    length = 2;
                    isWritable = true;
                }
                case CAP_SUBSYSTEM, CAP_PCIX -> length = 2;
                default -> length = UNKNOWN_REGISTERS;
            }
        }
        length = Math.min(length, found.bytes() / 4);
        int left = found.isExtended() ? extendedRoom : room;
        if (length < 1 || length > left) {
            return;
        }
        var forwarded = new ForwardedCapability(registers, found, length, isWritable);
        if (found.isExtended()) {
            extendedRoom -= length;
            spec.extendedCapability(forwarded, Optional.of(forwarded));
        } else {
            room -= length;
            spec.capability(forwarded, forwarded);
        }
    }
}
