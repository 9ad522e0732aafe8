package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.passthrough.CapabilityWalk.Found;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A configuration space with both lists of capabilities that is not ours: libvfio-user's. */
class LibvfioUserConfigTest {
    private static final int EXPRESS = 0x10;
    private static final int POWER_MANAGEMENT = 1;
    private static final int VENDOR = 9;
    private static final int SERIAL_NUMBER = 3;
    private static final int EXTENDED_VENDOR = 0xb;

    /** What the sample prints: for each line of sixteen bytes where it is, and the bytes. */
    private static ScriptedConfig config() throws IOException, InterruptedException {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path directory =
                (cache != null && Path.of(cache).isAbsolute()
                                ? Path.of(cache)
                                : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("dalang/tools/libvfio-user");
        if (!Files.exists(directory.resolve("commit"))) {
            abort("no libvfio-user; build/libvfio-user builds it in " + directory);
        }
        Process sample =
                new ProcessBuilder(directory.resolve("samples/lspci").toString())
                        .redirectErrorStream(true)
                        .start();
        String printed =
                new String(sample.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        assertThat(sample.waitFor()).as(printed).isZero();
        ScriptedConfig config = new ScriptedConfig(0, 0);
        int bytes = 0;
        for (String line : printed.lines().skip(1).toList()) {
            String[] words = line.split("[: ]+");
            for (int n = 1; n < words.length; n++, bytes++) {
                assertThat(Integer.parseInt(words[0], 16) + n - 1).isEqualTo(bytes);
                config.put(bytes, 1, Integer.parseInt(words[n], 16));
            }
        }
        assertThat(bytes).isEqualTo(0x1000);
        return config;
    }

    @Test
    void itsCapabilitiesAreFound() throws IOException, InterruptedException, BackendException {
        ScriptedBackend backend = ScriptedBackend.builder(config()).build();
        assertThat(CapabilityWalk.of(ConfigImage.read(backend)))
                .filteredOn(found -> !found.isExtended())
                .extracting(Found::id)
                .containsExactly(POWER_MANAGEMENT, VENDOR, EXPRESS);
        assertThat(CapabilityWalk.of(ConfigImage.read(backend)))
                .filteredOn(Found::isExtended)
                .extracting(Found::id, Found::offset)
                .containsExactly(
                        tuple(SERIAL_NUMBER, 0x100),
                        tuple(EXTENDED_VENDOR, 0x10c),
                        tuple(EXTENDED_VENDOR, 0x400));
    }

    @Test
    void aGuestFindsThoseThatItMayHave() throws IOException, InterruptedException {
        ScriptedBackend backend = ScriptedBackend.builder(config()).build();
        TestMachine machine = new TestMachine();
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(Devices.open(backend)));
        List<Integer> ids =
                driver.capabilities().stream().map(offset -> driver.read(offset, 1)).toList();
        assertThat(ids).contains(POWER_MANAGEMENT, VENDOR, EXPRESS).doesNotHaveDuplicates();
        int vendor = driver.capability(VENDOR).orElseThrow();
        assertThat(driver.read(vendor + 2, 1)).isEqualTo(0x10);
        assertThat(driver.read(vendor + 4, 4)).as("bcde").isEqualTo(0x6564_6362);
        machine.root.close();
    }
}
