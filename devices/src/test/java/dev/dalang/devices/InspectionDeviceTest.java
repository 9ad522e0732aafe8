package dev.dalang.devices;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciFaults;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/** A driver looks at the machine, and breaks what another driver relies on. */
class InspectionDeviceTest {
    private static final long ECAM = 0x3000_0000L;
    private static final long VIRTUAL_CONFIG = 0x1_0000_0000L;
    private static final long RAM = 0x8000_0000L;
    private static final long MESSAGE = 0x2800_0000L;
    private static final int EDU = 1 << 3;
    private static final int SELF = 2 << 3;

    private final IoManager io = IoManager.create();
    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 20, 4096)));
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final ScriptedMsiTarget messages = new ScriptedMsiTarget();
    private final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();
    private final PciRoot root =
            PciRoot.builder(io, memory, clock)
                    .memory32(new MmioRange(0x4000_0000L, 1 << 28))
                    .messages(MsiTargetRouter.create(messages, 16))
                    .wires(wires.stream().map(InterruptLine.class::cast).toList())
                    .build();
    private final PciFunction edu = root.bus().add(new EduDevice());
    private final PciFunction inspect = root.bus().add(new InspectionDevice());
    private final GuestIo guest = io.hartIo();
    private PciFunctionDriver driver;
    private PciBarDriver bar;

    @BeforeEach
    void enumerate() {
        io.registerMmio(new MmioRange(ECAM, 1 << 28), PciConfigMmio.ecam(root));
        io.registerMmio(new MmioRange(VIRTUAL_CONFIG, 1 << 29), PciVirtualConfigMmio.of(root));
        driver = new EcamDriver(io, ECAM).find(0x1234, 0x11e8).orElseThrow();
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        bar = driver.bar(0);
    }

    private static long register(int register) {
        return VIRTUAL_CONFIG + ((long) SELF << 13) + 4L * register;
    }

    private long get(int register) {
        return guest.load(register(register), 4);
    }

    private void set(int register, long value) {
        guest.store(register(register), 4, value);
    }

    private void useMessages() {
        MsixDriver msix = driver.msix();
        msix.enable();
        for (int vector = 0; vector < 3; vector++) {
            msix.route(vector, MESSAGE, 10 + vector);
        }
        set(5, EDU);
    }

    private void raise() {
        bar.write(0x60, 4, 1);
    }

    @Test
    void itSaysWhatItIs() {
        assertThat(get(0)).isEqualTo(0x474c_4144);
        assertThat(get(1)).isEqualTo(1);
        assertThat(get(5)).as("it is its own target").isEqualTo(SELF);
        assertThat(get(6)).isEqualTo(4);
        assertThat(get(100)).isZero();
        assertThat(new EcamDriver(io, ECAM).find(0x1234, 0xda1a)).isPresent();
    }

    @Test
    void itTellsTheTime() {
        clock.advance(0x5_1234_5678L);
        assertThat(get(2)).isEqualTo(0x1234_5678);
        clock.advance(1L << 32);
        assertThat(get(3)).as("as of the read of the low half").isEqualTo(5);
    }

    @Test
    void itShowsWhatDevicesCounted() {
        bar.write(4, 4, 1);
        bar.write(4, 4, 2);
        long count = get(4);
        assertThat(count).isEqualTo(io.counters().devices().size());
        clock.advance(77);
        set(4, 0);

        MemorySegment page = inspect.sharedPage().orElseThrow();
        assertThat(page.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(77);
        assertThat(page.get(ValueLayout.JAVA_LONG, 8)).isZero();
        assertThat(page.get(ValueLayout.JAVA_LONG, 16)).isEqualTo(count);
        assertThat(page.getString(128, StandardCharsets.UTF_8)).isEqualTo("00:01.0");
        assertThat(page.get(ValueLayout.JAVA_LONG, 128 + 40)).isEqualTo(2);

        set(4, count - 1);
        assertThat(page.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(count - 1);
        assertThat(page.get(ValueLayout.JAVA_LONG, 16)).isEqualTo(1);
        set(4, 0xffff_ffffL);
        assertThat(page.get(ValueLayout.JAVA_LONG, 16)).isZero();
    }

    @Test
    void theSharedPageIsMemoryOfTheGuest() {
        List<MemoryRegion> pages = PciVirtualConfigMmio.sharedPages(root, VIRTUAL_CONFIG);
        GuestMemory mapped = GuestMemory.of(pages);
        long base = PciVirtualConfigMmio.sharedPageAddress(VIRTUAL_CONFIG, inspect.address());
        MemorySegment page = inspect.sharedPage().orElseThrow();

        mapped.writeLong(base + 4032, 0x1122_3344_5566_7788L);
        assertThat(page.get(ValueLayout.JAVA_LONG, 4032)).isEqualTo(0x1122_3344_5566_7788L);
        page.set(ValueLayout.JAVA_LONG, 4040, 42);
        assertThat(mapped.readLong(base + 4040)).isEqualTo(42);
        assertThat(guest.load(base + 4040, 4)).as("a hart that traps sees it too").isEqualTo(42);
        set(4, 0);
        assertThat(mapped.readLong(base + 4040)).as("talk is left alone").isEqualTo(42);
    }

    @Test
    void itTriggersEveryVectorOfItsTarget() {
        useMessages();
        assertThat(get(6)).isEqualTo(3);
        for (int vector = 0; vector < 3; vector++) {
            set(7, vector);
        }
        assertThat(messages.accepted()).extracting(MsiMessage::data).containsExactly(10, 11, 12);
        set(7, 3);
        set(7, -1L);
        assertThat(messages.accepted()).hasSize(3);
    }

    @Test
    void itRaisesAndLowersAWire() {
        set(5, EDU);
        set(7, 0);
        assertThat(wires.get(1).isRaised()).isTrue();
        set(8, 0);
        assertThat(wires.get(1).isRaised()).isFalse();
    }

    @Test
    void itDropsMessages() {
        useMessages();
        set(9, 2);
        raise();
        raise();
        assertThat(get(9)).isZero();
        assertThat(messages.accepted()).isEmpty();
        raise();
        assertThat(messages.accepted()).hasSize(1);
    }

    @Test
    void itDoublesMessages() {
        useMessages();
        set(11, 1);
        raise();
        assertThat(messages.accepted()).hasSize(2);
        raise();
        assertThat(messages.accepted()).hasSize(3);
    }

    @Test
    void itDelaysMessages() {
        useMessages();
        set(13, 5_000);
        set(10, 2);
        raise();
        clock.advance(1_000);
        raise();
        raise();
        assertThat(messages.accepted()).as("the third").hasSize(1);
        clock.advance(3_999);
        assertThat(messages.accepted()).hasSize(1);
        clock.advance(1);
        assertThat(messages.accepted()).hasSize(2);
        clock.advance(1_000);
        assertThat(messages.accepted()).hasSize(3);
    }

    @Test
    void aWireIsDroppedAndDelayedToo() {
        set(5, EDU);
        set(9, 1);
        raise();
        assertThat(wires.get(1).isRaised()).isFalse();
        set(10, 2);
        raise();
        clock.advance(1_000_000);
        assertThat(wires.get(1).isRaised()).isTrue();
        bar.write(0x64, 4, -1);
        raise();
        bar.write(0x64, 4, -1);
        clock.advance(1_000_000);
        assertThat(wires.get(1).isRaised()).as("served before it came").isFalse();
    }

    @Test
    void itFailsTransfers() {
        set(5, EDU);
        set(12, 1);
        for (int turn = 0; turn < 2; turn++) {
            bar.write(0x80, 8, RAM);
            bar.write(0x88, 8, 0x4_0000);
            bar.write(0x90, 8, 16);
            bar.write(0x98, 8, 1);
            assertThat(edu.memory().failed()).isEqualTo(1);
            assertThat(edu.memory().transfers()).isEqualTo(turn);
        }
    }

    @Test
    void aTargetThatIsNotThereTakesNothing() {
        set(5, 0xff);
        assertThat(get(5)).isEqualTo(0xffff_ffffL);
        for (int register = 6; register < 14; register++) {
            set(register, 5);
            assertThat(get(register)).isZero();
        }
        assertThat(edu.faults().armed(PciFaults.Kind.DROP_INTERRUPT)).isZero();
    }

    @Test
    void faultsAreOverWithAReset() {
        useMessages();
        set(10, 1);
        raise();
        set(9, 5);
        root.reset();
        assertThat(get(5)).isEqualTo(SELF);
        useMessages();
        assertThat(get(9)).isZero();
        clock.advance(10_000_000);
        assertThat(messages.accepted()).isEmpty();
    }

    @Test
    void whatIsLateOutlivesASuspend() {
        useMessages();
        set(10, 2);
        set(9, 0);
        raise();
        root.sleep();
        var saved = root.snapshot();
        root.restore(saved);
        root.wake();
        assertThat(root.snapshot()).isEqualTo(saved);
        assertThat(get(10)).isEqualTo(1);
        clock.advance(1_000_000);
        assertThat(messages.accepted()).hasSize(1);
    }
}
