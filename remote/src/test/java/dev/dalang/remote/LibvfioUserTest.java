package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** Our client with the samples of libvfio-user, the reference implementation in C. */
@Timeout(60)
final class LibvfioUserTest {
    private static final int CONFIGURATION = VfioUserRegion.CONFIGURATION;
    private static final int INTX = VfioUserInterrupts.INTX;
    private static final int PAGE = 4096;

    @TempDir Path directory;
    private LibvfioUser samples;

    @BeforeEach
    void find() {
        assumeThat(Linux.isAvailable()).isTrue();
        samples = LibvfioUser.find();
    }

    private LibvfioUser.Sample start(String sample, String... options) throws IOException {
        return samples.start(sample, directory.resolve(sample + ".sock"), options);
    }

    // ---------------------------------------------------------------- gpio-pci-idio-16

    private static final int PORTS = 2;
    private static final int OUT_LOW = 0;
    private static final int IN_LOW = 1;
    private static final int OUT_HIGH = 4;
    private static final int IN_HIGH = 5;

    @Test
    void theGpioCardIsDescribed() throws IOException, InterruptedException {
        try (var sample = start("gpio-pci-idio-16");
                VfioUserClient gpio = sample.connect()) {
            assertThat(gpio.isPci()).isTrue();
            assertThat(gpio.isResettable()).isTrue();
            assertThat(gpio.read(CONFIGURATION, 0, 4)).isEqualTo(0x0dc8_494fL);
            assertThat(gpio.regions())
                    .containsExactly(
                            new VfioUserRegion(PORTS, 0x100, true, true, List.of()),
                            new VfioUserRegion(CONFIGURATION, 0x100, true, true, List.of()));
            assertThat(gpio.read(CONFIGURATION, 0x18, 4)).as("a BAR of ports").isEqualTo(1);
            assertThat(gpio.interrupts())
                    .extracting(VfioUserInterrupts::count)
                    .startsWith(1, 0, 0)
                    .hasSize(5);
        }
    }

    @Test
    void thePinsOfTheGpioCardFollowWhatIsWritten() throws IOException, InterruptedException {
        try (var sample = start("gpio-pci-idio-16");
                VfioUserClient gpio = sample.connect()) {
            // An input is high after every third write of its output.
            assertThat(gpio.read(PORTS, IN_LOW, 1)).isEqualTo(0xff);
            gpio.write(PORTS, OUT_LOW, 1, 0x0f);
            gpio.write(PORTS, OUT_HIGH, 1, 0x81);
            assertThat(gpio.read(PORTS, IN_LOW, 1)).isEqualTo(0xf0);
            assertThat(gpio.read(PORTS, IN_HIGH, 1)).isEqualTo(0x7e);
            gpio.post(PORTS, OUT_LOW, 1, 0x03);
            gpio.post(PORTS, OUT_LOW, 1, 0x03);
            assertThat(gpio.read(PORTS, IN_LOW, 1)).isEqualTo(0xf3);
            gpio.writeAll(
                    List.of(
                            new VfioUserClient.RegisterWrite(PORTS, OUT_LOW, 1, 0x0c),
                            new VfioUserClient.RegisterWrite(PORTS, OUT_LOW, 1, 0x0c)));
            assertThat(gpio.read(PORTS, IN_LOW, 1)).isEqualTo(0xff);
        }
    }

    @Test
    void theGpioCardSignalsItsWire() throws IOException, InterruptedException {
        try (var sample = start("gpio-pci-idio-16");
                VfioUserClient gpio = sample.connect();
                EventDescriptor wire = EventDescriptor.create("a wire")) {
            gpio.setEvents(INTX, 0, List.of(wire));
            gpio.trigger(INTX, 0, 1);
            assertThat(wire.await(-1)).isEqualTo(1);
            gpio.clearEvents(INTX, 0, 1);
            assertThat(wire.await(0)).isZero();

            gpio.setEvents(INTX, 0, List.of(wire));
            gpio.disable(INTX);
            assertThatThrownBy(() -> gpio.setEvents(INTX, 1, List.of(wire)))
                    .isInstanceOfSatisfying(
                            VfioUserException.class,
                            refused -> assertThat(refused.errno()).contains(Errno.EINVAL));
            gpio.reset();
            assertThat(gpio.read(CONFIGURATION, 0, 2)).isEqualTo(0x494f);
        }
    }

