package dev.dalang.virtio.console;

import static dev.dalang.virtio.console.ConsoleMachine.ALL;
import static dev.dalang.virtio.console.ConsoleMachine.ALL_PACKED;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.VirtioDeviceLifeCycle;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioException;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

final class VirtioConsoleDeviceTest {
    private static final long SINGLE = 1L << 32;

    private final ScriptedBackend console = new ScriptedBackend();
    private final ScriptedBackend data = new ScriptedBackend();
    private final ScriptedBackend log = new ScriptedBackend();

    private VirtioConsoleDevice.Builder options() {
        return VirtioConsoleDevice.builder().console(console).port("data", data).port("log", log);
    }

    private ConsoleMachine machine(long wanted, int... open) {
        return new ConsoleMachine(options().maxPorts(4).build()).startPorts(wanted, open);
    }

    private static ConsoleMachine single(ScriptedBackend backend, long layout) {
        return new ConsoleMachine(VirtioConsoleDevice.builder().console(backend).build())
                .start(SINGLE | layout);
    }

    // ---------------------------------------------------------------- one console

    @ParameterizedTest
    @ValueSource(longs = {0, ConsoleMachine.PACKED})
    void aDriverThatKnowsOfOnePortHasTheConsole(long layout) {
        ConsoleMachine machine = single(console, layout);
        machine.write(0, "hello, ");
        machine.write(0, "world");
        assertThat(console.text()).isEqualTo("hello, world");
        console.type("ls\n");
        assertThat(machine.read(0)).isEqualTo("ls\n");
        assertThat(console.events).containsExactly("start", "open");
        assertThat(machine.device.count(ConsoleEvent.BYTE_WRITTEN)).isEqualTo(12);
        assertThat(machine.device.count(ConsoleEvent.BYTE_READ)).isEqualTo(3);
        machine.driver.reset();
        assertThat(console.events).containsExactly("start", "open", "closed");
    }

    @Test
    void inputThatComesBeforeTheDriverWaitsForIt() {
        ConsoleMachine machine =
                new ConsoleMachine(VirtioConsoleDevice.builder().console(console).build());
        console.type("early");
        assertThat(console.left()).isEqualTo(5);
        assertThat(machine.start(SINGLE).read(0)).isEqualTo("early");
    }

    @Test
    void inputWaitsForBuffers() {
        ConsoleMachine machine = single(console, 0);
        String text = "0123456789abcdef".repeat(200);
        console.type(text);
        assertThat(console.left()).as("16 buffers of 64 bytes are full").isEqualTo(2176);
        StringBuilder got = new StringBuilder();
        while (got.length() < text.length()) {
            got.append(machine.read(0));
        }
        assertThat(got.toString()).isEqualTo(text);
    }

    /** Linux waits with its interrupts off: a console must never hold it up. */
    @Test
    void whatNobodyTakesOfTheConsoleIsDropped() {
        ConsoleMachine machine = single(console, 0);
        console.room = 3;
        machine.write(0, "hello");
        assertThat(machine.queues.get(1).poll()).as("given back").isTrue();
        assertThat(console.text()).isEqualTo("hel");
        assertThat(machine.device.count(ConsoleEvent.BYTE_DROPPED)).isEqualTo(2);
    }

    @Test
    void theSizeIsInTheConfiguration() {
        ConsoleMachine machine =
                new ConsoleMachine(
                        VirtioConsoleDevice.builder().size(new ConsoleSize(80, 25)).build());
        machine.start(SINGLE | VirtioConsoleDevice.VIRTIO_CONSOLE_F_SIZE);
        assertThat(machine.driver.readConfig(0, 4)).isEqualTo(25 << 16 | 80);
        assertThat(machine.driver.readConfig(4, 4)).isEqualTo(1);
        assertThat(machine.driver.readConfig(1, 2)).isEqualTo(25 << 8);
        machine.driver.writeConfig(0, 2, 7);
        assertThat(machine.driver.readConfig(0, 2)).as("not the driver's").isEqualTo(80);
        int generation = machine.driver.configGeneration();
        machine.driver.acknowledgeInterrupts();
        machine.device.resize(new ConsoleSize(132, 50));
        assertThat(machine.driver.acknowledgeInterrupts()).isEqualTo(2);
        assertThat(machine.driver.configGeneration()).isEqualTo(generation + 1);
        assertThat(machine.driver.readConfig(0, 4)).isEqualTo(50 << 16 | 132);
    }

