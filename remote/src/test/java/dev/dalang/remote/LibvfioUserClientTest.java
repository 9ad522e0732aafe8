package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.pci.PciBarMemory;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciHost;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** The client of libvfio-user, the reference implementation in C, with our server. */
@Timeout(60)
final class LibvfioUserClientTest {
    private static final int PAGE = 4096;
    private static final int WINDOW_BYTES = 4 * PAGE;

    @TempDir Path directory;
    private LibvfioUser samples;

    @BeforeEach
    void find() {
        assumeThat(Linux.isAvailable()).isTrue();
        samples = LibvfioUser.find();
    }

    /** What the client expects: the identification and the regions of the library's server. */
    private static final class SampleDevice implements PciDevice {
        private final PciDeviceSpec spec;
        private PciHost host;
        private long time;

        SampleDevice(Descriptor file) throws HostIoException {
            int number = file.acquire();
            file.release();
            spec =
                    PciDeviceSpec.builder("sample", 0xdead, 0xbeef)
                            .subsystem(0xcafe, 0xbabe)
                            .memoryBar(0, 16)
                            .memoryBar(1, WINDOW_BYTES)
                            .barMemory(
                                    new PciBarMemory(
                                            1,
                                            new MemoryBacking.Descriptor(number, PAGE),
                                            List.of(
                                                    new PciBarMemory.Area(0, PAGE),
                                                    new PciBarMemory.Area(2 * PAGE, PAGE))))
                            .intx()
                            .build();
        }

        @Override
        public PciDeviceSpec spec() {
            return spec;
        }

        @Override
        public void attach(PciHost given) {
            host = given;
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            return time;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {
            time = value;
            host.interrupts().raise();
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("sample", 1).put("time", time).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            time = snapshot.expect("sample", 1).getLong("time");
        }
    }

    /**
     * It goes as far as it can with a server that is not its own: then it waits for requests for
     * memory that our server has mapped and does not ask for.
     */
    @Test
    void itFindsWhatItExpects() throws IOException, InterruptedException {
        Path socket = directory.resolve("sample.sock");
        StringBuilder printed = new StringBuilder();
        Process client;
        try (Descriptor file = SharedMemory.create("a window", PAGE + WINDOW_BYTES);
                VfioUserServer server = VfioUserServer.of(new SampleDevice(file), socket)) {
            // Line by line, whatever its output is.
            client =
                    new ProcessBuilder(
                                    "stdbuf",
                                    "-oL",
                                    samples.program("client").toString(),
                                    socket.toString())
                            .redirectErrorStream(true)
                            .start();
            BufferedReader lines = client.inputReader();
            String line;
            do {
                line = Objects.requireNonNullElse(lines.readLine(), "(the end)");
                printed.append(line).append('\n');
            } while (!line.contains("INTx triggered!") && client.isAlive());
            assertThat(server.memoryPieces()).as(printed.toString()).isEqualTo(32);
            assertThat(server.refusals()).as("a region that is none").isEqualTo(1);
        }
        assertThat(client.waitFor()).as("the end of its server").isNotZero();
        assertThat(printed)
                .contains(
                        "devinfo: flags 0x3, num_regions 9, num_irqs 5",
                        "region_info[1] offset 0x1000 flags 0xf size 16384 cap_sz 48 #FDs 1",
                        "Sparse cap nr_mmap_areas 2",
                        "area 1 offset 0x2000 size 4096",
                        "IRQ INTx: count=1 flags=0x7",
                        "wrote to BAR0",
                        "read from BAR0",
                        "INTx triggered!");
    }
}
