package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** What a server says that it can do is what a client asks of it. */
final class ServerLimitsTest extends HostileServerFixture {
    // ---------------------------------------------------------------- limits

    @Test
    void theServersLimitsAreKept() throws Exception {
        Capabilities narrow =
                new Capabilities(
                        OptionalInt.of(2),
                        OptionalLong.of(20),
                        OptionalLong.of(1),
                        OptionalLong.of(8192),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
        BlockingQueue<String> asked = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    while (true) {
                        try (Message message = peer.describe(narrow)) {
                            asked.add(
                                    Command.of(message.header().command()).orElseThrow()
                                            + " "
                                            + message.payload().length
                                            + " "
                                            + message.descriptors());
                            peer.obey(message);
                        }
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                EventDescriptor event = EventDescriptor.create("event");
                Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(40);
            client.read(0, 1, target);
            assertThat(target.get(ValueLayout.JAVA_BYTE, 39)).isEqualTo((byte) 40);
            client.write(0, 1, target.asSlice(0, 20));
            client.setEvents(2, 0, Collections.nCopies(3, event));
            client.writeAll(Collections.nCopies(2, new RegisterWrite(0, 0, 4, 0)));
            assertThat(asked)
                    .containsExactly(
                            "REGION_READ 16 0",
                            "REGION_READ 16 0",
                            "REGION_READ 16 0",
                            "REGION_WRITE 32 0",
                            "REGION_WRITE 20 0",
                            "DEVICE_SET_IRQS 20 2",
                            "DEVICE_SET_IRQS 20 1",
                            "REGION_WRITE 20 0",
                            "REGION_WRITE 20 0");
            assertThatThrownBy(
                            () ->
                                    client.mapMemory(
                                            RAM, 4096, true, true, Optional.empty(), 0, NO_MEMORY))
                    .hasMessageContaining("expected pages of 0x2000");
            client.mapMemory(RAM, 8192, true, true, Optional.empty(), 0, NO_MEMORY);
            assertThatThrownBy(
                            () ->
                                    client.mapMemory(
                                            0, 8192, true, true, Optional.empty(), 0, NO_MEMORY))
                    .hasMessageContaining("1 pieces");
            assertThat(server.path()).exists();
        }
    }

    @Test
    void eventsThatWereGivenAreTakenBackIfTheOthersAreRefused() throws Exception {
        BlockingQueue<SetIrqs> asked = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    while (true) {
                        try (Message message = peer.describe()) {
                            SetIrqs set =
                                    (SetIrqs)
                                            Request.parse(
                                                    Command.DEVICE_SET_IRQS,
                                                    message.payload(),
                                                    message.descriptors());
                            asked.add(set);
                            if (set.start() == 2) {
                                peer.refuse(message, 22);
                            } else {
                                peer.reply(message, new byte[0]);
                            }
                        }
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                EventDescriptor event = EventDescriptor.create("event")) {
            assertThatThrownBy(() -> client.setEvents(2, 0, Collections.nCopies(4, event)))
                    .isInstanceOf(VfioUserException.class);
            assertThat(asked).extracting(SetIrqs::start).containsExactly(0, 1, 2, 0);
            assertThat(asked).extracting(SetIrqs::count).containsExactly(1, 1, 1, 2);
            assertThat(server.path()).exists();
        }
    }

    // ---------------------------------------------------------------- mapped regions

    @Test
    void aRegionIsMappedWhereItSaysThatItCanBe() throws Exception {
        try (Descriptor file = SharedMemory.create("bar", 0x4000);
                Arena arena = Arena.ofShared()) {
            Writer description = Writer.of(80).putInt(80).putInt(15).putInt(0).putInt(32);
            description.putLong(0x2000).putLong(0x1000);
            description.putShort(1).putShort(1).putInt(0).putInt(2).putInt(0);
            description.putLong(0x1000).putLong(0x1000).putLong(0x800).putLong(0x100);
            ScriptServer.Script script =
                    peer -> {
                        while (true) {
                            try (Message message = peer.next()) {
                                boolean isIt =
                                        message.header().command() == 5
                                                && RegionInfo.parse(message.payload()).index() == 0;
                                if (isIt) {
                                    byte[] all = description.bytes();
                                    int room = RegionInfo.parse(message.payload()).argsz();
                                    peer.reply(
                                            message,
                                            room < 80 ? Arrays.copyOf(all, 32) : all,
                                            file);
                                } else {
                                    byte[] payload =
                                            ScriptServer.described(message, Capabilities.NONE);
                                    peer.reply(message, payload);
                                }
                            }
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    VfioUserClient client = connect(LONG)) {
                VfioUserRegion.Area area = new VfioUserRegion.Area(0x1000, 0x1000);
                // The other one is no whole page.
                assertThat(client.region(0).orElseThrow().areas()).containsExactly(area);
                MemorySegment view = client.map(0, area, arena);
                MemorySegment whole = SharedMemory.map(file, 0, 0x4000, true, arena);
                view.set(ValueLayout.JAVA_INT, 4, 0x1234);
                assertThat(whole.get(ValueLayout.JAVA_INT, 0x2004)).isEqualTo(0x1234);
                assertThatThrownBy(() -> client.map(0, new VfioUserRegion.Area(0, 0x1000), arena))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> client.map(7, new VfioUserRegion.Area(0, 0x1000), arena))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThat(server.path()).exists();
            }
        }
    }
}
