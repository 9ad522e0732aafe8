package dev.dalang.vm.internal.board;

import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.tables.fdt.Cells;
import dev.dalang.tables.fdt.DeviceTree;
import dev.dalang.tables.fdt.DeviceTreeNode;
import dev.dalang.vm.device.Uart16550;

import java.util.List;

/**
 * The device tree of the {@code virt} board: the same nodes with the same values as QEMU's. Devices
 * that a machine adds put their nodes below {@link #soc} before the blob is made.
 */
public final class VirtDeviceTree {
    /** Label of the node that is the parent of wired interrupts: PLIC, or APLIC for S-mode. */
    public static final String WIRED_INTERRUPTS = "wired_interrupts";

    /** Label of the S-mode IMSIC, where message-signalled interrupts go; only with AIA. */
    public static final String MESSAGE_INTERRUPTS = "message_interrupts";

    private static final String MACHINE_MESSAGES = "machine_messages";
    private static final String FINISHER = "finisher";

    static final int CACHE_BLOCK_BYTES = 64;

    private static final int IRQ_TYPE_LEVEL_HIGH = 4;

    private static final int PCI_RANGE_IO = 0x0100_0000;
    private static final int PCI_RANGE_MEMORY32 = 0x0200_0000;
    private static final int PCI_RANGE_MEMORY64 = 0x0300_0000;
    private static final int PCI_WIRE_DEVICES = 3;

    private static final int CAUSE_MACHINE_SOFTWARE = 3;
    private static final int CAUSE_MACHINE_TIMER = 7;
    private static final int CAUSE_SUPERVISOR_EXTERNAL = 9;
    private static final int CAUSE_MACHINE_EXTERNAL = 11;

    /** In a PLIC's list: this context does not exist for the reader of the tree. */
    private static final int CAUSE_NONE = -1;

    private final BoardDescription board;
    private final DeviceTree tree = DeviceTree.create();
    private final DeviceTreeNode soc;

    private VirtDeviceTree(BoardDescription board, byte[] rngSeed) {
        this.board = board;
        DeviceTreeNode root =
                tree.root()
                        .putU32("#address-cells", 2)
                        .putU32("#size-cells", 2)
                        .putStrings("compatible", "riscv-virtio")
                        .putStrings("model", "riscv-virtio,qemu");
        root.addNode("aliases").putStrings("serial0", "/soc/serial@10000000");
        chosen(root.addNode("chosen"), rngSeed);
        root.addNode("memory", VirtMap.RAM)
                .putStrings("device_type", "memory")
                .putU64("reg", VirtMap.RAM, board.memoryBytes());
        cpus(root.addNode("cpus"));
        syscon(root.addNode("poweroff"), "syscon-poweroff", 0x5555);
        syscon(root.addNode("reboot"), "syscon-reboot", 0x7777);
        root.addNode("fw-cfg", VirtMap.FW_CFG)
                .putStrings("compatible", "qemu,fw-cfg-mmio")
                .putU64("reg", VirtMap.FW_CFG, VirtMap.FW_CFG_BYTES)
                .putEmpty("dma-coherent");
        root.addNode("flash", VirtMap.FLASH)
                .putStrings("compatible", "cfi-flash")
                .putU64(
                        "reg",
                        VirtMap.FLASH,
                        VirtMap.FLASH_BANK_BYTES,
                        VirtMap.FLASH + VirtMap.FLASH_BANK_BYTES,
                        VirtMap.FLASH_BANK_BYTES)
                .putU32("bank-width", 4);
        soc =
                root.addNode("soc")
                        .putU32("#address-cells", 2)
                        .putU32("#size-cells", 2)
                        .putStrings("compatible", "simple-bus")
                        .putEmpty("ranges");
        buildSoc();
    }

    /**
     * The tree of a board.
     *
     * @param board what it has
     * @param rngSeed random bytes for the kernel's generator; fresh for each start of a machine,
     *     except where a run is to be repeated
     * @return the tree, to be added to and then written
     */
    public static VirtDeviceTree of(BoardDescription board, byte[] rngSeed) {
        return new VirtDeviceTree(board, rngSeed);
    }

    /** The whole tree. */
    public DeviceTree tree() {
        return tree;
    }

    /** The node that devices stand below; addresses and sizes have two cells each. */
    public DeviceTreeNode soc() {
        return soc;
    }

    /** The blob. */
    public byte[] toBytes() {
        return tree.toBytes();
    }

    /** Says in a device's node that its level-triggered interrupt is wire {@code number}. */
    public DeviceTreeNode putWire(DeviceTreeNode device, int number) {
        return device.putReference("interrupt-parent", WIRED_INTERRUPTS)
                .put("interrupts", wire(Cells.create(), number));
    }

    /** Appends the cells that name a level-triggered wire to its controller. */
    public Cells wire(Cells cells, int number) {
        return board.aia() ? cells.u32(number, IRQ_TYPE_LEVEL_HIGH) : cells.u32(number);
    }

