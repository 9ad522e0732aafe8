package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.devices.nvme.NvmeRig.Done;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Registers, the life of the controller, doorbells and interrupts. */
class NvmeControllerTest {
    private final NvmeRig rig = new NvmeRig();

    @AfterEach
    void close() {
        rig.close();
    }

    private long count(NvmeEvent event) {
        return rig.device.count(event);
    }

    // ---------------------------------------------------------------- registers

    @Test
    void itSaysWhatItIs() {
        assertThat(rig.pci.classCode()).isEqualTo(0x01_0802);
        assertThat(rig.read(NvmeRegisters.VS)).isEqualTo(0x2_0000);
        long capabilities = rig.bar.read(NvmeRegisters.CAP, 8);
        assertThat(capabilities & 0xffff).as("entries, less one").isEqualTo(1023);
        assertThat(capabilities >>> 16 & 1).as("contiguous queues").isEqualTo(1);
        assertThat(capabilities >>> 32 & 0xf).as("stride").isZero();
        assertThat(capabilities >>> 36 & 1).as("subsystem reset").isEqualTo(1);
        assertThat(capabilities >>> 37 & 0xff).as("command sets").isEqualTo(0x41);
        assertThat(capabilities >>> 48 & 0xf).as("pages of 4 KiB").isZero();
        assertThat(capabilities >>> 52 & 0xf).as("to 64 KiB").isEqualTo(4);
        assertThat(rig.msix.vectors()).isEqualTo(5);
        assertThat(rig.function.device().bootorderNode("4"))
                .isEqualTo("pci8086,5845@4/namespace@1,0");
    }

    @Test
    void registersTakeWordsAndLongWords() {
        rig.bar.write(NvmeRegisters.ASQ, 8, 0x1_2345_6789_abcdL);
        assertThat(rig.bar.read(NvmeRegisters.ASQ, 8)).isEqualTo(0x1_2345_6789_a000L);
        assertThat(rig.read(NvmeRegisters.ASQ + 4)).isEqualTo(0x1_2345L);
        rig.write(NvmeRegisters.ASQ + 4, 7);
        assertThat(rig.bar.read(NvmeRegisters.ASQ, 8)).isEqualTo(0x7_6789_a000L);
        rig.write(NvmeRegisters.AQA, 0xffff_ffffL);
        assertThat(rig.read(NvmeRegisters.AQA)).isEqualTo(0x0fff_0fff);
        rig.write(NvmeRegisters.VS, 1);
        assertThat(rig.read(NvmeRegisters.VS)).isEqualTo(0x2_0000);
        assertThat(count(NvmeEvent.INVALID_ACCESS)).isZero();

        rig.bar.write(NvmeRegisters.AQA, 2, 0);
        assertThat(rig.read(NvmeRegisters.AQA)).isEqualTo(0x0fff_0fff);
        assertThat(rig.bar.read(NvmeRegisters.AQA, 1)).isEqualTo(0xff);
        assertThat(count(NvmeEvent.INVALID_ACCESS)).isEqualTo(2);
    }

    // ---------------------------------------------------------------- enable, reset, shutdown

