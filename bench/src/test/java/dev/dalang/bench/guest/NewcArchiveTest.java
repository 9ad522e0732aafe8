package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

final class NewcArchiveTest {
    private static final int HEADER_BYTES = 110;

    @Test
    void theProgramFollowsItsHeaderAndNameOnAMultipleOfFour() {
        byte[] archive =
                NewcArchive.ofProgram("bin/it", "program".getBytes(StandardCharsets.UTF_8));
        String text = new String(archive, StandardCharsets.ISO_8859_1);
        int content = HEADER_BYTES + "bin/it\0".length() + 3;
        assertThat(text).startsWith("070701");
        assertThat(text.substring(14, 22)).isEqualTo("000081ed");
        assertThat(text.substring(54, 62)).isEqualTo("00000007");
        assertThat(text.substring(content, content + 7)).isEqualTo("program");
        assertThat(text.substring(content + 8)).startsWith("070701").contains("TRAILER!!!\0");
        assertThat(archive.length % 4).isZero();
    }
}
