package dev.dalang.vm.internal.boot;

import static dev.dalang.vm.internal.boot.BootFixture.RAM;
import static dev.dalang.vm.internal.boot.BootFixture.RAM_BYTES;
import static dev.dalang.vm.internal.boot.BootFixture.noise;
import static dev.dalang.vm.internal.boot.ElfBuilder.programHeader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.vm.ConfigurationException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

class ElfFileTest {
    private static final Set<String> NAMES = Set.of("tohost", "fromhost");

    @TempDir private Path directory;
    private BootFixture boot;

    @BeforeEach
    void setUp() {
        boot = new BootFixture(directory);
    }

    @AfterEach
    void tearDown() {
        boot.close();
    }

    private static ElfBuilder program() {
        return new ElfBuilder()
                .segment(RAM, noise(300), 500)
                .segment(RAM + 0x1000, noise(8), 64)
                .symbol("_start", RAM)
                .symbol("tohost", RAM + 0x1000)
                .symbol("fromhost", RAM + 0x1040)
                .entry(RAM);
    }

    @Test
    void segmentsLieAtTheirAddressesWithTheirTailCleared() {
        boot.memory.fill(RAM, 0x2000, (byte) 0x55);

        LoadedImage loaded = load(program().build());

        assertThat(loaded).isEqualTo(new LoadedImage(RAM, RAM, RAM + 0x1040));
        assertThat(boot.read(RAM, 300)).isEqualTo(noise(300));
        assertThat(boot.read(RAM + 300, 200)).containsOnly(0);
        assertThat(boot.read(RAM + 500, 1)).containsOnly(0x55);
    }

    @Test
    void symbolsAreFoundByName() {
        assertThat(symbols(program().build()))
                .isEqualTo(Map.of("tohost", RAM + 0x1000, "fromhost", RAM + 0x1040));
    }

    @Test
    void programWithoutSymbolTableHasNoSymbols() {
        assertThat(symbols(new ElfBuilder().segment(RAM, noise(8), 8).entry(RAM).build()))
                .isEmpty();
    }

    @Test
    void filesForOtherMachinesAreRefused() {
        refused(b -> b.put(4, (byte) 1), "expected ELF class 2 (64-bit), found 1");
        refused(b -> b.put(5, (byte) 2), "expected ELF data encoding 1 (little-endian), found 2");
        refused(b -> b.put(6, (byte) 0), "expected ELF version 1 (current), found 0");
        refused(b -> b.putShort(16, (short) 1), "expected ELF type 2 (executable)");
        refused(b -> b.putShort(18, (short) 62), "expected ELF machine 243 (RISC-V), found 62");
        refused(b -> b.put(1, (byte) 'F'), "expected an ELF file beginning with 7f454c46");
    }

    @Test
    void programHeadersMustBeThere() {
        refused(b -> b.putShort(56, (short) 0), "expected ELF program headers, found 0");
        refused(b -> b.putShort(54, (short) 32), "expected ELF program headers of 56 bytes");
        refused(b -> b.putShort(56, (short) -1), "the ELF program header table needs bytes");
        refused(b -> b.putLong(32, -1), "the ELF program header table needs bytes");
        refused(b -> b.putLong(32, Long.MAX_VALUE), "the ELF program header table needs bytes");
        refused(
                b -> b.putInt(programHeader(0), 0).putInt(programHeader(1), 0),
                "expected at least one ELF segment to load, found 0");
    }

    @Test
    void segmentsOutsideMemoryAreRefused() {
        for (long address : new long[] {0, RAM - 1, RAM + RAM_BYTES - 499, -1, -500}) {
            refused(
                    b -> b.putLong(programHeader(0) + 24, address),
                    "ELF segment 0: 500 bytes at 0x" + Long.toHexString(address));
        }
        for (long size : new long[] {RAM_BYTES + 1, Long.MAX_VALUE, -1}) {
            refused(
                    b -> b.putLong(programHeader(0) + 40, size),
                    "ELF segment 0: " + Long.toUnsignedString(size) + " bytes at 0x80000000");
        }
    }

    @Test
    void segmentsOutsideTheFileAreRefused() {
        refused(b -> b.putLong(programHeader(0) + 8, -1), "ELF segment 0 needs bytes");
        refused(b -> b.putLong(programHeader(0) + 8, 1 << 20), "ELF segment 0 needs bytes");
        refused(b -> b.putLong(programHeader(0) + 32, 501), "expected at most 500 bytes in the");
        refused(b -> b.putLong(programHeader(0) + 32, -1), "expected at most 500 bytes in the");
        refused(
                b -> b.putLong(programHeader(0) + 32, 5000).putLong(programHeader(0) + 40, 5000),
                "but the file has only");
    }

    @Test
    void overlappingSegmentsAreRefused() {
        refused(
                b -> b.putLong(programHeader(1) + 24, RAM + 499),
                "ELF segments 0 (500 bytes at 0x80000000) and 1 (at 0x800001f3) overlap");
    }

    @Test
    void entryOutsideEverySegmentIsRefused() {
        refused(b -> b.putLong(24, RAM + 500), "the ELF entry 0x800001f4 lies in no segment");
    }

    @Test
    void damagedSectionTablesAreRefused() {
        refusedSymbols(b -> b.putLong(40, Long.MAX_VALUE), "the ELF section header table");
        refusedSymbols(b -> b.putShort(58, (short) 1), "expected ELF section headers of 64 bytes");
        refusedSymbols(b -> b.putShort(60, (short) -1), "the ELF section header table");
        refusedSymbols(
                b -> b.putLong((int) b.getLong(40) + 64 + 32, 1L << 40),
                "the ELF symbol table: expected at most 67108864 bytes");
        refusedSymbols(
                b -> b.putInt((int) b.getLong(40) + 64 + 40, 3),
                "expected an ELF string table below section 3, found 3");
    }

    @Test
    void noDamagedHeaderEscapesAsAnythingButARefusal() {
        byte[] good = program().build();
        Random random = new Random(42);
        int loaded = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bad = good.clone();
            int changes = 1 + random.nextInt(3);
            for (int i = 0; i < changes; i++) {
                int at =
                        random.nextBoolean()
                                ? random.nextInt(programHeader(2))
                                : bad.length - 1 - random.nextInt(400);
                bad[at] = (byte) (random.nextInt(4) == 0 ? 0xFF : random.nextInt(256));
            }
            try (BootFile file = BootFile.open("--bare", boot.file("program", bad))) {
                ElfFile elf = ElfFile.parse(file);
                elf.symbols(NAMES);
                elf.load(boot.memory, true);
                loaded++;
            } catch (ConfigurationException e) {
                assertThat(e.getMessage()).startsWith("--bare ");
            }
        }
        assertThat(loaded).isBetween(1, 19_999);
    }

    private LoadedImage load(byte[] content) {
        try (BootFile file = BootFile.open("--bare", boot.file("program", content))) {
            return ElfFile.parse(file).load(boot.memory, false);
        }
    }

    private Map<String, Long> symbols(byte[] content) {
        try (BootFile file = BootFile.open("--bare", boot.file("program", content))) {
            return ElfFile.parse(file).symbols(NAMES);
        }
    }

    private void refused(Consumer<ByteBuffer> patch, String message) {
        byte[] bad = program().patch(patch).build();
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> load(bad))
                .withMessageStartingWith("--bare " + directory)
                .withMessageContaining(message);
    }

    private void refusedSymbols(Consumer<ByteBuffer> patch, String message) {
        byte[] bad = program().patch(patch).build();
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> symbols(bad))
                .withMessageContaining(message);
    }
}
