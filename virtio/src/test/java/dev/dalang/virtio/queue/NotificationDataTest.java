package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Virtio 1.3 §2.9. */
class NotificationDataTest {
    @Test
    void ofASplitRingHasTheAvailableIndex() {
        NotificationData data = new NotificationData(0xfedc_0003);
        assertThat(data.queue()).isEqualTo(3);
        assertThat(data.splitNext()).isEqualTo(0xfedc);
    }

    @Test
    void ofAPackedRingHasOffsetAndWrapCounter() {
        NotificationData data = new NotificationData(0xfedc_ffff);
        assertThat(data.queue()).isEqualTo(0xffff);
        assertThat(data.packedNext()).isEqualTo(0x7edc);
        assertThat(data.packedWrap()).isTrue();
        assertThat(new NotificationData(0x7fff_0000).packedWrap()).isFalse();
    }
}
