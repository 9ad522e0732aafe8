package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The README's device, as it is printed there. */
class WriteADeviceTest {
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";
    private static final int MAX_LINES = 40;

    @TempDir private Path directory;

    private static String section() throws IOException {
        String readme = Files.readString(Path.of("..", "README.md"));
        int begin = readme.indexOf("## Write a device");
        assertThat(begin).isNotNegative();
        return readme.substring(begin, readme.indexOf("\n## ", begin + 1));
    }

    /** The first block in a language behind some words. */
    private static String block(String section, String behind, String language) {
        Pattern fence = Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL);
        Matcher block = fence.matcher(section);
        assertThat(block.find(section.indexOf(behind))).isTrue();
        return block.group(1);
    }

    @Test
    void itIsComplete() throws IOException {
        String source = block(section(), "`Adder.java`", "java");
        assertThat(source.lines().count()).isLessThanOrEqualTo(MAX_LINES);
        Path jar = PluginJar.of(directory, "Adder", source);
        PciPlacement adder = DeviceCatalogue.builtIn().with(jar).parse("class=Adder", 0);
        assertThat(adder.device().label()).isEqualTo("adder");
    }

    @Test
    @Tag("boot")
    void aGuestTalksToIt() throws IOException, InterruptedException {
        String section = section();
        Path jar = PluginJar.of(directory, "Adder", block(section, "`Adder.java`", "java"));
        List<String> commands = block(section, "In the guest", "sh").lines().toList();
        try (Vm vm =
                Vm.builder().guest(Guests.debian()).plugin(jar).device("class=Adder").build()) {
            vm.start();
            vm.console().await(PROMPT, BOOT);
            for (String command : commands.subList(0, commands.size() - 1)) {
                vm.console().write(command + "; echo 'do''ne'\n");
                vm.console().await("done", COMMAND);
            }
            vm.console().write(commands.getLast() + "\n");
            vm.console().await("0x0000002A", COMMAND);
            vm.stop();
            assertThat(vm.statistics().devices())
                    .filteredOn(device -> device.label().equals("00:01.0"))
                    .singleElement()
                    .satisfies(device -> assertThat(device.exits()).isGreaterThanOrEqualTo(3));
        }
    }
}