    @Test
    void theGpioCardIsGivenMemoryAndLosesIt() throws IOException, InterruptedException {
        try (var sample = start("gpio-pci-idio-16");
                VfioUserClient gpio = sample.connect();
                Descriptor file = SharedMemory.create("memory", 4 * PAGE)) {
            Memory unused = new Memory(0, 0);
            gpio.mapMemory(0, 2 * PAGE, true, true, Optional.of(file), 2 * PAGE, unused);
            gpio.mapMemory(0x10_0000, PAGE, true, false, Optional.empty(), 0, unused);
            assertThat(gpio.memoryPieces()).isEqualTo(2);
            assertThatThrownBy(
                            () ->
                                    gpio.mapMemory(
                                            PAGE, PAGE, true, true, Optional.empty(), 0, unused))
                    .hasMessageContaining("overlaps");
            gpio.unmapMemory(0, 2 * PAGE);
            gpio.unmapMemory(0x10_0000, PAGE);
            gpio.mapMemory(PAGE, PAGE, true, true, Optional.of(file), 0, unused);
            assertThat(gpio.memoryPieces()).isEqualTo(1);
        }
    }

    @Test
    void theGpioCardWaitsForTheNextClient() throws IOException, InterruptedException {
        try (var sample = start("gpio-pci-idio-16")) {
            try (VfioUserClient gpio = sample.connect()) {
                gpio.write(PORTS, OUT_LOW, 1, 0xff);
            }
            try (VfioUserClient gpio = sample.connect()) {
                assertThat(gpio.read(PORTS, IN_LOW, 1)).isZero();
            }
            assertThat(sample.process().isAlive()).isTrue();
        }
    }

    @Test
    void theGpioCardsEndIsALoss() throws IOException, InterruptedException {
        BlockingQueue<VfioUserException> losses = new LinkedBlockingQueue<>();
        try (var sample = start("gpio-pci-idio-16");
                VfioUserClient gpio =
                        sample.connect(
                                VfioUserClient.builder(sample.socket()).onLoss(losses::add))) {
            sample.kill();
            assertThat(losses.take().isLost()).isTrue();
            assertThatThrownBy(() -> gpio.read(PORTS, IN_LOW, 1))
                    .isInstanceOfSatisfying(
                            VfioUserException.class, lost -> assertThat(lost.isLost()).isTrue());
        }
    }

    // ---------------------------------------------------------------- server

    private static final long TRANSFER_BYTES = 4 * 1024;

    /** Memory that a device reaches by messages, and when it has read so many bytes of it. */
    private static final class Memory implements DmaMemory {
        private final long base;
        private final byte[] bytes;
        private final CountDownLatch read;

        Memory(long base, int size) {
            this.base = base;
            bytes = new byte[size];
            read = new CountDownLatch((int) TRANSFER_BYTES);
        }

        @Override
        public void read(long address, MemorySegment target) {
            int count = (int) target.byteSize();
            int from = (int) (address - base);
            MemorySegment.copy(bytes, from, target, ValueLayout.JAVA_BYTE, 0, count);
            for (int n = 0; n < count; n++) {
                read.countDown();
            }
        }

