package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Linux;
import dev.dalang.remote.VfioUserServer;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A device of our own server's in a tree of ours: what a driver there sees of it. */
final class VfioUserFunctionTest {
    private static final int LIVENESS = 0x04;
    private static final int RAISE = 0x60;
    private static final int ACKNOWLEDGE = 0x64;
    private static final int RAISED_VECTOR = 1;
    private static final long BUFFER = 0x4_0000;
    private static final long MESSAGES = 0x2800_0000L;
    private static final long PATIENCE_SECONDS = 600;

    @TempDir Path directory;
    private final TestMachine machine = new TestMachine();
    private final CountDownLatch lost = new CountDownLatch(1);
    private VfioUserServer server;
    private PassthroughDevice device;
    private PciFunctionDriver driver;
    private PciBarDriver registers;

    @BeforeEach
    void plugIn() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        device =
                PassthroughDevice.open(
                        PassthroughDeviceType.GENERIC_PCI, VfioUserBackend.connect(server.path()));
        device.listen(
                new PassthroughListener() {
                    @Override
                    public void lost(PassthroughDevice which) {
                        lost.countDown();
                    }
                });
        driver = machine.add(PassthroughFunction.of(device));
        driver.enable(PciFunctionDriver.COMMAND_MEMORY | PciFunctionDriver.COMMAND_MASTER);
        registers = driver.bar(0);
    }

    @AfterEach
    void end() {
        if (server != null) {
            machine.root.close();
            device.close();
            server.close();
        }
    }

    @Test
    void aDriverFindsTheDeviceBehindItsBar() {
        assertThat(driver.vendor()).isEqualTo(0x1234);
        assertThat(driver.device()).isEqualTo(0x11e8);
        assertThat(registers.read(0, 4)).isEqualTo(0x0100_00edL);
        registers.write(LIVENESS, 4, 0x1234_5678);
        assertThat(registers.read(LIVENESS, 4)).isEqualTo(0xedcb_a987L);
        assertThat(server.function().configuration().barAddress(0))
                .as("its own BARs are left alone")
                .isZero();
    }

    @Test
    void aMessageGoesWhereTheDriverSaid() throws InterruptedException {
        MsixDriver msix = driver.msix();
        msix.enable();
        msix.route(RAISED_VECTOR, MESSAGES | 0x1000, 7);
        registers.write(RAISE, 4, 1);
        assertThat(machine.messages.awaitAccepted(1, PATIENCE_SECONDS)).isTrue();
        assertThat(machine.messages.accepted())
                .containsExactly(new MsiMessage(MESSAGES | 0x1000, 7));

        msix.mask(RAISED_VECTOR, true);
        registers.write(RAISE, 4, 1);
        while (!msix.isPending(RAISED_VECTOR)) {
            Thread.onSpinWait();
        }
        msix.mask(RAISED_VECTOR, false);
        assertThat(machine.messages.awaitAccepted(2, PATIENCE_SECONDS)).isTrue();
    }

    @Test
    void theWireRisesAndFalls() {
        registers.write(RAISE, 4, 1);
        while (machine.wires.stream().noneMatch(line -> line.isRaised())) {
            Thread.onSpinWait();
        }
        registers.write(ACKNOWLEDGE, 4, 1);
        while (machine.wires.stream().anyMatch(line -> line.isRaised())) {
            assertThat(registers.read(LIVENESS, 4)).isNotNegative();
        }
    }

    private void transfer(long address, int bytes, boolean toMemory) {
        registers.write(0x80, 8, toMemory ? BUFFER : address);
        registers.write(0x88, 8, toMemory ? address : BUFFER);
        registers.write(0x90, 8, bytes);
        registers.write(0x98, 8, toMemory ? 3 : 1);
        while ((registers.read(0x98, 8) & 1) != 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theDeviceMovesTheMachinesMemory() {
        machine.memory.writeLong(TestMachine.RAM + 0x100, 0x1122_3344_5566_7788L);
        transfer(TestMachine.RAM + 0x100, 8, false);
        transfer(TestMachine.MORE_RAM + 0x200, 8, true);
        assertThat(machine.memory.readLong(TestMachine.MORE_RAM + 0x200))
                .isEqualTo(0x1122_3344_5566_7788L);

        driver.disable(PciFunctionDriver.COMMAND_MASTER);
        transfer(TestMachine.MORE_RAM + 0x300, 8, true);
        assertThat(machine.memory.readLong(TestMachine.MORE_RAM + 0x300)).isZero();
    }

    @Test
    void theServersEndLeavesADeviceThatReadsAllOnes() throws InterruptedException {
        long address = registers.address();
        assertThat(machine.peek(address, 4)).isEqualTo(0x0100_00edL);
        server.close();
        lost.await();
        assertThat(machine.peek(address, 4) & 0xffff_ffffL).isEqualTo(0xffff_ffffL);
        assertThat(driver.read(0, 4)).isEqualTo(-1);
        assertThat(device.isLost()).isTrue();
    }
}
