package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.util.List;

/** The tree as a driver sees it. */
class PciRootTest {
    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;

    @Test
    void aDriverFindsTheHostBridgeAndEachDevice() {
        root.bus().add(TestPciDevice.withMemory());
        root.bus().add(TestPciDevice.withMemory(), 4, 0);

        assertThat(machine.driver.enumerate())
                .extracting(each -> each.address() + " " + Integer.toHexString(each.classCode()))
                .containsExactly("00:00.0 60000", "00:01.0 ff0000", "00:04.0 ff0000");
    }

    @Test
    void whatIsNotThereReadsAsAllOnes() {
        assertThat(machine.function(0, 9, 0).read(0, 4)).isEqualTo(-1);
        assertThat(machine.function(7, 0, 0).read(0, 4)).isEqualTo(-1);
        machine.function(7, 0, 0).write(4, 4, 0x1234);
        assertThat(machine.function(7, 0, 0).read(4, 4)).isEqualTo(-1);
    }

    @Test
    void anAccessAcrossARegistersEndReadsOnesAndWritesNothing() {
        root.bus().add(TestPciDevice.withMemory());
        PciFunctionDriver device = machine.function(0, 1, 0);
        int before = device.command();

        assertThat(device.read(3, 2)).isEqualTo(0xffff);
        assertThat(device.read(2, 4)).isEqualTo(-1);
        machine.io.mmioWrite(PciMachine.ECAM + device.address().ecamOffset() + 4, 8, 0);
        machine.io.mmioWrite(PciMachine.ECAM + device.address().ecamOffset() + 3, 4, 0);

        assertThat(device.command()).isEqualTo(before);
        assertThat(machine.io.mmioRead(PciMachine.ECAM, 8)).isEqualTo(-1L);
    }

    @Test
    void partsOfARegisterAreRead() {
        PciFunctionDriver bridge = machine.function(0, 0, 0);

        assertThat(bridge.read(0, 4)).isEqualTo(0x0008_1b36);
        assertThat(bridge.read(2, 2)).isEqualTo(0x0008);
        assertThat(bridge.read(1, 1)).isEqualTo(0x1b);
        assertThat(bridge.read(0x0b, 1)).isEqualTo(0x06);
    }

    /** BARs are placed before any guest runs: a kernel may keep them where they are. */
    @Test
    void barsAreDecodedFromTheBeginning() {
        root.bus()
                .add(
                        new TestPciDevice(
                                spec ->
                                        spec.memoryBar(0, 4096)
                                                .memoryBar64(2, 1 << 20)
                                                .ioBar(4, 16)
                                                .rom(4096)));

        List<PciBarDriver> bars = machine.function(0, 1, 0).bars();

        assertThat(bars).extracting(PciBarDriver::size).containsExactly(4096L, 1L << 20, 16L);
        assertThat(bars.get(0).address()).isEqualTo(PciMachine.MEMORY32.base());
        assertThat(bars.get(1).address()).isEqualTo(PciMachine.MEMORY64.base());
        assertThat(bars.get(2).address()).isEqualTo(0x1000);
        assertThat(bars.get(0).read(8, 4)).isEqualTo(8);
        assertThat(bars.get(1).read(0, 4)).isEqualTo(0x200);
        assertThat(machine.io.pioRead(0x1004, 1)).isEqualTo(0x04);
    }

    @Test
    void aBarFollowsItsRegister() {
        TestPciDevice device = TestPciDevice.withMemory();
        root.bus().add(device);
        PciBarDriver bar = machine.function(0, 1, 0).bar(0);
        long from = bar.address();

        bar.assign(0x5000_0000L);

        assertThat(bar.read(4, 4)).isEqualTo(4);
        assertThat(machine.peek(from, 4)).isEqualTo(0xffff_ffffL);
        assertThat(device.host.bar(0)).map(BarRange::base).contains(0x5000_0000L);
        assertThat(device.calls).endsWith("bar 0 50000000");
    }

    /** Row C6: what the command register does to the ranges on the bus. */
    @Test
    void theCommandRegisterSwitchesEachSpace() {
        root.bus().add(new TestPciDevice(spec -> spec.memoryBar(0, 4096).ioBar(2, 16)));
        PciFunctionDriver device = machine.function(0, 1, 0);
        long memory = device.bar(0).address();
        int port = (int) device.bar(2).address();

        for (int command : new int[] {0, 1, 3, 3, 2, 0, 3}) {
            device.setCommand(command);
            assertThat(machine.io.mmioDevice(memory).isPresent())
                    .as("memory with command %d", command)
                    .isEqualTo((command & 2) != 0);
            assertThat(machine.io.pioDevice(port).isPresent())
                    .as("ports with command %d", command)
                    .isEqualTo((command & 1) != 0);
        }
    }

