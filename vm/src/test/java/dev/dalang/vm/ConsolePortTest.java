package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.virtio.console.VirtioConsoleDevice;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class ConsolePortTest {
    @TempDir private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "data",
                "=none",
                "data=",
                "data=pipe:x",
                "data=file:",
                "data=socket:",
                "data=x",
                "a/b=none",
                "-a=none",
                ".=none"
            })
    void whatIsNoPortIsRefused(String text) {
        assertThatThrownBy(() -> ConsolePort.parse(text))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--console-port");
    }

    @Test
    void allOrNothingIsOpened() {
        Path socket = directory.resolve("socket");
        List<ConsolePort> ports =
                List.of(
                        ConsolePort.parse("data=socket:" + socket),
                        ConsolePort.parse("log=file:" + directory.resolve("no/such/log")));
        assertThatThrownBy(() -> ConsolePort.open(ports))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("--console-port log=file:")
                .hasMessageContaining("cannot be opened");
        assertThat(socket).as("taken away again").doesNotExist();
    }

    @Test
    void aNameIsThereOnce() {
        for (String name : List.of("data", ConsolePort.CONSOLE)) {
            List<ConsolePort> twice =
                    List.of(ConsolePort.parse(name + "=none"), ConsolePort.parse(name + "=none"));
            assertThatThrownBy(() -> ConsolePort.open(twice))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("there is a port " + name);
        }
    }

    @Test
    void aMachineHasOneConsoleDeviceWithAllPortsAndGivesThemUp() throws Exception {
        Path log = directory.resolve("log");
        Path socket = directory.resolve("socket");
        try (Vm vm =
                new BareMachine(directory)
                        .program(BareMachine::spin)
                        .consolePort(ConsolePort.parse("log=file:" + log))
                        .consolePort(ConsolePort.parse("data=socket:" + socket))
                        .build()) {
            VirtioConsoleDevice device = vm.consoleDevice().orElseThrow();
            assertThat(device.readConfig(4, 4)).as("hvc0 and two").isEqualTo(3);
            assertThat(Files.exists(log)).isTrue();
            assertThat(Files.exists(socket)).isTrue();
        }
        assertThat(socket).doesNotExist();
        assertThat(Files.exists(log)).isTrue();
    }
}
