package dev.dalang.storage.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Linux;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.DiskFormat;
import dev.dalang.storage.DiskImage;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A block device of the host's, where this user may make one of a file. */
final class BlockDeviceTest {
    private static final int BYTES = 4 << 20;

    @TempDir Path directory;
    private Path backing;
    private Path device;

    @BeforeEach
    void makeDevice() throws Exception {
        assumeThat(Linux.isAvailable()).isTrue();
        backing = Files.write(directory.resolve("backing"), new byte[BYTES]);
        String made = losetup("-f", "--show", "-b", "4096", backing.toString());
        assumeThat(made).as("a loop device").startsWith("/dev/loop");
        device = Path.of(made);
    }

    @AfterEach
    void removeDevice() throws Exception {
        if (device != null) {
            losetup("-d", device.toString());
        }
    }

    /** What it prints, or nothing if it fails or is not there. */
    private static String losetup(String... arguments) throws InterruptedException {
        try {
            var command = new java.util.ArrayList<>(List.of("/usr/sbin/losetup"));
            command.addAll(List.of(arguments));
            Process process = new ProcessBuilder(command).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? output.strip() : "";
        } catch (IOException notThere) {
            return "";
        }
    }

    private static MemorySegment filled(int bytes, int value) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes, 4096);
        memory.fill((byte) value);
        return memory;
    }

    @Test
    void aDeviceIsADisk() throws Exception {
        try (DiskImage disk = DiskFormat.RAW.open(device, false)) {
            assertThat(disk.sizeBytes()).isEqualTo(BYTES);
            assertThat(disk.topology().logicalBlockBytes()).isEqualTo(4096);
            disk.write(8192, List.of(filled(4096, 1), filled(8192, 2)));
            disk.flush();
            MemorySegment back = filled(12288, 9);
            disk.read(8192, List.of(back));
            assertThat(back.asSlice(0, 4096).mismatch(filled(4096, 1))).isEqualTo(-1);
            assertThat(back.asSlice(4096).mismatch(filled(8192, 2))).isEqualTo(-1);
            disk.writeZeroes(8192, 4096, false);
            disk.writeZeroes(12288 + 512, 512, true);
            disk.discard(1 << 20, 1 << 20);
            disk.discard(512, 512);
            disk.flush();
            byte[] now = Files.readAllBytes(backing);
            assertThat(now[8192]).isZero();
            assertThat(now[12288 + 511]).isEqualTo((byte) 2);
            assertThat(now[12288 + 512]).isZero();
            assertThat(now[12288 + 1024]).isEqualTo((byte) 2);
            assertThatThrownBy(() -> disk.resize(2 * BYTES))
                    .isInstanceOf(DiskException.class)
                    .hasMessageContaining("the size of the device");
            disk.resize(BYTES);
        }
    }

    @Test
    void aDeviceThatIsInUseIsRefused() throws Exception {
        try (DiskImage disk = DiskFormat.RAW.open(device, false)) {
            assertThat(disk.isReadOnly()).isFalse();
            assertThatThrownBy(() -> DiskFormat.RAW.open(device, false))
                    .isInstanceOf(DiskException.class)
                    .hasMessageContaining("device or resource busy");
        }
        DiskFormat.RAW.open(device, false).close();
    }
}
