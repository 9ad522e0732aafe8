package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.VfioUserRegion.Area;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Feature;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Writer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;

/**
 * A server that answers what a string of bytes says, record by record, and a client that asks it
 * all there is to ask. Whatever comes, the client ends with what it was told, a refusal or a loss;
 * it never waits for what cannot come any more, and the server sees nothing of memory that it was
 * not given.
 */
final class AnswerScript implements AutoCloseable {
    /** Longer than anything takes: a client that waits so long hangs. */
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private static final int PAGE = 4096;
    private static final long RAM = 0x8000_0000L;

    /** The page before the windows, which nobody may read, is full of it; nothing else has it. */
    private static final byte SECRET = 0x5e;

    private static final int SECRET_PAGE = 0;
    private static final int SHARED_PAGE = 1;
    private static final int READ_ONLY_PAGE = 2;
    private static final int PAGES = 4;

    private static final Capabilities CAPABILITIES =
            new Capabilities(
                    OptionalInt.of(4),
                    OptionalLong.of(128),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    Optional.empty(),
                    Optional.of(true),
                    Optional.of(
                            new Capabilities.Migration(
                                    OptionalLong.of(PAGE), OptionalLong.of(PAGE))));

    private final Path socket;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment ram = arena.allocate((long) PAGES * PAGE, PAGE);
    private final DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
    private final Descriptor file;
    private final EventDescriptor event;

    private byte[] script = {};
    private int at;

    /** How many questions to come are answered as they should be. */
    private int good;

    /** What was answered otherwise, and what the client did. */
    int spoilt;

    int done;
    int refused;
    int lost;

    /**
     * Begins.
     *
     * @param directory for the socket
     */
    AnswerScript(Path directory) throws IOException {
        socket = directory.resolve("answers.sock");
        file = SharedMemory.create("answers", 4L * PAGE);
        event = EventDescriptor.create("answers");
    }

    @Override
    public void close() {
        file.close();
        event.close();
        arena.close();
    }

    /** Runs a script. */
    void run(byte[] bytes) throws IOException {
        script = bytes;
        at = 0;
        good = 0;
        ram.fill((byte) 0);
        ram.asSlice((long) SECRET_PAGE * PAGE, PAGE).fill(SECRET);
        CountDownLatch told = new CountDownLatch(1);
        try (ScriptServer server = ScriptServer.start(socket, this::answer)) {
            try (VfioUserClient client =
                    VfioUserClient.builder(server.path())
                            .timeout(TIMEOUT)
                            .onLoss(_ -> told.countDown())
                            .connect()) {
                judge(client);
                if (!outlives(client)) {
                    told.await(); // nobody is told once it is closed
                    lost++;
                }
            } catch (InterruptedException stopped) {
                throw new AssertionError(stopped);
            } catch (VfioUserException failed) {
                ended(failed);
            }
        }
        page(SECRET_PAGE, SECRET);
        page(READ_ONLY_PAGE, (byte) 0);
        page(PAGES - 1, (byte) 0);
    }

    private void page(int number, byte content) {
        byte[] expected = new byte[PAGE];
        Arrays.fill(expected, content);
        assertThat(
                        ram.asSlice((long) number * PAGE, PAGE)
                                .mismatch(MemorySegment.ofArray(expected)))
                .as("what changed of page %d", number)
                .isEqualTo(-1);
    }

    private static void ended(VfioUserException failed) {
        assertThat(failed.getMessage())
                .isNotBlank()
                .doesNotContain("no answer", "does not read", "in the middle", "a defect");
    }

    // ---------------------------------------------------------------- the client

    private interface Question {
        void ask() throws VfioUserException;
    }

    /** Asks; what is refused is refused. */
    private void ask(Question question) throws VfioUserException {
        try {
            question.ask();
            done++;
        } catch (VfioUserException failed) {
            ended(failed);
            if (failed.isLost()) {
                throw failed;
            }
            refused++;
        }
    }