    /** Row T33: who sizes a BAR with decoding on does not disturb the bus. */
    @Test
    void sizingWithDecodingOnLeavesTheBusAlone() {
        root.bus()
                .add(
                        new TestPciDevice(
                                spec -> spec.memoryBar(0, 4096).memoryBar64(2, 4096).ioBar(4, 8)));
        var before = machine.io.mmioMappings();
        long moves = root.moves();

        assertThat(machine.function(0, 1, 0).sizeBars()).hasSize(3);

        assertThat(machine.io.mmioMappings()).isEqualTo(before);
        assertThat(root.moves()).isEqualTo(moves);
        assertThat(root.failedMoves()).isZero();
    }

    @Test
    void aBarThatIsBeingSizedCeasesToAnswerWithItsDecoding() {
        PciFunction memory = root.bus().add(TestPciDevice.withMemory());
        PciFunction rom = root.bus().add(new TestPciDevice(spec -> spec.rom(4096)));
        machine.function(0, 1, 0).write(0x10, 4, -1);
        assertThat(memory.bar(0)).isPresent();
        machine.function(0, 1, 0).setCommand(0);
        assertThat(memory.bar(0)).isEmpty();

        int base = machine.function(0, 2, 0).read(0x30, 4);
        machine.function(0, 2, 0).write(0x30, 4, base | 1);
        machine.function(0, 2, 0).write(0x30, 4, -1);
        assertThat(rom.bar(PciBar.ROM)).isPresent();
        machine.function(0, 2, 0).write(0x30, 4, -2);
        assertThat(rom.bar(PciBar.ROM)).isEmpty();
    }

