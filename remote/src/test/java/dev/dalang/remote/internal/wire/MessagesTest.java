package dev.dalang.remote.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.linux.Errno;
import dev.dalang.remote.internal.wire.RegionInfo.Area;
import dev.dalang.remote.internal.wire.RegionInfo.SparseMmap;
import dev.dalang.remote.internal.wire.RegionInfo.Unknown;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

final class MessagesTest {
    private static final RegionInfo.Type TYPE = new RegionInfo.Type(7, 8);

    static List<Golden> requests() {
        return Golden.REQUESTS;
    }

    private static void refused(Command command, String payload, int descriptors) {
        assertThatThrownBy(() -> Request.parse(command, Golden.bytes(payload), descriptors))
                .isInstanceOfSatisfying(
                        Refusal.class,
                        refusal -> {
                            assertThat(refusal.errno()).isEqualTo(Errno.EINVAL);
                            assertThat(refusal.getMessage()).isNotBlank();
                            assertThat(refusal.getStackTrace()).isEmpty();
                        });
    }

    @Test
    void everyCommandHasItsBytes() {
        Set<Command> shown =
                requests().stream()
                        .map(golden -> golden.request().command())
                        .collect(Collectors.toSet());
        assertThat(shown).isEqualTo(EnumSet.allOf(Command.class));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestIsTheseBytes(Golden golden) {
        byte[] header = new byte[Header.BYTES];
        golden.made().put(ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN));
        assertThat(header).isEqualTo(Golden.bytes(golden.header()));
        assertThat(golden.request().payload()).isEqualTo(golden.payloadBytes());
    }

    @ParameterizedTest
    @MethodSource("requests")
    void theseBytesAreTheRequest(Golden golden) {
        byte[] message = golden.message();
        Header header = Header.parse(ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN));
        assertThat(header).isEqualTo(golden.made());
        assertThat(header.size()).isEqualTo(message.length);
        assertThat(header.isRequest()).isTrue();

        Request request =
                Request.parse(
                        Command.of(header.command()).orElseThrow(),
                        golden.payloadBytes(),
                        golden.descriptors());
        assertThat(request)
                .usingRecursiveComparison()
                .withStrictTypeChecking()
                .isEqualTo(golden.request());
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestThatIsCutOffIsRefused(Golden golden) {
        byte[] payload = golden.payloadBytes();
        Command command = golden.request().command();
        for (int length = 0; length < payload.length; length++) {
            if (command == Command.VERSION && length == 4) {
                continue; // says nothing of what it can do, which is allowed
            }
            if (command == Command.DEVICE_FEATURE && length >= 8) {
                continue; // what a feature wants is seen where the feature is known
            }
            byte[] cut = Arrays.copyOf(payload, length);
            assertThatThrownBy(() -> Request.parse(command, cut, golden.descriptors()))
                    .as("%d of %d bytes", length, payload.length)
                    .isInstanceOf(Refusal.class);
        }
    }

    @ParameterizedTest
    @MethodSource("requests")
    void descriptorsThatNobodyAskedForAreRefused(Golden golden) {
        Command command = golden.request().command();
        assertThatThrownBy(
                        () ->
                                Request.parse(
                                        command, golden.payloadBytes(), golden.descriptors() + 1))
                .isInstanceOf(Refusal.class);
    }

    @Test
    void repliesEchoTheRequest() {
        Header request = Header.request(0x1234, Command.REGION_READ, true, 16);
        byte[] both = new byte[2 * Header.BYTES];
        ByteBuffer bytes = ByteBuffer.wrap(both).order(ByteOrder.LITTLE_ENDIAN);
        Header.reply(request, 20).put(bytes);
        Header.refusal(request, 22).put(bytes);

        assertThat(both)
                .isEqualTo(
                        Golden.bytes(
                                "3412 0900 24000000 01000000 00000000"
                                        + "3412 0900 10000000 21000000 16000000"));
        bytes.flip();
        assertThat(Header.parse(bytes).isError()).isFalse();
        assertThat(Header.parse(bytes).isError()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"0, true, false", "1, false, true", "2, false, false", "15, false, false"})
    void aTypeIsFourBits(int flags, boolean isRequest, boolean isReply) {
        Header header = new Header(1, 1, 16, flags | 0x30, 0);
        assertThat(header.isRequest()).isEqualTo(isRequest);
        assertThat(header.isReply()).isEqualTo(isReply);
        assertThat(header.wantsReply()).isFalse();
        assertThat(header.isError()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 14, 19, 0xffff})
    void otherNumbersAreNoCommands(int number) {
        assertThat(Command.of(number)).isEmpty();
    }