    /** What the client says of the device can be. */
    private static void judge(VfioUserClient client) {
        assertThat(client.regions()).hasSizeLessThanOrEqualTo(64);
        for (VfioUserRegion region : client.regions()) {
            assertThat(region.size()).isPositive();
            long end = 0;
            for (Area area : region.areas()) {
                assertThat(area.offset()).isGreaterThanOrEqualTo(end);
                assertThat(area.size()).isPositive();
                end = area.offset() + area.size();
                assertThat(end).isBetween(area.offset(), region.size());
            }
        }
        for (VfioUserInterrupts interrupts : client.interrupts()) {
            assertThat(interrupts.count()).isBetween(0, VfioUserInterrupts.MAX_COUNT);
        }
    }

    /** True if the server answers all that the client asks. */
    private boolean outlives(VfioUserClient client) {
        try {
            live(client);
            return true;
        } catch (VfioUserException failed) {
            ended(failed);
            return false;
        }
    }

    private void live(VfioUserClient client) throws VfioUserException {
        long shared = RAM + (long) SHARED_PAGE * PAGE;
        long readOnly = RAM + (long) READ_ONLY_PAGE * PAGE;
        ask(() -> client.mapMemory(shared, PAGE, true, true, Optional.empty(), 0, memory));
        ask(() -> client.mapMemory(readOnly, PAGE, true, false, Optional.of(file), 0, memory));
        ask(() -> client.setEvents(2, 0, List.of(event, event, event, event, event)));
        ask(() -> client.write(0, 8, 8, 1));
        ask(() -> client.post(0, 0, 4, 1));
        ask(() -> assertThat(client.read(0, 0, 1)).isBetween(0L, 0xffL));
        ask(() -> client.read(7, 0, MemorySegment.ofArray(new byte[300])));
        ask(() -> client.write(7, 0, MemorySegment.ofArray(new byte[200])));
        ask(
                () ->
                        client.writeAll(
                                List.of(
                                        new RegisterWrite(0, 0, 4, 1),
                                        new RegisterWrite(0, 4, 2, 1))));
        ask(() -> client.clearEvents(2, 0, 2));
        ask(() -> client.mask(0, 0, 1));
        ask(() -> client.unmask(0, 0, 1));
        ask(() -> client.trigger(2, 0, 1));
        ask(() -> client.setUnmaskEvent(Optional.of(event)));
        ask(() -> client.disable(2));
        map(client);
        migrate(client);
        if (client.isResettable()) {
            ask(client::reset);
        }
        ask(() -> client.unmapMemory(readOnly, PAGE));
        ask(() -> client.unmapMemory(shared, PAGE));
    }

    private void map(VfioUserClient client) throws VfioUserException {
        for (VfioUserRegion region : client.regions()) {
            if (!region.areas().isEmpty()) {
                Area area = region.areas().getFirst();
                try (Arena mapping = Arena.ofShared()) {
                    ask(() -> client.map(region.index(), area, mapping));
                }
            }
        }
    }

    private void migrate(VfioUserClient client) throws VfioUserException {
        Optional<VfioUserMigration> migration = client.migration();
        if (migration.isEmpty()) {
            return;
        }
        VfioUserMigration moves = migration.get();
        ask(() -> assertThat(moves.state()).isBetween(0, 7));
        ask(() -> moves.enter(VfioUserMigration.STOP_COPY));
        MemorySegment some = MemorySegment.ofArray(new byte[200]);
        ask(() -> assertThat(moves.readData(some)).isBetween(0, 200));
        ask(() -> moves.writeData(some));
        if (moves.hasLog()) {
            VfioUserMigration.Range all = new VfioUserMigration.Range(RAM, (long) PAGES * PAGE);
            ask(() -> moves.startLog(PAGE, List.of(all)));
            ask(() -> assertThat(moves.takeLog(RAM, all.bytes(), PAGE)).hasSize(1));
            ask(moves::stopLog);
        }
    }

    // ---------------------------------------------------------------- the server

    /** The next byte; 0 at the end. */
    private int next() {
        return at < script.length ? script[at++] & 0xff : 0;
    }

    private int nextInt() {
        return next() | next() << 8 | next() << 16 | next() << 24;
    }

