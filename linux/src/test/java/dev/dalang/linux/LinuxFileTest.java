package dev.dalang.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

final class LinuxFileTest {
    @TempDir Path directory;

    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
    }

    private Path file(byte... content) throws IOException {
        return Files.write(directory.resolve("file"), content);
    }

    private static MemorySegment memory(int bytes) {
        return Arena.ofAuto().allocate(bytes);
    }

    private static MemorySegment memory(String text) {
        return Arena.ofAuto()
                .allocateFrom(text, StandardCharsets.US_ASCII)
                .asSlice(0, text.length());
    }

    private static String text(MemorySegment memory) {
        return new String(memory.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
    }

    @Test
    void whatIsNotThereSaysSo() {
        Path missing = directory.resolve("missing");
        assertThatThrownBy(() -> LinuxFile.open(missing, false))
                .isInstanceOfSatisfying(
                        HostIoException.class,
                        failed -> {
                            assertThat(failed.call()).isEqualTo("open");
                            assertThat(failed.subject()).isEqualTo(missing.toString());
                            assertThat(failed.errno()).contains(Errno.ENOENT);
                            assertThat(failed.number()).isEqualTo(2);
                            assertThat(failed.isUnsupported()).isFalse();
                        })
                .hasMessage(missing + ": no such file or directory (open, ENOENT)");
    }

    @Test
    void aDirectoryCannotBeWritten() throws Exception {
        assertThatThrownBy(() -> LinuxFile.open(directory, true))
                .hasMessageContaining("is a directory");
        try (LinuxFile opened = LinuxFile.open(directory, false)) {
            assertThat(opened.kind()).isEqualTo(LinuxFile.Kind.DIRECTORY);
        }
    }

    @Test
    void kindsAreTold() throws Exception {
        try (LinuxFile opened = LinuxFile.open(file((byte) 1), true);
                LinuxFile nothing = LinuxFile.open(Path.of("/dev/null"), true)) {
            assertThat(opened.kind()).isEqualTo(LinuxFile.Kind.REGULAR);
            assertThat(nothing.kind()).isEqualTo(LinuxFile.Kind.OTHER);
            assertThatThrownBy(opened::logicalBlockBytes)
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            failed -> assertThat(failed.isUnsupported()).isTrue());
        }
    }

    @Test
    void namesOutsideAsciiAreOpenedWhereTheHostHasThem() throws Exception {
        Path named;
        try {
            named = Files.writeString(directory.resolve("wayang-ḋälang"), "x");
        } catch (java.nio.file.InvalidPathException notHere) {
            assumeThat(notHere).isNull();
            return;
        }
        try (LinuxFile opened = LinuxFile.open(named, false)) {
            assertThat(opened.size()).isEqualTo(1);
        }
    }

    @Test
    void bytesGoToTheirPlaces() throws Exception {
        try (LinuxFile opened = LinuxFile.open(file(new byte[16]), true)) {
            assertThat(opened.write(4, memory("abcd"))).isEqualTo(4);
            MemorySegment back = memory(6);
            assertThat(opened.read(3, back)).isEqualTo(6);
            assertThat(text(back)).isEqualTo("\0abcd\0");
            assertThat(opened.read(14, back)).as("the end").isEqualTo(2);
            assertThat(opened.read(16, back)).isZero();
            assertThat(opened.size()).isEqualTo(16);
        }
    }

    @Test
    void severalPiecesOfMemoryAreOneTransfer() throws Exception {
        Path path = file(new byte[0]);
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            List<MemorySegment> sources = List.of(memory("one"), memory("2"), memory("three"));
            assertThat(opened.write(1, sources)).isEqualTo(9);
            assertThat(Files.readString(path)).isEqualTo("\0one2three");
            List<MemorySegment> targets = List.of(memory(4), memory(20));
            assertThat(opened.read(0, targets)).isEqualTo(10);
            assertThat(text(targets.get(0))).isEqualTo("\0one");
            assertThat(text(targets.get(1).asSlice(0, 6))).isEqualTo("2three");
        }
    }

    @Test
    void soManyPiecesAsTheKernelTakesAreOneTransfer() throws Exception {
        Path path = file(new byte[0]);
        List<MemorySegment> sources = new ArrayList<>();
        for (int i = 0; i < LinuxFile.MAX_PIECES; i++) {
            sources.add(memory("x"));
        }
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            assertThat(opened.write(0, sources)).isEqualTo(LinuxFile.MAX_PIECES);
            sources.add(memory("x"));
            assertThatThrownBy(() -> opened.write(0, sources))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> opened.write(0, List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
            MemorySegment heap = MemorySegment.ofArray(new byte[2]);
            assertThatThrownBy(() -> opened.write(0, List.of(heap, heap)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** What has just been written is in the kernel's memory, where the file system can tell. */
    @Test
    void whatTheKernelHasInMemoryIsReadWithoutWaiting() throws Exception {
        try (LinuxFile file = LinuxFile.open(file(), true)) {
            file.write(0, memory("the puppeteer"));
            MemorySegment first = memory(4);
            MemorySegment second = memory(100);
            long done = file.readNow(0, List.of(first, second));
            if (done >= 0) {
                assertThat(done).isEqualTo(13);
                assertThat(text(first) + text(second.asSlice(0, 9))).isEqualTo("the puppeteer");
                assertThat(file.readNow(13, List.of(first))).as("at the end").isZero();
            } else {
                assertThat(done).isIn((long) LinuxFile.WOULD_WAIT, (long) LinuxFile.CANNOT_TELL);
            }
        }
    }

    @Test
    void aFileThatIsOnlyReadCannotBeWritten() throws Exception {
        try (LinuxFile opened = LinuxFile.open(file((byte) 1), false)) {
            assertThatThrownBy(() -> opened.write(0, memory("x")))
                    .hasMessageContaining("bad file descriptor (pwrite, EBADF)");
        }
    }

    @Test
    void aFullDeviceSaysSo() throws Exception {
        try (LinuxFile opened = LinuxFile.open(Path.of("/dev/full"), true)) {
            assertThatThrownBy(() -> opened.write(0, memory("x")))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            failed -> assertThat(failed.is(Errno.ENOSPC)).isTrue());
        }
    }

    @Test
    void aHoleGivesItsSpaceBack() throws Exception {
        byte[] content = new byte[1 << 20];
        java.util.Arrays.fill(content, (byte) 7);
        Path path = file(content);
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            opened.sync();
            long before = opened.allocatedBytes();
            opened.punchHole(4096, 512 << 10);
            assertThat(opened.allocatedBytes()).isLessThan(before);
            assertThat(opened.size()).isEqualTo(1 << 20);
            MemorySegment back = memory(4100);
            opened.read(4094, back);
            assertThat(back.get(ValueLayout.JAVA_BYTE, 1)).isEqualTo((byte) 7);
            assertThat(back.get(ValueLayout.JAVA_BYTE, 2)).isZero();
        }
    }

    @Test
    void aRangeOfZerosKeepsTheSize() throws Exception {
        Path path = file((byte) 1, (byte) 2, (byte) 3);
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            try {
                opened.zeroRange(1, 100);
            } catch (HostIoException failed) {
                assumeThat(failed.isUnsupported()).as("such a file system").isFalse();
                throw failed;
            }
            assertThat(Files.readAllBytes(path)).containsExactly(1, 0, 0);
        }
    }

    @Test
    void aFileGrowsAndIsSynced() throws Exception {
        Path path = file((byte) 1);
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            opened.truncate(4096);
            opened.syncData();
            assertThat(opened.size()).isEqualTo(4096);
            assertThatThrownBy(() -> opened.truncate(-1)).hasMessageContaining("EINVAL");
        }
    }

    @Test
    void locksExcludeEachOtherEvenInOneProcess() throws Exception {
        Path path = file((byte) 1);
        try (LinuxFile other = LinuxFile.open(path, true)) {
            try (LinuxFile writer = LinuxFile.open(path, true)) {
                assertThat(writer.tryLock(true)).isTrue();
                assertThat(writer.tryLock(true)).as("its own").isTrue();
                assertThat(other.tryLock(true)).isFalse();
                assertThat(other.tryLock(false)).isFalse();
            }
            try (LinuxFile reader = LinuxFile.open(path, false)) {
                assertThat(reader.tryLock(false)).isTrue();
                assertThat(other.tryLock(false)).isTrue();
                assertThat(other.tryLock(true)).isFalse();
            }
            assertThat(other.tryLock(true)).isTrue();
        }
    }

    @Test
    void nothingIsDoneWithAClosedFile() throws Exception {
        LinuxFile opened = LinuxFile.open(file((byte) 1), true);
        opened.close();
        opened.close();
        assertThat(opened.descriptor().isOpen()).isFalse();
        assertThatThrownBy(() -> opened.read(0, memory(1))).hasMessageContaining("EBADF");
        assertThatThrownBy(opened::size).hasMessageContaining("EBADF");
    }

    @Test
    void aDescriptorInUseIsClosedByItsLastUser() throws Exception {
        LinuxFile opened = LinuxFile.open(file((byte) 1), true);
        int number = opened.descriptor().acquire();
        Path link = Path.of("/proc/self/fd/" + number);
        opened.close();
        assertThat(Files.exists(link)).isTrue();
        assertThatThrownBy(() -> opened.descriptor().acquire()).hasMessageContaining("EBADF");
        opened.descriptor().release();
        assertThat(Files.exists(link, java.nio.file.LinkOption.NOFOLLOW_LINKS)).isFalse();
    }

    @Test
    void manyThreadsUseOneFile() throws Exception {
        int threads = 4;
        Path path = file(new byte[threads * 512]);
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        CountDownLatch done = new CountDownLatch(threads);
        try (LinuxFile opened = LinuxFile.open(path, true)) {
            for (int i = 0; i < threads; i++) {
                int own = i;
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        work(opened, own);
                                    } catch (Throwable failed) {
                                        failures.add(failed);
                                    }
                                    done.countDown();
                                });
            }
            done.await();
        }
        assertThat(failures).isEmpty();
    }

    private static void work(LinuxFile file, int own) throws IOException {
        MemorySegment mine = memory(512);
        MemorySegment back = memory(512);
        for (int round = 0; round < 200; round++) {
            mine.fill((byte) (own * 50 + round));
            file.write(own * 512L, mine);
            file.read(own * 512L, back);
            assertThat(back.mismatch(mine)).isEqualTo(-1);
            // Each thread has an errno of its own.
            assertThatThrownBy(() -> file.read(-1, back)).hasMessageContaining("EINVAL");
        }
    }

    @Test
    void aNegativeDescriptorIsRefused() {
        assertThatThrownBy(() -> Descriptor.of(-1, "x"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void numbersThatHaveNoNameAreShown() {
        assertThat(new HostIoException("call", "x", 4095)).hasMessage("x: errno 4095 (call)");
        assertThat(Errno.of(4095)).isEmpty();
        assertThat(Errno.ENOSPC.text()).isEqualTo("no space left on device");
    }
}
