package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class AptSourceTest {

    private Path apt;
    private Path keyrings;
    private Path keyring;

    @BeforeEach
    void makeDirectories(@TempDir Path directory) throws IOException {
        apt = Files.createDirectories(directory.resolve("apt"));
        Files.createDirectories(apt.resolve("sources.list.d"));
        keyrings = Files.createDirectories(directory.resolve("keyrings"));
        keyring = Files.writeString(keyrings.resolve("debian-archive-keyring.gpg"), "keys");
    }

    private void part(String name, String text) throws IOException {
        Files.writeString(apt.resolve("sources.list.d").resolve(name), text);
    }

    private List<String> uris() throws IOException {
        return AptSource.find(apt, keyrings).map(AptSource::uris).orElse(List.of());
    }

    @Test
    void paragraphsAreReadPastCommentsBetweenTheirFields() throws IOException {
        part(
                "debian.sources",
                """
                Types: deb
                # http://snapshot.example/debian
                URIs: http://mirror.example/debian
                Suites: bookworm bookworm-updates
                Components: main
                Signed-By: %s
                """
                        .formatted(keyring));

        AptSource source = AptSource.find(apt, keyrings).orElseThrow();

        assertThat(source.uris()).containsExactly("http://mirror.example/debian");
        assertThat(source.keyring()).isEqualTo(keyring);
        assertThat(source.paragraph("trixie", "main"))
                .isEqualTo(
                        """
                        Types: deb
                        URIs: http://mirror.example/debian
                        Suites: trixie
                        Components: main
                        Signed-By: %s
                        """
                                .formatted(keyring));
    }

    @Test
    void aFieldMayGoOnInTheNextLine() throws IOException {
        part(
                "debian.sources",
                "types: deb deb-src\nURIs: http://one.example/debian\n"
                        + "# between\n http://two.example/debian\n"
                        + "Suites:\n trixie\nComponents: main\nSigned-By: "
                        + keyring);

        assertThat(uris())
                .containsExactly("http://one.example/debian", "http://two.example/debian");
    }

    @Test
    void otherVendorsAndTheSecurityArchiveArePassedOver() throws IOException {
        part(
                "a-vendor.sources",
                """
                Types: deb
                URIs: https://vendor.example/deb
                Suites: stable
                Components: main
                Signed-By: /usr/share/keyrings/vendor.gpg
                """);
        part(
                "debian.sources",
                """
                Types: deb
                URIs: http://security.example/debian-security
                Suites: bookworm-security
                Components: main
                Signed-By: %1$s

                Types: deb
                URIs: http://mirror.example/debian
                Suites: bookworm
                Components: main contrib
                Signed-By: %1$s
                """
                        .formatted(keyring));

        assertThat(uris()).containsExactly("http://mirror.example/debian");
    }

    @Test
    void theOneLineFormatIsReadWithItsOptions() throws IOException {
        Files.writeString(
                apt.resolve("sources.list"),
                """
                # deb http://commented.example/debian bookworm main
                deb cdrom:[Debian 12]/ bookworm main
                deb http://security.example/debian-security bookworm/updates main
                deb [ arch=amd64,riscv64 signed-by=%s ] http://mirror.example/debian bookworm main # x
                """
                        .formatted(keyring));

        AptSource source = AptSource.find(apt, keyrings).orElseThrow();

        assertThat(source.uris()).containsExactly("http://mirror.example/debian");
        assertThat(source.keyring()).isEqualTo(keyring);
    }

    @Test
    void aSourceWithoutAKeyIsTakenForADebianSuite() throws IOException {
        Files.writeString(
                apt.resolve("sources.list"),
                """
                deb http://vendor.example/deb focal main
                deb http://mirror.example/debian bullseye main
                """);

        assertThat(uris()).containsExactly("http://mirror.example/debian");
    }

    @Test
    void aSourceThatNamesTheKeyringWinsOverAnEarlierOneWithoutAKey() throws IOException {
        Files.writeString(
                apt.resolve("sources.list"), "deb http://first.example/debian bookworm main\n");
        part(
                "debian.list",
                "deb [signed-by=%s] http://second.example/debian sid main".formatted(keyring));

        assertThat(uris()).containsExactly("http://second.example/debian");
    }

    @Test
    void aSourceSignedBySomebodyElseIsNeverTaken() throws IOException {
        part(
                "x.list",
                "deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://x.example/debian trixie main");

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }

    @Test
    void filesThatAptIgnoresAreIgnored() throws IOException {
        String line = "deb http://mirror.example/debian bookworm main\n";
        part("debian.list.disabled", line);
        part("debian.list~", line);
        part("deb ian.list", line);
        part("debian.save", line);

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }

    @Test
    void aDisabledParagraphIsIgnored() throws IOException {
        part(
                "debian.sources",
                """
                Types: deb
                Enabled: no
                URIs: http://mirror.example/debian
                Suites: bookworm
                Components: main
                """);

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }

    @Test
    void sourcesOfSourcePackagesAndFlatArchivesAreIgnored() throws IOException {
        Files.writeString(
                apt.resolve("sources.list"),
                """
                deb-src http://mirror.example/debian bookworm main
                deb http://mirror.example/flat ./
                deb http://mirror.example/debian bookworm contrib
                """);

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }

    @Test
    void withoutAnyKeyringNothingCanBeVerifiedAndNothingIsFound() throws IOException {
        Files.delete(keyring);
        Files.writeString(
                apt.resolve("sources.list"), "deb http://mirror.example/debian bookworm main\n");

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }

    @Test
    void aMissingNamedKeyringIsReplacedByTheSystems() throws IOException {
        Files.writeString(
                apt.resolve("sources.list"),
                "deb [signed-by=/nowhere/debian-archive-keyring.pgp] http://m.example/debian sid"
                        + " main\n");

        assertThat(AptSource.find(apt, keyrings).orElseThrow().keyring()).isEqualTo(keyring);
    }

    @Test
    void filesThatAreNotSourcesAtAllAreHarmless() throws IOException {
        part("binary.sources", "\0\1\2:::\n \n: x\n-\n");
        part("huge.sources", "x".repeat(2 << 20));
        Files.writeString(apt.resolve("sources.list"), "deb\ndeb [\ndeb [] x\n");

        assertThat(AptSource.find(apt, keyrings)).isEmpty();
    }
}
