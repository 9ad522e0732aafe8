package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.tables.fdt.DeviceTree;
import dev.dalang.tables.fdt.DeviceTreeNode;
import dev.dalang.vm.internal.board.BoardDescription.AddressRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

class VirtDeviceTreeTest {
    private static final byte[] SEED = new byte[32];

    private static BoardDescription board(int harts, boolean aia, boolean machineFirmware) {
        return new BoardDescription(
                0x1_2000_0000L,
                harts,
                BoardDescription.ISA_EXTENSIONS,
                "riscv,sv57",
                aia,
                machineFirmware,
                Optional.of("console=ttyS0"),
                Optional.of(new AddressRange(0x1_0000_0000L, 0x1_0012_3456L)));
    }

    private static DeviceTree tree(int harts, boolean aia, boolean machineFirmware) {
        return DeviceTree.parse(
                VirtDeviceTree.of(board(harts, aia, machineFirmware), SEED).toBytes());
    }

    private static int phandle(DeviceTree tree, String path) {
        return tree.node(path).u32("phandle");
    }

    @Test
    void chosenSaysHowToBoot() {
        DeviceTreeNode chosen = tree(1, true, false).node("/chosen");
        assertThat(chosen.string("bootargs")).isEqualTo("console=ttyS0");
        assertThat(chosen.string("stdout-path")).isEqualTo("/soc/serial@10000000");
        assertThat(chosen.cells("linux,initrd-start")).containsExactly(1, 0);
        assertThat(chosen.cells("linux,initrd-end")).containsExactly(1, 0x12_3456);
        assertThat(chosen.bytes("rng-seed")).hasSize(32);
    }

    @Test
    void chosenIsSilentAboutWhatThereIsNot() {
        var board =
                new BoardDescription(
                        1 << 26,
                        1,
                        BoardDescription.ISA_EXTENSIONS,
                        "riscv,sv39",
                        true,
                        false,
                        Optional.empty(),
                        Optional.empty());
        DeviceTreeNode chosen = VirtDeviceTree.of(board, SEED).tree().node("/chosen");
        assertThat(chosen.propertyNames()).containsExactly("stdout-path", "rng-seed");
    }

    @Test
    void memoryIsAtItsPlaceWithItsSize() {
        assertThat(tree(1, true, false).node("/memory@80000000").cells("reg"))
                .containsExactly(0, 0x8000_0000, 1, 0x2000_0000);
    }

    @Test
    void eachHartSaysWhatItCanDo() {
        DeviceTree tree = tree(3, true, false);
        assertThat(tree.node("/cpus").u32("timebase-frequency")).isEqualTo(10_000_000);
        for (int hart = 0; hart < 3; hart++) {
            DeviceTreeNode cpu = tree.node("/cpus/cpu@" + hart);
            assertThat(cpu.u32("reg")).isEqualTo(hart);
            assertThat(cpu.string("mmu-type")).isEqualTo("riscv,sv57");
            assertThat(cpu.string("riscv,isa-base")).isEqualTo("rv64i");
            assertThat(cpu.strings("riscv,isa-extensions"))
                    .startsWith("i", "m", "a", "f", "d", "c", "zic64b")
                    .contains("sstc", "zacas", "svpbmt")
                    .endsWith("smaia", "ssaia");
            assertThat(cpu.string("riscv,isa"))
                    .startsWith("rv64imafdc_zic64b_")
                    .endsWith("_smaia_ssaia");
            assertThat(cpu.u32("riscv,cbom-block-size")).isEqualTo(64);
            assertThat(cpu.u32("riscv,cboz-block-size")).isEqualTo(64);
            assertThat(cpu.u32("riscv,cbop-block-size")).isEqualTo(64);
            assertThat(tree.node("/cpus/cpu-map/cluster0/core" + hart).u32("cpu"))
                    .isEqualTo(cpu.u32("phandle"));
        }
        assertThat(tree.node("/cpus").child("cpu@3")).isEmpty();
    }