    @Test
    void itIsReadyWhenItIsEnabledAndNotWhenItIsNot() {
        assertThat(rig.status()).isZero();
        rig.start();
        rig.stop();
        assertThat(rig.status()).isZero();
        assertThat(rig.read(NvmeRegisters.AQA)).as("kept").isEqualTo(0x1f_001f);
        rig.start();
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0046_0011, 0x0046_0071, 0x0046_0801, 0x0046_0281, 0x0046_0781})
    void settingsThatAreNotOfferedAreFatalUntilTheReset(int cc) {
        rig.start(cc, 32);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_CFS);
        assertThat(count(NvmeEvent.FATAL)).isEqualTo(1);
        rig.ringTail(0, 1);
        assertThat(count(NvmeEvent.UNREADY_DOORBELL)).isEqualTo(1);
        rig.stop();
        assertThat(rig.status()).isZero();
        rig.start();
    }

    /** Or a driver could make a snapshot of itself that nobody restores. */
    @Test
    void whatTheControllerWorksWithIsFixedWhileItIsEnabled() {
        rig.start();
        rig.write(NvmeRegisters.CC, 0x0040_3ff1);
        assertThat(rig.read(NvmeRegisters.CC)).as("but for the entries").isEqualTo(0x0040_0001);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY);
        rig.device.sleep();
        rig.device.restore(rig.device.snapshot());
        rig.device.wake();
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        rig.write(NvmeRegisters.CC, 0x0046_0080);
        assertThat(rig.read(NvmeRegisters.CC)).as("disabled").isEqualTo(0x0046_0080);
    }

    @Test
    void adminQueuesThatCannotBeAreFatal() {
        rig.write(NvmeRegisters.AQA, 0x1f_0000);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_CFS);
        rig.stop();
        rig.write(NvmeRegisters.AQA, 0x0000_001f);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_CFS);
        rig.stop();
        // Pages of 8 KiB, and a queue at 4 KiB.
        rig.write(NvmeRegisters.AQA, 0x1f_001f);
        rig.bar.write(NvmeRegisters.ASQ, 8, NvmeRig.RAM + 4096);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE | 1 << 7);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_CFS);
    }

    @Test
    void aQueueThatIsNotInMemoryIsFatal() {
        rig.start();
        rig.stop();
        rig.bar.write(NvmeRegisters.ASQ, 8, 0x1000);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        rig.ringTail(0, 1);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS);

        rig.stop();
        rig.start();
        rig.stop();
        rig.bar.write(NvmeRegisters.ACQ, 8, 0x1000);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        rig.ringTail(0, 1);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS);
        rig.stop();
        rig.start();
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
    }

    @Test
    void withoutBusMasteringNothingIsTaken() {
        rig.start();
        rig.pci.disable(PciFunctionDriver.COMMAND_MASTER);
        rig.admin.submit(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        assertThat(rig.status() & NvmeRegisters.CSTS_CFS).isNotZero();
        assertThat(rig.admin.poll()).isNull();
    }

    @Test
    void aShutdownMakesDurableWhatWasWrittenAndTakesNothingMore() {
        rig.start();
        rig.disk.hold();
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE | 1 << 14);
        assertThat(rig.status())
                .isEqualTo(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_SHST_OCCURRING);
        rig.disk.release();
        assertThat(rig.status())
                .isEqualTo(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_SHST_COMPLETE);
        assertThat(rig.disk.flushes).isEqualTo(1);
        rig.admin.submit(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        assertThat(rig.admin.poll()).isNull();
        rig.stop();
        assertThat(rig.status()).isZero();
        rig.start();
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
    }

    @Test
    void aShutdownBeforeTheFirstEnableDoesNotLast() {
        rig.write(NvmeRegisters.CC, 2 << 14);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_SHST_COMPLETE);
        rig.start();
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
    }

    @Test
    void theSubsystemIsResetByItsWordAlone() {
        rig.start();
        rig.write(NvmeRegisters.NSSR, 1);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY);
        rig.write(NvmeRegisters.NSSR, 0x4e56_4d65);
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_NSSRO);
        assertThat(rig.read(NvmeRegisters.CC)).isZero();
        assertThat(rig.read(NvmeRegisters.AQA)).isZero();
        rig.write(NvmeRegisters.CSTS, NvmeRegisters.CSTS_NSSRO);
        assertThat(rig.status()).isZero();
        rig.start();
    }

    @Test
    void aBusResetIsThePowerOnState() {
        rig.start();
        rig.queue(1, 8);
        rig.device.reset();
        assertThat(rig.status()).isZero();
        assertThat(rig.read(NvmeRegisters.CC)).isZero();
        assertThat(rig.bar.read(NvmeRegisters.ASQ, 8)).isZero();
        rig.start();
        assertThat(rig.log(NvmeLogs.HEALTH, 512)[112]).as("power cycles").isEqualTo((byte) 2);
    }

    // ---------------------------------------------------------------- doorbells

    @Test
    void doorbellsThatThereAreNotAreAnEvent() {
        rig.start();
        rig.ringTail(2, 1);
        rig.ringHead(3, 0);
        rig.ringTail(60, 0);
        assertThat(count(NvmeEvent.INVALID_DOORBELL)).isEqualTo(3);
        int request = rig.admin.submit(NvmeEntry.of(AdminCommands.ASYNCHRONOUS_EVENT));
        Done event = rig.admin.poll();
        assertThat(event.id()).isEqualTo(request);
        assertThat(event.result()).isEqualTo(0x01_0000);
        byte[] log = rig.log(NvmeLogs.ERRORS, 4096);
        assertThat(log[8]).as("of no queue").isEqualTo((byte) 0xff);
    }

    @Test
    void valuesOutsideOfTheQueueAreAnEventAndChangeNothing() {
        rig.start();
        rig.ringTail(0, NvmeRig.ADMIN_ENTRIES);
        rig.ringHead(0, NvmeRig.ADMIN_ENTRIES);
        rig.ringHead(0, 1); // nothing was completed
        assertThat(count(NvmeEvent.INVALID_DOORBELL)).isEqualTo(3);
        rig.admin.submit(NvmeEntry.of(AdminCommands.ASYNCHRONOUS_EVENT));
        assertThat(rig.admin.poll().result()).isEqualTo(0x01_0100);
        rig.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
    }

    @Test
    void doorbellsStandAsFarApartAsItSays() {
        try (NvmeRig wide =
                new NvmeRig(
                        new ScriptedDisk(1 << 20),
                        DeviceExecutor.inline(),
                        options -> options.queues(4).doorbellStride(3))) {
            assertThat(wide.bar.read(0, 8) >>> 32 & 0xf).isEqualTo(3);
            wide.stride = 32;
            wide.start();
            wide.admin.ok(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
            wide.write(NvmeRegisters.DOORBELLS + 4, 0);
            assertThat(wide.device.count(NvmeEvent.INVALID_ACCESS)).isEqualTo(1);
        }
        NvmeDevice.Builder options = NvmeDevice.builder(rig.disk);
        assertThatThrownBy(() -> options.doorbellStride(7)).hasMessageContaining("0..6, got 7");
        assertThatThrownBy(() -> options.queues(65)).hasMessageContaining("1..64, got 65");
        assertThatThrownBy(() -> options.serial("a b")).hasMessageContaining("printable");
        assertThatThrownBy(() -> options.blockBytes(1024).build()).hasMessageContaining("1024");
    }

    @Test
    void queuesWrapAndTheirPhaseTurns() {
        rig.start();
        for (int n = 0; n < 5 * NvmeRig.ADMIN_ENTRIES; n++) {
            Done done = rig.admin.run(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
            assertThat(done.sqHead()).isEqualTo((n + 1) % NvmeRig.ADMIN_ENTRIES);
        }
    }

    @Test
    void completionsWaitForRoomAndComeInTheirOrder() {
        rig.start();
        NvmeRig.Queue queue = rig.queue(1, 16, 4, 0);
        int first = -1;
        for (int n = 0; n < 9; n++) {
            int id = queue.add(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
            first = n == 0 ? id : first;
        }
        queue.ring();
        assertThat(count(NvmeEvent.QUEUE_FULL)).isEqualTo(6);
        assertThat(rig.disk.flushes).isEqualTo(9);
        for (int n = 0; n < 9; n++) {
            assertThat(queue.poll().id()).isEqualTo(first + n);
        }
        assertThat(queue.poll()).isNull();
    }

    // ---------------------------------------------------------------- interrupts

    @Test
    void eachQueueHasItsVector() {
        rig.useMessages();
        rig.start();
        NvmeRig.Queue one = rig.queue(1, 8, 8, 1);
        NvmeRig.Queue two = rig.queue(2, 8, 8, 4);
        rig.messages.clear();
        one.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        two.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        assertThat(rig.messages.accepted())
                .containsExactly(
                        new MsiMessage(NvmeRig.MESSAGE, 101), new MsiMessage(NvmeRig.MESSAGE, 104));
        assertThat(rig.wires).allMatch(wire -> wire.rises() == 0);
    }

    @Test
    void aMaskedVectorWaits() {
        rig.useMessages();
        rig.start();
        NvmeRig.Queue queue = rig.queue(1, 8, 8, 2);
        rig.messages.clear();
        rig.msix.mask(2, true);
        queue.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        assertThat(rig.messages.accepted()).isEmpty();
        assertThat(rig.msix.isPending(2)).isTrue();
        rig.msix.mask(2, false);
        assertThat(rig.messages.accepted()).containsExactly(new MsiMessage(NvmeRig.MESSAGE, 102));
    }

    @Test
    void theWireIsActiveUntilAllIsSeenOrItIsMasked() {
        rig.start();
        var wire = rig.wires.get(1);
        rig.admin.submit(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        assertThat(wire.isRaised()).isTrue();
        rig.write(NvmeRegisters.INTMS, 1);
        assertThat(wire.isRaised()).isFalse();
        assertThat(rig.read(NvmeRegisters.INTMC)).isEqualTo(1);
        rig.write(NvmeRegisters.INTMC, 1);
        assertThat(wire.isRaised()).isTrue();
        rig.admin.submit(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        rig.admin.peek();
        rig.ringHead(0, 1);
        assertThat(wire.isRaised()).as("there is one more").isTrue();
        rig.ringHead(0, 2);
        assertThat(wire.isRaised()).isFalse();
    }

    @Test
    void aQueueWithoutInterruptsIsSilent() {
        rig.start();
        long at = rig.pages(4096);
        rig.admin.ok(NvmeRig.createCompletions(1, at, 8, 0).word(11, 1));
        long submissions = rig.pages(4096);
        rig.admin.ok(NvmeRig.createSubmissions(1, submissions, 8, 1));
        NvmeRig.Queue queue = rig.new Queue(1, submissions, 8, at, 8);
        long rises = rig.wires.get(1).rises();
        queue.submit(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        assertThat(rig.wires.get(1).rises()).isEqualTo(rises);
        assertThat(queue.poll().status()).isZero();
    }

    @Test
    void whoChoosesMessagesLateGetsNoWire() {
        rig.start();
        rig.admin.submit(NvmeEntry.of(AdminCommands.GET_FEATURES).word(10, 1));
        assertThat(rig.wires.get(1).isRaised()).isTrue();
        rig.useMessages();
        assertThat(rig.wires.get(1).isRaised()).isFalse();
    }
}