    private void chosen(DeviceTreeNode chosen, byte[] rngSeed) {
        board.bootArguments().ifPresent(text -> chosen.putStrings("bootargs", text));
        board.initrd()
                .ifPresent(
                        range ->
                                chosen.putU64("linux,initrd-start", range.start())
                                        .putU64("linux,initrd-end", range.end()));
        chosen.putStrings("stdout-path", "/soc/serial@10000000").putBytes("rng-seed", rngSeed);
    }

    private void cpus(DeviceTreeNode cpus) {
        cpus.putU32("#address-cells", 1)
                .putU32("#size-cells", 0)
                .putU32("timebase-frequency", VirtMap.TIMEBASE_HZ);
        List<String> extensions = board.extensions();
        for (int hart = 0; hart < board.harts(); hart++) {
            DeviceTreeNode cpu =
                    cpus.addNode("cpu", hart)
                            .label("cpu" + hart)
                            .putStrings("device_type", "cpu")
                            .putU32("reg", hart)
                            .putStrings("status", "okay")
                            .putStrings("compatible", "riscv")
                            .putStrings("riscv,isa", board.isaString())
                            .putStrings("riscv,isa-base", "rv64i")
                            .putStrings("riscv,isa-extensions", extensions)
                            .putStrings("mmu-type", board.mmuType());
            blockSize(cpu, extensions, "zicbom", "riscv,cbom-block-size");
            blockSize(cpu, extensions, "zicboz", "riscv,cboz-block-size");
            blockSize(cpu, extensions, "zicbop", "riscv,cbop-block-size");
            cpu.addNode("interrupt-controller")
                    .label(hartInterrupts(hart))
                    .putStrings("compatible", "riscv,cpu-intc")
                    .putU32("#address-cells", 0)
                    .putU32("#interrupt-cells", 1)
                    .putEmpty("interrupt-controller");
        }
        DeviceTreeNode cluster = cpus.addNode("cpu-map").addNode("cluster0");
        for (int hart = 0; hart < board.harts(); hart++) {
            cluster.addNode("core" + hart).putReference("cpu", "cpu" + hart);
        }
    }

    private static void blockSize(
            DeviceTreeNode cpu, List<String> extensions, String extension, String property) {
        if (extensions.contains(extension)) {
            cpu.putU32(property, CACHE_BLOCK_BYTES);
        }
    }

    private static void syscon(DeviceTreeNode node, String compatible, int value) {
        node.putStrings("compatible", compatible)
                .putReference("regmap", FINISHER)
                .putU32("offset", 0)
                .putU32("value", value);
    }

    private void buildSoc() {
        device("test", VirtMap.FINISHER, VirtMap.FINISHER_BYTES)
                .label(FINISHER)
                .putStrings("compatible", "sifive,test1", "sifive,test0", "syscon");
        putWire(
                device("rtc", VirtMap.RTC, VirtMap.RTC_BYTES)
                        .putStrings("compatible", "google,goldfish-rtc"),
                VirtMap.RTC_WIRE);
        machineLevel(
                device("clint", VirtMap.ACLINT, VirtMap.ACLINT_BYTES)
                        .putStrings("compatible", "sifive,clint0", "riscv,clint0")
                        .put(
                                "interrupts-extended",
                                toEachHart(CAUSE_MACHINE_SOFTWARE, CAUSE_MACHINE_TIMER)));
        if (board.aia()) {
            aplics();
        } else {
            plic();
        }
        putWire(
                device("serial", VirtMap.UART, VirtMap.UART_BYTES)
                        .putStrings("compatible", "ns16550a")
                        .putU32("clock-frequency", Uart16550.CLOCK_HZ),
                VirtMap.UART_WIRE);
        for (int slot = 0; slot < VirtMap.VIRTIO_MMIO_SLOTS; slot++) {
            putWire(
                    device(
                                    "virtio_mmio",
                                    VirtMap.VIRTIO_MMIO + slot * VirtMap.VIRTIO_MMIO_BYTES,
                                    VirtMap.VIRTIO_MMIO_BYTES)
                            .putStrings("compatible", "virtio,mmio")
                            .putEmpty("dma-coherent"),
                    VirtMap.VIRTIO_MMIO_WIRE + slot);
        }
        if (board.aia()) {
            machineLevel(imsic(VirtMap.IMSIC_M, MACHINE_MESSAGES, CAUSE_MACHINE_EXTERNAL));
            imsic(VirtMap.IMSIC_S, MESSAGE_INTERRUPTS, CAUSE_SUPERVISOR_EXTERNAL);
        }
        pci();
    }

