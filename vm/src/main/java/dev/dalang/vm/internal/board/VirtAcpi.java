package dev.dalang.vm.internal.board;

import dev.dalang.pci.PciAcpi;
import dev.dalang.pci.PciBus;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.riscv.intc.Plic;
import dev.dalang.tables.acpi.AcpiIdentity;
import dev.dalang.tables.acpi.AcpiTable;
import dev.dalang.tables.acpi.AcpiTables;
import dev.dalang.tables.acpi.GenericAddress;
import dev.dalang.tables.acpi.Madt;
import dev.dalang.tables.acpi.Mcfg;
import dev.dalang.tables.acpi.PciHostBridge;
import dev.dalang.tables.acpi.PlatformDevices;
import dev.dalang.tables.acpi.Rhct;
import dev.dalang.tables.acpi.Spcr;
import dev.dalang.tables.acpi.VirtualConfigAml;
import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.ExternalType;
import dev.dalang.tables.aml.ResourceTemplate;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.device.Uart16550;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The {@code virt} board in the words of ACPI, for firmware that hands tables to the system it
 * starts. What is in the device tree for M-mode only, or for firmware, is not here.
 */
final class VirtAcpi {
    private static final AcpiIdentity IDENTITY = new AcpiIdentity("DALANG", "VIRT", 1, "DLNG", 1);

    /**
     * The only interrupt controller outside the harts: its id, and the first number of its wires.
     */
    private static final int CONTROLLER = 0;

    private static final int GSI_BASE = 0;

    /** In a PLIC of this board a hart has two contexts, of which the second is for S-mode. */
    private static final int CONTEXTS_PER_HART = 2;

    private static final int SUPERVISOR_CONTEXT = 1;

    /** Where the number of a group of harts would stand in an IMSIC's address; there are none. */
    private static final int GROUP_INDEX_SHIFT = 24;

    private static final String UART = "COM0";

    private static final int SEGMENT = 0;
    private static final int FIRST_BUS = 0;
    private static final int LAST_BUS = 255;

    private VirtAcpi() {}

    /**
     * The files of {@code fw_cfg} by their names.
     *
     * @param rootBus what is on it now is described; what comes later is found by the system
     */
    static Map<String, byte[]> files(BoardDescription board, PciBus rootBus) {
        return tables(board, rootBus).toFiles();
    }

    /** The tables of a board. */
    static AcpiTables tables(BoardDescription board, PciBus rootBus) {
        List<AmlTerm> dsdt =
                List.of(
                        VirtualConfigAml.base(VirtMap.virtualConfig(board.memoryBytes()).base()),
                        systemBus(board, rootBus));
        AcpiTables tables =
                AcpiTables.of(IDENTITY, AcpiTable.dsdt(IDENTITY, dsdt))
                        .add(madt(board))
                        .add(rhct(board).toTable(IDENTITY))
                        .add(spcr().toTable(IDENTITY))
                        .add(
                                Mcfg.create(IDENTITY)
                                        .ecam(VirtMap.PCI_ECAM, SEGMENT, FIRST_BUS, LAST_BUS)
                                        .toTable());
        List<PciFunction> sharing =
                rootBus.functions().stream()
                        .filter(function -> function.sharedPage().isPresent())
                        .toList();
        if (!sharing.isEmpty()) {
            tables.add(virtualConfiguration(sharing));
        }
        addOwn(rootBus, tables);
        return tables;
    }

    /** What devices have to say of themselves, bridges before what is behind them. */
    private static void addOwn(PciBus bus, AcpiTables tables) {
        for (PciFunction function : bus.functions()) {
            if (function.device() instanceof PciAcpi own) {
                try {
                    own.generateAcpi(function, tables);
                } catch (RuntimeException | LinkageError failed) {
                    throw new ConfigurationException(
                            "--device: expected tables of ACPI from %s, found that it failed: %s"
                                    .formatted(function.id(), failed.getMessage()),
                            failed);
                }
            }
            function.behind().ifPresent(behind -> addOwn(behind, tables));
        }
    }

