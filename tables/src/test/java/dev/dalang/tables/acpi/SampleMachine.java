package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.ExternalType;
import dev.dalang.tables.aml.ResourceTemplate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;

/** A machine that has everything that the writers know, with the addresses of the virt board. */
final class SampleMachine {
    static final AcpiIdentity IDENTITY = new AcpiIdentity("DALANG", "SAMPLE", 1, "DLNG", 1);

    private static final long VCFG = 0x3_c000_0000L;
    private static final int HARTS = 3;
    private static final int WIRES = 96;

    private SampleMachine() {}

    static AcpiTables tables(boolean aia) {
        Madt madt = Madt.create(IDENTITY);
        if (aia) {
            madt.aplic(0, WIRES, 0, 0xd00_0000, 0x8000).imsic(255, 0, 2, 0, 24);
        } else {
            madt.plic(0, WIRES - 1, 7, 0, 0xc00_0000, 0x60_0000);
        }
        for (int hart = 0; hart < HARTS; hart++) {
            if (aia) {
                madt.hartWithImsic(hart, hart, 0x2800_0000L + hart * 0x1000L, 0x1000);
            } else {
                madt.hartWithPlic(hart, hart, 0, 2 * hart + 1);
            }
        }
        return AcpiTables.of(IDENTITY, dsdt(aia))
                .add(madt.toTable())
                .add(rhct("rv64imafdc_zicbom_zicboz_sstc").toTable(IDENTITY))
                .add(Mcfg.create(IDENTITY).ecam(0x3000_0000, 0, 0, 255).toTable())
                .add(spcr().toTable(IDENTITY))
                .add(ssdt());
    }

    static Rhct rhct(String isa) {
        return new Rhct(
                10_000_000,
                isa,
                Rhct.MmuType.SV57,
                64,
                64,
                64,
                IntStream.range(0, HARTS).boxed().toList());
    }

    static Spcr spcr() {
        return new Spcr(GenericAddress.memoryBytes(0x1000_0000), 10, 3_686_400, "\\_SB.COM0");
    }

    static AcpiTable dsdt(boolean aia) {
        var devices = new ArrayList<AmlTerm>(PlatformDevices.harts(HARTS));
        devices.add(
                aia
                        ? PlatformDevices.aplic("IC00", 0, 0xd00_0000, 0x8000, 0)
                        : PlatformDevices.plic("IC00", 0, 0xc00_0000, 0x60_0000, 0));
        devices.add(PlatformDevices.uart("COM0", 0, 0x1000_0000, 0x100, 10, 3_686_400));
        devices.add(
                PlatformDevices.compatibleDevice(
                        "RTC0", 0, "google,goldfish-rtc", 0x10_1000, 0x1000, 11));
        devices.add(PlatformDevices.firmwareConfiguration("FWCF", 0x1010_0000, 0x18));
        devices.add(PlatformDevices.flash("FLS0", 0, 0x2000_0000, 0x200_0000));
        devices.add(PlatformDevices.virtioMmio("VR00", 0, 0x1000_1000, 0x1000, 1));
        devices.addAll(
                PciHostBridge.of("PC00", 0, 0, 255)
                        .memory(0x4000_0000, 0x4000_0000)
                        .memory(0x4_0000_0000L, 0x4_0000_0000L)
                        .ports(0, 0x1_0000, 0x300_0000)
                        .interrupts(32)
                        .controls(PciHostBridge.PCIE_CAPABILITY | PciHostBridge.PCIE_PME)
                        .add(PciHostBridge.function("PE08", 0x1_0000, List.of()))
                        .add(PciHostBridge.function("PE10", 0x2_0000, List.of()))
                        .toTerms());
        devices.add(
                PlatformDevices.reserved(
                        "MB00",
                        0,
                        ResourceTemplate.create()
                                .memory(0x3000_0000, 0x1000_0000)
                                .memory(VCFG, 0x2000_0000)));
        devices.add(
                GenericEventDevice.create()
                        .on(40, VirtualConfigAml.deliverNotifications("\\_SB.PC00.PE08"))
                        .on(41, VirtualConfigAml.deliverNotifications("\\_SB.PC00.PE10"))
                        .toTerm("GED0"));
        return AcpiTable.dsdt(
                IDENTITY,
                List.of(
                        externals(
                                ExternalType.INTEGER,
                                "\\_SB.PC00.PE08.NOTY",
                                "\\_SB.PC00.PE10.NOTY"),
                        VirtualConfigAml.base(VCFG),
                        PlatformDevices.systemBus(devices)));
    }

    static AcpiTable ssdt() {
        return AcpiTable.ssdt(
                new AcpiIdentity("DALANG", "SAMPLEPC", 1, "DLNG", 1),
                List.of(
                        functionsAndBase(),
                        Aml.scope("_SB.PC00.PE08", function(0x8000)),
                        Aml.scope("_SB.PC00.PE10", function(0x1_0000))));
    }

    private static AmlTerm externals(ExternalType type, String... paths) {
        var objects = new LinkedHashMap<String, ExternalType>();
        for (String path : paths) {
            objects.put(path, type);
        }
        return Aml.externals(objects);
    }

    private static AmlTerm functionsAndBase() {
        var objects = new LinkedHashMap<String, ExternalType>();
        objects.put("\\_SB.PC00.PE08", ExternalType.DEVICE);
        objects.put("\\_SB.PC00.PE10", ExternalType.DEVICE);
        objects.put("\\VCFG", ExternalType.INTEGER);
        return Aml.externals(objects);
    }

    private static List<AmlTerm> function(long offset) {
        var terms = new ArrayList<AmlTerm>(VirtualConfigAml.registers(offset));
        terms.addAll(VirtualConfigAml.power());
        return terms;
    }
}
