package dev.dalang.vm.internal.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.vm.device.ConsoleBackend;
import dev.dalang.vm.device.ConsolePeer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.OptionalLong;
import java.util.Queue;

class HtifPortTest {
    private static final long RAM = 0x8000_0000L;
    private static final long TO_HOST = RAM + 0x1000;
    private static final long FROM_HOST = RAM + 0x1040;

    private final Arena arena = Arena.ofShared();
    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, arena.allocate(1 << 16, 4096)));
    private final StringBuilder output = new StringBuilder();
    private final Queue<Integer> input = new ArrayDeque<>();
    private final HtifPort port =
            new HtifPort(memory, new Characters(), TO_HOST, OptionalLong.of(FROM_HOST));

    @AfterEach
    void tearDown() {
        arena.close();
    }

    @Test
    void programThatAskedForNothingGoesOn() {
        assertThat(port.poll()).isEmpty();
    }

    @Test
    void oddPayloadEndsTheProgramWithItsCode() {
        memory.writeLong(TO_HOST, 1);
        assertThat(port.poll()).hasValue(0);

        memory.writeLong(TO_HOST, 7 << 1 | 1);
        assertThat(port.poll()).hasValue(7);
    }

    @Test
    void charactersGoToTheConsole() {
        for (char c : "hi".toCharArray()) {
            memory.writeLong(TO_HOST, 1L << 56 | 1L << 48 | c);
            assertThat(port.poll()).isEmpty();
            assertThat(memory.readLong(TO_HOST)).isZero();
        }

        assertThat(output).hasToString("hi");
    }

    @Test
    void characterIsReadWhenThereIsOne() {
        memory.writeLong(TO_HOST, 1L << 56);
        port.poll();
        assertThat(memory.readLong(FROM_HOST)).isZero();

        input.add((int) 'x');
        memory.writeLong(TO_HOST, 1L << 56);
        port.poll();
        assertThat(memory.readLong(FROM_HOST)).isEqualTo(1L << 56 | 'x');
    }

    @Test
    void writeCallPrintsFromGuestMemory() {
        assertThat(call(64, 1, text("hello"), 5)).isEqualTo(5);
        assertThat(output).hasToString("hello");
        assertThat(memory.readLong(FROM_HOST)).isEqualTo(1);
    }

    @Test
    void hostileCallsAreRefused() {
        assertThat(call(64, 1, RAM - 8, 16)).isEqualTo(-14);
        assertThat(call(64, 1, RAM, -1)).as("a bounded part of it").isEqualTo(4096);
        assertThat(call(63, 0, RAM, 1)).isEqualTo(-38);
        for (long block : new long[] {8, RAM + 4, RAM + (1 << 16) - 8, (1L << 48) - 8}) {
            memory.writeLong(TO_HOST, block);
            assertThat(port.poll()).isEmpty();
        }
    }

    private long text(String text) {
        memory.copyIn(RAM + 0x3000, text.getBytes(StandardCharsets.UTF_8));
        return RAM + 0x3000;
    }

    private long call(long number, long a0, long a1, long a2) {
        long block = RAM + 0x2000;
        memory.writeLong(block, number);
        memory.writeLong(block + 8, a0);
        memory.writeLong(block + 16, a1);
        memory.writeLong(block + 24, a2);
        memory.writeLong(TO_HOST, block);
        assertThat(port.poll()).isEmpty();
        return memory.readLong(block);
    }

    private final class Characters implements ConsoleBackend {
        @Override
        public boolean transmit(int octet) {
            output.append((char) octet);
            return true;
        }

        @Override
        public int receive(boolean guestListens) {
            Integer octet = input.poll();
            return octet == null ? -1 : octet;
        }

        @Override
        public boolean unread(int octet) {
            throw new AssertionError("nobody gives anything back here");
        }

        @Override
        public void connect(ConsolePeer peer) {
            throw new AssertionError("nobody connects here");
        }
    }
}
