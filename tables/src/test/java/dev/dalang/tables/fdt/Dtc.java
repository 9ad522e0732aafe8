package dev.dalang.tables.fdt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The device tree compiler of the distribution, as a judge of our blobs. */
final class Dtc {
    private Dtc() {}

    /** Decompiles a blob, and fails if the compiler has anything to say about it. */
    static String decompile(byte[] blob, Path directory) throws IOException, InterruptedException {
        Path dtb = Files.write(directory.resolve("tree.dtb"), blob);
        Path dts = directory.resolve("tree.dts");
        Path log = directory.resolve("dtc.log");
        Process process;
        try {
            process =
                    new ProcessBuilder(
                                    "dtc",
                                    "-I",
                                    "dtb",
                                    "-O",
                                    "dts",
                                    "-o",
                                    dts.toString(),
                                    dtb.toString())
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
        } catch (IOException e) {
            return abort("dtc is not installed (Debian: device-tree-compiler): " + e.getMessage());
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("dtc ends").isTrue();
        assertThat(Files.readString(log)).as("what dtc says").isEmpty();
        assertThat(process.exitValue()).isZero();
        return Files.readString(dts, StandardCharsets.UTF_8);
    }
}
