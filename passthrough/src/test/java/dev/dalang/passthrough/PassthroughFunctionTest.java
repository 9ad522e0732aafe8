package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.linux.Errno;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRootPort;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.pci.SlotDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;

/** A device in a tree: what its interrupts, its memory and its end become for a guest. */
class PassthroughFunctionTest {
    private static final long MESSAGES = 0x2800_0000L;

    private final TestMachine machine = new TestMachine();
    private final ScriptedBackend backend = Devices.rich().build();
    private final PassthroughDevice device = Devices.open(backend);
    private final List<String> events = new ArrayList<>();

    private PciFunctionDriver start() {
        device.listen(
                new PassthroughListener() {
                    @Override
                    public void lost(PassthroughDevice which) {
                        events.add("lost");
                    }

                    @Override
                    public void failed(PassthroughDevice which) {
                        events.add("failed");
                    }

                    @Override
                    public void requested(PassthroughDevice which) {
                        events.add("requested");
                    }

                    @Override
                    public void refused(PassthroughDevice which, BackendException failure) {
                        events.add("refused " + failure.operation());
                    }
                });
        PciFunctionDriver driver =
                machine.add(
                        PassthroughFunction.builder(device)
                                .machine(5)
                                .harts(4, at -> OptionalInt.of((int) (at >>> 12 & 3)))
                                .build());
        backend.clearCalls();
        return driver;
    }

    // ---------------------------------------------------------------- interrupts

    @Test
    void theWireIsArmedInOrder() {
        ScriptedBackend fresh = Devices.rich().build();
        new TestMachine().add(PassthroughFunction.of(Devices.open(fresh)));
        assertThat(fresh.calls())
                .containsSubsequence("arm INTX 0+1", "mask INTX 0+1", "unmask INTX 0+1");
        assertThat(fresh.calls()).contains("arm ERROR 0+1", "arm REQUEST 0+1");
    }

    /** The device holds its wire until the driver has told it; each access asks it again. */
    @Test
    void theWireIsALevel() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        PciBarDriver bar = driver.bar(2);
        int wire = machine.wires.indexOf(firstRaised(() -> backend.wire(true)));
        assertThat(driver.read(6, 2) & 8).as("interrupt status").isEqualTo(8);