    private byte[] nextBytes(int count) {
        byte[] bytes = new byte[count];
        for (int n = 0; n < count; n++) {
            bytes[n] = (byte) next();
        }
        return bytes;
    }

    private void answer(ScriptServer.Peer peer) throws IOException {
        while (true) {
            try (Message message = peer.next()) {
                if (message.header().isReply()) {
                    assertThat(message.payload()).as("what the server read").doesNotContain(SECRET);
                } else {
                    answer(peer, message);
                }
            }
        }
    }

    /** Goes on until something is sent that the client must take for the answer, right or wrong. */
    private void answer(ScriptServer.Peer peer, Message question) throws IOException {
        Header header = Header.reply(question.header(), 0);
        byte[] payload = payload(question);
        Descriptor[] with = riders(question);
        while (true) {
            int kind = 0;
            if (good > 0) {
                good--;
            } else if (at < script.length) {
                kind = next() & 15;
            }
            spoilt += kind > 1 ? 1 : 0;
            switch (kind) {
                case 1 -> good = next() & 31;
                case 2 -> payload = nextBytes(next());
                case 3 -> patch(payload);
                case 4 -> {
                    header = with(header, header.flags() | 0x20, next());
                    payload = nextBytes(next() & 3);
                }
                case 5 -> header = new Header(header.id() ^ next(), next(), 0, nextInt(), next());
                case 6 -> {
                    transfer(peer);
                    continue;
                }
                case 7 -> {
                    byte[] all = whole(header, payload);
                    peer.raw(Arrays.copyOf(all, next() % all.length + 1));
                    throw new ScriptServer.GoneException();
                }
                case 8 -> {
                    with = new Descriptor[next() & 3];
                    Arrays.fill(with, file);
                }
                case 9 -> {
                    byte[] all = whole(header, payload);
                    ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putInt(4, nextInt());
                    peer.raw(all);
                    throw new ScriptServer.GoneException();
                }
                case 10 -> payload = Arrays.copyOf(payload, next() % (payload.length + 1));
                case 11 -> payload = joined(payload, nextBytes(next() & 31));
                case 12 -> peer.raw(whole(header, payload), with);
                case 13 -> {
                    payload = larger(header, payload);
                    with = next() % 2 == 0 ? with : new Descriptor[] {file};
                }
                default -> {
                    // As it should be.
                }
            }
            if (kind <= 1 && !question.header().wantsReply()) {
                return;
            }
            peer.raw(whole(header, payload), with);
            if ((header.flags() & 0xf) == 1) {
                return;
            }
            header = Header.reply(question.header(), 0);
        }
    }

    private static Header with(Header header, int flags, int error) {
        return new Header(header.id(), header.command(), 0, flags, error);
    }

    private static byte[] whole(Header header, byte[] payload) {
        return ScriptServer.message(
                new Header(
                        header.id(),
                        header.command(),
                        Header.BYTES + payload.length,
                        header.flags(),
                        header.error()),
                payload);
    }

    private static byte[] joined(byte[] one, byte[] two) {
        byte[] all = Arrays.copyOf(one, one.length + two.length);
        System.arraycopy(two, 0, all, one.length, two.length);
        return all;
    }

    private void patch(byte[] payload) {
        for (int changes = next() & 7; changes >= 0; changes--) {
            int where = next();
            int what = next();
            if (payload.length > 0) {
                payload[where % payload.length] = (byte) what;
            }
        }
    }

    /** A region's description that has more to say, or something else as long as that. */
    private byte[] larger(Header header, byte[] payload) {
        byte[] more = nextBytes(next() & 0x7f);
        byte[] all = joined(payload, more);
        if (header.command() == Command.DEVICE_GET_REGION_INFO.number() && payload.length >= 16) {
            ByteBuffer fields = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
            fields.putInt(0, all.length);
            fields.putInt(4, 0xf);
            fields.putInt(12, RegionInfo.BYTES);
        }
        return all;
    }