    @Test
    void aCharacterCanBeWrittenBeforeThereAreQueues() {
        ConsoleMachine machine =
                new ConsoleMachine(VirtioConsoleDevice.builder().console(console).build());
        machine.driver.writeConfig(8, 4, 'x');
        machine.driver.writeConfig(8, 1, 'y');
        assertThat(console.text()).isEqualTo("xy");
    }

    @Test
    void queuesThatTheDriverHasNoUseForAreLeftAlone() {
        ConsoleMachine machine = new ConsoleMachine(options().build()).start(ALL & ~2L);
        machine.place(3);
        machine.say(0, 0, 1);
        assertThat(machine.device.count(ConsoleEvent.MESSAGE_MALFORMED)).isZero();
        assertThat(machine.queues.get(3).poll()).isFalse();
    }

    // ---------------------------------------------------------------- several ports

    @ParameterizedTest
    @ValueSource(longs = {ALL, ALL_PACKED})
    void theDriverIsToldOfEachPortAndThenWhatItIs(long wanted) {
        data.peer.opened(true);
        ConsoleMachine machine = new ConsoleMachine(options().build()).start(wanted);
        assertThat(machine.said()).as("nothing before it is ready").isEmpty();
        machine.say(0, 0, 1);
        assertThat(machine.said()).containsExactly("0:1=0", "1:1=0", "2:1=0");
        data.peer.opened(true);
        machine.say(1, 3, 1);
        assertThat(machine.said()).containsExactly("1:7=1 data", "1:6=1");
        machine.say(0, 3, 1);
        assertThat(machine.said()).containsExactly("0:4=1");
        machine.say(2, 3, 1);
        assertThat(machine.said()).containsExactly("2:7=1 log");
    }

    @ParameterizedTest
    @ValueSource(longs = {ALL, ALL_PACKED})
    void bytesGoBothWaysThroughEachPort(long wanted) {
        ConsoleMachine machine = machine(wanted, 0, 1, 2);
        machine.write(1, "to the host");
        machine.write(0, "console");
        assertThat(data.text()).isEqualTo("to the host");
        assertThat(console.text()).isEqualTo("console");
        data.type("to the guest");
        log.type("beside it");
        assertThat(machine.read(1)).isEqualTo("to the guest");
        assertThat(machine.read(2)).isEqualTo("beside it");
        assertThat(machine.read(0)).isEmpty();
    }

    @Test
    void whatNobodyInTheGuestReadsIsLeftOnTheHost() {
        ConsoleMachine machine = machine(ALL);
        data.type("early");
        assertThat(data.left()).isEqualTo(5);
        machine.say(1, 6, 1);
        assertThat(machine.read(1)).isEqualTo("early");
        machine.say(1, 6, 0);
        data.type("late");
        assertThat(data.left()).isEqualTo(4);
        assertThat(data.events).containsExactly("start", "open", "closed");
    }

    @ParameterizedTest
    @ValueSource(longs = {ALL, ALL_PACKED})
    void aHostWithoutRoomHoldsTheWriterUpAndNothingIsLost(long wanted) {
        ConsoleMachine machine = machine(wanted, 1);
        data.room = 7;
        machine.write(1, "hello, ");
        machine.write(1, "world");
        machine.write(1, "!");
        DriverQueue queue = machine.queues.get(5);
        assertThat(queue.poll()).as("but for the first").isFalse();
        assertThat(queue.owned()).isEqualTo(2);
        data.makeRoom(2);
        assertThat(data.text()).isEqualTo("hello, wo");
        assertThat(queue.poll()).isFalse();
        data.makeRoom(Long.MAX_VALUE);
        assertThat(data.text()).isEqualTo("hello, world!");
        assertThat(queue.poll()).isTrue();
        assertThat(queue.poll()).isTrue();
        assertThat(machine.device.count(ConsoleEvent.WRITE_HELD_BACK)).isEqualTo(3);
    }