        bar.read(0, 4);
        assertThat(machine.wires.get(wire).isRaised()).as("it is still asserted").isTrue();
        backend.wire(false);
        bar.read(0, 4);
        assertThat(machine.wires.get(wire).isRaised()).isFalse();
        assertThat(machine.wires.get(wire).rises()).isEqualTo(2);
        backend.clearCalls();
        bar.read(0, 4);
        assertThat(backend.calls()).as("nothing to ask for").isEmpty();
        backend.wire(true);
        assertThat(machine.wires.get(wire).rises()).isEqualTo(3);
    }

    private RecordingInterruptLine firstRaised(Runnable call) {
        call.run();
        return machine.wires.stream().filter(line -> line.isRaised()).findFirst().orElseThrow();
    }

    @Test
    void aDisabledWireStaysQuiet() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_INTX_DISABLE);
        backend.wire(true);
        assertThat(machine.wires).noneMatch(line -> line.isRaised());
        driver.disable(PciFunctionDriver.COMMAND_INTX_DISABLE);
        assertThat(machine.wires).anyMatch(line -> line.isRaised());
    }

    @Test
    void theFirstVectorIsArmedThoughNoneIsUnmasked() {
        MsixDriver msix = start().msix();
        backend.clearCalls();
        msix.enable();
        assertThat(backend.calls()).containsExactly("disable INTX", "arm MSIX 0+1");
        assertThat(backend.signal(InterruptKind.MSIX, 0)).isTrue();
        assertThat(machine.messages.accepted()).isEmpty();
        assertThat(msix.isPending(0)).isTrue();
    }

    @Test
    void vectorsAreArmedWhenTheyAreUnmasked() {
        MsixDriver msix = start().msix();
        backend.clearCalls();
        msix.route(0, MESSAGES, 1);
        msix.enable();
        msix.route(3, MESSAGES | 0x2000, 7);
        assertThat(backend.calls()).containsExactly("disable INTX", "arm MSIX 0+1", "arm MSIX 3+1");

        backend.signal(InterruptKind.MSIX, 3);
        assertThat(machine.messages.accepted())
                .containsExactly(new MsiMessage(MESSAGES | 0x2000, 7));
        assertThat(device.remapInterrupt(3)).contains(new RemappedInterrupt(3, 2));
        msix.route(3, MESSAGES | 0x1000, 7);
        assertThat(device.remapInterrupt(3)).contains(new RemappedInterrupt(3, 1));
        assertThat(device.msixRemapCount()).isEqualTo(Devices.VECTORS);
    }

    @Test
    void whatComesWhileAVectorIsMaskedIsPending() {
        MsixDriver msix = start().msix();
        msix.enable();
        msix.route(2, MESSAGES, 9);
        msix.mask(2, true);
        backend.signal(InterruptKind.MSIX, 2);
        backend.signal(InterruptKind.MSIX, 2);
        assertThat(machine.messages.accepted()).isEmpty();
        assertThat(msix.isPending(2)).isTrue();
        msix.mask(2, false);
        assertThat(machine.messages.accepted()).hasSize(1);
    }

    @Test
    void aMaskedFunctionArmsItsVectorsWhenItIsUnmasked() {
        MsixDriver msix = start().msix();
        msix.enable();
        msix.maskFunction(true);
        msix.route(4, MESSAGES, 1);
        assertThat(backend.armedVectors(InterruptKind.MSIX)).containsExactly(0);
        msix.maskFunction(false);
        assertThat(backend.armedVectors(InterruptKind.MSIX)).containsExactly(0, 4);
    }

    @Test
    void aDeviceWithAFixedNumberIsArmedAnew() {
        ScriptedBackend fixed =
                Devices.rich()
                        .interrupts(
                                InterruptKind.MSIX,
                                new InterruptInfo(Devices.VECTORS, false, false, true))
                        .build();
        MsixDriver msix = machine.add(PassthroughFunction.of(Devices.open(fixed))).msix();
        fixed.clearCalls();
        msix.enable();
        msix.route(2, MESSAGES, 1);
        msix.route(1, MESSAGES, 1);
        assertThat(fixed.calls())
                .containsExactly("disable INTX", "arm MSIX 0+1", "disable MSIX", "arm MSIX 0+3");
    }

    @Test
    void leavingMessagesGoesBackToTheWire() {
        PciFunctionDriver driver = start();
        driver.msix().enable();
        backend.wire(true);
        driver.msix().disable();
        assertThat(machine.wires).anyMatch(line -> line.isRaised());
        assertThat(backend.armedVectors(InterruptKind.MSIX)).isEmpty();
        assertThat(device.msixRemapCount()).isZero();
    }

    @Test
    void anErrorAndARequestAreTold() {
        start();
        backend.signal(InterruptKind.ERROR, 0);
        backend.signal(InterruptKind.REQUEST, 0);
        assertThat(events).containsExactly("failed", "requested");
    }

    @Test
    void aVectorThatCannotBeArmedIsToldAndCounted() {
        MsixDriver msix = start().msix();
        msix.enable();
        backend.failAt(backend.fallibleCalls() + 1, Errno.EMFILE);
        msix.route(1, MESSAGES, 1);
        assertThat(events).containsExactly("refused arm MSIX 1+1");
        assertThat(device.counts().failures()).isEqualTo(1);
        msix.route(2, MESSAGES, 1);
        assertThat(backend.armedVectors(InterruptKind.MSIX)).containsExactly(0, 1, 2);
    }

    // ---------------------------------------------------------------- registers and memory

    @Test
    void mappedRegistersNeedNoCall() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        PciBarDriver bar = driver.bar(0);
        int before = backend.fallibleCalls();
        for (int size : new int[] {1, 2, 4, 8}) {
            bar.write(0x100L + 8L * size, size, 0x8877_6655_4433_2211L >>> 64 - 8 * size);
            assertThat(bar.read(0x100L + 8L * size, size))
                    .isEqualTo(0x8877_6655_4433_2211L >>> 64 - 8 * size);
        }
        assertThat(backend.fallibleCalls()).isEqualTo(before);
        assertThat(backend.content(0).get(ValueLayout.JAVA_LONG, 0x140))
                .isEqualTo(0x8877_6655_4433_2211L);
        bar.read(Devices.TABLE - 4, 4);
        assertThat(backend.fallibleCalls()).as("up to the table's page").isEqualTo(before);
        bar.read(Devices.TABLE + 0x800, 4);
        assertThat(backend.fallibleCalls()).as("its page is not").isEqualTo(before + 1);
    }

    @Test
    void portsAreReachedByCalls() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_IO);
        machine.io.pioWrite((int) driver.bar(3).address() + 4, 2, 0x1234);
        assertThat(backend.calls()).contains("write region 3 at 0x4: 0x1234");
    }

    @Test
    void whatTheDeviceRefusesReadsAsOnes() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        PciBarDriver bar = driver.bar(2);
        backend.failAt(backend.fallibleCalls() + 1, Errno.EIO);
        assertThat(bar.read(0, 4)).isEqualTo(0xffff_ffffL);
        backend.failAt(backend.fallibleCalls() + 1, Errno.EIO);
        bar.write(0, 4, 1);
        assertThat(bar.read(0, 4)).isZero();
        assertThat(device.counts().failedReads()).isEqualTo(1);
        assertThat(device.counts().failedWrites()).isEqualTo(1);
    }

    @Test
    void regionsFollowTheGuestsBars() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        PciBarDriver bar = driver.bar(2);
        bar.assign(0x5000_0000L);
        assertThat(device.mmioRegions()).contains(new MmioRegion(2, 0, 0x5000_0000L, 0x1000, true));
        driver.disable(PciFunctionDriver.COMMAND_MEMORY);
        assertThat(device.mmioRegions()).noneMatch(region -> region.region() == 2);
    }

    @Test
    void memoryIsFollowed() {
        start();
        GuestMemory before = machine.memory;
        machine.memory = GuestMemory.of(before.regions().get(0), TestMachine.region(0xa000_0000L));
        device.memoryChanged();
        assertThat(backend.calls())
                .containsExactly(
                        "unmap memory 0x90000000+0x10000", "map memory 0xa0000000+0x10000");
    }

    @Test
    void memoryByMessagesNeedsTheGuestsLeave() {
        PciFunctionDriver driver = start();
        DmaAccess access = backend.mappings().getFirst().access();
        MemorySegment four = MemorySegment.ofArray(new byte[] {1, 2, 3, 4});
        assertThatThrownBy(() -> access.write(TestMachine.RAM, four))
                .isInstanceOf(GuestMemoryException.class);
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        access.write(TestMachine.RAM, four);
        assertThat(machine.memory.readInt(TestMachine.RAM)).isEqualTo(0x0403_0201);
        assertThatThrownBy(() -> access.read(0x1000, four))
                .isInstanceOf(GuestMemoryException.class);
    }

    @Test
    void readOnlyMemoryIsMappedSo() {
        machine.memory =
                GuestMemory.of(
                        new MemoryRegion(
                                0x8000_0000L, TestMachine.region(0).segment().asReadOnly()));
        start();
        assertThat(backend.mappings()).singleElement().matches(mapping -> !mapping.isWritable());
    }

    // ---------------------------------------------------------------- reset

    @Test
    void theMachinesResetIsTheDevices() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        driver.msix().enable();
        backend.clearCalls();
        machine.root.reset();
        assertThat(backend.calls()).containsSubsequence("disable MSIX", "reset", "arm INTX 0+1");
        assertThat(device.owner()).hasValue(5);
        assertThat(backend.mappings()).hasSize(2);
        assertThat(device.msixRemaps()).noneMatch(MsixRemap::isActive);
    }

    // ---------------------------------------------------------------- virtual configuration

    @Test
    void powerAndNotificationsAreInTheVirtualSpace() {
        PciFunctionDriver driver = start();
        PassthroughFunction function =
                (PassthroughFunction) machine.root.functions().getLast().device();
        machine.virtual(driver, VirtualRegisters.PFPM, 0);
        assertThat(backend.isInLowPower()).isTrue();
        machine.virtual(driver, VirtualRegisters.PFPM, 17);
        assertThat(backend.isInLowPower()).isFalse();
        function.postNotification(5);
        function.postNotification(9);
        assertThat(machine.virtual(driver, VirtualRegisters.NOTY)).isEqualTo(5);
        assertThat(machine.virtual(driver, VirtualRegisters.NOTY)).isEqualTo(9);
        assertThat(machine.virtual(driver, VirtualRegisters.NOTY)).isZero();
    }

    @Test
    void registersThatThereAreNotReadAsOnes() {
        PciFunctionDriver driver = start();
        for (int register : new int[] {VirtualRegisters.PFPM, VirtualRegisters.PDSM, 3, 77, 1024}) {
            assertThat(machine.virtual(driver, register)).as("%d", register).isEqualTo(-1);
        }
        machine.virtual(driver, VirtualRegisters.NOTY, 1);
        machine.virtual(driver, VirtualRegisters.PDSM, 1);
        assertThat(device.counts().refusedRegisters()).isEqualTo(7);
    }

    @Test
    void notificationsThatNobodyReadsAreNotKeptWithoutEnd() {
        start();
        PassthroughFunction function =
                (PassthroughFunction) machine.root.functions().getLast().device();
        for (int k = 0; k < VirtualRegisters.MAX_NOTIFICATIONS; k++) {
            assertThat(function.postNotification(k + 1)).isTrue();
        }
        assertThat(function.postNotification(1)).isFalse();
    }

    // ---------------------------------------------------------------- loss and unplug

    @Test
    void aLostDeviceReadsAsOnesAndCanBeTakenOut() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        long bar = driver.bar(0).address();
        long other = driver.bar(2).address();
        backend.lose();
        assertThat(events).containsExactly("lost");
        assertThat(machine.peek(bar, 4)).as("even what is mapped").isEqualTo(0xffff_ffffL);
        machine.io.mmioWrite(other, 4, 1);
        assertThat(driver.isPresent()).isFalse();
        assertThat(device.counts().lostAccesses()).isEqualTo(2);

        ((PassthroughFunction) machine.root.functions().getLast().device()).forceUnplug();
        assertThat(device.isAssigned()).isFalse();
        assertThat(events.getFirst()).isEqualTo("lost");
        assertThat(events).filteredOn("lost"::equals).hasSize(1);
        device.close();
        assertThat(backend.isClosed()).isTrue();
    }

    @Test
    void aDeviceIsTakenOutByForce() {
        start();
        PciFunction function = machine.root.functions().getLast();
        assertThat(((PassthroughFunction) function.device()).forceUnplug().isDone()).isTrue();
        assertThat(machine.root.functions()).hasSize(1);
        assertThat(device.isAssigned()).isFalse();
        assertThat(backend.isClosed()).isFalse();
        assertThatThrownBy(() -> ((PassthroughFunction) function.device()).forceUnplug())
                .isInstanceOf(PassthroughException.class)
                .hasMessageContaining("in no tree");
        machine.add(PassthroughFunction.of(device));
        assertThat(device.isAssigned()).isTrue();
    }

    @Test
    void aDeviceOnTheRootBusCannotBeAskedFor() {
        start();
        PassthroughFunction function =
                (PassthroughFunction) machine.root.functions().getLast().device();
        assertThatThrownBy(function::requestUnplug)
                .isInstanceOf(PassthroughException.class)
                .hasMessageContaining("no slot");
    }

    @Test
    void aGuestIsAskedForTheDevice() {
        PciRootPort port = PciRootPort.of(5);
        machine.root.bus().add(port);
        SlotDriver slot = machine.at(0, 1, 0).slot();
        slot.start();
        PassthroughFunction function =
                PassthroughFunction.builder(device).machine(1).closing().build();
        CompletableFuture<Void> plugged = port.plug(function);
        slot.handleEvents();
        assertThat(plugged).isCompleted();
        assertThat(device.owner()).hasValue(1);
        assertThat(machine.at(1, 0, 0).vendor()).isEqualTo(0x1af4);
        assertThat(
                        machine.at(1, 0, 0)
                                .read(machine.at(1, 0, 0).capability(0x10).orElseThrow() + 12, 4))
                .as("behind a port it has a link")
                .isNotZero();

        CompletableFuture<Void> taken = function.requestUnplug();
        assertThat(taken).isNotDone();
        assertThat(device.isAssigned()).isTrue();
        slot.handleEvents();
        slot.powerOff();
        assertThat(taken).isCompleted();
        assertThat(device.isAssigned()).isFalse();
        assertThat(backend.isClosed()).isTrue();
    }

    @Test
    void aDeviceOfAnotherMachineIsNotAdded() {
        start();
        TestMachine second = new TestMachine();
        assertThatThrownBy(() -> second.add(PassthroughFunction.of(device)))
                .isInstanceOf(PassthroughException.class)
                .hasMessageContaining("machine 5 has it");
        assertThat(device.owner()).as("it stays with the first").hasValue(5);
        assertThat(second.root.functions()).hasSize(1);
        backend.signal(InterruptKind.ERROR, 0);
        assertThat(events).containsExactly("failed");
    }

    @Test
    void withoutMigrationThereIsNoSnapshot() {
        start();
        machine.root.sleep();
        assertThatThrownBy(machine.root::snapshot)
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("cannot give its state away");
        machine.root.wake();
    }
}