    @Test
    void withoutAiaTheHartsDoNotClaimIt() {
        assertThat(tree(1, false, false).node("/cpus/cpu@0").strings("riscv,isa-extensions"))
                .doesNotContain("smaia", "ssaia");
    }

    @Test
    void nodesOfTheSocStandInTheOrderOfTheMap() {
        assertThat(tree(1, true, true).node("/soc").children())
                .extracting(DeviceTreeNode::name)
                .containsExactly(
                        "test@100000",
                        "rtc@101000",
                        "clint@2000000",
                        "aplic@c000000",
                        "aplic@d000000",
                        "serial@10000000",
                        "virtio_mmio@10001000",
                        "virtio_mmio@10002000",
                        "virtio_mmio@10003000",
                        "virtio_mmio@10004000",
                        "virtio_mmio@10005000",
                        "virtio_mmio@10006000",
                        "virtio_mmio@10007000",
                        "virtio_mmio@10008000",
                        "imsics@24000000",
                        "imsics@28000000",
                        "pci@30000000",
                        "virtual-config@1a0000000");
        assertThat(tree(1, false, true).node("/soc").children())
                .extracting(DeviceTreeNode::name)
                .containsExactly(
                        "test@100000",
                        "rtc@101000",
                        "clint@2000000",
                        "plic@c000000",
                        "serial@10000000",
                        "virtio_mmio@10001000",
                        "virtio_mmio@10002000",
                        "virtio_mmio@10003000",
                        "virtio_mmio@10004000",
                        "virtio_mmio@10005000",
                        "virtio_mmio@10006000",
                        "virtio_mmio@10007000",
                        "virtio_mmio@10008000",
                        "pci@30000000",
                        "virtual-config@1a0000000");
    }

    @Test
    void theSlotsForVirtioHaveAWireEach() {
        for (int slot = 0; slot < 8; slot++) {
            DeviceTreeNode node =
                    tree(1, true, true).node("/soc/virtio_mmio@1000%d000".formatted(slot + 1));
            assertThat(node.string("compatible")).isEqualTo("virtio,mmio");
            assertThat(node.cells("interrupts")).containsExactly(slot + 1, 4);
            assertThat(node.cells("reg"))
                    .containsExactly(0, 0x1000_1000 + slot * 0x1000, 0, 0x1000);
        }
    }

    @Test
    void thePciHostSaysWhereItsWindowsAre() {
        DeviceTree tree = tree(1, true, true);
        DeviceTreeNode pci = tree.node("/soc/pci@30000000");

        assertThat(pci.string("compatible")).isEqualTo("pci-host-ecam-generic");
        assertThat(pci.cells("reg")).containsExactly(0, 0x3000_0000, 0, 0x1000_0000);
        assertThat(pci.cells("bus-range")).containsExactly(0, 255);
        assertThat(pci.has("dma-coherent")).isTrue();
        assertThat(pci.cells("ranges"))
                .containsExactly(
                        0x0100_0000,
                        0,
                        0,
                        0,
                        0x0300_0000,
                        0,
                        0x1_0000,
                        0x0200_0000,
                        0,
                        0x4000_0000,
                        0,
                        0x4000_0000,
                        0,
                        0x4000_0000,
                        0x0300_0000,
                        4,
                        0,
                        4,
                        0,
                        4,
                        0);
        assertThat(pci.u32("msi-parent")).isEqualTo(phandle(tree, "/soc/imsics@28000000"));
        assertThat(tree(1, false, true).node("/soc/pci@30000000").has("msi-parent")).isFalse();
        assertThat(tree.node("/soc/virtual-config@1a0000000").cells("reg"))
                .containsExactly(1, 0xa000_0000, 0, 0x2000_0000);
    }

