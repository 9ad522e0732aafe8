package dev.dalang.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

class DeviceFileTest {
    private static final long FIONREAD = 0x541b;

    @TempDir Path directory;

    @Test
    void registersAreReadAndWrittenAtOffsets() throws Exception {
        Path file = Files.write(directory.resolve("device"), new byte[16]);
        Descriptor descriptor = DeviceFile.open(file.toString());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment register = arena.allocate(4, 8);
            register.set(ValueLayout.JAVA_INT, 0, 0x1234_5678);
            DeviceFile.write(descriptor, 8, register);
            register.fill((byte) 0);
            DeviceFile.read(descriptor, 8, register);
            assertThat(register.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x1234_5678);
            assertThatThrownBy(() -> DeviceFile.read(descriptor, 14, register))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            failure -> assertThat(failure.is(Errno.EIO)).isTrue());
        } finally {
            descriptor.close();
        }
        assertThat(Files.readAllBytes(file)[8]).isEqualTo((byte) 0x78);
    }

    @Test
    void aControlCallGivesWhatItGives() throws Exception {
        Path file = Files.write(directory.resolve("device"), new byte[16]);
        Descriptor descriptor = DeviceFile.open(file.toString());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(4, 4);
            assertThat(DeviceFile.control(descriptor, "FIONREAD", FIONREAD, count)).isZero();
            assertThat(count.get(ValueLayout.JAVA_INT, 0)).isEqualTo(16);
            assertThatThrownBy(() -> DeviceFile.control(descriptor, "NONE", 0x3b64, count))
                    .isInstanceOf(HostIoException.class)
                    .hasMessageContaining("NONE")
                    .hasMessageContaining("ENOTTY");
        } finally {
            descriptor.close();
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> DeviceFile.open(directory.resolve("none").toString()))
                .isInstanceOf(HostIoException.class)
                .hasMessageContaining("none")
                .hasMessageContaining("ENOENT");
    }
}
