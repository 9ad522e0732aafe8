package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/** A file that may be missing, in the way, or of any size, and is never in anybody's way. */
class HotCodeFileTest {
    private static final byte[] SOME = {1, 2, 3};

    @TempDir private Path directory;

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void whatWasWrittenIsRead() {
        Path file = directory.resolve("hot-code");

        HotCodeFile.write(file, SOME);

        assertThat(HotCodeFile.read(file)).isEqualTo(SOME);
    }

    @Test
    void directoriesAreMadeWhereMissing() {
        Path file = directory.resolve("a/b/hot-code");

        HotCodeFile.write(file, SOME);

        assertThat(HotCodeFile.read(file)).isEqualTo(SOME);
    }

    @Test
    void aMissingFileIsEmpty() {
        assertThat(HotCodeFile.read(directory.resolve("none"))).isEmpty();
    }

    @Test
    void whatIsNotAFileIsEmpty() {
        assertThat(HotCodeFile.read(directory)).isEmpty();
        assertThat(HotCodeFile.read(directory.resolve("file/in/nothing"))).isEmpty();
    }

    @Test
    void aFileThatIsTooLargeIsEmpty() throws IOException {
        Path file = directory.resolve("hot-code");
        try (var large = new RandomAccessFile(file.toFile(), "rw")) {
            large.setLength(16 << 20);
            assertThat(HotCodeFile.read(file)).hasSize(16 << 20);
            large.setLength((16 << 20) + 1);
            assertThat(HotCodeFile.read(file)).isEmpty();
            large.setLength(1L << 33);
            assertThat(HotCodeFile.read(file)).isEmpty();
        }
    }

    @Test
    void aDirectoryThatCannotBeMadeIsNoError() throws IOException {
        Path inTheWay = Files.write(directory.resolve("file"), SOME);

        HotCodeFile.write(inTheWay.resolve("hot-code"), SOME);

        assertThat(HotCodeFile.read(inTheWay)).isEqualTo(SOME);
    }

    @Test
    void whatCannotBeReplacedStaysAndNothingIsLeftBehind() throws IOException {
        Path file = directory.resolve("hot-code");
        Files.createDirectories(file.resolve("full"));

        HotCodeFile.write(file, SOME);

        assertThat(file).isDirectory();
        assertThat(files()).containsExactly(file);
    }

    @Test
    void aReaderSeesTheOldContentsOrTheNew() throws IOException {
        Path file = directory.resolve("hot-code");
        byte[] zeros = new byte[1 << 16];
        byte[] ones = new byte[1 << 16];
        Arrays.fill(ones, (byte) 1);
        HotCodeFile.write(file, zeros);
        var done = new AtomicBoolean();
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(
                        () -> {
                            for (int n = 0; n < 300; n++) {
                                HotCodeFile.write(file, n % 2 == 0 ? ones : zeros);
                            }
                            done.set(true);
                        });
        while (!done.get() && !writer.isDone()) {
            byte[] seen = HotCodeFile.read(file);
            assertThat(Arrays.equals(seen, zeros) || Arrays.equals(seen, ones)).isTrue();
        }
        writer.join();

        assertThat(files()).containsExactly(file);
    }
}