    /**
     * The virtual configuration of the functions that have a page of it in guest memory, each in
     * its scope. Behind bridges there are none: there the guest gives out the bus numbers.
     */
    private static AcpiTable virtualConfiguration(List<PciFunction> functions) {
        var elsewhere = new LinkedHashMap<String, ExternalType>();
        var terms = new ArrayList<AmlTerm>();
        elsewhere.put("\\" + VirtualConfigAml.BASE_NAME, ExternalType.INTEGER);
        for (PciFunction function : functions) {
            String path = "\\" + function.acpiPath();
            long shared = PciVirtualConfigMmio.sharedPageAddress(0, function.address());
            elsewhere.put(path, ExternalType.DEVICE);
            terms.add(
                    Aml.scope(
                            path,
                            VirtualConfigAml.registers(shared - PciVirtualConfigMmio.PAGE_BYTES)));
        }
        terms.addFirst(Aml.externals(elsewhere));
        return AcpiTable.ssdt(IDENTITY, terms);
    }

    private static AmlTerm systemBus(BoardDescription board, PciBus rootBus) {
        var devices = new ArrayList<AmlTerm>(PlatformDevices.harts(board.harts()));
        devices.add(
                board.aia()
                        ? PlatformDevices.aplic(
                                "IC00", CONTROLLER, VirtMap.APLIC_S, VirtMap.APLIC_BYTES, GSI_BASE)
                        : PlatformDevices.plic(
                                "IC00", CONTROLLER, VirtMap.PLIC, VirtMap.PLIC_BYTES, GSI_BASE));
        devices.add(
                PlatformDevices.uart(
                        UART,
                        0,
                        VirtMap.UART,
                        VirtMap.UART_BYTES,
                        gsi(VirtMap.UART_WIRE),
                        Uart16550.CLOCK_HZ));
        // ACPI has no id for this clock, and Linux's driver knows it by its name in device trees.
        devices.add(
                PlatformDevices.compatibleDevice(
                        "RTC0",
                        0,
                        "google,goldfish-rtc",
                        VirtMap.RTC,
                        VirtMap.RTC_BYTES,
                        gsi(VirtMap.RTC_WIRE)));
        devices.add(
                PlatformDevices.firmwareConfiguration(
                        "FWCF", VirtMap.FW_CFG, VirtMap.FW_CFG_BYTES));
        for (int bank = 0; bank < VirtMap.FLASH_BANKS; bank++) {
            devices.add(
                    PlatformDevices.flash(
                            "FLS" + bank,
                            bank,
                            VirtMap.FLASH + bank * VirtMap.FLASH_BANK_BYTES,
                            VirtMap.FLASH_BANK_BYTES));
        }
        for (int slot = 0; slot < VirtMap.VIRTIO_MMIO_SLOTS; slot++) {
            devices.add(
                    PlatformDevices.virtioMmio(
                            "VR0" + slot,
                            slot,
                            VirtMap.VIRTIO_MMIO + slot * VirtMap.VIRTIO_MMIO_BYTES,
                            VirtMap.VIRTIO_MMIO_BYTES,
                            gsi(VirtMap.VIRTIO_MMIO_WIRE + slot)));
        }
        devices.addAll(pciHost(board, rootBus));
        PciVirtualConfigMmio.Region virtual = VirtMap.virtualConfig(board.memoryBytes());
        devices.add(
                PlatformDevices.reserved(
                        "MB00",
                        0,
                        ResourceTemplate.create().memory(virtual.base(), virtual.size())));
        return PlatformDevices.systemBus(devices);
    }

