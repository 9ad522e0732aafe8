package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;

final class HostForwardTest {
    @ParameterizedTest
    @CsvSource({
        "tcp:127.0.0.1:2222-:22, tcp:127.0.0.1:2222-:22",
        "udp::5353-10.0.2.15:53, udp:127.0.0.1:5353-10.0.2.15:53",
        "tcp:0.0.0.0:80-:8080, tcp:0.0.0.0:80-:8080",
        "tcp:[::1]:8080-[fec0::15]:80, tcp:[0:0:0:0:0:0:0:1]:8080-[fec0:0:0:0:0:0:0:15]:80",
        "tcp::0-:1, tcp:127.0.0.1:0-:1",
    })
    void aForwardIsReadAsTheCommandLineHasIt(String text, String shown) {
        HostForward forward = HostForward.parse(text);
        assertThat(forward).hasToString(shown);
        assertThat(HostForward.parse(shown)).isEqualTo(forward);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "tcp",
                "tcp:",
                "sctp:127.0.0.1:1-:1",
                "tcp:127.0.0.1:1",
                "tcp:127.0.0.1:1-22",
                "tcp:127.0.0.1:1-:0",
                "tcp:127.0.0.1:65536-:1",
                "tcp:127.0.0.1:-1-:1",
                "tcp:127.0.0.1:x-:1",
                "tcp:localhost:1-:1",
                "tcp:127.0.0.1:1-:1-:1",
                "tcp:[::1:1-:1"
            })
    void whatIsNoForwardIsRefusedWithItsText(String text) {
        assertThatThrownBy(() -> HostForward.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("hostfwd=" + text);
    }

    @Test
    void aPortThatIsTakenIsAnErrorThatNamesTheForward() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            HostForward forward =
                    HostForward.parse("tcp:127.0.0.1:" + taken.getLocalPort() + "-:22");
            assertThatThrownBy(() -> new Guest(builder -> builder.hostForward(forward)))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("hostfwd=" + forward);
        }
    }
}
