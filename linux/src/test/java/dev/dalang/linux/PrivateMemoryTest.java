package dev.dalang.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

final class PrivateMemoryTest {
    private static final long BYTES = 64L << 20;

    private final Arena arena = Arena.ofShared();

    @BeforeEach
    void needsLinux() {
        assumeTrue(Linux.isAvailable());
    }

    @AfterEach
    void closeArena() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Test
    void memoryIsZeroedAlignedToLargePagesAndForAllThreads() throws IOException {
        MemorySegment memory = PrivateMemory.map(BYTES, arena);

        assertThat(memory.byteSize()).isEqualTo(BYTES);
        assertThat(memory.address() % (2L << 20)).isZero();
        assertThat(memory.isAccessibleBy(new Thread())).isTrue();
        for (long at = 0; at < BYTES; at += 1L << 20) {
            assertThat(memory.get(ValueLayout.JAVA_LONG, at)).isZero();
        }
    }

    @Test
    void memoryKeepsWhatIsWrittenUpToItsLastByte() throws IOException {
        MemorySegment memory = PrivateMemory.map(4096 + 8, arena);

        memory.set(ValueLayout.JAVA_LONG, 4096, 0x1122_3344_5566_7788L);

        assertThat(memory.get(ValueLayout.JAVA_LONG, 4096)).isEqualTo(0x1122_3344_5566_7788L);
        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_LONG, 4104))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void memoryIsGoneWhenItsArenaIsClosed() throws IOException {
        MemorySegment memory = PrivateMemory.map(BYTES, arena);
        memory.set(ValueLayout.JAVA_LONG, 0, 7);

        arena.close();

        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_LONG, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void nothingIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> PrivateMemory.map(0, arena));
    }

    @Test
    void moreThanAnAddressSpaceIsRefusedWithTheReason() {
        assertThatThrownBy(() -> PrivateMemory.map(1L << 55, arena))
                .isInstanceOf(HostIoException.class)
                .hasMessageContaining("mmap");
    }
}