        @Override
        public void write(long address, MemorySegment source) {
            int count = (int) source.byteSize();
            int to = (int) (address - base);
            MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, bytes, to, count);
        }
    }

    private static byte[] pattern() {
        byte[] expected = new byte[PAGE];
        for (int n = 0; n < TRANSFER_BYTES; n++) {
            expected[n] = (byte) ('A' + n / 1024);
        }
        return expected;
    }

    @Test
    void areasOfTheServersBarAreMapped() throws IOException, InterruptedException {
        var areas =
                List.of(new VfioUserRegion.Area(0, PAGE), new VfioUserRegion.Area(2 * PAGE, PAGE));
        try (var sample = start("server");
                VfioUserClient server = sample.connect();
                Arena arena = Arena.ofShared()) {
            assertThat(server.read(CONFIGURATION, 0x2c, 4)).isEqualTo(0xbabe_cafeL);
            assertThat(server.region(1))
                    .contains(new VfioUserRegion(1, 4 * PAGE, true, true, areas));
            MemorySegment low = server.map(1, areas.get(0), arena);
            MemorySegment high = server.map(1, areas.get(1), arena);

            server.write(1, 2 * PAGE + 0x10, 8, 0x1122_3344_5566_7788L);
            assertThat(high.get(ValueLayout.JAVA_LONG, 0x10)).isEqualTo(0x1122_3344_5566_7788L);
            low.set(ValueLayout.JAVA_INT, 0, 0x0bad_cafe);
            assertThat(server.read(1, 0, 4)).isEqualTo(0x0bad_cafe);
            // Through messages the page between is reached as well.
            server.write(1, PAGE, 4, 5);

            assertThatThrownBy(() -> server.map(1, new VfioUserRegion.Area(PAGE, PAGE), arena))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> server.read(0, 4, 4))
                    .isInstanceOfSatisfying(
                            VfioUserException.class,
                            refused -> assertThat(refused.errno()).contains(Errno.EINVAL));
            server.reset();
        }
    }

    @Test
    void theServersTimerInterruptsAndTransfersOverOneSocket()
            throws IOException, InterruptedException {
        interruptAndTransfer(false);
    }

    @Test
    void theServersTimerInterruptsAndTransfersOverASecondSocket()
            throws IOException, InterruptedException {
        interruptAndTransfer(true);
    }

    private void interruptAndTransfer(boolean twin) throws IOException, InterruptedException {
        Path socket = directory.resolve("server.sock");
        try (var sample = samples.start("server", socket, "-v");
                VfioUserClient server =
                        sample.connect(VfioUserClient.builder(socket).twinSocket(twin));
                EventDescriptor wire = EventDescriptor.create("a wire");
                Descriptor file = SharedMemory.create("memory", 2 * PAGE);
                Arena arena = Arena.ofShared()) {
            Memory messages = new Memory(0, PAGE);
            server.mapMemory(0, PAGE, true, true, Optional.empty(), 0, messages);
            Memory never = new Memory(PAGE, 0);
            server.mapMemory(PAGE, PAGE, true, true, Optional.of(file), PAGE, never);
            server.setEvents(INTX, 0, List.of(wire));

            // It waits for the difference of two clocks' seconds, and for ever if that is none.
            server.write(0, 0, 8, Instant.now().getEpochSecond() + 2);
            assertThat(wire.await(-1)).isEqualTo(1);
            if (!twin) {
                // Over one socket it takes whatever comes for the answer to its own request, and
                // gives up if that is none. That its last read was served here is too early to
                // ask: the answer is yet to go.
                sample.await("MESSAGE success");
            }
            assertThat(server.read(CONFIGURATION, 0, 4)).isEqualTo(0xbeef_deadL);
            messages.read.await();

            assertThat(messages.bytes).isEqualTo(pattern());
            MemorySegment mapped = SharedMemory.map(file, PAGE, PAGE, false, arena);
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(pattern());
            assertThat(sample.printed()).contains("MESSAGE success", "DIRECT success");
        }
    }

    @Test
    void theServersStateMovesToAnother() throws IOException, InterruptedException {
        MemorySegment state = MemorySegment.ofArray(new byte[8 * PAGE]);
        int bytes = 0;
        try (var sample = start("server");
                VfioUserClient server = sample.connect()) {
            server.write(1, 0, 8, 0x5741_5941_4e47L);
            VfioUserMigration migration = server.migration().orElseThrow();
            migration.enter(VfioUserMigration.STOP_COPY);
            for (int more = -1; more != 0; bytes += more) {
                more = migration.readData(state.asSlice(bytes));
            }
        }
        assertThat(bytes).isEqualTo(4 * PAGE + 8);
        try (var sample = samples.start("server", directory.resolve("other.sock"));
                VfioUserClient server = sample.connect()) {
            VfioUserMigration migration = server.migration().orElseThrow();
            migration.enter(VfioUserMigration.RESUMING);
            migration.writeData(state.asSlice(0, bytes));
            migration.enter(VfioUserMigration.STOP);
            assertThat(migration.state()).isEqualTo(VfioUserMigration.STOP);
            assertThat(server.read(1, 0, 8)).isEqualTo(0x5741_5941_4e47L);
        }
    }

    // ---------------------------------------------------------------- null

    @Test
    void theNullDeviceHasNothingAndRefusesMuch() throws IOException, InterruptedException {
        try (var sample = start("null");
                VfioUserClient device = sample.connect()) {
            assertThat(device.regions())
                    .extracting(VfioUserRegion::index)
                    .containsExactly(CONFIGURATION);
            assertThat(device.interrupts())
                    .extracting(VfioUserInterrupts::count)
                    .as("an error and a request, which the library always has")
                    .containsExactly(0, 0, 0, 1, 1);
            assertThat(device.read(CONFIGURATION, 0, 4)).isZero();
            device.reset();
            assertThatThrownBy(() -> device.read(0, 0, 4))
                    .isInstanceOfSatisfying(
                            VfioUserException.class,
                            refused -> assertThat(refused.errno()).contains(Errno.EINVAL));
            assertThat(device.migration()).isEmpty();

            try (OutputStream keys = sample.process().getOutputStream()) {
                keys.write("\n\n".getBytes(StandardCharsets.US_ASCII));
            }
            assertThat(sample.process().waitFor()).isZero();
        }
    }
}