    @Test
    void aBufferLongerThanOneChunkGoesInParts() {
        ConsoleMachine machine = machine(ALL, 1);
        byte[] bytes = new byte[100_000];
        for (int k = 0; k < bytes.length; k++) {
            bytes[k] = (byte) (k * 31);
        }
        data.room = 40_000;
        machine.send(5, bytes);
        assertThat(data.written.size()).isEqualTo(40_000);
        data.makeRoom(Long.MAX_VALUE);
        assertThat(data.written.toByteArray()).isEqualTo(bytes);
        assertThat(machine.queues.get(5).poll()).isTrue();
    }

    @Test
    void theDriverHearsWhoComesAndGoes() {
        ConsoleMachine machine = machine(ALL);
        machine.said();
        data.peer.opened(true);
        assertThat(machine.said()).containsExactly("1:6=1");
        data.peer.opened(true);
        assertThat(machine.said()).as("nothing new").isEmpty();
        data.peer.opened(false);
        assertThat(machine.said()).containsExactly("1:6=0");
    }

    /** However often somebody comes and goes, it takes two messages. */
    @Test
    void aDriverWithoutBuffersHearsThatSomebodyHasGoneMeanwhile() {
        ConsoleMachine machine = new ConsoleMachine(options().build()).start(ALL);
        machine.say(0, 0, 1);
        machine.say(1, 3, 1);
        machine.said();
        data.peer.opened(true);
        machine.said();
        // From now on the driver gives no buffers back: sixteen are there.
        for (int k = 0; k < 8; k++) {
            data.peer.opened(false);
            data.peer.opened(true);
        }
        for (int k = 0; k < 1000; k++) {
            data.peer.opened(false);
            data.peer.opened(true);
        }
        List<String> said = machine.said();
        assertThat(said).hasSize(18).endsWith("1:6=0", "1:6=1");
        assertThat(machine.said()).isEmpty();
    }

