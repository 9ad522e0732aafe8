package dev.dalang.tables.fdt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

class DeviceTreeTest {
    private static DeviceTree sample() {
        DeviceTree tree = DeviceTree.create().reserve(0x8000_0000L, 0x4_0000L).bootHart(1);
        DeviceTreeNode root =
                tree.root()
                        .putU32("#address-cells", 2)
                        .putU32("#size-cells", 2)
                        .putStrings("compatible", "dalang,sample", "riscv-virtio")
                        .putReference("interrupt-parent", "plic");
        root.addNode("memory", 0x8000_0000L)
                .putStrings("device_type", "memory")
                .putU64("reg", 0x8000_0000L, 0x1_0000_0000L);
        DeviceTreeNode soc =
                root.addNode("soc")
                        .putStrings("compatible", "simple-bus")
                        .putU32("#address-cells", 2)
                        .putU32("#size-cells", 2)
                        .putEmpty("ranges");
        soc.addNode("serial", 0x1000_0000L)
                .putStrings("compatible", "ns16550a")
                .putU64("reg", 0x1000_0000L, 0x100)
                .put("interrupts-extended", Cells.create().phandle("plic").u32(10));
        soc.addNode("plic", 0xc00_0000L)
                .label("plic")
                .putStrings("compatible", "sifive,plic-1.0.0")
                .putU64("reg", 0xc00_0000L, 0x60_0000)
                .putU32("#interrupt-cells", 1)
                .putU32("#address-cells", 0)
                .putU32("riscv,ndev", 96)
                .putEmpty("interrupt-controller");
        root.addNode("chosen").putBytes("rng-seed", new byte[] {1, 2, 3, 4, 5});
        return tree;
    }

    @Test
    void blobHasTheHeaderOfVersion17() {
        byte[] blob = sample().toBytes();
        ByteBuffer header = ByteBuffer.wrap(blob);
        assertThat(header.getInt(0)).isEqualTo(0xd00dfeed);
        assertThat(header.getInt(4)).isEqualTo(blob.length);
        assertThat(header.getInt(16)).isEqualTo(40);
        assertThat(header.getInt(20)).isEqualTo(17);
        assertThat(header.getInt(24)).isEqualTo(16);
        assertThat(header.getInt(28)).isEqualTo(1);
        assertThat(header.getInt(8)).as("two reservations behind the header").isEqualTo(72);
        assertThat(header.getInt(12)).isEqualTo(72 + header.getInt(36));
        assertThat(header.getInt(12) + header.getInt(32)).isEqualTo(blob.length);
        assertThat(header.getLong(40)).isEqualTo(0x8000_0000L);
        assertThat(header.getLong(48)).isEqualTo(0x4_0000L);
        assertThat(header.getLong(56)).isZero();
        assertThat(header.getLong(64)).isZero();
    }

    @Test
    void everyPropertyNameStandsOnceInTheStringsBlock() {
        byte[] blob = sample().toBytes();
        ByteBuffer header = ByteBuffer.wrap(blob);
        int start = header.getInt(12);
        String strings = new String(blob, start, header.getInt(32), StandardCharsets.US_ASCII);
        List<String> names = Arrays.asList(strings.split("\0"));
        assertThat(names).doesNotHaveDuplicates().contains("reg", "compatible", "phandle");
    }

    @Test
    void blobReadsBackAsItWasBuilt() {
        DeviceTree read = DeviceTree.parse(sample().toBytes());

        assertThat(read.bootHart()).isEqualTo(1);
        assertThat(read.reservations())
                .containsExactly(new DeviceTree.Reservation(0x8000_0000L, 0x4_0000L));
        assertThat(read.root().strings("compatible"))
                .containsExactly("dalang,sample", "riscv-virtio");
        assertThat(read.node("/memory@80000000").cells("reg"))
                .containsExactly(0, 0x8000_0000, 1, 0);
        DeviceTreeNode soc = read.node("/soc");
        assertThat(soc.bytes("ranges")).isEmpty();
        assertThat(soc.children())
                .extracting(DeviceTreeNode::name)
                .containsExactly("serial@10000000", "plic@c000000");
        int phandle = soc.child("plic@c000000").orElseThrow().u32("phandle");
        assertThat(phandle).isPositive();
        assertThat(read.root().u32("interrupt-parent")).isEqualTo(phandle);
        assertThat(read.node("/soc/serial@10000000").cells("interrupts-extended"))
                .containsExactly(phandle, 10);
        assertThat(read.node("/chosen").bytes("rng-seed")).containsExactly(1, 2, 3, 4, 5);
        assertThat(read.toBytes()).isEqualTo(sample().toBytes());
    }

    @Test
    void writingTwiceGivesTheSameBytes() {
        DeviceTree tree = sample();
        assertThat(tree.toBytes()).isEqualTo(tree.toBytes());
    }

    @Test
    void theDistributionsCompilerHasNothingToSay(@TempDir Path directory) throws Exception {
        String source = Dtc.decompile(sample().toBytes(), directory);
        assertThat(source)
                .contains("/memreserve/\t0x0000000080000000 0x0000000000040000;")
                .contains("device_type = \"memory\";")
                .contains("reg = <0x00 0x80000000 0x01 0x00>;")
                .contains("rng-seed = [01 02 03 04 05];")
                .contains("interrupts-extended = <0x01 0x0a>;");
    }

