package dev.dalang.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.bus.time.RateLimiter.Rate;
import dev.dalang.net.Frame;
import dev.dalang.net.Offload;
import dev.dalang.net.Segmentation;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.VirtioPciDriver;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** The card through its driver's eyes, over PCI. */
final class VirtioNetDeviceTest {
    private static final long ALL = -1L & ~VirtioNetFeatures.VIRTIO_NET_F_MQ;
    private static final long PACKED = 1L << 34;
    private static final long SPLIT = ALL & ~PACKED;
    private static final int OK = 0;
    private static final int ERR = 1;

    private final RecordingBackend backend = new RecordingBackend();
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private VirtioNetDevice device = VirtioNetDevice.builder(backend).build();

    private DriverCard card(long wanted) {
        return new DriverCard(device, clock, DeviceExecutor.inline(), wanted);
    }

    private static byte[] frame(int bytes) {
        byte[] frame = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(frame);
        frame[12] = 0x08;
        frame[13] = 0;
        return frame;
    }

    private static byte[] to(long mac, int bytes) {
        byte[] frame = frame(bytes);
        for (int i = 0; i < 6; i++) {
            frame[i] = (byte) (mac >> 8 * (5 - i));
        }
        return frame;
    }

    private static byte[] bytes(Frame frame) {
        byte[] copy = new byte[frame.length()];
        frame.data().get(0, copy);
        return copy;
    }

    private boolean deliver(byte[] bytes) {
        Frame frame = new Frame();
        frame.begin(bytes.length);
        frame.data().put(0, bytes);
        boolean taken = backend.sink.receive(frame);
        backend.sink.endOfBatch();
        return taken;
    }

    // ---- configuration and features

    @Test
    void theConfigurationHasAddressLinkPairsAndMtu() {
        device = VirtioNetDevice.builder(backend).mac(0x0200_1122_3344L).queuePairs(4).build();
        DriverCard card = card(-1L);
        assertThat(card.driver.deviceId()).isEqualTo(1);
        assertThat(card.driver.readConfig(0, 4)).isEqualTo(0x2211_0002L);
        assertThat(card.driver.readConfig(4, 2)).isEqualTo(0x4433L);
        assertThat(card.driver.readConfig(6, 2)).isEqualTo(1);
        assertThat(card.driver.readConfig(8, 2)).isEqualTo(4);
        assertThat(card.driver.readConfig(10, 2)).isEqualTo(1500);
    }

    @Test
    void featuresThatNeedOthersAreRefusedWithoutThem() {
        long[] inconsistent = {
            VirtioNetFeatures.VIRTIO_NET_F_GUEST_TSO4,
            VirtioNetFeatures.VIRTIO_NET_F_GUEST_TSO6,
            VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO4,
            VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO6,
            VirtioNetFeatures.VIRTIO_NET_F_HOST_USO,
            VirtioNetFeatures.VIRTIO_NET_F_CSUM | VirtioNetFeatures.VIRTIO_NET_F_HOST_ECN,
            VirtioNetFeatures.VIRTIO_NET_F_GUEST_CSUM | VirtioNetFeatures.VIRTIO_NET_F_GUEST_ECN,
            VirtioNetFeatures.VIRTIO_NET_F_CTRL_RX,
            VirtioNetFeatures.VIRTIO_NET_F_CTRL_MAC_ADDR,
            VirtioNetFeatures.VIRTIO_NET_F_GUEST_ANNOUNCE,
            VirtioNetFeatures.VIRTIO_NET_F_MQ,
        };
        for (long features : inconsistent) {
            assertThat(device.acceptsFeatures(features)).as(Long.toHexString(features)).isFalse();
            assertThat(device.acceptsFeatures(features | device.features()))
                    .as(Long.toHexString(features))
                    .isTrue();
        }
    }

