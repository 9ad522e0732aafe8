package dev.dalang.virtio.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * All that a driver and a host can do to a console device, as a script of bytes: messages, buffers
 * in every queue, configurations, resets, sleep; hosts that come, go, type, and have no room.
 * Whatever it did, the device works after a reset.
 *
 * <p>The first byte chooses the features; a record has 8 bytes: what, how, two bytes of place, four
 * of value.
 */
final class ConsoleScript {
    static final int RECORD_BYTES = 8;
    private static final int MAX_RECORDS = 4096;
    private static final int PORTS = 3;
    private static final int MAX_PORTS = 5;
    private static final int QUEUES = 2 * MAX_PORTS + 2;
    private static final long BUFFERS = ConsoleMachine.RAM + (2 << 20);
    private static final int BUFFER_BYTES = 1 << 20;

    private final ScriptedBackend[] backends = new ScriptedBackend[MAX_PORTS];
    private final ConsoleMachine machine;
    private final DriverQueue[] queues = new DriverQueue[QUEUES];
    private final VirtioTransportDriver driver;
    private long wanted;

    /** Since the last reset the driver has written what it may not into a ring. */
    private boolean hasLied;

    /** What happened. */
    long needsResets;

    long messages;

    ConsoleScript() {
        VirtioConsoleDevice.Builder options = VirtioConsoleDevice.builder().maxPorts(MAX_PORTS);
        for (int port = 0; port < MAX_PORTS; port++) {
            backends[port] = new ScriptedBackend();
        }
        options.console(backends[0]).port("one", backends[1]).port("two", backends[2]);
        machine = new ConsoleMachine(options.build());
        driver = machine.driver;
    }

    void run(byte[] script) {
        if (script.length == 0) {
            return;
        }
        wanted = (script[0] & 1) != 0 ? ConsoleMachine.ALL_PACKED : ConsoleMachine.ALL;
        wanted &= (script[0] & 2) != 0 ? ~VirtioConsoleDevice.VIRTIO_CONSOLE_F_MULTIPORT : -1;
        start();
        ByteBuffer records = ByteBuffer.wrap(script, 1, script.length - 1);
        records.order(ByteOrder.LITTLE_ENDIAN);
        for (int k = 0; k < MAX_RECORDS && records.remaining() >= RECORD_BYTES; k++) {
            int what = records.get() & 0xff;
            int how = records.get() & 0xff;
            step(what, how, records.getShort() & 0xffff, records.getInt());
        }
        requireThatItWorks();
    }

    private void start() {
        machine.features = driver.negotiate(wanted);
        // The same places again: a script must not need more memory the longer it is.
        for (int index = 0; index < QUEUES; index++) {
            long base = ConsoleMachine.RAM + (1 << 20) + index * 0x4000L;
            DriverQueue queue = DriverQueue.of(machine.memory, base, 16, machine.features);
            queues[index] = queue;
            driver.placeQueue(
                    index,
                    16,
                    queue.descriptorAddress(),
                    queue.driverAddress(),
                    queue.deviceAddress());
            driver.enableQueue(index, true);
        }
        driver.ready();
    }

    private void step(int what, int how, int place, int value) {
        int index = how % QUEUES;
        ScriptedBackend backend = backends[how % PORTS];
        switch (what % 16) {
            case 0, 1, 2 -> message(place % 7 - 1, how % 9, value & 3);
            case 3 -> message(place, value & 0xffff, value >>> 16);
            case 4, 5 -> give(index, place, value, true);
            case 6, 7 -> give(index, place, value, false);
            case 8 -> driver.notifyQueue(place % 40);
            case 9 -> type(backend, value & 0xfff);
            case 10 -> backend.makeRoom(value & 0xfff);
            case 11 -> backend.peer.opened((value & 1) != 0);
            case 12 -> hotPlug(place, value);
            case 13 -> driver.writeConfig(place % 16, 1 << (how & 3), value);
            case 14 -> rest(place, value);
            default -> drain(index);
        }
    }

