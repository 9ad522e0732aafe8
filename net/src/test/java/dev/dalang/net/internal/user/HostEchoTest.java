package dev.dalang.net.internal.user;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.net.EchoForwarder;
import dev.dalang.net.EchoForwarder.Echo;

import org.junit.jupiter.api.Test;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The host's sockets for datagrams of ICMP; skipped where this user may not have them. */
final class HostEchoTest {
    @Test
    void aReplyHasTheIdentifierAndTheNumberOfItsRequest() throws InterruptedException {
        Optional<EchoForwarder> opened = HostEcho.open();
        assumeTrue(opened.isPresent(), "net.ipv4.ping_group_range has no group of this user's");
        BlockingQueue<Echo> replies = new LinkedBlockingQueue<>();
        try (EchoForwarder echo = opened.get()) {
            echo.start(replies::add);
            InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
            for (int i = 0; i < 300; i++) {
                byte[] payload = {(byte) i, 2, 3};
                ByteBuffer sent = ByteBuffer.wrap(payload).asReadOnlyBuffer();
                assertThat(echo.send(new Echo(loopback, 1000 + i, 7 * i, sent))).isTrue();
                Echo reply = replies.poll(30, TimeUnit.SECONDS);
                assertThat(reply).isNotNull();
                assertThat(reply.peer()).isEqualTo(loopback);
                assertThat(reply.identifier()).isEqualTo(1000 + i);
                assertThat(reply.sequence()).isEqualTo(7 * i);
                assertThat(reply.payload()).isEqualTo(ByteBuffer.wrap(payload));
            }
        }
        assertThat(replies).isEmpty();
    }

    @Test
    void closingTwiceIsFine() {
        HostEcho.open()
                .ifPresent(
                        echo -> {
                            echo.close();
                            echo.close();
                        });
    }
}