    // ---- sending

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void framesOfTheDriversReachTheBackEndInOrder(long wanted) {
        DriverCard card = card(wanted);
        for (int bytes : new int[] {14, 60, 1514, 65_535, 65_600}) {
            card.send(0, DriverCard.plain(frame(bytes)), 5, 12, 20);
        }
        assertThat(backend.sent).hasSize(5);
        assertThat(bytes(backend.sent.get(0))).isEqualTo(frame(14));
        assertThat(bytes(backend.sent.get(4))).isEqualTo(frame(65_600));
        assertThat(device.count(VirtioNetEvent.SENT)).isEqualTo(5);
        int returned = 0;
        while (card.queues[1].poll()) {
            returned++;
        }
        assertThat(returned).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({"1, TCP4", "4, TCP6", "5, UDP", "129, TCP4"})
    void offloadsOfTheDriversReachTheBackEnd(int kind, Segmentation segmentation) {
        DriverCard card = card(ALL);
        card.send(0, DriverCard.withHeader(1, kind, 1448, 34, 16, frame(9000)));
        Frame sent = backend.sent.getFirst();
        assertThat(sent.needsChecksum()).isTrue();
        assertThat(sent.checksumStart()).isEqualTo(34);
        assertThat(sent.checksumOffset()).isEqualTo(16);
        assertThat(sent.segmentation()).isEqualTo(segmentation);
        assertThat(sent.segmentBytes()).isEqualTo(1448);
        assertThat(sent.isEcn()).isEqualTo(kind > 127);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 1448, 34, 16, 100", // segments without a checksum
        "1, 1, 0, 34, 16, 100", // segments of no length
        "1, 3, 100, 34, 16, 100", // fragments of UDP, which are not offered
        "1, 77, 100, 34, 16, 100", // no kind at all
        "1, 0, 0, 99, 0, 100", // a checksum that begins inside and ends outside
        "1, 0, 0, 65535, 65535, 100",
        "0, 0, 0, 0, 0, 13",
        "0, 0, 0, 0, 0, 0",
        "0, 0, 0, 0, 0, 65601",
    })
    void aFrameThatMakesNoSenseIsDroppedAndTheCardGoesOn(
            int flags, int kind, int segment, int start, int offset, int bytes) {
        DriverCard card = card(ALL);
        byte[] bad = DriverCard.withHeader(flags, kind, segment, start, offset, new byte[bytes]);
        card.send(0, bad);
        card.send(0, DriverCard.plain(frame(60)));
        assertThat(backend.sent).hasSize(1);
        assertThat(device.count(VirtioNetEvent.SEND_MALFORMED)).isEqualTo(1);
        assertThat(card.queues[1].poll()).isTrue();
        assertThat(card.queues[1].poll()).isTrue();
    }

    @Test
    void aChainShorterThanTheHeaderIsDropped() {
        DriverCard card = card(ALL);
        card.send(0, new byte[5]);
        card.queues[1].add(card.heap.writable(100));
        card.driver.notifyQueue(1);
        assertThat(device.count(VirtioNetEvent.SEND_MALFORMED)).isEqualTo(2);
        assertThat(card.driver.status() & VirtioPciDriver.NEEDS_RESET).isZero();
    }

    @Test
    void segmentsThatWereNotNegotiatedAreDropped() {
        DriverCard card = card(ALL & ~VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO4);
        card.send(0, DriverCard.withHeader(1, 1, 1448, 34, 16, frame(9000)));
        card.send(0, DriverCard.withHeader(1, 4, 1448, 54, 16, frame(9000)));
        assertThat(backend.sent).hasSize(1);
    }

    @Test
    void aFullBackEndHoldsTheQueueUpUntilItHasRoom() {
        DriverCard card = card(ALL);
        backend.full = true;
        for (int i = 0; i < 10; i++) {
            card.send(0, DriverCard.plain(frame(100 + i)));
        }
        assertThat(backend.sent).isEmpty();
        assertThat(card.queues[1].poll()).isFalse();
        backend.full = false;
        backend.sink.readyToSend();
        assertThat(backend.sent).hasSize(10);
        for (int i = 0; i < 10; i++) {
            assertThat(bytes(backend.sent.get(i))).isEqualTo(frame(100 + i));
        }
    }

