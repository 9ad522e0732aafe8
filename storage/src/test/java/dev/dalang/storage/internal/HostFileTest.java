package dev.dalang.storage.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Linux;
import dev.dalang.storage.DiskException;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The files of Linux and of other hosts behave the same. */
final class HostFileTest {
    enum Host {
        LINUX,
        OTHER;

        HostFile open(Path path, boolean isWritable) throws IOException {
            if (this == OTHER) {
                return ChannelHostFile.open(path, isWritable);
            }
            assumeThat(Linux.isAvailable()).isTrue();
            return LinuxHostFile.open(path, isWritable);
        }
    }

    @TempDir Path directory;

    private Path disk(int bytes) throws IOException {
        return Files.write(directory.resolve("disk"), new byte[bytes]);
    }

    private static MemorySegment filled(int bytes, int value) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes);
        memory.fill((byte) value);
        return memory;
    }

    @ParameterizedTest
    @EnumSource
    void bytesGoThereAndBack(Host host) throws Exception {
        Path path = disk(8192);
        try (HostFile file = host.open(path, true)) {
            assertThat(file.write(1000, List.of(filled(10, 1), filled(20, 2)))).isEqualTo(30);
            List<MemorySegment> back = List.of(filled(15, 9), filled(15, 9));
            assertThat(file.read(1000, back)).isEqualTo(30);
            assertThat(back.get(0).get(ValueLayout.JAVA_BYTE, 9)).isEqualTo((byte) 1);
            assertThat(back.get(1).get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 2);
            assertThat(file.read(8190, back)).as("the end").isEqualTo(2);
            assertThat(file.read(9000, back)).isZero();
            file.force();
            assertThat(file.size()).isEqualTo(8192);
            assertThat(file.isWritable()).isTrue();
            assertThat(file.topology().logicalBlockBytes()).isEqualTo(512);
            file.resize(16384);
            assertThat(file.size()).isEqualTo(16384);
            assertThat(Files.size(path)).isEqualTo(16384);
        }
    }

    @ParameterizedTest
    @EnumSource
    void rangesBecomeZeroOrAreLeft(Host host) throws Exception {
        Path path = disk(8192);
        try (HostFile file = host.open(path, true)) {
            file.write(0, List.of(filled(8192, 3)));
            boolean zeroed = file.zero(512, 1024, false);
            boolean unmapped = file.zero(2048, 1024, true);
            boolean discarded = file.discard(4096, 4096);
            byte[] now = Files.readAllBytes(path);
            assertThat(now).hasSize(8192);
            assertThat(now[511]).isEqualTo((byte) 3);
            assertThat(now[512]).isEqualTo((byte) (zeroed ? 0 : 3));
            assertThat(now[1536]).isEqualTo((byte) 3);
            assertThat(now[2048]).isEqualTo((byte) (unmapped ? 0 : 3));
            assertThat(now[4095]).isEqualTo((byte) 3);
            assertThat(now[8191]).isEqualTo((byte) (discarded ? 0 : 3));
            if (host == Host.OTHER) {
                assertThat(zeroed || unmapped || discarded).isFalse();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void oneWriterExcludesAllOthers(Host host) throws Exception {
        Path path = disk(512);
        try (HostFile first = host.open(path, true);
                HostFile second = host.open(path, true)) {
            assertThat(first.lock(true)).isTrue();
            assertThat(second.lock(true)).isFalse();
            assertThat(second.lock(false)).isFalse();
        }
        try (HostFile again = host.open(path, true)) {
            assertThat(again.lock(true)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNoDiskIsRefused(Host host) {
        assertThatThrownBy(() -> host.open(Path.of("/dev/null"), false))
                .isInstanceOf(DiskException.class)
                .hasMessageContaining("/dev/null: expected a regular file");
    }
}
