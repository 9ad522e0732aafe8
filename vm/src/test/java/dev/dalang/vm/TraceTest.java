package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.IoManager;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is told of the devices of a machine that does not run; the test is the driver. */
class TraceTest {
    private static final long FUNCTION = 0x3000_8000L;
    private static final int TIME_CHARACTERS = 16;

    @TempDir private Path directory;
    private final List<String> lines = new ArrayList<>();

    private Vm machine(String... traced) {
        return new BareMachine(directory)
                .program(BareMachine::spin)
                .device("edu,id=edu0,addr=1.0")
                .trace(new DeviceTracing(List.of(traced), lines::add))
                .build();
    }

    private List<String> told() {
        List<String> told = lines.stream().map(line -> line.substring(TIME_CHARACTERS)).toList();
        lines.clear();
        return told;
    }

    @Test
    void pciFunctionTellsOfConfigurationRegistersInterruptsAndTransfers() {
        try (Vm vm = machine("edu0")) {
            IoManager io = vm.io();
            assertThat(io.mmioRead(FUNCTION, 4)).isEqualTo(0x11e8_1234L);
            io.mmioWrite(FUNCTION + 4, 2, 0x6);
            long bar = io.mmioRead(FUNCTION + 0x10, 4);
            assertThat(told())
                    .containsExactly(
                            "edu0: read  4 config 0x0 VENDOR_ID = 0x11e81234",
                            "edu0: write 2 config 0x4 COMMAND = 0x6",
                            "edu0: read  4 config 0x10 BAR0 = 0x" + Long.toHexString(bar));

            io.mmioRead(bar, 4);
            io.mmioWrite(bar + 0x60, 4, 1);
            io.mmioWrite(bar + 0x64, 4, 1);
            assertThat(told())
                    .containsExactly(
                            "edu0: read  4 BAR0+0x0 identification = 0x10000ed",
                            "edu0: write 4 BAR0+0x60 raise = 0x1",
                            "edu0: interrupt, vector 1",
                            "edu0: interrupt, raise",
                            "edu0: wire raised",
                            "edu0: write 4 BAR0+0x64 acknowledge = 0x1",
                            "edu0: interrupt, lower",
                            "edu0: wire lowered");

            io.mmioWrite(bar + 0x80, 8, 0x4_0000);
            io.mmioWrite(bar + 0x88, 8, BareMachine.RAM + 0x1000);
            io.mmioWrite(bar + 0x90, 8, 64);
            io.mmioWrite(bar + 0x98, 8, 3);
            io.mmioWrite(bar + 0x88, 8, 0x100);
            io.mmioWrite(bar + 0x98, 8, 3);
            assertThat(told())
                    .contains(
                            "edu0: write 8 BAR0+0x98 DMA command = 0x3",
                            "edu0: DMA, 64 bytes to memory at 0x80001000",
                            "edu0: DMA, 64 bytes to memory at 0x100, failed: UNMAPPED");
        }
    }

    @Test
    void messagesAreToldWithWhereTheyGo() {
        try (Vm vm = machine("edu")) {
            IoManager io = vm.io();
            io.mmioWrite(FUNCTION + 4, 2, 0x6);
            int capability = msix(io);
            long table =
                    io.mmioRead(
                            FUNCTION + 0x10 + 4 * (io.mmioRead(FUNCTION + capability + 4, 4) & 7),
                            4);
            io.mmioWrite(table + 16, 4, 0x2800_0000L);
            io.mmioWrite(table + 24, 4, 5);
            io.mmioWrite(table + 28, 4, 0);
            io.mmioWrite(FUNCTION + capability + 2, 2, 0x8000);
            assertThat(told())
                    .anyMatch(line -> line.endsWith("MSI-X[1] address = 0x28000000"))
                    .anyMatch(line -> line.endsWith("MSI-X[1] data = 0x5"))
                    .anyMatch(line -> line.endsWith(" MSI-X+0x2 = 0x8000"));
            io.mmioWrite(io.mmioRead(FUNCTION + 0x10, 4) + 0x60, 4, 1);
            assertThat(told())
                    .containsSubsequence(
                            "edu0: interrupt, vector 1", "edu0: message 0x5 to 0x28000000");
        }
    }

    private static int msix(IoManager io) {
        int at = (int) io.mmioRead(FUNCTION + 0x34, 1);
        while (io.mmioRead(FUNCTION + at, 1) != 0x11) {
            at = (int) io.mmioRead(FUNCTION + at + 1, 1);
        }
        return at;
    }

    @Test
    void registersOfTheSerialPortHaveTheirNames() {
        try (Vm vm = machine("uart0")) {
            IoManager io = vm.io();
            io.mmioWrite(BareMachine.UART + 3, 1, 0x83);
            io.mmioWrite(BareMachine.UART, 1, 1);
            io.mmioWrite(BareMachine.UART + 3, 1, 3);
            io.mmioWrite(BareMachine.UART, 1, 'k');
            io.mmioRead(FUNCTION, 4);
            assertThat(told())
                    .containsExactly(
                            "uart0: write 1 LCR = 0x83",
                            "uart0: write 1 DLL = 0x1",
                            "uart0: write 1 LCR = 0x3",
                            "uart0: write 1 THR = 0x6b");
        }
    }

    @Test
    void nameThatNoDeviceHasIsRefusedWithThoseThatThereAre() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> machine("edu0", "nvme"))
                .withMessageContaining("--trace")
                .withMessageContaining("edu0")
                .withMessageContaining("uart0")
                .withMessageEndingWith("found nvme");
    }
}