    @Test
    void aBarThatIsBeingSizedCeasesToAnswerWithItsBridge() {
        PciFunction bridge = root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT), 2, 0);
        PciFunction memory = bridge.behind().orElseThrow().add(TestPciDevice.withMemory());
        machine.function(1, 0, 0).write(0x10, 4, -1);
        assertThat(memory.bar(0)).isPresent();
        machine.function(0, 2, 0).setCommand(0);
        assertThat(memory.bar(0)).isEmpty();
    }

    @Test
    void aMoveOntoAnotherDeviceIsRolledBackAndCounted() {
        TestPciDevice first = TestPciDevice.withMemory();
        TestPciDevice second = TestPciDevice.withMemory();
        PciFunction firstFunction = root.bus().add(first);
        root.bus().add(second);
        first.value = 0x1000_0000L;
        second.value = 0x2000_0000L;
        PciBarDriver firstBar = machine.function(0, 1, 0).bar(0);
        PciBarDriver secondBar = machine.function(0, 2, 0).bar(0);
        long home = firstBar.address();

        firstBar.assign(secondBar.address());

        assertThat(machine.peek(home, 4)).isEqualTo(0x1000_0000L);
        assertThat(machine.peek(secondBar.address(), 4)).isEqualTo(0x2000_0000L);
        assertThat(root.failedMoves()).isEqualTo(1);
        assertThat(firstFunction.failedMoves()).isEqualTo(1);

        secondBar.assign(0x6000_0000L);

        assertThat(machine.peek(firstBar.address(), 4))
                .as("goes where it belongs as soon as there is room")
                .isEqualTo(0x1000_0000L);
        assertThat(machine.peek(home, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void twoBarsChangePlaces() {
        TestPciDevice first = TestPciDevice.withMemory();
        TestPciDevice second = TestPciDevice.withMemory();
        root.bus().add(first);
        root.bus().add(second);
        first.value = 0x1000_0000L;
        second.value = 0x2000_0000L;
        PciBarDriver firstBar = machine.function(0, 1, 0).bar(0);
        PciBarDriver secondBar = machine.function(0, 2, 0).bar(0);
        long a = firstBar.address();
        long b = secondBar.address();

        firstBar.assign(b);
        secondBar.assign(a);

        assertThat(machine.peek(a, 4)).isEqualTo(0x2000_0000L);
        assertThat(machine.peek(b, 4)).isEqualTo(0x1000_0000L);
    }

    @Test
    void aBarOutsideTheWindowsDoesNotReachTheBus() {
        root.bus().add(TestPciDevice.withMemory());
        PciBarDriver bar = machine.function(0, 1, 0).bar(0);
        long home = bar.address();

        bar.assign(0x1000_0000L);

        assertThat(machine.io.mmioDevice(0x1000_0000L)).isEmpty();
        assertThat(machine.io.mmioDevice(home)).isPresent();
        assertThat(root.failedMoves()).isEqualTo(1);
    }

    @Test
    void messagesReachTheirTarget() {
        TestPciDevice device = new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(4));
        root.bus().add(device);
        MsixDriver msix = machine.function(0, 1, 0).msix();

        assertThat(msix.vectors()).isEqualTo(4);
        msix.enable();
        msix.route(2, 0x2800_0000L, 7);
        device.host.interrupts().trigger(2);
        device.host.interrupts().trigger(3);

        assertThat(machine.messages.accepted()).containsExactly(new MsiMessage(0x2800_0000L, 7));
        assertThat(msix.isPending(3)).isTrue();
        assertThat(machine.counts("00:01.0").interrupts()).isEqualTo(1);
    }

    @Test
    void theDeviceDoesNotSeeTheTablesOfMsix() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 8192).msix(2, 0, 0x1000, 0x1800));
        root.bus().add(device);
        PciBarDriver bar = machine.function(0, 1, 0).bar(0);
        device.calls.clear();

        bar.write(0x1008, 4, 0x55);
        bar.write(0x1800, 8, -1);
        bar.write(0x1020, 4, 0x66);

        assertThat(bar.read(0x1008, 4)).isEqualTo(0x55);
        assertThat(bar.read(0x1800, 8)).isZero();
        assertThat(device.calls).containsExactly("write 0+1020 4 66");
    }

    @Test
    void wiredInterruptsAreSwizzledAndShared() {
        TestPciDevice first = new TestPciDevice(PciDeviceSpec.Builder::intx);
        TestPciDevice fourth = new TestPciDevice(PciDeviceSpec.Builder::intx);
        TestPciDevice fifth = new TestPciDevice(PciDeviceSpec.Builder::intx);
        root.bus().add(first, 1, 0);
        root.bus().add(fourth, 4, 0);
        root.bus().add(fifth, 5, 0);

        first.host.interrupts().trigger(0);
        assertThat(machine.wires.get(1).isRaised()).isTrue();
        fifth.host.interrupts().trigger(0);
        first.host.interrupts().lower();
        assertThat(machine.wires.get(1).isRaised()).as("shared with device 5").isTrue();
        fifth.host.interrupts().lower();
        assertThat(machine.wires.get(1).isRaised()).isFalse();
        fourth.host.interrupts().trigger(0);
        assertThat(machine.wires.get(0).isRaised()).isTrue();
        assertThat(machine.function(0, 4, 0).read(6, 2) & 8).as("interrupt status").isEqualTo(8);
        machine.function(0, 4, 0).enable(PciFunctionDriver.COMMAND_INTX_DISABLE);
        assertThat(machine.wires.get(0).isRaised()).isFalse();
    }

    @Test
    void aTransferIsRefusedAndCountedWhileBusMasteringIsOff() {
        TestPciDevice device = TestPciDevice.withMemory();
        root.bus().add(device);
        PciFunctionDriver driver = machine.function(0, 1, 0);
        driver.disable(PciFunctionDriver.COMMAND_MASTER);

        assertThatThrownBy(() -> device.host.memory().writeInt(PciMachine.RAM, 1))
                .isInstanceOfSatisfying(
                        GuestMemoryException.class,
                        refused ->
                                assertThat(refused.kind())
                                        .isEqualTo(GuestMemoryException.Kind.REFUSED));
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        device.host.memory().writeInt(PciMachine.RAM, 0x1234);
        assertThatThrownBy(() -> device.host.memory().readInt(0))
                .isInstanceOf(GuestMemoryException.class);

        assertThat(machine.memory.readInt(PciMachine.RAM)).isEqualTo(0x1234);
        assertThat(device.host.memory().refused()).isEqualTo(1);
        assertThat(device.host.memory().failed()).isEqualTo(1);
        assertThat(device.host.memory().transfers()).isEqualTo(1);
    }

    @Test
    void aDeviceInD3AnswersNothingButConfiguration() {
        root.bus().add(TestPciDevice.withMemory());
        PciFunctionDriver driver = machine.function(0, 1, 0);
        long address = driver.bar(0).address();
        int power = driver.capability(1).orElseThrow();

        driver.write(power + 4, 2, 3);
        assertThat(machine.io.mmioDevice(address)).isEmpty();
        assertThat(driver.vendor()).isEqualTo(TestPciDevice.VENDOR);
        driver.write(power + 4, 2, 0);
        assertThat(machine.io.mmioDevice(address)).isPresent();
    }

    /** Row R5: the multi-function bit, on all functions of the device. */
    @Test
    void furtherFunctionsSetTheMultiFunctionBit() {
        root.bus().add(TestPciDevice.withMemory(), 1, 0);
        assertThat(machine.function(0, 1, 0).read(0x0e, 1)).isZero();

        PciFunction second = root.bus().add(TestPciDevice.withMemory(), 1, 1);

        assertThat(machine.function(0, 1, 0).read(0x0e, 1)).isEqualTo(0x80);
        assertThat(machine.function(0, 1, 1).read(0x0e, 1)).isEqualTo(0x80);
        assertThat(machine.driver.enumerate()).hasSize(3);
        root.remove(second);
        assertThat(machine.function(0, 1, 0).read(0x0e, 1)).isZero();
        assertThat(machine.driver.enumerate()).hasSize(2);
    }

    @Test
    void aRemovedFunctionIsDetachedOnceAndGivesItsRoutesBack() {
        TestPciDevice device = new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2).intx());
        PciFunction function = root.bus().add(device);
        MsixDriver msix = machine.function(0, 1, 0).msix();
        msix.enable();
        msix.route(0, 0x2800_0000L, 1);
        assertThat(machine.router.handlesInUse()).isEqualTo(1);
        long address = machine.function(0, 1, 0).bar(0).address();

        assertThat(root.remove(function).isDone()).isTrue();

        assertThat(machine.router.handlesInUse()).isZero();
        assertThat(device.calls).containsOnlyOnce("detach");
        assertThat(machine.function(0, 1, 0).isPresent()).isFalse();
        assertThat(machine.io.mmioDevice(address)).isEmpty();
        assertThat(function.isDestroyed()).isTrue();
        assertThatThrownBy(() -> root.remove(function)).hasMessageContaining("not in this tree");
        root.bus().add(TestPciDevice.withMemory(), 1, 0);
        assertThat(machine.function(0, 1, 0).bar(0).address()).isEqualTo(address);
    }

    @Test
    void theHostBridgeStays() {
        assertThatThrownBy(() -> root.remove(root.hostBridge()))
                .hasMessageContaining("cannot be removed");
    }

    @Test
    void aDeviceThatThrowsIsKeptApart() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                    @Override
                    public long readBar(int bar, long offset, int size) {
                        throw new IllegalStateException("broken");
                    }

                    @Override
                    public void writeVirtualConfig(int register, int written) {
                        throw new StackOverflowError();
                    }
                };
        root.bus().add(device);
        PciBarDriver bar = machine.function(0, 1, 0).bar(0);

        assertThat(bar.read(0, 4)).isEqualTo(0xffff_ffffL);
        root.writeVirtualConfig(1 << 3, 0, 1);

        assertThat(machine.function(0, 1, 0).vendor()).isEqualTo(TestPciDevice.VENDOR);
        assertThat(machine.counts("00:01.0").errors()).isEqualTo(2);
    }

    @Test
    void aTransferThatFailsInsideAnAccessDropsTheAccess() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                    @Override
                    public long readBar(int bar, long offset, int size) {
                        return host.memory().readInt(0);
                    }
                };
        root.bus().add(device);
        machine.function(0, 1, 0).enable(PciFunctionDriver.COMMAND_MASTER);

        assertThat(machine.function(0, 1, 0).bar(0).read(0, 4)).isEqualTo(0xffff_ffffL);
        assertThat(device.host.memory().failed()).isEqualTo(1);
        assertThat(machine.counts("00:01.0").errors()).isZero();
    }

    @Test
    void aResetBringsBackPowerOn() {
        TestPciDevice device = new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2));
        root.bus().add(device);
        PciFunctionDriver driver = machine.function(0, 1, 0);
        long home = driver.bar(0).address();
        driver.bar(0).assign(0x6000_0000L);
        driver.msix().enable();
        driver.msix().route(0, 0x2800_0000L, 1);
        driver.setCommand(0);

        root.reset();

        assertThat(driver.bar(0).address()).isEqualTo(home);
        assertThat(machine.peek(home, 4)).isZero();
        assertThat(driver.msix().control() & 0xc000).isZero();
        assertThat(machine.router.handlesInUse()).isZero();
        assertThat(device.calls).contains("reset");
    }

    /** Row R7: the path in the ACPI namespace. */
    @Test
    void theAcpiPathNamesBusesAndPlaces() {
        PciFunction bridge = root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT), 7, 0);
        PciFunction behind = bridge.behind().orElseThrow().add(TestPciDevice.withMemory(), 0, 0);

        assertThat(behind.acpiPath()).isEqualTo("_SB_.PC00.PC01.PE00");
        assertThat(bridge.acpiPath()).isEqualTo("_SB_.PC00.PC01");
    }

    /** Row B10: a name is a place, or the user's; the order of adding does not matter. */
    @Test
    void namesAreStableAndUnique() {
        PciFunction first = root.bus().add(TestPciDevice.withMemory(), 3, 1);
        PciFunction second = root.bus().add(TestPciDevice.withMemory(), 4, 0, "mine");

        assertThat(first.id()).isEqualTo("00:03.1");
        assertThat(root.function("mine")).contains(second);
        assertThat(root.function(PciAddress.of(0, 3, 1))).contains(first);
        assertThat(root.function("00:09.0")).isEmpty();
        assertThatThrownBy(() -> root.bus().add(TestPciDevice.withMemory(), 5, 0, "mine"))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("mine")
                .hasMessageContaining("00:04.0");
    }
}
