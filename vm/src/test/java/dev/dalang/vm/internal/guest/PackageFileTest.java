package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackageFileTest {

    private static final String HASH = "0123456789abcdef".repeat(4);

    @Test
    void aLineOfTheIndexIsRead() {
        String line =
                "'http://m.example/b/busybox_1.37.0-6%2bb9_riscv64.deb'"
                        + " busybox-static_1%3a1.37.0-6+b9_riscv64.deb 941532 SHA256:"
                        + HASH;

        PackageFile file = PackageFile.parse(line).orElseThrow();

        assertThat(file)
                .isEqualTo(
                        new PackageFile(
                                "busybox-static_1%3a1.37.0-6+b9_riscv64.deb",
                                941532, "SHA-256", HASH));
        assertThat(file.packageName()).isEqualTo("busybox-static");
        assertThat(file.version()).isEqualTo("1:1.37.0-6+b9");
    }

    @Test
    void theLongerHashIsReadToo() {
        PackageFile file =
                PackageFile.parse("'x:y' a_1_all.deb 7 SHA512:" + HASH + HASH).orElseThrow();

        assertThat(file.hashAlgorithm()).isEqualTo("SHA-512");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Reading package lists...",
                "'x:y' a_1_all.deb 7 MD5Sum:00000000000000000000000000000000",
                "'x:y' a_1_all.deb 7 SHA256:00",
                "'x:y' a_1_all.deb -7 SHA256:HASH",
                "'x:y' a_1_all.deb 7777777777777777777 SHA256:HASH",
                "'x:y' ../a_1_all.deb 7 SHA256:HASH",
                "'x:y' .a 7 SHA256:HASH",
                "x:y a_1_all.deb 7 SHA256:HASH",
            })
    void anythingElseIsNoFile(String line) {
        assertThat(PackageFile.parse(line.replace("HASH", HASH))).isEmpty();
    }
}