    private void message(int port, int event, int value) {
        long at = BUFFERS + 0x8_0000;
        machine.memory.writeInt(at, port);
        machine.memory.writeInt(at + 4, event & 0xffff | value << 16);
        add(3, DriverBuffer.readable(at, 8));
        messages++;
    }

    /** Any buffer: mostly in memory, of any direction, perhaps in several parts. */
    private void give(int index, int place, int value, boolean isUsual) {
        boolean writes = index % 2 == 0 == isUsual;
        long at = (value & 0x3f) == 0x3f ? Integer.toUnsignedLong(value) : BUFFERS + place;
        int length = value >>> 8 & 0xfff;
        DriverBuffer buffer = new DriverBuffer(at, length, writes);
        if ((value & 0x40) != 0) {
            add(index, buffer, new DriverBuffer(BUFFERS + place, value >>> 20, true));
        } else {
            add(index, buffer);
        }
    }

    private void add(int index, DriverBuffer... buffers) {
        DriverQueue queue = queues[index];
        if (queue.free() < buffers.length) {
            drain(index);
        }
        if (queue.free() >= buffers.length) {
            queue.add(buffers);
            driver.notifyQueue(index);
        }
    }

    private void drain(int index) {
        try {
            while (queues[index].poll()) {
                if (queues[index].usedLength() > BUFFER_BYTES) {
                    throw new AssertionError("used " + queues[index].usedLength() + " bytes");
                }
            }
        } catch (AssertionError confused) {
            // A driver that lied about its ring gets back what it did not mean to give.
            if (!hasLied) {
                throw confused;
            }
        }
    }

    private void type(ScriptedBackend backend, int bytes) {
        if (backend.left() < BUFFER_BYTES) {
            backend.type(new byte[bytes]);
        }
    }

    private void hotPlug(int place, int value) {
        try {
            if ((value & 1) != 0) {
                machine.device.addPort("p" + place % 4, new ScriptedBackend());
            } else {
                machine.device.removePort(place % 7);
            }
        } catch (VirtioException refused) {
            // What a host asks for may be refused; nothing else may be thrown.
            assertThat(refused).hasMessageContaining("console");
        }
    }

    private void rest(int place, int value) {
        switch (value & 7) {
            case 0 -> restart();
            case 1 -> driver.resetQueue(place % QUEUES);
            case 2 -> machine.device.resize(new ConsoleSize(place, value >>> 16));
            case 3 -> {
                machine.transport.sleep();
                Snapshot taken = machine.transport.snapshot();
                assertThat(taken).isEqualTo(machine.transport.snapshot());
                machine.transport.wake();
            }
            case 4 -> driver.setStatus(value >>> 8 & 0xff);
            case 5 -> {
                hasLied = true;
                machine.memory.writeInt(queues[place % QUEUES].driverAddress(), value);
            }
            default -> driver.readConfig(place % 16, 1 << (value >>> 8 & 3));
        }
    }

    private void restart() {
        needsResets += driver.status() >>> 6 & 1;
        driver.reset();
        hasLied = false;
        start();
    }

    private void requireThatItWorks() {
        restart();
        if ((machine.features & VirtioConsoleDevice.VIRTIO_CONSOLE_F_MULTIPORT) != 0) {
            add(3, DriverBuffer.readable(message(0, 0), 8));
            DriverBuffer answer = DriverBuffer.writable(BUFFERS, 64);
            add(2, answer);
            if (!queues[2].poll() || queues[2].usedLength() != 8) {
                throw new AssertionError("the device does not say what ports it has");
            }
        }
        ScriptedBackend console = backends[0];
        console.makeRoom(Long.MAX_VALUE);
        console.written.reset();
        machine.memory.writeInt(BUFFERS, 0x21212121);
        add(1, DriverBuffer.readable(BUFFERS, 4));
        if (!console.text().equals("!!!!")) {
            throw new AssertionError("the console writes " + console.text());
        }
    }

    private long message(int port, int event) {
        long at = BUFFERS + 0x8_0000;
        machine.memory.writeInt(at, port);
        machine.memory.writeInt(at + 4, event | 1 << 16);
        return at;
    }
}