    @Test
    void thePinsOfPciDevicesAreSwizzledOntoFourWires() {
        DeviceTree tree = tree(1, false, true);
        int wired = phandle(tree, "/soc/plic@c000000");
        int[] map = tree.node("/soc/pci@30000000").cells("interrupt-map");

        assertThat(tree.node("/soc/pci@30000000").cells("interrupt-map-mask"))
                .containsExactly(0x1800, 0, 0, 7);
        assertThat(map).hasSize(16 * 6);
        assertThat(map).startsWith(0, 0, 0, 1, wired, 32);
        assertThat(map).endsWith(3 << 11, 0, 0, 4, wired, 32 + 6 % 4);
        int[] aia = tree(1, true, true).node("/soc/pci@30000000").cells("interrupt-map");
        assertThat(aia).hasSize(16 * 7);
        assertThat(aia[6]).as("level").isEqualTo(4);
    }

    @Test
    void interruptsGoThroughAplicAndImsic() {
        DeviceTree tree = tree(2, true, true);
        int first = phandle(tree, "/cpus/cpu@0/interrupt-controller");
        int second = phandle(tree, "/cpus/cpu@1/interrupt-controller");
        int wired = phandle(tree, "/soc/aplic@d000000");
        int messages = phandle(tree, "/soc/imsics@28000000");

        DeviceTreeNode uart = tree.node("/soc/serial@10000000");
        assertThat(uart.u32("interrupt-parent")).isEqualTo(wired);
        assertThat(uart.cells("interrupts")).containsExactly(10, 4);
        assertThat(uart.u32("clock-frequency")).isEqualTo(3_686_400);
        assertThat(tree.node("/soc/rtc@101000").cells("interrupts")).containsExactly(11, 4);

        DeviceTreeNode machine = tree.node("/soc/aplic@c000000");
        assertThat(machine.cells("riscv,delegation")).containsExactly(wired, 1, 96);
        assertThat(machine.u32("riscv,children")).isEqualTo(wired);
        assertThat(machine.u32("msi-parent")).isEqualTo(phandle(tree, "/soc/imsics@24000000"));
        DeviceTreeNode supervisor = tree.node("/soc/aplic@d000000");
        assertThat(supervisor.u32("msi-parent")).isEqualTo(messages);
        assertThat(supervisor.u32("riscv,num-sources")).isEqualTo(96);
        assertThat(supervisor.cells("reg")).containsExactly(0, 0xd00_0000, 0, 0x8000);

        DeviceTreeNode imsic = tree.node("/soc/imsics@28000000");
        assertThat(imsic.cells("interrupts-extended")).containsExactly(first, 9, second, 9);
        assertThat(imsic.u32("riscv,num-ids")).isEqualTo(255);
        assertThat(imsic.cells("reg")).containsExactly(0, 0x2800_0000, 0, 0x2000);
        assertThat(imsic.has("msi-controller")).isTrue();
        assertThat(tree.node("/soc/imsics@24000000").cells("interrupts-extended"))
                .containsExactly(first, 11, second, 11);
        assertThat(tree.node("/soc/clint@2000000").cells("interrupts-extended"))
                .containsExactly(first, 3, first, 7, second, 3, second, 7);
    }

    @Test
    void interruptsGoThroughThePlicWithoutAia() {
        DeviceTree tree = tree(2, false, true);
        int first = phandle(tree, "/cpus/cpu@0/interrupt-controller");
        int second = phandle(tree, "/cpus/cpu@1/interrupt-controller");
        DeviceTreeNode plic = tree.node("/soc/plic@c000000");
        assertThat(plic.cells("interrupts-extended"))
                .containsExactly(first, 11, first, 9, second, 11, second, 9);
        assertThat(plic.u32("riscv,ndev")).isEqualTo(96);
        assertThat(plic.cells("reg")).containsExactly(0, 0xc00_0000, 0, 0x60_0000);
        DeviceTreeNode uart = tree.node("/soc/serial@10000000");
        assertThat(uart.u32("interrupt-parent")).isEqualTo(plic.u32("phandle"));
        assertThat(uart.cells("interrupts")).containsExactly(10);
    }

