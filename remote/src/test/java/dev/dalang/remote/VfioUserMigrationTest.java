package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Feature;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.MigrationRead;
import dev.dalang.remote.internal.wire.Request.MigrationWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;

final class VfioUserMigrationTest {
    private static final int ERROR = 0;
    private static final int STOP = 1;
    private static final int RUNNING = 2;
    private static final int STOP_COPY = 3;
    private static final int RESUMING = 4;
    private static final int PRE_COPY = 6;
    private static final long RAM = 0x8000_0000L;

    @TempDir Path directory;
    private VfioUserServer server;
    private ScriptClient client;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        client = ScriptClient.connect(server.path());
    }

    @AfterEach
    void end() {
        if (server != null) {
            client.close();
            server.close();
        }
    }

    private static Feature feature(int flags, byte[] data) {
        return new Feature(1 << 16, flags, Bytes.of(data));
    }

    private static Request state(int state) {
        return feature(Feature.SET | Feature.MIG_DEVICE_STATE, Writer.of(8).putInt(state).bytes());
    }

    private static int stateOf(ScriptClient of) throws IOException {
        byte[] reply = of.call(feature(Feature.GET | Feature.MIG_DEVICE_STATE, new byte[0]));
        return Feature.parse(reply).data().array()[0];
    }

    private static byte[] stateOfDevice(ScriptClient from) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            byte[] piece =
                    MigrationWrite.parse(from.call(new MigrationRead(1008, 5000))).data().array();
            if (piece.length == 0) {
                return all.toByteArray();
            }
            assertThat(piece.length).isLessThanOrEqualTo(1000);
            all.writeBytes(piece);
        }
    }

    @Test
    void aDeviceGoesOnAtAnotherServer() throws IOException {
        client.enable();
        client.write(0, 0x08, 4, 5);
        client.call(state(STOP_COPY));
        byte[] moved = stateOfDevice(client);
        try (VfioUserServer other =
                        VfioUserServer.of(new EduDevice(), directory.resolve("other.sock"));
                ScriptClient there = ScriptClient.connect(other.path())) {
            there.call(state(RESUMING));
            for (int at = 0; at < moved.length; at += 777) {
                byte[] piece = Arrays.copyOfRange(moved, at, Math.min(moved.length, at + 777));
                there.call(new MigrationWrite(Bytes.of(piece)));
            }
            there.call(state(RUNNING));
            assertThat(there.read(0, 0x08, 4)).isEqualTo(120);
            assertThat(there.read(ScriptClient.CONFIGURATION, 4, 2)).isEqualTo(6);
            assertThat(stateOf(there)).isEqualTo(RUNNING);
        }
    }

    @Test
    void whatItCanDoIsTold() throws IOException {
        Feature can =
                Feature.parse(client.call(feature(Feature.GET | Feature.MIGRATION, new byte[0])));
        assertThat(can.data().array()).isEqualTo(new byte[] {5, 0, 0, 0, 0, 0, 0, 0});
        Feature little =
                Feature.parse(
                        client.call(new Feature(8, Feature.GET | Feature.MIGRATION, Bytes.NONE)));
        assertThat(little.argsz()).isEqualTo(16);
        assertThat(little.data().length()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {1 | 1 << 16, 2 | 1 << 16, 2 | 1 << 17, 6 | 1 << 17, 7 | 1 << 17, 8 | 1 << 16})
    void whatThereIsCanBeProbed(int flags) throws IOException {
        Feature reply = Feature.parse(client.call(feature(flags | Feature.PROBE, new byte[0])));
        assertThat(reply.flags()).isEqualTo(flags | Feature.PROBE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 5, 9, 0xffff})
    void otherFeaturesThereAreNot(int number) {
        client.refused(Errno.ENOTTY, feature(number | Feature.GET, new byte[0]));
        client.refused(Errno.ENOTTY, feature(number | Feature.GET | Feature.PROBE, new byte[0]));
    }

    @ParameterizedTest
    @CsvSource({
        "2, 1", "2, 3", "2, 4", "2, 6", "1, 2", "1, 3", "1, 4", "1, 6", "3, 1", "3, 2", "3, 4",
        "4, 1", "4, 2", "6, 1", "6, 2", "6, 3", "6, 4", "2, 2", "1, 1", "3, 3"
    })
    void thereIsAWayFromOneStateToAnother(int from, int to) throws IOException {
        if (from == RESUMING) {
            client.call(state(STOP_COPY));
            byte[] saved = stateOfDevice(client);
            client.call(state(RESUMING));
            client.call(new MigrationWrite(Bytes.of(saved)));
        } else {
            client.call(state(from));
        }
        client.call(state(to));
        assertThat(stateOf(client)).isEqualTo(to);
    }

    @ParameterizedTest
    @CsvSource({"3, 6", "2, 0", "2, 5", "2, 7", "2, -1"})
    void otherWaysThereAreNot(int from, int to) throws IOException {
        client.call(state(from));
        client.refused(Errno.EINVAL, state(to));
        assertThat(stateOf(client)).isEqualTo(from);
    }

    @Test
    void whatCannotBeResumedIsAnErrorThatResetEnds() throws IOException {
        client.write(0, 0x08, 4, 5);
        client.call(state(RESUMING));
        client.call(new MigrationWrite(Bytes.of(new byte[100])));
        client.refused(Errno.EINVAL, state(RUNNING));
        assertThat(stateOf(client)).isEqualTo(ERROR);
        client.refused(Errno.EINVAL, state(RUNNING));
        client.call(Reset.INSTANCE);
        assertThat(stateOf(client)).isEqualTo(RUNNING);
        assertThat(client.read(0, 0x08, 4)).isZero();
    }

    @Test
    void stateIsMovedOnlyWhenItIsTheTime() throws IOException {
        client.refused(Errno.EINVAL, new MigrationRead(1000, 1000));
        client.refused(Errno.EINVAL, new MigrationWrite(Bytes.of(new byte[1])));
        client.call(state(PRE_COPY));
        assertThat(stateOfDevice(client)).isEmpty();
        client.call(state(STOP_COPY));
        client.refused(Errno.EINVAL, new MigrationWrite(Bytes.of(new byte[1])));
        assertThat(stateOfDevice(client)).isNotEmpty();
    }

    @Test
    void aStoppedDeviceTakesLittle() throws IOException {
        client.call(state(STOP));
        client.refused(Errno.EINVAL, new DeviceInfo(16, 0, 0, 0));
        client.refused(Errno.EINVAL, new DmaMap(3, 0, RAM, 4096));
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    @Test
    void theNextClientFindsARunningDevice() throws IOException {
        client.write(0, 0x08, 4, 5);
        client.call(state(STOP_COPY));
        client.close();
        client = ScriptClient.connect(server.path());
        assertThat(stateOf(client)).isEqualTo(RUNNING);
        assertThat(client.read(0, 0x08, 4)).isEqualTo(120);
    }

    // ---------------------------------------------------------------- the log of dirty pages

    private void startLog() throws IOException {
        byte[] data =
                Writer.of(32).putLong(4096).putInt(1).putInt(0).putLong(0).putLong(-1).bytes();
        client.call(feature(Feature.SET | Feature.DMA_LOGGING_START, data));
    }

    private static Request report(int argsz, long address, long length, long page) {
        byte[] data = Writer.of(24).putLong(address).putLong(length).putLong(page).bytes();
        return new Feature(argsz, Feature.GET | Feature.DMA_LOGGING_REPORT, Bytes.of(data));
    }

    private long dirty(long address, long length, long page) throws IOException {
        byte[] reply = client.call(report(1 << 16, address, length, page));
        byte[] data = Feature.parse(reply).data().array();
        assertThat(data).hasSize(32);
        return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getLong(24);
    }

    private void writeTo(long address) throws IOException {
        client.write(0, 0x80, 8, 0x4_0000);
        client.write(0, 0x88, 8, address);
        client.write(0, 0x90, 8, 8);
        client.write(0, 0x98, 8, 3);
    }

    @Test
    void whatTheDeviceWritesIsLogged() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x1_0000)) {
            client.enable();
            client.map(RAM, 0x8000, memory);
            client.remote.put(2 * RAM + 0x1000, new byte[4096]);
            client.map(2 * RAM, 0x2000);
            writeTo(RAM);
            startLog();
            assertThat(dirty(RAM, 0x8000, 4096)).isZero();

            writeTo(RAM + 0x3000);
            writeTo(RAM + 0x4ffc);
            writeTo(2 * RAM + 0x1000);
            client.call(new DmaMap(3, 0, 3 * RAM, 0x1000), memory); // memory is made anew
            writeTo(RAM + 0x7000);
            assertThat(dirty(2 * RAM, 0x2000, 4096)).isEqualTo(0b10);
            assertThat(dirty(RAM, 0x8000, 4096)).isEqualTo(0b1011_1000);
            assertThat(dirty(RAM, 0x8000, 4096)).isZero();

            writeTo(RAM + 0x6000);
            assertThat(dirty(RAM, 0x8000, 8192)).isEqualTo(0b1000);
            client.call(feature(Feature.SET | Feature.DMA_LOGGING_STOP, new byte[0]));
            client.refused(Errno.EINVAL, report(1 << 16, RAM, 0x8000, 4096));
        }
    }

    @Test
    void aLogForWhichThereIsNoRoomIsKept() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x8000)) {
            client.enable();
            client.map(RAM, 0x8000, memory);
            startLog();
            writeTo(RAM);
            Feature little = Feature.parse(client.call(report(16, RAM, 0x8000, 4096)));
            assertThat(little.argsz()).isEqualTo(40);
            assertThat(dirty(RAM, 0x8000, 4096)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 4096",
        "0, 4096, 2048",
        "0, 4096, 6000",
        "0, 4096, 0",
        "0, -1, 4096",
        "0x800, 4096, 4096",
        "-4096, 8192, 4096",
        "0, 0x7fffffffffff0000, 4096"
    })
    void aLogOfWhatCannotBeIsRefused(String address, String length, long page) throws IOException {
        startLog();
        client.refused(Errno.EINVAL, report(-1, Long.decode(address), Long.decode(length), page));
    }

    @Test
    void aLogIsStartedOnce() throws IOException {
        startLog();
        byte[] data = Writer.of(16).putLong(4096).bytes();
        client.refused(Errno.EINVAL, feature(Feature.SET | Feature.DMA_LOGGING_START, data));
    }
}