    @Test
    void aConsoleIsResizedByItsOwnMessage() {
        ScriptedBackend second = new ScriptedBackend();
        VirtioConsoleDevice device =
                VirtioConsoleDevice.builder().console(console).console(second).build();
        device.resize(1, new ConsoleSize(40, 10));
        ConsoleMachine machine = new ConsoleMachine(device).start(ALL);
        machine.say(0, 0, 1);
        machine.said();
        machine.say(1, 3, 1);
        assertThat(machine.said()).containsExactly("1:4=1", "1:5=0 40x10");
        machine.driver.acknowledgeInterrupts();
        device.resize(1, new ConsoleSize(41, 11));
        assertThat(machine.driver.acknowledgeInterrupts() & 2).as("of the first alone").isZero();
        machine.say(0, 3, 1);
        device.resize(new ConsoleSize(100, 30));
        assertThat(machine.said()).containsExactly("1:5=0 41x11", "0:4=1", "0:5=0 100x30");
        assertThat(machine.driver.readConfig(0, 4)).isEqualTo(30 << 16 | 100);
        assertThatThrownBy(() -> device.resize(2, ConsoleSize.UNKNOWN))
                .isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> new ConsoleSize(65_536, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {ALL, ALL_PACKED})
    void aPortIsAddedAndRemovedWhileTheGuestRuns(long wanted) {
        ConsoleMachine machine = machine(wanted, 0, 1);
        machine.said();
        ScriptedBackend late = new ScriptedBackend();
        assertThat(machine.device.addPort("late", late)).isEqualTo(3);
        assertThat(late.events).containsExactly("start");
        assertThat(machine.said()).containsExactly("3:1=0");
        machine.say(3, 3, 1);
        machine.say(3, 6, 1);
        assertThat(machine.said()).containsExactly("3:7=1 late");
        machine.write(3, "x");
        late.type("y");
        assertThat(late.text()).isEqualTo("x");
        assertThat(machine.read(3)).isEqualTo("y");

        machine.device.removePort(3);
        assertThat(late.events).containsExactly("start", "open", "end");
        assertThat(machine.said()).containsExactly("3:2=0");
        machine.write(3, "nobody");
        assertThat(machine.queues.get(9).poll()).as("given back").isTrue();
        assertThat(machine.device.addPort("later", new ScriptedBackend())).isEqualTo(3);
        assertThat(machine.said()).containsExactly("3:1=0");
    }

    @Test
    void aPortIsOnlyAddedWhereThereIsRoomAndItsNameIsFree() {
        VirtioConsoleDevice device = options().maxPorts(4).build();
        new ConsoleMachine(device);
        assertThatThrownBy(() -> device.addPort("data", log)).hasMessageContaining("data");
        assertThatThrownBy(() -> device.addPort("a/b", log)).hasMessageContaining("a/b");
        device.addPort("one", new ScriptedBackend());
        assertThatThrownBy(() -> device.addPort("two", log)).hasMessageContaining("at most 4");
        assertThatThrownBy(() -> device.removePort(0)).isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> device.removePort(4)).isInstanceOf(VirtioException.class);
        device.removePort(3);
        assertThatThrownBy(() -> device.removePort(3)).isInstanceOf(VirtioException.class);
        assertThat(device.addPort("two", new ScriptedBackend())).isEqualTo(3);
        assertThatThrownBy(() -> options().port("data", log)).hasMessageContaining("data");
        assertThatThrownBy(() -> options().port("", log)).isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> options().port("x".repeat(65), log))
                .isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> options().maxPorts(2).build())
                .hasMessageContaining("room for 2 and 3 ports");
        assertThatThrownBy(() -> options().maxPorts(32).build())
                .isInstanceOf(VirtioException.class);
    }

    // ---------------------------------------------------------------- what makes no sense

    @Test
    void messagesThatMakeNoSenseAreCountedAndChangeNothing() {
        ConsoleMachine machine = machine(ALL, 1);
        machine.said();
        machine.send(3, (byte) 1, (byte) 0, (byte) 0);
        machine.say(0, 1, 1); // what only the device says
        machine.say(0, 4, 1);
        machine.say(99, 3, 1); // no such port
        machine.say(-1, 6, 1);
        machine.say(1, 6, 2); // no such value
        machine.say(1, 1000, 1); // no such event
        assertThat(machine.device.count(ConsoleEvent.MESSAGE_MALFORMED)).isEqualTo(7);
        machine.say(0, 0, 0);
        machine.say(1, 3, 0);
        assertThat(machine.device.count(ConsoleEvent.DRIVER_FAILED)).isEqualTo(2);
        assertThat(machine.said()).isEmpty();
        assertThat(machine.driver.status()).isEqualTo(0xf);
        machine.write(1, "still there");
        assertThat(data.text()).isEqualTo("still there");
    }

    @Test
    void aDriverThatSaysThatItIsReadyTwiceHearsOfThePortsOnce() {
        ConsoleMachine machine = new ConsoleMachine(options().build()).start(ALL);
        machine.say(1, 3, 1);
        assertThat(machine.said()).as("a port that it does not know of").isEmpty();
        machine.say(0, 0, 1);
        machine.say(0, 0, 1);
        assertThat(machine.said()).hasSize(3);
    }

    @Test
    void buffersThatAreTooSmallAreGivenBackEmpty() {
        ConsoleMachine machine = new ConsoleMachine(options().build());
        machine.features = machine.driver.negotiate(ALL);
        for (int index = 0; index < 8; index++) {
            machine.place(index);
        }
        machine.driver.ready();
        machine.post(2, 3, 7);
        machine.say(0, 0, 1);
        assertThat(machine.device.count(ConsoleEvent.EMPTY_BUFFER)).isEqualTo(3);
        DriverQueue control = machine.queues.get(2);
        assertThat(control.poll()).isTrue();
        assertThat(control.usedLength()).isZero();
        machine.queues.get(4).add(machine.heap.readable((byte) 1));
        machine.say(1, 6, 1);
        data.type("x");
        assertThat(machine.queues.get(4).poll()).isTrue();
        assertThat(machine.queues.get(4).usedLength()).isZero();
        assertThat(data.left()).isEqualTo(1);
        machine.post(4, 1, 1);
        assertThat(machine.read(1)).isEqualTo("x");
    }

    @Test
    void aBufferOutsideMemoryPutsTheDeviceInNeedOfAReset() {
        ConsoleMachine machine = machine(ALL, 1);
        machine.queues.get(5).add(DriverBuffer.readable(0x10, 4));
        machine.driver.notifyQueue(5);
        assertThat(machine.driver.status() & VirtioTransportDriver.NEEDS_RESET).isNotZero();
        machine.startPorts(ALL, 1);
        machine.write(1, "again");
        assertThat(data.text()).isEqualTo("again");
    }

    // ---------------------------------------------------------------- life

    @Test
    void aQueueThatWasResetBeginsAtItsFirstByte() {
        ConsoleMachine machine = machine(ALL, 1);
        data.room = 2;
        machine.write(1, "lost in part");
        machine.driver.resetQueue(5);
        data.room = Long.MAX_VALUE;
        machine.place(5);
        machine.write(1, "whole");
        assertThat(data.text()).isEqualTo("lowhole");
    }

    @Test
    void theEndOfTheDeviceClosesWhatIsBehindIt() {
        ConsoleMachine machine = machine(ALL, 1);
        machine.transport.detach();
        machine.transport.detach();
        assertThat(data.events).containsExactly("start", "open", "closed", "end");
        assertThat(console.events).endsWith("end");
        assertThatThrownBy(() -> machine.device.addPort("late", new ScriptedBackend()))
                .isInstanceOf(VirtioException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {ALL, ALL_PACKED})
    void aPortInTheMidstOfABufferGoesOnInAnotherMachine(long wanted) {
        ConsoleMachine from = machine(wanted, 0, 1);
        data.peer.opened(true);
        data.room = 5;
        from.write(1, "hello, world");
        from.transport.sleep();
        Snapshot taken = from.transport.snapshot();
        assertThat(data.text()).isEqualTo("hello");

        ScriptedBackend other = new ScriptedBackend();
        ConsoleMachine to =
                new ConsoleMachine(
                        VirtioConsoleDevice.builder()
                                .console(new ScriptedBackend())
                                .port("data", other)
                                .port("log", new ScriptedBackend())
                                .maxPorts(4)
                                .build());
        from.memory.regions().forEach(region -> to.memory.copyIn(region.base(), region.segment()));
        to.transport.sleep();
        to.transport.restore(taken);
        assertThat(to.transport.snapshot()).isEqualTo(taken);
        to.transport.wake();
        assertThat(other.text()).isEqualTo(", world");
        assertThat(other.events).contains("open");
        to.queues.putAll(from.queues);
        assertThat(to.driver.status()).isEqualTo(0xf);
    }

    @Test
    void aSnapshotOfOtherPortsIsRefused() {
        ConsoleMachine from = machine(ALL, 1);
        from.transport.sleep();
        Snapshot taken = from.transport.snapshot();
        ConsoleMachine to =
                new ConsoleMachine(
                        VirtioConsoleDevice.builder()
                                .console(new ScriptedBackend())
                                .port("data", new ScriptedBackend())
                                .port("other", new ScriptedBackend())
                                .maxPorts(4)
                                .build());
        from.memory.regions().forEach(region -> to.memory.copyIn(region.base(), region.segment()));
        to.transport.sleep();
        Snapshot before = to.transport.snapshot();
        assertThatThrownBy(() -> to.transport.restore(taken))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("expected port 2 to be other");
        assertThat(to.transport.snapshot()).isEqualTo(before);
    }

    /** What every virtio device goes through. */
    @Nested
    class LifeCycle implements VirtioDeviceLifeCycle<ConsoleMachine> {
        @Override
        public ConsoleMachine create() {
            return new ConsoleMachine(
                    VirtioConsoleDevice.builder()
                            .console(new ScriptedBackend())
                            .port("data", new ScriptedBackend())
                            .build());
        }

        @Override
        public Suspendable transport(ConsoleMachine machine) {
            return machine.transport;
        }

        @Override
        public VirtioTransportDriver driver(ConsoleMachine machine) {
            return machine.driver;
        }

        @Override
        public GuestHeap heap(ConsoleMachine machine) {
            return machine.heap;
        }

        @Override
        public int queues() {
            return 6;
        }

        @Override
        public void mutate(ConsoleMachine machine) {
            machine.startPorts(ALL, 1);
        }
    }
}
