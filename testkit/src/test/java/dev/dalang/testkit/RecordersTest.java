package dev.dalang.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.MsiMessage;

import org.junit.jupiter.api.Test;

class RecordersTest {
    @Test
    void theLineCountsEdgesOnly() throws Exception {
        RecordingInterruptLine line = new RecordingInterruptLine();
        assertThat(line.isRaised()).isFalse();
        line.lower();
        line.raise();
        line.raise();
        line.set(false);
        line.set(true);
        assertThat(line.isRaised()).isTrue();
        assertThat(line.rises()).isEqualTo(2);
        assertThat(line.falls()).isEqualTo(1);
        assertThat(line.await(true, 0)).isTrue();
        assertThat(line.await(false, 0)).isFalse();
    }

    @Test
    void awaitSeesAnotherThreadsEdge() throws Exception {
        RecordingInterruptLine line = new RecordingInterruptLine();
        Thread device = Thread.ofPlatform().start(line::raise);
        assertThat(line.await(true, 60)).isTrue();
        device.join();
    }

    @Test
    void theMsiTargetFollowsItsScript() throws Exception {
        ScriptedMsiTarget target = new ScriptedMsiTarget();
        assertThat(target.signal(0x2800_0000L, 5)).isTrue();
        target.script(message -> message.address() != 0xbad);
        assertThat(target.signal(new MsiMessage(0xbad, 1))).isFalse();
        assertThat(target.signal(0x2800_1000L, 6)).isTrue();
        assertThat(target.accepted())
                .containsExactly(new MsiMessage(0x2800_0000L, 5), new MsiMessage(0x2800_1000L, 6));
        assertThat(target.refused()).containsExactly(new MsiMessage(0xbad, 1));
        assertThat(target.awaitAccepted(2, 0)).isTrue();
        assertThat(target.awaitAccepted(3, 0)).isFalse();
        target.clear();
        assertThat(target.accepted()).isEmpty();
        assertThat(target.refused()).isEmpty();
    }
}
