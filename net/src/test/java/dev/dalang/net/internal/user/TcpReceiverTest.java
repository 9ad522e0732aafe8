package dev.dalang.net.internal.user;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What the guest is told of our window, and when. */
final class TcpReceiverTest {
    private static final int SEGMENT = 1460;
    private static final int CAPACITY = 1 << 18;

    private static TcpReceiver receiver() {
        TcpReceiver receiver = new TcpReceiver(new BufferPool(1 << 20), CAPACITY);
        receiver.begin(1, true);
        return receiver;
    }

    /** A segment with SYN has no more than 16 bits for it (RFC 7323 §2.2). */
    @Test
    void whatTheHandshakeCannotSayIsNotSaidBeforeThereIsData() {
        TcpReceiver receiver = receiver();
        assertThat(receiver.advertise(true)).isEqualTo(0xffff);
        assertThat(receiver.window()).isEqualTo(CAPACITY);
        assertThat(receiver.shouldTell(SEGMENT)).isFalse();
        receiver.passed(9);
        assertThat(receiver.shouldTell(SEGMENT)).isTrue();
        receiver.advertise(false);
        assertThat(receiver.shouldTell(SEGMENT)).isFalse();
    }

    @Test
    void whoWasToldOfNoRoomAtAllHearsOfIt() {
        TcpReceiver receiver = receiver();
        // Nothing was advertised yet: for the guest there is no window.
        assertThat(receiver.shouldTell(SEGMENT)).isTrue();
    }
}
