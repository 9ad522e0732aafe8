package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.testkit.SuspendableLifeCycle;
import dev.dalang.testkit.net.GuestFrame;
import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.GuestTcp;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;

final class UserNetworkLifeCycleTest implements SuspendableLifeCycle<UserNetwork> {
    private static final FrameSink NOBODY =
            new FrameSink() {
                @Override
                public boolean receive(Frame frame) {
                    return true;
                }

                @Override
                public void readyToSend() {}
            };

    @Override
    public UserNetwork create() {
        UserNetwork network = UserNetwork.builder().build();
        network.start(SystemVirtualClock.running(), NOBODY);
        return network;
    }

    /** What the guest has sent before the network sleeps is worked off. */
    @Override
    public void mutate(UserNetwork network) {
        network.wake();
        Frame frame = new Frame();
        frame.begin(42);
        ByteBuffer data = frame.data();
        data.putLong(0, -1).putInt(6, 0x5254_0012).putShort(10, (short) 0x3456);
        data.putShort(12, (short) 0x0806).putLong(14, 0x0001_0800_0604_0001L);
        data.putInt(22, 0x5254_0012).putShort(26, (short) 0x3456).putInt(28, 0x0a00_020f);
        data.putInt(38, 0x0a00_0202);
        assertThat(network.send(frame)).isTrue();
        network.sleep();
    }

    @Override
    public void dispose(UserNetwork network) {
        network.close();
        network.close();
    }

    @Test
    void aConnectionLivesOnAfterSleepAndWake() throws IOException {
        try (Guest guest = Guest.withLoopback();
                Server server = new Server(Server::echo)) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
            guest.network.sleep();
            connection.write(GuestStack.ascii("hello"));
            guest.network.wake();
            assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
        }
    }

    @Test
    void afterARestoreTheGuestGetsAResetForEachConnection() throws IOException {
        try (Guest guest = Guest.withLoopback();
                Server server = new Server(Server::echo)) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
            connection.write(GuestStack.ascii("hello"));
            assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
            guest.network.sleep();
            Snapshot taken = guest.network.snapshot();
            guest.network.restore(taken);
            assertThat(guest.network.snapshot()).isEqualTo(taken);
            guest.network.wake();
            assertThatThrownBy(() -> connection.read(new byte[1])).hasMessageContaining("reset");
            guest.stack.connect(Guest.GATEWAY, server.port()).close();
        }
    }

    @Test
    void aLeaseIsTheSameAfterARestoreElsewhere() throws IOException {
        try (Guest first = Guest.withLoopback();
                Guest second = Guest.withLoopback()) {
            first.stack.dhcp();
            first.network.sleep();
            second.network.sleep();
            second.network.restore(first.network.snapshot());
            assertThat(second.network.snapshot()).isEqualTo(first.network.snapshot());
        }
    }

    @Test
    void aSecondCardIsRefused() {
        UserNetwork network = create();
        assertThatThrownBy(() -> network.start(SystemVirtualClock.running(), NOBODY))
                .isInstanceOf(IllegalStateException.class);
        network.close();
        assertThatThrownBy(() -> network.start(SystemVirtualClock.running(), NOBODY))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aNetworkThatGotNoCardIsClosedLikeAnyOther() {
        UserNetwork network = UserNetwork.builder().build();
        network.sleep();
        network.close();
        network.close();
        assertThat(network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
    }

    @Test
    void asleepTheRingFillsAndTheCardIsToldWhenItHasRoom() {
        try (Guest guest = Guest.withLoopback()) {
            guest.network.sleep();
            Frame frame = new Frame();
            GuestFrame long1 = new GuestFrame();
            long1.length = 60_000;
            Guest.copy(long1, frame);
            int taken = 0;
            while (guest.network.send(frame)) {
                taken++;
                assertThat(taken).isLessThan(1000);
            }
            assertThat(guest.network.count(NetworkEvent.GUEST_HELD_BACK)).isEqualTo(1);
            guest.network.wake();
            assertThat(guest.stack.ping(Guest.GATEWAY, 1)).isTrue();
        }
    }
}