    @Test
    void aTreeThatWasReadCanBeExtended() {
        DeviceTree tree = DeviceTree.parse(sample().toBytes());
        tree.node("/soc").child("serial@10000000").orElseThrow().label("uart");
        tree.root().addNode("aliases").putReference("console", "uart");
        tree.root().child("chosen").orElseThrow().remove("rng-seed").putU32("rng-seed", 7);

        DeviceTree again = DeviceTree.parse(tree.toBytes());

        int uart = again.node("/soc/serial@10000000").u32("phandle");
        assertThat(again.node("/aliases").u32("console")).isEqualTo(uart);
        assertThat(uart).isNotEqualTo(again.node("/soc/plic@c000000").u32("phandle"));
        assertThat(again.node("/chosen").u32("rng-seed")).isEqualTo(7);
    }

    @Test
    void referenceToAnUnknownLabelNamesThePropertyAndTheLabel() {
        DeviceTree tree = DeviceTree.create();
        tree.root().addNode("soc").addNode("pci", 0x3000_0000L).putReference("msi-parent", "imsic");
        assertThatThrownBy(tree::toBytes)
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContainingAll("/soc/pci@30000000", "\"msi-parent\"", "\"imsic\"");
    }

    @Test
    void nodeThatRefersToItselfGetsItsPhandle() {
        DeviceTree tree = DeviceTree.create();
        tree.root().addNode("self").label("me").putReference("me", "me");
        DeviceTreeNode self = DeviceTree.parse(tree.toBytes()).node("/self");
        assertThat(self.u32("me")).isEqualTo(self.u32("phandle"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1st", "a/b", "a b", "a@", "a@b@c", "ä", "@0", "a\0b"})
    void nodeNamesOutsideTheSpecificationAreRefused(String name) {
        assertThatThrownBy(() -> DeviceTree.create().root().addNode(name))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContaining("\"" + name + "\"");
    }

    @Test
    void nodeNamesMayHave31Characters() {
        DeviceTreeNode root = DeviceTree.create().root();
        assertThat(root.addNode("n".repeat(31)).path()).isEqualTo("/" + "n".repeat(31));
        assertThatThrownBy(() -> root.addNode("n".repeat(32)))
                .isInstanceOf(DeviceTreeException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "a@b", "thirty-two-characters-are-one-more"})
    void propertyNamesOutsideTheSpecificationAreRefused(String name) {
        assertThatThrownBy(() -> DeviceTree.create().root().putEmpty(name))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContaining("\"" + name + "\"");
    }

    @Test
    void propertiesAndNodesAndLabelsAreGivenOnce() {
        DeviceTree tree = DeviceTree.create();
        DeviceTreeNode cpus = tree.root().addNode("cpus").label("cpus").putU32("x", 1);
        assertThatThrownBy(() -> cpus.putEmpty("x")).hasMessageContainingAll("/cpus", "\"x\"");
        assertThatThrownBy(() -> tree.root().addNode("cpus"))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContaining("\"cpus\"");
        assertThatThrownBy(() -> tree.root().label("cpus"))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContaining("/cpus has");
        assertThat(cpus.u32("x")).isEqualTo(1);
    }

    @Test
    void phandleCannotBeSetByHand() {
        assertThatThrownBy(() -> DeviceTree.create().root().putU32("phandle", 1))
                .isInstanceOf(DeviceTreeException.class);
    }

    @Test
    void labelsAndStringsAreChecked() {
        DeviceTreeNode root = DeviceTree.create().root();
        assertThatThrownBy(() -> root.label("a-b")).isInstanceOf(DeviceTreeException.class);
        assertThatThrownBy(() -> root.putStrings("s")).isInstanceOf(DeviceTreeException.class);
        assertThatThrownBy(() -> root.putStrings("s", "a\0b"))
                .isInstanceOf(DeviceTreeException.class);
    }

    @Test
    void reservationsThatWrapOrAreEmptyAreRefused() {
        DeviceTree tree = DeviceTree.create();
        assertThatThrownBy(() -> tree.reserve(0, 0)).isInstanceOf(DeviceTreeException.class);
        assertThatThrownBy(() -> tree.reserve(-1, 2)).isInstanceOf(DeviceTreeException.class);
        tree.reserve(-1, 1);
        assertThat(DeviceTree.parse(tree.toBytes()).reservations())
                .containsExactly(new DeviceTree.Reservation(-1, 1));
    }

    @Test
    void valuesAreReadInTheFormAskedForOrRefused() {
        DeviceTreeNode root =
                DeviceTree.create()
                        .root()
                        .putBytes("three", new byte[3])
                        .putU32("two", 1, 2)
                        .putStrings("texts", "a", "b")
                        .putEmpty("empty");
        assertThatThrownBy(() -> root.cells("three")).hasMessageContaining("got 3 bytes");
        assertThatThrownBy(() -> root.u32("two")).hasMessageContaining("got 2");
        assertThatThrownBy(() -> root.string("texts")).hasMessageContaining("[a, b]");
        assertThatThrownBy(() -> root.strings("empty")).isInstanceOf(DeviceTreeException.class);
        assertThatThrownBy(() -> root.strings("two")).isInstanceOf(DeviceTreeException.class);
        assertThatThrownBy(() -> root.bytes("none")).hasMessageContaining("\"none\"");
        assertThat(root.has("none")).isFalse();
        assertThat(root.has("empty")).isTrue();
    }

    @Test
    void aPathThatLeadsNowhereNamesWhereItEnds() {
        DeviceTree tree = sample();
        assertThatThrownBy(() -> tree.node("/soc/disk/partition"))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContainingAll("/soc:", "\"disk\"");
        assertThatThrownBy(() -> tree.node("soc")).isInstanceOf(DeviceTreeException.class);
        assertThat(tree.node("/")).isSameAs(tree.root());
    }

    @Test
    void cellsGivenToAPropertyAreCopied() {
        Cells cells = Cells.create().u32(1);
        DeviceTreeNode root = DeviceTree.create().root().put("x", cells);
        cells.u32(2);
        assertThat(root.cells("x")).containsExactly(1);
    }
}
