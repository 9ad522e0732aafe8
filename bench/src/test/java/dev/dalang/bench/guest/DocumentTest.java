package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class DocumentTest {
    @TempDir Path directory;

    @Test
    void savingReplacesTheCommandsSectionAndNothingElse() throws IOException {
        Path document = directory.resolve("performance.md");
        Files.writeString(document, "# Performance\n\nBefore.\n\n");
        Document.replace("bench", "first", document);
        Document.replace("other", "third", document);
        Files.writeString(document, Files.readString(document) + "\nAfter.\n");
        Document.replace("bench", "second", document);
        assertThat(Files.readString(document))
                .startsWith("# Performance\n\nBefore.\n")
                .containsSubsequence("<!-- begin: bench -->", "second", "<!-- end: bench -->")
                .contains("third")
                .doesNotContain("first")
                .endsWith("\nAfter.\n");
    }
}
