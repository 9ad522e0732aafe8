package dev.dalang.remote.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * A message from a peer who means ill: it is refused, or it is understood, and then says the same
 * when it is written down again.
 */
final class MessageScript {
    private static final List<Function<byte[], Object>> REPLIES =
            List.of(
                    Version::parse,
                    Request.DmaUnmap::parse,
                    Request.DeviceInfo::parse,
                    RegionInfo::parse,
                    IoFd::parseReply,
                    Request.IrqInfo::parse,
                    Request.RegionRead::parse,
                    Request.RegionWrite::parse,
                    Request.DmaRead::parse,
                    Request.DmaWrite::parse,
                    Feature::parse,
                    Request.MigrationWrite::parse,
                    Request.MigrationRead::parseReply);

    void run(byte[] bytes) {
        if (bytes.length < Header.BYTES) {
            return;
        }
        Header header = Header.parse(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        byte[] again = new byte[Header.BYTES];
        header.put(ByteBuffer.wrap(again).order(ByteOrder.LITTLE_ENDIAN));
        assertThat(again).isEqualTo(Arrays.copyOf(bytes, Header.BYTES));

        byte[] payload = Arrays.copyOfRange(bytes, Header.BYTES, bytes.length);
        int descriptors = header.error() & 3;
        Command.of(header.command()).ifPresent(command -> request(command, payload, descriptors));
        for (Function<byte[], Object> reply : REPLIES) {
            try {
                assertThat(reply.apply(payload)).isNotNull();
            } catch (Refusal refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
        }
    }

    private static void request(Command command, byte[] payload, int descriptors) {
        Request request;
        try {
            request = Request.parse(command, payload, descriptors);
        } catch (Refusal refused) {
            assertThat(refused.getMessage()).isNotBlank();
            return;
        }
        assertThat(request.command()).isEqualTo(command);
        byte[] written = request.payload();
        assertThat(Request.parse(command, written, descriptors).payload()).isEqualTo(written);
    }
}
