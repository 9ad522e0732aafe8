package dev.dalang.devices;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** The device as a course's driver uses it. */
class EduDeviceTest {
    private static final long ECAM = 0x3000_0000L;
    private static final long RAM = 0x8000_0000L;
    private static final long BUFFER = 0x4_0000;
    private static final long MESSAGE = 0x2800_0000L;

    private final IoManager io = IoManager.create();
    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 20, 4096)));
    private final ScriptedMsiTarget messages = new ScriptedMsiTarget();
    private final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();
    private final PciRoot root =
            PciRoot.builder(io, memory, new ManualVirtualClock())
                    .memory32(new MmioRange(0x4000_0000L, 1 << 28))
                    .messages(MsiTargetRouter.create(messages, 16))
                    .wires(wires.stream().map(InterruptLine.class::cast).toList())
                    .build();
    private final PciFunction function = root.bus().add(new EduDevice());
    private final PciFunctionDriver driver;
    private final PciBarDriver bar;

    EduDeviceTest() {
        io.registerMmio(new MmioRange(ECAM, 1 << 28), PciConfigMmio.ecam(root));
        driver = new EcamDriver(io, ECAM).find(0x1234, 0x11e8).orElseThrow();
        bar = driver.bar(0);
    }

    @Test
    void itSaysWhatItIs() {
        assertThat(driver.classCode()).isEqualTo(0x00ff00);
        assertThat(driver.read(8, 1)).isEqualTo(0x10);
        assertThat(bar.size()).isEqualTo(1 << 20);
        assertThat(bar.read(0, 4)).isEqualTo(0x0100_00ed);
    }

    @Test
    void itAnswersTheInverse() {
        bar.write(4, 4, 0x1234_5678);
        assertThat(bar.read(4, 4)).isEqualTo(~0x1234_5678 & 0xffff_ffffL);
    }

    @Test
    void itComputesFactorials() {
        bar.write(8, 4, 10);
        assertThat(bar.read(8, 4)).isEqualTo(3_628_800);
        bar.write(8, 4, 0);
        assertThat(bar.read(8, 4)).isEqualTo(1);
        bar.write(8, 4, 33);
        assertThat(bar.read(8, 4)).isEqualTo(0x8000_0000L);
        bar.write(8, 4, 0xffff_ffffL);
        assertThat(bar.read(8, 4)).isZero();
        assertThat(bar.read(0x20, 4) & 1).as("done when the write is").isZero();
    }

    @Test
    void itsRegistersTakeCertainSizes() {
        bar.write(4, 4, 7);
        bar.write(4, 1, 9);
        bar.write(4, 2, 9);
        bar.write(0, 8, 9);
        assertThat(bar.read(4, 4)).isEqualTo(~7 & 0xffff_ffffL);
        assertThat(bar.read(0, 8)).isEqualTo(-1L);
        assertThat(bar.read(4, 2)).isEqualTo(0xffff);
        bar.write(0x80, 8, 0x1122_3344_5566_7788L);
        assertThat(bar.read(0x80, 8)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(bar.read(0x80, 4)).isEqualTo(0x5566_7788L);
        assertThat(bar.read(0x1000, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void itsWireFollowsTheInterruptStatus() {
        bar.write(0x60, 4, 0x5);
        assertThat(bar.read(0x24, 4)).isEqualTo(0x5);
        assertThat(wires.get(1).isRaised()).isTrue();
        bar.write(0x64, 4, 0x1);
        assertThat(wires.get(1).isRaised()).isTrue();
        bar.write(0x64, 4, 0x4);
        assertThat(wires.get(1).isRaised()).isFalse();
        assertThat(bar.read(0x24, 4)).isZero();
        bar.write(0x60, 4, 0);
        assertThat(wires.get(1).isRaised()).isFalse();
    }

    @Test
    void eachKindOfWorkHasItsVector() {
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        MsixDriver msix = driver.msix();
        msix.enable();
        for (int vector = 0; vector < 3; vector++) {
            msix.route(vector, MESSAGE, 10 + vector);
        }

        bar.write(0x20, 4, 0x80);
        bar.write(8, 4, 3);
        bar.write(0x60, 4, 1);
        bar.write(0x80, 8, RAM);
        bar.write(0x88, 8, BUFFER);
        bar.write(0x90, 8, 16);
        bar.write(0x98, 8, 5);

        assertThat(messages.accepted())
                .containsExactly(
                        new MsiMessage(MESSAGE, 10),
                        new MsiMessage(MESSAGE, 11),
                        new MsiMessage(MESSAGE, 12));
        assertThat(bar.read(0x24, 4)).isEqualTo(0x101);
        assertThat(wires.get(1).rises()).isZero();
    }

    @Test
    void withMsiEverythingHasOneVector() {
        int msi = driver.capability(5).orElseThrow();
        driver.write(msi + 4, 4, (int) MESSAGE);
        driver.write(msi + 8, 4, 0);
        driver.write(msi + 12, 2, 77);
        driver.write(msi + 2, 2, 1);

        bar.write(0x20, 4, 0x80);
        bar.write(8, 4, 3);
        bar.write(0x60, 4, 1);

        assertThat(messages.accepted())
                .containsExactly(new MsiMessage(MESSAGE, 77), new MsiMessage(MESSAGE, 77));
    }

    @Test
    void itCopiesFromMemoryAndBack() {
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        memory.writeLong(RAM + 0x100, 0x0123_4567_89ab_cdefL);
        transfer(RAM + 0x100, BUFFER + 0xff8, 8, 1);
        assertThat(bar.read(0x98, 4) & 1).as("not running any more").isZero();
        transfer(BUFFER + 0xff8, RAM + 0x200, 8, 3);
        assertThat(memory.readLong(RAM + 0x200)).isEqualTo(0x0123_4567_89ab_cdefL);
    }

    @Test
    void transfersThatCannotBeChangeNothing() {
        transfer(RAM, BUFFER, 8, 5);
        assertThat(function.memory().refused()).as("no bus mastering").isEqualTo(1);
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        transfer(RAM, BUFFER + 0xffc, 8, 5);
        transfer(RAM, BUFFER - 1, 8, 5);
        transfer(RAM, BUFFER, -1, 5);
        transfer(RAM, BUFFER + 0x1000, 1, 5);
        transfer(Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, 5);
        transfer(BUFFER, RAM, 0x1001, 7);
        assertThat(function.memory().transfers()).isZero();
        transfer(0x10, BUFFER, 8, 5);
        assertThat(function.memory().failed()).isEqualTo(1);
        assertThat(bar.read(0x24, 4)).as("no interrupt for any of these").isZero();
        assertThat(bar.read(0, 4)).isEqualTo(0x0100_00ed);
    }

    private void transfer(long source, long destination, long count, int command) {
        bar.write(0x80, 8, source);
        bar.write(0x88, 8, destination);
        bar.write(0x90, 8, count);
        bar.write(0x98, 8, command);
    }
}
