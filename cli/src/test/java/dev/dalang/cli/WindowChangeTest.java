package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The signal of a terminal whose window changes, sent by hand. */
@Timeout(60)
final class WindowChangeTest {
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    private static void change() throws Exception {
        String self = Long.toString(ProcessHandle.current().pid());
        assertThat(new ProcessBuilder("kill", "-WINCH", self).start().waitFor()).isZero();
    }

    private WindowChange watch(String name) {
        Optional<WindowChange> change = WindowChange.watch(() -> told.add(name));
        assumeTrue(change.isPresent(), "there is no such signal here");
        return change.get();
    }

    @Test
    void everyChangeIsTold() throws Exception {
        try (WindowChange _ = watch("here")) {
            for (int i = 0; i < 3; i++) {
                change();
                assertThat(told.poll(30, TimeUnit.SECONDS)).isEqualTo("here");
            }
        }
    }

    @Test
    void whoeverHeardBeforeHearsAgainAfterwards() throws Exception {
        try (WindowChange _ = watch("outer")) {
            try (WindowChange _ = watch("inner")) {
                change();
                assertThat(told.poll(30, TimeUnit.SECONDS)).isEqualTo("inner");
            }
            change();
            assertThat(told.poll(30, TimeUnit.SECONDS)).isEqualTo("outer");
        }
    }
}