    /** Asks for memory, in the windows and out of them; nothing that is written is the secret. */
    private void transfer(ScriptServer.Peer peer) throws IOException {
        int choice = next();
        long address =
                switch (choice >>> 6) {
                    case 0 -> RAM + (long) SHARED_PAGE * PAGE + next();
                    case 1 -> RAM + (long) (next() % PAGES) * PAGE + (next() - 128);
                    case 2 -> nextInt() * 0x1_0001L;
                    default -> RAM + (long) READ_ONLY_PAGE * PAGE + next();
                };
        long count =
                switch (choice >>> 4 & 3) {
                    case 0 -> next();
                    case 1 -> next() << 6;
                    case 2 -> nextInt();
                    default -> 8;
                };
        boolean isWrite = (choice & 1) != 0;
        Writer payload = Writer.of(DmaRead.BYTES + (isWrite ? 16 : 0));
        payload.putLong(address).putLong(isWrite && (choice & 8) == 0 ? 16 : count);
        if (isWrite) {
            byte[] data = nextBytes(16);
            for (int n = 0; n < data.length; n++) {
                data[n] &= 0x1f;
            }
            payload.put(data);
        }
        Command command = isWrite ? Command.DMA_WRITE : Command.DMA_READ;
        int flags = choice & 6 | ((choice & 6) == 0 ? next() & 0x10 : 0);
        Header header = new Header(next(), command.number(), 0, flags, 0);
        peer.raw(whole(header, payload.bytes()));
    }

    private Descriptor[] riders(Message question) {
        boolean isFile =
                question.header().command() == Command.DEVICE_GET_REGION_INFO.number()
                        && RegionInfo.parse(question.payload()).index() == 1;
        return isFile ? new Descriptor[] {file} : new Descriptor[0];
    }

    /** What a good server of a device with everything answers. */
    private static byte[] payload(Message question) {
        byte[] asked = question.payload();
        switch (Command.of(question.header().command()).orElseThrow()) {
            case DEVICE_GET_REGION_INFO -> {
                if (RegionInfo.parse(asked).index() == 1) {
                    return mappable(RegionInfo.parse(asked).argsz());
                }
            }
            case DEVICE_FEATURE -> {
                return feature(Feature.parse(asked), asked);
            }
            case MIG_DATA_READ -> {
                return Writer.of(16).putInt(16).putInt(8).putLong(-1).bytes();
            }
            default -> {
                // Nothing special.
            }
        }
        byte[] described = ScriptServer.described(question, CAPABILITIES);
        return described != null ? described : ScriptServer.answer(question);
    }

    private static byte[] mappable(int room) {
        RegionInfo.SparseMmap areas =
                new RegionInfo.SparseMmap(
                        List.of(
                                new RegionInfo.Area(0, PAGE),
                                new RegionInfo.Area(2 * PAGE, 2 * PAGE)));
        List<RegionInfo.Capability> all = List.of(new RegionInfo.Type(1, 2), areas);
        int flags = RegionInfo.READ | RegionInfo.WRITE | RegionInfo.MMAP;
        int bytes = new RegionInfo(0, flags, 1, 4 * PAGE, 0, all).bytes();
        return new RegionInfo(bytes, flags, 1, 4 * PAGE, 0, room < bytes ? List.of() : all)
                .payload();
    }

    private static byte[] feature(Feature asked, byte[] question) {
        if (!asked.isGet() || asked.isProbe()) {
            return question;
        }
        Writer answer = Writer.of(Feature.BYTES + 32).putInt(Feature.BYTES + 32);
        answer.putInt(asked.flags());
        int bytes =
                switch (asked.number()) {
                    case Feature.MIGRATION -> {
                        answer.putLong(3);
                        yield 8;
                    }
                    case Feature.MIG_DEVICE_STATE -> {
                        answer.putInt(VfioUserMigration.RUNNING).putInt(-1);
                        yield 8;
                    }
                    default -> {
                        answer.put(Arrays.copyOf(asked.data().array(), 24)).putLong(5);
                        yield 32;
                    }
                };
        return Arrays.copyOf(answer.bytes(), Feature.BYTES + bytes);
    }
}
