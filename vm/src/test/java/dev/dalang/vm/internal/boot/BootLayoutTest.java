package dev.dalang.vm.internal.boot;

import static dev.dalang.vm.internal.boot.BootFixture.KERNEL;
import static dev.dalang.vm.internal.boot.BootFixture.RAM;
import static dev.dalang.vm.internal.boot.BootFixture.RAM_BYTES;
import static dev.dalang.vm.internal.boot.BootFixture.image;
import static dev.dalang.vm.internal.boot.BootFixture.noise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.vm.ConfigurationException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;

class BootLayoutTest {
    private static final long RAM_END = RAM + RAM_BYTES;

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

    @Test
    void initrdEndsAtTheTopOfRamAndTheTreeLiesBelow() {
        boot.loadKernel(image(100_000, 1 << 20));
        byte[] initrd = noise(10_000);
        byte[] tree = noise(3000);

        LoadedImage loaded = boot.loadInitrd(initrd);
        long treeAddress = boot.layout.storeDeviceTree(tree, boot.memory);

        assertThat(loaded.first()).isEqualTo(RAM_END - 3 * 4096);
        assertThat(loaded.end()).isEqualTo(loaded.first() + 10_000);
        assertThat(boot.read(loaded.first(), 10_000)).isEqualTo(initrd);
        assertThat(treeAddress).isEqualTo(RAM_END - (2 << 20));
        assertThat(boot.read(treeAddress, 3000)).isEqualTo(tree);
    }

    @Test
    void treeMovesDownWhereTheInitrdTakesItsPlace() {
        boot.loadInitrd(noise(2 << 20));

        assertThat(boot.layout.storeDeviceTree(noise(3000), boot.memory))
                .isEqualTo(RAM_END - (4 << 20));
    }

    @Test
    void initrdThatMeetsTheKernelIsRefused() {
        boot.loadKernel(image(4096, 10 << 20));

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.loadInitrd(noise((4 << 20) + 1)))
                .withMessageStartingWith("--initrd " + directory)
                .withMessageContaining("has 4194305 bytes, but only 4194304 are free");
    }

    @Test
    void initrdThatJustFitsIsLoaded() {
        boot.loadKernel(image(4096, 10 << 20));

        assertThat(boot.loadInitrd(noise(4 << 20)).first()).isEqualTo(KERNEL + (10 << 20));
    }

    @Test
    void treeWithoutRoomIsRefused() {
        boot.loadKernel(image(4096, 13 << 20));

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.layout.storeDeviceTree(noise((1 << 20) - 10), boot.memory))
                .withMessageContaining("raise --memory");
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.layout.storeDeviceTree(noise((1 << 20) + 1), boot.memory))
                .withMessageContaining("expected at most 1048576 bytes, found 1048577");
    }

    @Test
    void firmwareAndKernelMustNotOverlap() {
        try (BootFile file = BootFile.open("--bios", boot.file("fw", noise((2 << 20) + 1)))) {
            boot.layout.loadFirmware(file, boot.memory, RAM, true);
        }

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.loadKernel(image(4096, 8192)))
                .withMessageContaining("0x80200000..0x80202000 overlaps")
                .withMessageContaining("0x80000000..0x80200001");
    }

    @Test
    void firmwareLargerThanMemoryIsRefused() {
        try (BootFile file =
                BootFile.open("--bios", boot.file("fw", new byte[(int) RAM_BYTES + 1]))) {
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> boot.layout.loadFirmware(file, boot.memory, RAM, true))
                    .withMessageContaining("has 16777217 bytes, but only 16777216 fit");
        }
    }

    @Test
    void largeMemoryKeepsItsPayloadsBelowThreeGib() throws IOException {
        long bytes = 8L << 30;
        try (Arena arena = Arena.ofShared()) {
            GuestMemory memory = GuestMemory.of(MemoryRegion.reserve(RAM, bytes, arena));
            BootLayout layout = BootLayout.of(RAM, bytes);

            assertThat(layout.storeDeviceTree(noise(100), memory)).isEqualTo(0xBFE0_0000L);
        }
    }
}