    @Test
    void devicesOfMachineModeAreDisabledUnlessFirmwareRunsThere() {
        for (String node : new String[] {"aplic@c000000", "imsics@24000000", "clint@2000000"}) {
            assertThat(tree(1, true, false).node("/soc/" + node).string("status"))
                    .isEqualTo("disabled");
            assertThat(tree(1, true, true).node("/soc/" + node).has("status")).isFalse();
        }
        DeviceTree plain = tree(1, false, false);
        int hart = phandle(plain, "/cpus/cpu@0/interrupt-controller");
        assertThat(plain.node("/soc/plic@c000000").cells("interrupts-extended"))
                .containsExactly(hart, -1, hart, 9);
    }

    @Test
    void powerIsSwitchedThroughTheFinisher() {
        DeviceTree tree = tree(1, true, false);
        int finisher = phandle(tree, "/soc/test@100000");
        assertThat(tree.node("/soc/test@100000").strings("compatible"))
                .containsExactly("sifive,test1", "sifive,test0", "syscon");
        assertThat(tree.node("/poweroff").string("compatible")).isEqualTo("syscon-poweroff");
        assertThat(tree.node("/poweroff").u32("value")).isEqualTo(0x5555);
        assertThat(tree.node("/poweroff").u32("offset")).isZero();
        assertThat(tree.node("/poweroff").u32("regmap")).isEqualTo(finisher);
        assertThat(tree.node("/reboot").string("compatible")).isEqualTo("syscon-reboot");
        assertThat(tree.node("/reboot").u32("value")).isEqualTo(0x7777);
    }

    @Test
    void flashAndFirmwareConfigurationAreAtTheRoot() {
        DeviceTree tree = tree(1, true, false);
        DeviceTreeNode flash = tree.node("/flash@20000000");
        assertThat(flash.u32("bank-width")).isEqualTo(4);
        assertThat(flash.cells("reg"))
                .containsExactly(0, 0x2000_0000, 0, 0x200_0000, 0, 0x2200_0000, 0, 0x200_0000);
        DeviceTreeNode configuration = tree.node("/fw-cfg@10100000");
        assertThat(configuration.string("compatible")).isEqualTo("qemu,fw-cfg-mmio");
        assertThat(configuration.cells("reg")).containsExactly(0, 0x1010_0000, 0, 0x18);
        assertThat(configuration.has("dma-coherent")).isTrue();
    }

    @Test
    void devicesCanBeAdded() {
        VirtDeviceTree virt = VirtDeviceTree.of(board(1, true, false), SEED);
        virt.putWire(
                virt.soc()
                        .addNode("gadget", 0x1000_a000L)
                        .putStrings("compatible", "dalang,gadget")
                        .putU64("reg", 0x1000_a000L, 0x1000),
                20);
        DeviceTree tree = DeviceTree.parse(virt.toBytes());
        DeviceTreeNode slot = tree.node("/soc/gadget@1000a000");
        assertThat(slot.cells("interrupts")).containsExactly(20, 4);
        assertThat(slot.u32("interrupt-parent")).isEqualTo(phandle(tree, "/soc/aplic@d000000"));
    }

    @ParameterizedTest
    @CsvSource({
        "1, true, true", "1, true, false", "1, false, true", "1, false, false",
        "16, true, true", "16, true, false", "16, false, true", "16, false, false",
    })
    void theDistributionsCompilerHasNothingToSay(
            int harts, boolean aia, boolean machineFirmware, @TempDir Path directory)
            throws Exception {
        byte[] blob = VirtDeviceTree.of(board(harts, aia, machineFirmware), SEED).toBytes();
        Path dtb = Files.write(directory.resolve("virt.dtb"), blob);
        Path log = directory.resolve("dtc.log");
        Process process;
        try {
            process =
                    new ProcessBuilder("dtc", "-I", "dtb", "-O", "dts", dtb.toString())
                            .redirectOutput(directory.resolve("virt.dts").toFile())
                            .redirectError(log.toFile())
                            .start();
        } catch (IOException e) {
            abort("dtc is not installed (Debian: device-tree-compiler): " + e.getMessage());
            return;
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("dtc ends").isTrue();
        assertThat(Files.readString(log)).as("what dtc says").isEmpty();
        assertThat(process.exitValue()).isZero();
    }
}