    @Test
    void sendingIsHeldToItsRate() {
        device = VirtioNetDevice.builder(backend).sendRate(new Rate(10, 3), Rate.UNLIMITED).build();
        DriverCard card = card(ALL);
        for (int i = 0; i < 8; i++) {
            card.send(0, DriverCard.plain(frame(100)));
        }
        assertThat(backend.sent).hasSize(3);
        clock.advance(200_000_010);
        assertThat(backend.sent).hasSize(5);
        clock.advance(10_000_000_000L);
        assertThat(backend.sent).hasSize(8);
    }

    @Test
    void aBufferThatIsNotMemoryPutsTheCardInNeedOfAResetAfterWhichItWorks() {
        DriverCard card = card(ALL);
        card.queues[1].add(DriverBuffer.readable(0x10, 100));
        card.driver.notifyQueue(1);
        assertThat(card.driver.status() & VirtioPciDriver.NEEDS_RESET).isNotZero();
        card.driver.negotiate(ALL);
        card.place(0);
        card.place(1);
        card.driver.ready();
        card.send(0, DriverCard.plain(frame(60)));
        assertThat(backend.sent).hasSize(1);
    }

    @Test
    void aFrameThatWaitsForRoomIsPaidForOnce() {
        device = VirtioNetDevice.builder(backend).sendRate(new Rate(10, 3), Rate.UNLIMITED).build();
        DriverCard card = card(ALL);
        backend.full = true;
        card.send(0, DriverCard.plain(frame(100)));
        for (int i = 0; i < 5; i++) {
            backend.sink.readyToSend();
        }
        backend.full = false;
        backend.sink.readyToSend();
        card.send(0, DriverCard.plain(frame(101)));
        card.send(0, DriverCard.plain(frame(102)));
        assertThat(backend.sent).hasSize(3);
    }