    /** The host bridge, by the binding of generic hosts with ECAM and the PCI bus binding. */
    private void pci() {
        long mmio64 = VirtMap.pciMmio64(board.memoryBytes());
        DeviceTreeNode pci =
                device("pci", VirtMap.PCI_ECAM, VirtMap.PCI_ECAM_BYTES)
                        .putStrings("device_type", "pci")
                        .putStrings("compatible", "pci-host-ecam-generic")
                        .putU32("#address-cells", 3)
                        .putU32("#size-cells", 2)
                        .putU32("#interrupt-cells", 1)
                        .putU32("linux,pci-domain", 0)
                        .putU32("bus-range", 0, 255)
                        .putEmpty("dma-coherent")
                        .put(
                                "ranges",
                                Cells.create()
                                        .u32(PCI_RANGE_IO)
                                        .u64(0, VirtMap.PCI_PIO, VirtMap.PCI_PIO_BYTES)
                                        .u32(PCI_RANGE_MEMORY32)
                                        .u64(
                                                VirtMap.PCI_MMIO32,
                                                VirtMap.PCI_MMIO32,
                                                VirtMap.PCI_MMIO32_BYTES)
                                        .u32(PCI_RANGE_MEMORY64)
                                        .u64(mmio64, mmio64, VirtMap.PCI_MMIO64_BYTES))
                        .putU32("interrupt-map-mask", PCI_WIRE_DEVICES << 11, 0, 0, 7)
                        .put("interrupt-map", interruptMap());
        if (board.aia()) {
            pci.putReference("msi-parent", MESSAGE_INTERRUPTS);
        }
        PciVirtualConfigMmio.Region virtual = VirtMap.virtualConfig(board.memoryBytes());
        device("virtual-config", virtual.base(), virtual.size())
                .putStrings("compatible", "dalang,pci-virtual-config");
    }

    /** Pin p of device d is wire (d + p - 1) mod 4; a device's two low bits decide. */
    private Cells interruptMap() {
        Cells cells = Cells.create();
        for (int device = 0; device <= PCI_WIRE_DEVICES; device++) {
            for (int pin = 1; pin <= 4; pin++) {
                cells.u32(device << 11, 0, 0, pin).phandle(WIRED_INTERRUPTS);
                wire(cells, VirtMap.PCI_INTX_WIRE + (device + pin - 1) % 4);
            }
        }
        return cells;
    }

    private void plic() {
        device("plic", VirtMap.PLIC, VirtMap.PLIC_BYTES)
                .label(WIRED_INTERRUPTS)
                .putStrings("compatible", "sifive,plic-1.0.0", "riscv,plic0")
                .putU32("#address-cells", 0)
                .putU32("#interrupt-cells", 1)
                .putEmpty("interrupt-controller")
                .putU32("riscv,ndev", VirtMap.WIRES)
                .put(
                        "interrupts-extended",
                        toEachHart(
                                board.machineFirmware() ? CAUSE_MACHINE_EXTERNAL : CAUSE_NONE,
                                CAUSE_SUPERVISOR_EXTERNAL));
    }

    private void aplics() {
        machineLevel(
                aplic(VirtMap.APLIC_M, "machine_wired_interrupts", MACHINE_MESSAGES)
                        .putReference("riscv,children", WIRED_INTERRUPTS)
                        .put("riscv,delegation", allWires())
                        // The name before the binding was settled; firmware of that time reads it.
                        .put("riscv,delegate", allWires()));
        aplic(VirtMap.APLIC_S, WIRED_INTERRUPTS, MESSAGE_INTERRUPTS);
    }

    private static Cells allWires() {
        return Cells.create().phandle(WIRED_INTERRUPTS).u32(1, VirtMap.WIRES);
    }

    private DeviceTreeNode aplic(long address, String label, String messages) {
        return device("aplic", address, VirtMap.APLIC_BYTES)
                .label(label)
                .putStrings("compatible", "riscv,aplic")
                .putU32("#address-cells", 0)
                .putU32("#interrupt-cells", 2)
                .putEmpty("interrupt-controller")
                .putReference("msi-parent", messages)
                .putU32("riscv,num-sources", VirtMap.WIRES);
    }

    private DeviceTreeNode imsic(long address, String label, int cause) {
        return device("imsics", address, VirtMap.IMSIC_PAGE_BYTES * board.harts())
                .label(label)
                .putStrings("compatible", "riscv,imsics")
                .putU32("#address-cells", 0)
                .putU32("#interrupt-cells", 0)
                .putEmpty("interrupt-controller")
                .putEmpty("msi-controller")
                .putU32("#msi-cells", 0)
                .put("interrupts-extended", toEachHart(cause))
                .putU32("riscv,num-ids", VirtMap.IMSIC_IDENTITIES);
    }

    private DeviceTreeNode device(String name, long address, long bytes) {
        return soc.addNode(name, address).putU64("reg", address, bytes);
    }

    /** What only M-mode may use: not for the kernel when no firmware of the guest runs there. */
    private void machineLevel(DeviceTreeNode node) {
        if (!board.machineFirmware()) {
            node.putStrings("status", "disabled");
        }
    }

    private Cells toEachHart(int... causes) {
        Cells cells = Cells.create();
        for (int hart = 0; hart < board.harts(); hart++) {
            for (int cause : causes) {
                cells.phandle(hartInterrupts(hart)).u32(cause);
            }
        }
        return cells;
    }

    private static String hartInterrupts(int hart) {
        return "cpu" + hart + "_interrupts";
    }
}
