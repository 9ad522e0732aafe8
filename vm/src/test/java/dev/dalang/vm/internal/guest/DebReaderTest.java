package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.vm.internal.guest.DebReader.Entry;
import dev.dalang.vm.internal.guest.DebReader.Kind;

import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

class DebReaderTest {

    @TempDir private Path directory;

    private Path deb(byte[] content) throws IOException {
        return Files.write(directory.resolve("x.deb"), content);
    }

    private static Map<Entry, String> read(Path deb) throws IOException {
        Map<Entry, String> result = new LinkedHashMap<>();
        DebReader.read(
                deb,
                (entry, content) ->
                        result.put(
                                entry,
                                new String(content.readAllBytes(), StandardCharsets.ISO_8859_1)));
        return result;
    }

    @Test
    void entriesOfEveryKindAreSeen() throws IOException {
        Path deb =
                deb(
                        new TestDeb()
                                .directory("./usr/bin")
                                .file("./usr/bin/x", 0755, TestDeb.ascii("content"))
                                .symbolicLink("./usr/bin/y", "../bin/x")
                                .hardLink("./usr/bin/z", "./usr/bin/x")
                                .link("./dev/null", TarConstants.LF_CHR, "")
                                .build());

        assertThat(read(deb))
                .containsExactly(
                        Map.entry(new Entry(Kind.DIRECTORY, "usr/bin", 0755, 0, ""), ""),
                        Map.entry(new Entry(Kind.FILE, "usr/bin/x", 0755, 7, ""), "content"),
                        Map.entry(
                                new Entry(Kind.SYMBOLIC_LINK, "usr/bin/y", 0644, 0, "../bin/x"),
                                ""),
                        Map.entry(
                                new Entry(Kind.HARD_LINK, "usr/bin/z", 0644, 0, "usr/bin/x"), ""));
    }

    @Test
    void gzipIsReadToo() throws IOException {
        byte[] content = new TestDeb().file("./x", 0644, TestDeb.ascii("zip")).buildWithGzip();

        assertThat(read(deb(content)).values()).containsExactly("zip");
    }

    @Test
    void contentThatIsNotReadIsSkipped() throws IOException {
        Path deb =
                deb(
                        new TestDeb()
                                .file("./a", 0644, new byte[100_000])
                                .file("./b", 0644, TestDeb.ascii("b"))
                                .build());
        StringBuilder seen = new StringBuilder();

        DebReader.read(deb, (entry, _) -> seen.append(entry.path()));

        assertThat(seen).hasToString("ab");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "./../x", "usr/../../x", "/../x", "a/b/.."})
    void aPathThatLeavesTheRootEndsTheReading(String path) throws IOException {
        Path deb = deb(new TestDeb().file(path, 0644, new byte[0]).build());

        assertThatThrownBy(() -> read(deb))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(deb.toString())
                .hasMessageContaining("leaves the root");
    }

    @Test
    void anAbsolutePathIsTakenFromTheRootOfThePackage() throws IOException {
        Path deb = deb(new TestDeb().file("//etc//./passwd", 0644, new byte[0]).build());

        assertThat(read(deb).keySet()).extracting(Entry::path).containsExactly("etc/passwd");
    }

    @Test
    void aHardLinkThatLeavesTheRootEndsTheReading() throws IOException {
        Path deb = deb(new TestDeb().hardLink("x", "../../etc/shadow").build());

        assertThatThrownBy(() -> read(deb)).hasMessageContaining("leaves the root");
    }

    @Test
    void whatUnpacksToTooMuchEndsTheReading() throws IOException {
        Path deb =
                deb(
                        new TestDeb()
                                .file("a", 0644, new byte[600_000])
                                .file("b", 0644, new byte[600_000])
                                .build());

        assertThatThrownBy(() -> DebReader.read(deb, 1_000_000, (_, _) -> {}))
                .hasMessageContaining("more than 1000000 bytes");
    }

    @Test
    void aPackageWithoutDataIsRefused() throws IOException {
        Path deb = deb(TestDeb.ar("something", new byte[10]));

        assertThatThrownBy(() -> read(deb)).hasMessageContaining("has no member data.tar");
    }

    @Test
    void anUnknownCompressionIsRefusedByName() throws IOException {
        Path deb = deb(TestDeb.ar("data.tar.zst", new byte[10]));

        assertThatThrownBy(() -> read(deb)).hasMessageContaining("data.tar.zst");
    }

    @Test
    void aPackageCutAnywhereIsRefused() throws IOException {
        byte[] content = new byte[3000];
        new Random(7).nextBytes(content);
        byte[] whole = new TestDeb().file("x", 0644, content).build();
        for (int length = 0; length < whole.length - 64; length += 29) {
            Path cut = deb(Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> read(cut))
                    .as("cut to %d of %d bytes", length, whole.length)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(cut.toString());
        }
    }

    @Test
    void damagedPackagesAreRefusedOrReadButNeverCrash() throws IOException {
        long seed = 20260102;
        Random random = new Random(seed);
        byte[] whole = new TestDeb().file("x", 0644, TestDeb.ascii("x")).buildWithGzip();
        for (int round = 0; round < 500; round++) {
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            Path deb = deb(damaged);
            try {
                assertThat(read(deb)).isNotNull();
            } catch (IOException e) {
                assertThat(e).as("seed %d, round %d", seed, round).hasMessageContaining("x.deb");
            }
        }
    }

    @Test
    void aVisitorsOwnFailureIsPassedOn() throws IOException {
        Path deb = deb(new TestDeb().file("x", 0644, new byte[1]).build());

        assertThatThrownBy(
                        () ->
                                DebReader.read(
                                        deb,
                                        (_, _) -> {
                                            throw new IOException("disk full");
                                        }))
                .hasMessage("disk full");
    }
}
