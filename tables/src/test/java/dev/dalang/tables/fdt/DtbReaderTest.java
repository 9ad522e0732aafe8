package dev.dalang.tables.fdt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

class DtbReaderTest {
    private static final int STRUCTURE = 56;

    private static byte[] good() {
        DeviceTree tree = DeviceTree.create();
        tree.root().putU32("a", 1).addNode("child", 0x10).putStrings("text", "value");
        return tree.toBytes();
    }

    private static byte[] withCell(int offset, int value) {
        byte[] blob = good();
        ByteBuffer.wrap(blob).putInt(offset, value);
        return blob;
    }

    private static void assertRefused(byte[] blob, String expected) {
        assertThatThrownBy(() -> DeviceTree.parse(blob))
                .isInstanceOf(DeviceTreeException.class)
                .hasMessageContaining(expected);
    }

    @Test
    void everyTruncationIsRefused() {
        byte[] blob = good();
        for (int length = 0; length < blob.length; length++) {
            byte[] cut = Arrays.copyOf(blob, length);
            assertThatThrownBy(() -> DeviceTree.parse(cut))
                    .as("cut to %d bytes", length)
                    .isInstanceOf(DeviceTreeException.class);
        }
    }

    @Test
    void bytesBehindTheBlobAreIgnored() {
        byte[] longer = Arrays.copyOf(good(), 4096);
        assertThat(DeviceTree.parse(longer).toBytes()).isEqualTo(good());
    }

    @Test
    void eachHeaderFieldIsChecked() {
        assertRefused(withCell(0, 0xedfe0dd0), "magic");
        assertRefused(withCell(4, -1), "total size");
        assertRefused(withCell(8, 0x7fff_fffc), "block within");
        assertRefused(withCell(8, 57), "block within");
        assertRefused(withCell(12, -4), "block within");
        assertRefused(withCell(16, 0), "block within");
        assertRefused(withCell(20, 15), "version 16 or later");
        assertRefused(withCell(24, 18), "version 17");
        assertRefused(withCell(32, Integer.MAX_VALUE), "strings block");
        assertRefused(withCell(36, Integer.MAX_VALUE), "structure block");
    }

    @Test
    void eachTokenIsChecked() {
        assertRefused(withCell(STRUCTURE, 5), "token");
        assertRefused(withCell(STRUCTURE, Dtb.FDT_END_NODE), "open node");
        assertRefused(withCell(STRUCTURE, Dtb.FDT_END), "every node closed");
        assertRefused(withCell(STRUCTURE + 12, -1), "value in range");
        assertRefused(withCell(STRUCTURE + 12, 0x7fff_ffff), "value in range");
        assertRefused(withCell(STRUCTURE + 16, 0x100), "property name in range");
        assertRefused(withCell(STRUCTURE + 16, -1), "property name in range");
        assertRefused(withCell(STRUCTURE + 4, 0x41414141), "name");
    }

    @Test
    void duplicateNodesAndPropertiesAreRefused() {
        DeviceTree tree = DeviceTree.create();
        tree.root().addNode("aaaa");
        tree.root().addNode("bbbb");
        byte[] blob = tree.toBytes();
        for (int i = 0; i < blob.length; i++) {
            if (blob[i] == 'b') {
                blob[i] = 'a';
            }
        }
        assertRefused(blob, "another");
    }

    @Test
    void nestingIsBounded() {
        DeviceTree tree = DeviceTree.create();
        DeviceTreeNode node = tree.root();
        for (int i = 0; i < 63; i++) {
            node = node.addNode("n");
        }
        assertThat(DeviceTree.parse(tree.toBytes()).toBytes()).isEqualTo(tree.toBytes());
        node.addNode("n");
        assertRefused(tree.toBytes(), "64 nodes");
    }

    @Test
    void emptiedPlacesAreSkipped() {
        byte[] blob = good();
        ByteBuffer cells = ByteBuffer.wrap(blob);
        for (int offset = STRUCTURE + 8; offset < STRUCTURE + 24; offset += 4) {
            cells.putInt(offset, Dtb.FDT_NOP);
        }
        DeviceTree tree = DeviceTree.parse(blob);
        assertThat(tree.root().propertyNames()).isEmpty();
        assertThat(tree.node("/child@10").string("text")).isEqualTo("value");
    }

    @Test
    void mutatedBlobsAreReadOrRefusedAndNothingElse() {
        long seed = 17;
        var random = new Random(seed);
        byte[] blob = good();
        for (int round = 0; round < 20_000; round++) {
            byte[] mutant = blob.clone();
            int changes = 1 + random.nextInt(4);
            for (int i = 0; i < changes; i++) {
                if (random.nextBoolean()) {
                    mutant[random.nextInt(mutant.length)] = (byte) random.nextInt();
                } else {
                    int cell = random.nextInt(mutant.length / 4) * 4;
                    ByteBuffer.wrap(mutant).putInt(cell, random.nextInt(128) - 8);
                }
            }
            try {
                DeviceTree tree = DeviceTree.parse(mutant);
                assertThat(DeviceTree.parse(tree.toBytes()).toBytes())
                        .as("seed %d round %d", seed, round)
                        .isEqualTo(tree.toBytes());
            } catch (DeviceTreeException expected) {
                assertThat(expected).hasMessageContaining("expected");
            }
        }
    }
}
