package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Servers whose devices ask for memory: they get what they were given, and nothing else. */
final class HostileTransfersTest extends HostileServerFixture {
    private static byte[] transfer(long address, long count) {
        return Writer.of(16).putLong(address).putLong(count).bytes();
    }

    private static byte[] store(long address, long count, int bytes) {
        return Writer.of(16 + bytes).putLong(address).putLong(count).bytes();
    }

    /** Sends a request, and gives the error of the answer. */
    private static int asked(ScriptServer.Peer peer, int command, byte[] payload, Descriptor... fds)
            throws IOException {
        Header header = new Header(0x77, command, 16 + payload.length, 0, 0);
        peer.raw(ScriptServer.message(header, payload), fds);
        try (Message answer = peer.next()) {
            assertThat(answer.header().id()).isEqualTo(0x77);
            assertThat(answer.header().command()).isEqualTo(command);
            assertThat(answer.header().isReply()).isTrue();
            assertThat(answer.header().isError()).isEqualTo(answer.header().error() != 0);
            return answer.header().error();
        }
    }

    @Test
    void onlyMemoryThatIsMappedIsReached() throws Exception {
        int read = Command.DMA_READ.number();
        int write = Command.DMA_WRITE.number();
        BlockingQueue<List<Integer>> errors = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    for (int maps = 0; maps < 2; maps++) {
                        try (Message message = peer.describe()) {
                            assertThat(message.header().command()).isEqualTo(2);
                            peer.obey(message);
                        }
                    }
                    try (Message message = peer.describe();
                            Descriptor memory = SharedMemory.create("memory", 4096)) {
                        List<Integer> found = new ArrayList<>();
                        found.add(asked(peer, read, transfer(RAM, 8)));
                        found.add(asked(peer, read, transfer(RAM + 0xffc, 8)));
                        found.add(asked(peer, write, store(RAM + 0xff8, 8, 8)));
                        found.add(asked(peer, read, transfer(RAM, 0)));
                        // From here on it may not be.
                        found.add(asked(peer, write, store(RAM + 0xffc, 8, 8)));
                        found.add(asked(peer, read, transfer(RAM - 1, 1)));
                        found.add(asked(peer, read, transfer(RAM + 0x1ffc, 8)));
                        found.add(asked(peer, read, transfer(-4, 8)));
                        found.add(asked(peer, read, transfer(RAM, -1)));
                        found.add(asked(peer, read, transfer(RAM, 0x10_0001)));
                        found.add(asked(peer, write, store(RAM, 9, 8)));
                        found.add(asked(peer, write, store(RAM, 7, 8)));
                        found.add(asked(peer, write, store(RAM, -1, 8)));
                        found.add(asked(peer, read, new byte[15]));
                        found.add(asked(peer, read, transfer(RAM, 8), memory));
                        found.add(asked(peer, 9, new byte[16]));
                        found.add(asked(peer, 99, new byte[16]));
                        errors.add(found);
                        peer.obey(message);
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(0x2000, 4096);
            DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
            client.mapMemory(RAM, 0x1000, true, true, Optional.empty(), 0, memory);
            client.mapMemory(RAM + 0x1000, 0x1000, true, false, Optional.empty(), 0, memory);
            ram.fill((byte) 5);
            assertThat(client.read(0, 4, 1)).isEqualTo(4);
            int fault = Errno.EFAULT.number();
            int invalid = Errno.EINVAL.number();
            assertThat(errors.take())
                    .containsExactly(
                            0,
                            0,
                            0,
                            0,
                            Errno.EROFS.number(),
                            fault,
                            fault,
                            fault,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            Errno.ENOSYS.number(),
                            Errno.ENOSYS.number());
            assertThat(client.refusals()).isEqualTo(13);
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0xff8)).isZero();
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0xff0)).isNotZero();
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0x1000)).isNotZero();
            assertThat(server.path()).exists();
        }
    }

    @Test
    void transfersComeInAnyPiecesBesideAnswers() throws Exception {
        byte[] ask = store(RAM + 16, 8, 8);
        ask[16] = 0x42;
        ScriptServer.Script script =
                peer -> {
                    peer.obey(peer.describe());
                    for (int split = 0; split <= 40; split++) {
                        try (Message message = peer.describe()) {
                            byte[] request =
                                    ScriptServer.message(new Header(split, 12, 40, 0, 0), ask);
                            byte[] payload = good(message);
                            byte[] answer =
                                    ScriptServer.message(
                                            Header.reply(message.header(), payload.length),
                                            payload);
                            byte[] both = Arrays.copyOf(request, 40 + answer.length);
                            System.arraycopy(answer, 0, both, 40, answer.length);
                            if (split > 0) {
                                peer.raw(Arrays.copyOf(both, split));
                            }
                            peer.raw(Arrays.copyOfRange(both, split, both.length));
                            peer.next().close();
                        }
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(0x1000, 4096);
            DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
            client.mapMemory(RAM, 0x1000, true, true, Optional.empty(), 0, memory);
            for (int split = 0; split <= 40; split++) {
                ram.fill((byte) 0);
                assertThat(client.read(0, 9, 1)).isEqualTo(9);
                assertThat(ram.get(ValueLayout.JAVA_BYTE, 16)).isEqualTo((byte) 0x42);
            }
            assertThat(server.path()).exists();
        }
    }
}