    // DMA

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1f000000 03000000 0000000000000000 0000000000000000 0010000000000000", // argsz
                "20000000 10000000 0000000000000000 0000000000000000 0010000000000000", // flags
                "20000000 03000000 0000000000000000 0000000000000000 0000000000000000", // empty
                "20000000 03000000 0000000000000000 00f0ffffffffffff 0110000000000000" // wraps
            })
    void memoryThatCannotBeIsRefused(String payload) {
        refused(Command.DMA_MAP, payload, 1);
    }

    @Test
    void memoryMayReachTheTopOfTheAddresses() {
        Request top =
                Request.parse(
                        Command.DMA_MAP,
                        Golden.bytes(
                                "20000000 0f000000 0000000000000000 00f0ffffffffffff"
                                        + " 0010000000000000"),
                        0);
        assertThat(top).isEqualTo(new Request.DmaMap(0xf, 0, -0x1000, 0x1000));
    }

    @Test
    void memoryHasOneDescriptorAtTheMost() {
        refused(Command.DMA_MAP, Golden.REQUESTS.get(2).payload(), 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "17000000 00000000 0000008000000000 0000001000000000", // argsz
                "18000000 01000000 0000008000000000 0000001000000000", // the old log of pages
                "18000000 02000000 0000008000000000 0000000000000000", // all, from somewhere
                "18000000 02000000 0000000000000000 0000001000000000" // all, so much of it
            })
    void takingBackWhatCannotBeIsRefused(String payload) {
        refused(Command.DMA_UNMAP, payload, 0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0000000000000000 0100000000000000 aabb",
                "0000000000000000 0300000000000000 aabb",
                "0000000000000000 ffffffffffffffff aabb"
            })
    void aTransferHasWhatItAnnounces(String payload) {
        refused(Command.DMA_WRITE, payload, 0);
    }

    // Interrupts

    @ParameterizedTest
    @ValueSource(
            strings = {
                "03000000 21000000 02000000 00000000 01000000", // argsz
                "14000000 00000000 02000000 00000000 01000000", // nothing
                "14000000 20000000 02000000 00000000 01000000", // no data
                "14000000 01000000 02000000 00000000 01000000", // no action
                "14000000 23000000 02000000 00000000 01000000", // none and bool
                "14000000 19000000 02000000 00000000 01000000", // mask and unmask
                "14000000 61000000 02000000 00000000 01000000", // a bit that there is not
                "14000000 21000000 02000000 01000000 00000000", // disable all from 1 on
                "14000000 09000000 02000000 00000000 00000000", // mask none
                "14000000 22000000 02000000 00000000 00000000", // bool of none
                "14000000 24000000 02000000 00000000 00000000", // eventfds for none
                "14000000 22000000 02000000 00000000 02000000 01", // flags cut off
                "14000000 22000000 02000000 00000000 ffffffff 01"
            })
    void interruptsThatCannotBeSetAreRefused(String payload) {
        refused(Command.DEVICE_SET_IRQS, payload, 0);
    }

    @Test
    void descriptorsOfInterruptsAreAsManyAsAnnouncedOrNone() {
        String two = "14000000 24000000 02000000 00000000 02000000";
        refused(Command.DEVICE_SET_IRQS, two, 1);
        refused(Command.DEVICE_SET_IRQS, two, 3);
        refused(Command.DEVICE_SET_IRQS, "14000000 21000000 02000000 00000000 02000000", 2);
        refused(Command.DEVICE_SET_IRQS, "14000000 22000000 02000000 00000000 02000000 0101", 2);
        var request = (SetIrqs) Request.parse(Command.DEVICE_SET_IRQS, Golden.bytes(two), 0);
        assertThat(request.count()).isEqualTo(2);
    }

    // Regions

    @ParameterizedTest
    @ValueSource(
            strings = {
                "6000000000000000 00000000 03000000 78563412",
                "6000000000000000 00000000 05000000 78563412",
                "6000000000000000 00000000 ffffffff 78563412"
            })
    void aWriteHasWhatItAnnounces(String payload) {
        refused(Command.REGION_WRITE, payload, 0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0200000000000000 6000000000000000 00000000 04000000 0100000000000000",
                "0000000000000000 6000000000000000 00000000 04000000 0100000000000000",
                "ffffffffffffffff",
                "0100000000000000 6000000000000000 00000000 09000000 0100000000000000",
                "0100000000000000 6000000000000000 00000000 ffffffff 0100000000000000"
            })
    void severalWritesHaveWhatTheyAnnounce(String payload) {
        refused(Command.REGION_WRITE_MULTI, payload, 0);
    }

    @Test
    void aRegionIsTheseBytes() {
        RegionInfo info =
                new RegionInfo(
                        96,
                        RegionInfo.READ | RegionInfo.MMAP,
                        2,
                        0x4000,
                        0x1000,
                        List.of(
                                new SparseMmap(List.of(new Area(0, 0x1000), new Area(0x2000, 16))),
                                TYPE));
        byte[] bytes =
                Golden.bytes(
                        "60000000 0d000000 02000000 20000000 0040000000000000 0010000000000000"
                                + " 0100 0100 50000000 02000000 00000000"
                                + " 0000000000000000 0010000000000000"
                                + " 0020000000000000 1000000000000000"
                                + " 0200 0100 00000000 07000000 08000000");
        assertThat(info.payload()).isEqualTo(bytes);
        assertThat(info.bytes()).isEqualTo(bytes.length);
        RegionInfo parsed = RegionInfo.parse(bytes);
        assertThat(parsed.capabilities()).isEqualTo(info.capabilities());
        assertThat(parsed.flags()).isEqualTo(info.flags() | RegionInfo.CAPS);
    }

    @Test
    void capabilitiesThatNobodyKnowsArePassedOver() {
        RegionInfo info = new RegionInfo(64, 0, 0, 16, 0, List.of(new Unknown(99, 3), TYPE));
        assertThat(RegionInfo.parse(info.payload()).capabilities()).isEqualTo(info.capabilities());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1f000000", // within the structure
                "29000000", // cut off
                "ffffffff"
            })
    void aListOfCapabilitiesThatLeadsOutIsRefused(String first) {
        byte[] payload =
                Golden.bytes(
                        "30000000 08000000 00000000 "
                                + first
                                + " 0000000000000000 0000000000000000"
                                + " 0200 0100 00000000 07000000 08000000");
        assertThatThrownBy(() -> RegionInfo.parse(payload)).isInstanceOf(Refusal.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0200 0100 20000000 07000000 08000000", // itself
                "0200 0100 28000000 07000000 08000000", // its own middle
                "0100 0100 00000000 01000000 00000000", // areas that are not there
                "0100 0100 00000000 ffffffff 00000000"
            })
    void aListOfCapabilitiesThatDoesNotEndIsRefused(String capability) {
        byte[] payload =
                Golden.bytes(
                        "30000000 08000000 00000000 20000000 0000000000000000 0000000000000000"
                                + capability);
        assertThatThrownBy(() -> RegionInfo.parse(payload)).isInstanceOf(Refusal.class);
    }

    @Test
    void partsWithDescriptorsAreTheseBytes() {
        List<IoFd> parts = List.of(new IoFd(0x50, 4, 1, IoFd.IOEVENTFD, 1, 0x1122_3344_5566_7788L));
        byte[] bytes =
                Golden.bytes(
                        "38000000 00000000 03000000 01000000"
                                + " 5000000000000000 0400000000000000"
                                + " 01000000 00000000 01000000 00000000 8877665544332211");
        assertThat(IoFd.reply(3, parts)).isEqualTo(bytes);
        assertThat(IoFd.parseReply(bytes)).isEqualTo(parts);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> IoFd.parseReply(cut)).isInstanceOf(Refusal.class);
        }
    }

    // Pieces of a device's state

    @Test
    void aPieceOfStateIsAsLongAsItSaysWhateverIsBehindIt() {
        byte[] bytes = Golden.bytes("0b000000 03000000 010203 0000000000");
        assertThat(Request.MigrationRead.parseReply(bytes).array()).containsExactly(1, 2, 3);
        for (int length = 0; length < 11; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> Request.MigrationRead.parseReply(cut))
                    .isInstanceOf(Refusal.class);
        }
        byte[] huge = Golden.bytes("08000000 ffffffff 010203");
        assertThatThrownBy(() -> Request.MigrationRead.parseReply(huge))
                .isInstanceOf(Refusal.class);
    }

    // Features

    @ParameterizedTest
    @ValueSource(
            strings = {
                "07000000 01000100", // argsz
                "10000000 01000000", // nothing asked
                "10000000 01000300", // get and set
                "10000000 01000800" // a bit that there is not
            })
    void aFeatureThatCannotBeAskedForIsRefused(String payload) {
        refused(Command.DEVICE_FEATURE, payload, 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"01000400", "01000500", "01000600", "01000700"})
    void whetherThereIsAFeatureCanBeAsked(String flags) {
        Feature feature = Feature.parse(Golden.bytes("08000000" + flags));
        assertThat(feature.isProbe()).isTrue();
        assertThat(feature.number()).isEqualTo(Feature.MIGRATION);
    }

    @Test
    void stateHasWhatItAnnounces() {
        refused(Command.MIG_DATA_WRITE, "0b000000 04000000 010203", 0);
        refused(Command.MIG_DATA_WRITE, "07000000 03000000 010203", 0);
        refused(Command.MIG_DATA_READ, "07000000 00100000", 0);
    }

    // Versions

    @Test
    void whatPeersSayIsUnderstood() {
        Version qemu = Version.parse(Golden.VERSION_OF_QEMU);
        assertThat(qemu.minor()).isZero();
        Capabilities can = qemu.capabilities().orElseThrow();
        assertThat(can.maxMsgFds()).hasValue(16);
        assertThat(can.maxDataXferSize()).hasValue(1 << 20);
        assertThat(can.maxDmaMaps()).hasValue(65535);
        assertThat(can.pgsizes()).hasValue(4096);
        assertThat(can.writeMultiple()).contains(true);
        assertThat(can.twinSocket()).isEmpty();
        assertThat(can.migration().orElseThrow().maxBitmapSize()).hasValue(1 << 28);

        Version rust = Version.parse(Golden.VERSION_OF_RUST);
        assertThat(rust.minor()).isEqualTo(1);
        assertThat(rust.capabilities().orElseThrow().maxMsgFds()).hasValue(1);
    }

    @Test
    void whatIsSaidIsUnderstoodAgain() {
        byte[] payload = new Version(0, 1, java.util.Optional.of(Golden.FULL)).payload();
        assertThat(new String(payload, 4, payload.length - 5, StandardCharsets.US_ASCII))
                .isEqualTo(
                        "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":65536,"
                                + "\"max_dma_maps\":10,\"pgsizes\":4096,\"twin_socket\":"
                                + "{\"supported\":true,\"fd_index\":0},\"write_multiple\":false,"
                                + "\"migration\":{\"pgsize\":4096,\"max_bitmap_size\":99}}}");
        assertThat(Version.parse(payload).capabilities()).contains(Golden.FULL);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                " {\"capabilities\" : { } } ",
                "{\"vendor\":[1,{\"capabilities\":7}],\"capabilities\":{\"later\":{\"x\":[2]}}}"
            })
    void aTextMaySayNothing(String json) {
        assertThat(Version.parse(Golden.version(1, json)).capabilities())
                .contains(Capabilities.NONE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "}",
                "7",
                "[]",
                "null",
                "{\"capabilities\":[]}",
                "{\"capabilities\":null}",
                "{\"capabilities\":{}",
                "{\"capabilities\":{}} x",
                "{\"capabilities\":{}}{}",
                "{\"capabilities\":{},\"capabilities\":{}}",
                "{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
                "{\"capabilities\":{\"max_msg_fds\":-1}}",
                "{\"capabilities\":{\"max_msg_fds\":1025}}",
                "{\"capabilities\":{\"max_msg_fds\":1.5}}",
                "{\"capabilities\":{\"max_msg_fds\":1e2}}",
                "{\"capabilities\":{\"max_msg_fds\":99999999999999999999}}",
                "{\"capabilities\":{\"max_msg_fds\":{}}}",
                "{\"capabilities\":{\"max_data_xfer_size\":0}}",
                "{\"capabilities\":{\"max_data_xfer_size\":4294967296}}",
                "{\"capabilities\":{\"pgsizes\":0}}",
                "{\"capabilities\":{\"write_multiple\":1}}",
                "{\"capabilities\":{\"twin_socket\":true}}",
                "{\"capabilities\":{\"twin_socket\":{\"supported\":0}}}",
                "{\"capabilities\":{\"migration\":{\"pgsize\":4095}}}",
                "{\"capabilities\":{\"migration\":{\"pgsize\":0}}}",
                "{\"capabilities\":{\"migration\":4096}}",
                "{\"capabilities\":{\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}}"
            })
    void aTextThatIsNoneOfTheProtocolIsRefused(String json) {
        assertThatThrownBy(() -> Version.parse(Golden.version(1, json)))
                .isInstanceOf(Refusal.class);
    }

    @Test
    void aTextThatIsNotUtf8IsRefused() {
        byte[] payload = Golden.version(1, "{\"x\":\"y\"}");
        payload[4 + 6] = (byte) 0xff;
        assertThatThrownBy(() -> Version.parse(payload))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("not UTF-8");
    }

    @Test
    void aTextHasAnEnd() {
        byte[] payload = Golden.version(1, "{}");
        assertThatThrownBy(() -> Version.parse(Arrays.copyOf(payload, payload.length - 1)))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("without an end");
        assertThatThrownBy(() -> Version.parse(Golden.version(1, "{}\0")))
                .isInstanceOf(Refusal.class);
    }
}
