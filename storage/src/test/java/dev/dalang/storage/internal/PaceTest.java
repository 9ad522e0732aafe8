package dev.dalang.storage.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicLong;

/** Which writes are done where they are submitted. */
final class PaceTest {
    private static final long SECOND = 1_000_000_000L;

    /** Begins shortly before the counter of nanoseconds goes round. */
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);

    private final Pace pace = new Pace(now::get);

    private boolean takes(long nanos) {
        return pace.run(() -> now.addAndGet(nanos));
    }

    @Test
    void quickWritesGoOn() {
        for (int i = 0; i < 100; i++) {
            assertThat(takes(Pace.SLOW_NANOS)).isTrue();
        }
    }

    @Test
    void aSlowWriteSendsTheOthersElsewhereForAHundredTimesAsLong() {
        assertThat(takes(20_000_000)).isTrue();
        assertThat(takes(0)).isFalse();
        now.addAndGet(2 * SECOND - 1);
        assertThat(takes(0)).isFalse();
        now.addAndGet(1);
        assertThat(takes(1)).isTrue();
        assertThat(takes(1)).isTrue();
    }

    @Test
    void evenTheSlowestDiskIsTriedAgainAfterAMinute() {
        assertThat(takes(Long.MAX_VALUE / 50)).isTrue();
        now.addAndGet(60 * SECOND);
        assertThat(takes(1)).isTrue();
    }

    /** Whatever the disks do, one thread alone waits for them. */
    @Test
    void oneWriteOfAllDisksIsUnderWayAtATime() {
        Pace other = new Pace(now::get);
        assertThat(pace.run(() -> assertThat(other.run(() -> {})).isFalse())).isTrue();
        assertThat(other.run(() -> {})).isTrue();
    }

    @Test
    void aWriteThatFailsLeavesTheWayFree() {
        assertThatThrownBy(
                        () ->
                                pace.run(
                                        () -> {
                                            throw new IllegalStateException("broken");
                                        }))
                .hasMessage("broken");
        assertThat(takes(1)).isTrue();
    }
}
