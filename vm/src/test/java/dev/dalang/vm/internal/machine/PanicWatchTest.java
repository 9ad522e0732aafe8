package dev.dalang.vm.internal.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

class PanicWatchTest {
    private static final String END =
            "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---";

    private final List<String> reasons = new ArrayList<>();
    private final PanicWatch watch = new PanicWatch(reasons::add);

    private void console(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        watch.write(bytes, 0, bytes.length);
    }

    @Test
    void kernelsLastLineIsFoundWithAndWithoutTimeStamp() {
        console("boot\r\n[    1.234567] " + END + "\r\n");
        console(END + "\n");
        console("[    1.234567][    T1] " + END + "\n");

        assertThat(reasons).containsOnly("VFS: Unable to mount root fs").hasSize(3);
    }

    @Test
    void lineMayComeInPieces() {
        for (char c : ("[    0.000000] " + END + "\r\n").toCharArray()) {
            console(String.valueOf(c));
        }

        assertThat(reasons).hasSize(1);
    }

    @Test
    void quotedPanicsAreNotPanics() {
        console("# echo '" + END + "'\n");
        console("> [    1.234567] " + END + "\n");
        console("[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\n");
        console(END + " and more\n");

        assertThat(reasons).isEmpty();
    }

    @Test
    void linesWithoutEndAreBoundedAndForgotten() {
        console("x".repeat(100_000));
        console("\n" + END + "\n");

        assertThat(reasons).hasSize(1);
    }
}