    private static List<AmlTerm> pciHost(BoardDescription board, PciBus rootBus) {
        PciHostBridge host =
                PciHostBridge.of("PC00", SEGMENT, FIRST_BUS, LAST_BUS)
                        .memory(VirtMap.PCI_MMIO32, VirtMap.PCI_MMIO32_BYTES)
                        .memory(VirtMap.pciMmio64(board.memoryBytes()), VirtMap.PCI_MMIO64_BYTES)
                        .ports(0, VirtMap.PCI_PIO_BYTES, VirtMap.PCI_PIO)
                        .interrupts(gsi(VirtMap.PCI_INTX_WIRE))
                        .controls(
                                PciHostBridge.PCIE_NATIVE_HOT_PLUG
                                        | PciHostBridge.PCIE_PME
                                        | PciHostBridge.PCIE_CAPABILITY);
        // Below the bridge: a reservation beside it is claimed before the bridge, which waits for
        // its interrupt controller, and then refuses the bridge its own space.
        host.add(
                PlatformDevices.reserved(
                        "RES0",
                        1,
                        ResourceTemplate.create()
                                .memory(VirtMap.PCI_ECAM, VirtMap.PCI_ECAM_BYTES)));
        functions(rootBus).forEach(host::add);
        return host.toTerms();
    }

    /** The functions on a bus, and in bridges what is behind them. */
    private static List<AmlTerm> functions(PciBus bus) {
        var terms = new ArrayList<AmlTerm>();
        for (PciFunction function : bus.functions()) {
            String path = function.acpiPath();
            terms.add(
                    PciHostBridge.function(
                            path.substring(path.lastIndexOf('.') + 1),
                            function.address().acpiAdr(),
                            function.behind().map(VirtAcpi::functions).orElse(List.of())));
        }
        return terms;
    }

    /** The global system interrupt of a wire. */
    private static int gsi(int wire) {
        return GSI_BASE + wire;
    }

    private static AcpiTable madt(BoardDescription board) {
        Madt madt = Madt.create(IDENTITY);
        for (int hart = 0; hart < board.harts(); hart++) {
            if (board.aia()) {
                madt.hartWithImsic(
                        hart,
                        hart,
                        VirtMap.IMSIC_S + hart * VirtMap.IMSIC_PAGE_BYTES,
                        (int) VirtMap.IMSIC_PAGE_BYTES);
            } else {
                madt.hartWithPlic(
                        hart, hart, CONTROLLER, CONTEXTS_PER_HART * hart + SUPERVISOR_CONTEXT);
            }
        }
        if (board.aia()) {
            madt.imsic(
                            VirtMap.IMSIC_IDENTITIES,
                            0,
                            AplicDelegation.hartIndexBits(board.harts()),
                            0,
                            GROUP_INDEX_SHIFT)
                    .aplic(
                            CONTROLLER,
                            VirtMap.WIRES,
                            GSI_BASE,
                            VirtMap.APLIC_S,
                            (int) VirtMap.APLIC_BYTES);
        } else {
            madt.plic(
                    CONTROLLER,
                    VirtMap.WIRES,
                    Plic.MAX_PRIORITY,
                    GSI_BASE,
                    VirtMap.PLIC,
                    (int) VirtMap.PLIC_BYTES);
        }
        return madt.toTable();
    }

    private static Rhct rhct(BoardDescription board) {
        return new Rhct(
                VirtMap.TIMEBASE_HZ,
                board.isaString(),
                mmu(board.mmuType()),
                blockBytes(board, "zicbom"),
                blockBytes(board, "zicbop"),
                blockBytes(board, "zicboz"),
                IntStream.range(0, board.harts()).boxed().toList());
    }

    private static Rhct.MmuType mmu(String deviceTreeName) {
        return switch (deviceTreeName) {
            case "riscv,sv39" -> Rhct.MmuType.SV39;
            case "riscv,sv48" -> Rhct.MmuType.SV48;
            case "riscv,sv57" -> Rhct.MmuType.SV57;
            default ->
                    throw new IllegalArgumentException(
                            "expected riscv,sv39, riscv,sv48 or riscv,sv57, got " + deviceTreeName);
        };
    }

    private static int blockBytes(BoardDescription board, String extension) {
        return board.extensions().contains(extension) ? VirtDeviceTree.CACHE_BLOCK_BYTES : 0;
    }

    private static Spcr spcr() {
        return new Spcr(
                GenericAddress.memoryBytes(VirtMap.UART),
                gsi(VirtMap.UART_WIRE),
                Uart16550.CLOCK_HZ,
                "\\_SB." + UART);
    }
}