    /** What a chain that is not memory leaves behind must not keep the machine from being saved. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aCardInNeedOfAResetIsSavedAndRestored(int queue) {
        DriverCard card = card(SPLIT);
        card.queues[queue].add(
                queue == 0 ? DriverBuffer.writable(0x10, 2000) : DriverBuffer.readable(0x10, 100));
        card.driver.notifyQueue(queue);
        if (queue == 0) {
            deliver(frame(100));
        }
        assertThat(card.driver.status() & VirtioPciDriver.NEEDS_RESET).isNotZero();
        card.transport.sleep();
        Snapshot taken = card.transport.snapshot();
        VirtioNetDevice second = VirtioNetDevice.builder(new RecordingBackend()).build();
        DriverCard moved = new DriverCard(card, second, clock, DeviceExecutor.inline(), taken);
        moved.transport.wake();
        assertThat(moved.driver.status() & VirtioPciDriver.NEEDS_RESET).isNotZero();
        assertThat(card.transport.counts().failedCalls()).isZero();
    }

    // ---- receiving

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void aFrameLiesInAsManyBuffersAsItNeeds(long wanted) {
        DriverCard card = card(wanted);
        card.post(0, 64, 1536);
        for (int bytes : new int[] {14, 1514, 1524, 1525, 65_535}) {
            assertThat(deliver(frame(bytes))).isTrue();
            DriverCard.Received received = card.poll(0);
            assertThat(received.frame()).isEqualTo(frame(bytes));
            assertThat(received.buffers()).isEqualTo((bytes + 12 + 1535) / 1536);
            assertThat(received.flags()).isZero();
        }
        assertThat(card.poll(0)).isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void withoutBuffersTheBackEndWaitsAndIsToldWhenThereAreSome(long wanted) {
        DriverCard card = card(wanted);
        assertThat(deliver(frame(100))).isFalse();
        card.post(0, 1, 64);
        int before = backend.ready;
        assertThat(deliver(frame(1000))).isFalse();
        card.post(0, 20, 64);
        assertThat(backend.ready).isGreaterThan(before);
        assertThat(deliver(frame(1000))).isTrue();
        assertThat(card.poll(0).frame()).isEqualTo(frame(1000));
    }

    @Test
    void buffersThatTogetherNeverSufficeDropTheFrame() {
        DriverCard card = card(SPLIT);
        card.post(0, 256, 20);
        assertThat(deliver(frame(9000))).isTrue();
        assertThat(device.count(VirtioNetEvent.RECEIVE_DROPPED)).isEqualTo(1);
        assertThat(deliver(frame(60))).isTrue();
        assertThat(card.poll(0).frame()).isEqualTo(frame(60));
    }

    @Test
    void withoutMergingAFrameThatDoesNotFitIsDropped() {
        DriverCard card = card(SPLIT & ~VirtioNetFeatures.VIRTIO_NET_F_MRG_RXBUF);
        card.post(0, 4, 1526);
        assertThat(deliver(frame(1515))).isTrue();
        assertThat(device.count(VirtioNetEvent.RECEIVE_DROPPED)).isEqualTo(1);
        assertThat(deliver(frame(1514))).isTrue();
        assertThat(card.poll(0).frame()).isEqualTo(frame(1514));
    }

    @Test
    void offloadsOfTheBackEndsReachTheDriver() {
        DriverCard card = card(ALL);
        card.post(0, 8, 4096);
        assertThat(backend.accepted)
                .containsExactlyInAnyOrder(
                        Offload.CHECKSUM, Offload.TCP4, Offload.TCP6, Offload.TCP_ECN);
        Frame frame = new Frame();
        frame.begin(9000);
        frame.leaveChecksum(34, 16);
        frame.leaveSegmentation(Segmentation.TCP4, 1448, 54, true);
        assertThat(backend.sink.receive(frame)).isTrue();
        DriverCard.Received received = card.poll(0);
        assertThat(received.flags()).isEqualTo(1);
        assertThat(received.kind() & 0xff).isEqualTo(0x81);
        assertThat(received.segmentBytes()).isEqualTo(1448);
        assertThat(received.header().getShort(6)).isEqualTo((short) 34);
        assertThat(received.header().getShort(8)).isEqualTo((short) 16);
    }

    @Test
    void withoutADriverFramesAreDropped() {
        DriverCard card = card(ALL);
        card.driver.reset();
        assertThat(deliver(frame(100))).isTrue();
        assertThat(device.count(VirtioNetEvent.RECEIVE_DROPPED)).isEqualTo(1);
        assertThat(backend.accepted).isEmpty();
    }

    @Test
    void aReceiveBufferThatIsNotMemoryPutsTheCardInNeedOfAReset() {
        DriverCard card = card(ALL);
        card.queues[0].add(DriverBuffer.writable(0x10, 2000));
        card.driver.notifyQueue(0);
        assertThat(deliver(frame(100))).isTrue();
        assertThat(card.driver.status() & VirtioPciDriver.NEEDS_RESET).isNotZero();
        assertThat(deliver(frame(100))).isTrue();
    }

    @Test
    void receivingIsHeldToItsRate() {
        device =
                VirtioNetDevice.builder(backend)
                        .receiveRate(Rate.UNLIMITED, new Rate(1000, 1000))
                        .build();
        DriverCard card = card(ALL);
        card.post(0, 8, 2000);
        assertThat(deliver(frame(1000))).isTrue();
        assertThat(deliver(frame(500))).isFalse();
        int before = backend.ready;
        clock.advance(500_000_010);
        assertThat(backend.ready).isGreaterThan(before);
        assertThat(deliver(frame(500))).isTrue();
    }

    @Test
    void aPulledCableDropsFramesAndShowsInTheConfiguration() {
        DriverCard card = card(ALL);
        card.post(0, 8, 2000);
        int generation = card.driver.configGeneration();
        device.setLink(false);
        assertThat(card.driver.readConfig(6, 2)).isZero();
        assertThat(card.driver.configGeneration()).isNotEqualTo(generation);
        assertThat(deliver(frame(100))).isTrue();
        assertThat(card.poll(0)).isNull();
        card.send(0, DriverCard.plain(frame(100)));
        assertThat(backend.sent).isEmpty();
        assertThat(device.count(VirtioNetEvent.SEND_DROPPED)).isEqualTo(1);
        device.setLink(true);
        assertThat(deliver(frame(100))).isTrue();
        assertThat(card.poll(0)).isNotNull();
        card.send(0, DriverCard.plain(frame(100)));
        assertThat(backend.sent).hasSize(1);
    }

    @Test
    void aLinkThatIsLostShowsInTheConfiguration() {
        DriverCard card = card(ALL);
        assertThat(card.driver.readConfig(6, 2)).isEqualTo(1);
        backend.sink.linkLost();
        assertThat(card.driver.readConfig(6, 2)).isZero();
    }

    // ---- commands

    private boolean receives(DriverCard card, byte[] frame) {
        assertThat(deliver(frame)).isTrue();
        DriverCard.Received received = card.poll(0);
        return received != null && Arrays.equals(received.frame(), frame);
    }

    @Test
    void theDriverChoosesWhatItReceives() {
        DriverCard card = card(ALL);
        card.post(0, 16, 2000);
        byte[] mine = to(0x5254_0012_3456L, 60);
        byte[] other = to(0x5254_0099_9999L, 60);
        byte[] group = to(0x0100_5e00_0001L, 60);
        byte[] all = to(0xffff_ffff_ffffL, 60);
        assertThat(receives(card, other)).isTrue();
        assertThat(card.command(0, 0, (byte) 0)).isEqualTo(OK);
        assertThat(receives(card, other)).isFalse();
        assertThat(receives(card, mine)).isTrue();
        assertThat(receives(card, group)).isFalse();
        assertThat(receives(card, all)).isTrue();
        assertThat(card.command(0, 1, (byte) 1)).isEqualTo(OK);
        assertThat(receives(card, group)).isTrue();
        assertThat(card.command(0, 2, (byte) 1)).isEqualTo(OK);
        assertThat(receives(card, other)).isTrue();
        assertThat(card.command(0, 3, (byte) 1)).isEqualTo(OK);
        assertThat(receives(card, group)).isFalse();
        assertThat(card.command(0, 4, (byte) 1)).isEqualTo(OK);
        assertThat(receives(card, mine)).isFalse();
        assertThat(card.command(0, 5, (byte) 1)).isEqualTo(OK);
        assertThat(receives(card, all)).isFalse();
    }

    @Test
    void theDriverNamesTheAddressesThatItReceives() {
        DriverCard card = card(ALL);
        card.post(0, 16, 2000);
        assertThat(card.command(0, 0, (byte) 0)).isEqualTo(OK);
        byte[] table = {1, 0, 0, 0, 2, 3, 4, 5, 6, 7, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1};
        assertThat(card.command(1, 0, table)).isEqualTo(OK);
        assertThat(receives(card, to(0x0203_0405_0607L, 60))).isTrue();
        assertThat(receives(card, to(0x0203_0405_0608L, 60))).isFalse();
        assertThat(receives(card, to(0x0100_5e00_0001L, 60))).isTrue();
        assertThat(receives(card, to(0x0100_5e00_0002L, 60))).isFalse();
        // More than are kept: then everything of the kind.
        byte[] many = new byte[8 + 6 * 100];
        many[0] = 100;
        assertThat(card.command(1, 0, many)).isEqualTo(OK);
        assertThat(receives(card, to(0x0203_0405_0608L, 60))).isTrue();
        assertThat(receives(card, to(0x0100_5e00_0002L, 60))).isFalse();
    }

    @Test
    void theDriverChangesItsAddress() {
        DriverCard card = card(ALL);
        assertThat(card.command(1, 1, new byte[] {2, 0, 0, 0, 0, 9})).isEqualTo(OK);
        assertThat(device.mac()).isEqualTo(0x0200_0000_0009L);
        assertThat(card.driver.readConfig(5, 1)).isEqualTo(9);
        card.driver.reset();
        assertThat(device.mac()).isEqualTo(0x5254_0012_3456L);
    }

    @Test
    void theDriverChoosesVlans() {
        DriverCard card = card(ALL);
        card.post(0, 16, 2000);
        byte[] tagged = to(0x5254_0012_3456L, 64);
        tagged[12] = (byte) 0x81;
        tagged[14] = 0;
        tagged[15] = 7;
        assertThat(receives(card, tagged)).isFalse();
        assertThat(card.command(2, 0, (byte) 7, (byte) 0)).isEqualTo(OK);
        assertThat(receives(card, tagged)).isTrue();
        assertThat(card.command(2, 1, (byte) 7, (byte) 0)).isEqualTo(OK);
        assertThat(receives(card, tagged)).isFalse();
        assertThat(card.command(2, 0, (byte) 0, (byte) 0x10)).isEqualTo(ERR);
    }

    @Test
    void theDriverChangesItsOffloads() {
        DriverCard card = card(ALL);
        assertThat(card.command(5, 0, new byte[] {2, 0, 0, 0, 0, 0, 0, 0})).isEqualTo(OK);
        assertThat(backend.accepted).isEqualTo(Set.of(Offload.CHECKSUM));
        // Segments without checksums, and what was never negotiated.
        assertThat(card.command(5, 0, new byte[] {(byte) 0x80, 0, 0, 0, 0, 0, 0, 0}))
                .isEqualTo(ERR);
        assertThat(card.command(5, 0, new byte[] {0, 4, 0, 0, 0, 0, 0, 0})).isEqualTo(ERR);
        assertThat(backend.accepted).isEqualTo(Set.of(Offload.CHECKSUM));
    }

    @Test
    void commandsThatAreNoneAreRefused() {
        DriverCard card = card(ALL);
        assertThat(card.command(0, 6, (byte) 0)).isEqualTo(ERR);
        assertThat(card.command(0, 0)).isEqualTo(ERR);
        assertThat(card.command(1, 0, new byte[] {-1, -1, -1, -1})).isEqualTo(ERR);
        assertThat(card.command(1, 1, new byte[5])).isEqualTo(ERR);
        assertThat(card.command(1, 9)).isEqualTo(ERR);
        assertThat(card.command(3, 1)).isEqualTo(ERR);
        assertThat(card.command(4, 0, (byte) 1, (byte) 0)).isEqualTo(ERR);
        assertThat(card.command(99, 0)).isEqualTo(ERR);
        assertThat(device.count(VirtioNetEvent.COMMAND_REFUSED)).isEqualTo(8);
        assertThat(card.driver.status() & VirtioPciDriver.NEEDS_RESET).isZero();
    }

    // ---- several pairs

    @Test
    void aFlowIsReceivedWhereTheDriverSendsIt() {
        device = VirtioNetDevice.builder(backend).queuePairs(4).build();
        DriverCard card = card(-1L & ~PACKED);
        assertThat(card.command(4, 0, (byte) 4, (byte) 0)).isEqualTo(OK);
        assertThat(card.command(4, 0, (byte) 5, (byte) 0)).isEqualTo(ERR);
        for (int pair = 0; pair < 4; pair++) {
            card.post(pair, 8, 2000);
        }
        for (int flow = 0; flow < 40; flow++) {
            int pair = flow % 4;
            card.send(pair, DriverCard.plain(tcp(0x0a00_020f, 40_000 + flow, 0x0a00_0202, 80)));
            byte[] answer = tcp(0x0a00_0202, 80, 0x0a00_020f, 40_000 + flow);
            assertThat(deliver(answer)).isTrue();
            DriverCard.Received received = card.poll(pair);
            assertThat(received).as("flow " + flow).isNotNull();
            assertThat(received.frame()).isEqualTo(answer);
        }
    }

    private static byte[] tcp(int source, int sourcePort, int target, int targetPort) {
        byte[] frame = new byte[60];
        java.nio.ByteBuffer data = java.nio.ByteBuffer.wrap(frame);
        data.putShort(12, (short) 0x0800).put(14, (byte) 0x45).put(23, (byte) 6);
        data.putInt(26, source).putInt(30, target);
        data.putShort(34, (short) sourcePort).putShort(36, (short) targetPort);
        return frame;
    }

    @Test
    void withoutTheFeatureTheControlQueueIsTheThird() {
        device = VirtioNetDevice.builder(backend).queuePairs(4).build();
        DriverCard card = card(ALL);
        assertThat(card.pairs).isEqualTo(1);
        assertThat(card.command(0, 0, (byte) 1)).isEqualTo(OK);
    }

    // ---- the life cycle

    @Test
    void theCardIsTheSameAfterSleepAndRestore() {
        DriverCard first = card(SPLIT);
        first.post(0, 8, 2000);
        assertThat(first.command(0, 0, (byte) 0)).isEqualTo(OK);
        assertThat(first.command(1, 1, new byte[] {2, 0, 0, 0, 0, 9})).isEqualTo(OK);
        backend.state(42);
        first.transport.sleep();
        assertThat(backend.asleep).isTrue();
        Snapshot taken = first.transport.snapshot();
        RecordingBackend other = new RecordingBackend();
        VirtioNetDevice second = VirtioNetDevice.builder(other).build();
        DriverCard card = new DriverCard(first, second, clock, DeviceExecutor.inline(), taken);
        assertThat(card.transport.snapshot()).isEqualTo(taken);
        card.transport.wake();
        assertThat(other.asleep).isFalse();
        assertThat(second.mac()).isEqualTo(0x0200_0000_0009L);
        byte[] mine = to(0x0200_0000_0009L, 60);
        for (byte[] bytes : List.of(to(0x0200_0000_0010L, 60), mine)) {
            Frame frame = new Frame();
            frame.begin(bytes.length);
            frame.data().put(0, bytes);
            assertThat(other.sink.receive(frame)).isTrue();
        }
        assertThat(card.poll(0).frame()).isEqualTo(mine);
        assertThat(card.poll(0)).isNull();
        card.send(0, DriverCard.plain(frame(60)));
        assertThat(other.sent).hasSize(1);
        // It was restored: the driver is asked to announce itself, and says that it did.
        assertThat(card.driver.readConfig(6, 2)).isEqualTo(3);
        assertThat(card.command(3, 0)).isEqualTo(OK);
        assertThat(card.driver.readConfig(6, 2)).isEqualTo(1);
    }

    @Test
    void aResetQueueTakesNothingAndComesBack() {
        DriverCard card = card(SPLIT);
        card.post(0, 8, 2000);
        card.driver.resetQueue(0);
        assertThat(deliver(frame(60))).isTrue();
        assertThat(device.count(VirtioNetEvent.RECEIVE_DROPPED)).isEqualTo(1);
        card.place(0);
        card.post(0, 8, 2000);
        assertThat(deliver(frame(60))).isTrue();
        assertThat(card.poll(0).frame()).isEqualTo(frame(60));
    }

    @Test
    void impossibleOptionsAreRefused() {
        assertThatThrownBy(() -> VirtioNetDevice.builder(backend).mac(0x0100_0000_0000L))
                .hasMessageContaining("mac");
        assertThatThrownBy(() -> VirtioNetDevice.builder(backend).queuePairs(0))
                .hasMessageContaining("queuePairs");
    }
}
