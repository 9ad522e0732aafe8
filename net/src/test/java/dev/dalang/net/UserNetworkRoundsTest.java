package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.net.GuestTcp;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32;

/**
 * One connection goes up and down by turns: what one direction left behind (windows, timers,
 * memory, what the socket is watched for) must not hold the other up. {@code -Ddalang.net.rounds=N}
 * and {@code -Ddalang.net.mebibytes=N} make it longer.
 */
final class UserNetworkRoundsTest {
    private static final int ROUNDS = Integer.getInteger("dalang.net.rounds", 3);
    private static final int BYTES = Integer.getInteger("dalang.net.mebibytes", 2) << 20;

    /** Takes so many bytes and answers with their checksum; gives so many bytes. */
    private static void serve(Socket socket, boolean slow) throws IOException {
        if (slow) {
            socket.setReceiveBufferSize(1 << 18);
            socket.setSendBufferSize(1 << 18);
        }
        DataInputStream in = new DataInputStream(socket.getInputStream());
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        SplittableRandom random = new SplittableRandom(7);
        byte[] some = new byte[1 << 16];
        for (int command = in.read(); command >= 0; command = in.read()) {
            int left = in.readInt();
            if (command == 'U') {
                out.writeLong(take(in, left, some, slow, random));
            } else {
                give(out, left, in.readLong(), some, slow, random);
            }
        }
    }

    private static long take(
            InputStream in, int bytes, byte[] some, boolean slow, SplittableRandom random)
            throws IOException {
        CRC32 crc = new CRC32();
        for (int left = bytes; left > 0; ) {
            int count = in.read(some, 0, Math.min(left, piece(some, slow, random)));
            if (count < 0) {
                throw new IOException(left + " bytes are missing");
            }
            crc.update(some, 0, count);
            left -= count;
        }
        return crc.getValue();
    }

    private static void give(
            OutputStream out,
            int bytes,
            long seed,
            byte[] some,
            boolean slow,
            SplittableRandom random)
            throws IOException {
        SplittableRandom content = new SplittableRandom(seed);
        ByteBuffer words = ByteBuffer.wrap(some);
        for (int done = 0; done < bytes; done += some.length) {
            for (int i = 0; i < some.length; i += Long.BYTES) {
                words.putLong(i, content.nextLong());
            }
            for (int at = 0; at < some.length; ) {
                int count = Math.min(some.length - at, piece(some, slow, random));
                out.write(some, at, count);
                at += count;
            }
        }
    }

    /** A slow end takes little at a time, and rests now and then. */
    private static int piece(byte[] some, boolean slow, SplittableRandom random) {
        if (!slow) {
            return some.length;
        }
        if (random.nextInt(64) == 0) {
            LockSupport.parkNanos(1_000_000);
        }
        return 1 + random.nextInt(6000);
    }

    @ParameterizedTest
    @CsvSource({
        "true, 1048576, false, false",
        "false, 1048576, false, false",
        "true, 65536, false, true",
        "false, 30000, true, false",
        "true, 524288, true, true",
        "false, 4000, false, true"
    })
    void upAndDownByTurns(boolean offloads, int bufferBytes, boolean slowServer, boolean slowGuest)
            throws IOException {
        try (Server server = new Server((socket, _, _) -> serve(socket, slowServer));
                Guest guest = Guest.withLoopback()) {
            guest.stack.bufferBytes(bufferBytes);
            GuestTcp connection =
                    (offloads ? guest.offloading() : guest)
                            .stack.connect(Guest.GATEWAY, server.port());
            SplittableRandom random = new SplittableRandom(8);
            byte[] some = new byte[1 << 16];
            for (int round = 0; round < ROUNDS; round++) {
                assertThat(up(connection, round, some)).as("round %d", round).isTrue();
                assertThat(down(connection, round, some, slowGuest, random))
                        .as("round %d", round)
                        .isTrue();
            }
            assertThat(server.failures).isEmpty();
            assertThat(guest.network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
            assertThat(guest.network.count(NetworkEvent.TCP_RESET)).isZero();
        }
    }

    private static boolean up(GuestTcp connection, long seed, byte[] some) throws IOException {
        connection.write(ByteBuffer.allocate(5).put((byte) 'U').putInt(BYTES).array());
        SplittableRandom content = new SplittableRandom(seed);
        CRC32 crc = new CRC32();
        for (int done = 0; done < BYTES; done += some.length) {
            content.nextBytes(some);
            crc.update(some);
            connection.write(some);
        }
        return ByteBuffer.wrap(connection.readFully(Long.BYTES)).getLong() == crc.getValue();
    }

    private static boolean down(
            GuestTcp connection, long seed, byte[] some, boolean slow, SplittableRandom random)
            throws IOException {
        connection.write(
                ByteBuffer.allocate(13).put((byte) 'D').putInt(BYTES).putLong(seed).array());
        SplittableRandom content = new SplittableRandom(seed);
        byte[] expected = new byte[1 << 16];
        ByteBuffer words = ByteBuffer.wrap(expected);
        int inExpected = expected.length;
        for (int left = BYTES; left > 0; ) {
            int count = connection.read(some, 0, Math.min(left, piece(some, slow, random)));
            for (int i = 0; i < count; i++) {
                if (inExpected == expected.length) {
                    for (int at = 0; at < expected.length; at += Long.BYTES) {
                        words.putLong(at, content.nextLong());
                    }
                    inExpected = 0;
                }
                if (some[i] != expected[inExpected++]) {
                    return false;
                }
            }
            left -= count;
        }
        return true;
    }
}
