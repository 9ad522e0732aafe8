package dev.dalang.bus.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.time.RateLimiter.Rate;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicInteger;

final class RateLimiterTest {
    private static final long SECOND = 1_000_000_000;

    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final AtomicInteger ready = new AtomicInteger();

    private RateLimiter limiter(Rate operations, Rate bytes) {
        return new RateLimiter(clock, operations, bytes, ready::incrementAndGet);
    }

    private static int acquired(RateLimiter limiter, long bytes) {
        int count = 0;
        while (count < 1_000_000 && limiter.tryAcquire(bytes)) {
            count++;
        }
        return count;
    }

    @Test
    void aBurstPassesThenTheRateHolds() {
        RateLimiter limiter = limiter(new Rate(10, 5), Rate.UNLIMITED);
        assertThat(acquired(limiter, 0)).isEqualTo(5);
        clock.advance(SECOND / 10 + 1);
        assertThat(acquired(limiter, 0)).isEqualTo(1);
        clock.advance(100 * SECOND);
        assertThat(acquired(limiter, 0)).isEqualTo(5);
    }

    @Test
    void withoutLimitEverythingPasses() {
        RateLimiter limiter = limiter(Rate.UNLIMITED, Rate.UNLIMITED);
        assertThat(acquired(limiter, Long.MAX_VALUE)).isEqualTo(1_000_000);
    }

    @Test
    void whoWasRefusedIsToldWhenThereAreTokens() {
        RateLimiter limiter = limiter(Rate.UNLIMITED, new Rate(1000, 1000));
        assertThat(limiter.tryAcquire(1000)).isTrue();
        assertThat(limiter.tryAcquire(500)).isFalse();
        clock.advance(SECOND / 2 - 1000);
        assertThat(ready).hasValue(0);
        clock.advance(2000);
        assertThat(ready).hasValue(1);
        assertThat(limiter.tryAcquire(500)).isTrue();
    }

    @Test
    void anOperationLargerThanTheBucketPassesAndLeavesADebt() {
        RateLimiter limiter = limiter(Rate.UNLIMITED, new Rate(1000, 100));
        assertThat(limiter.tryAcquire(1100)).isTrue();
        assertThat(limiter.tryAcquire(1)).isFalse();
        clock.advance(SECOND);
        assertThat(limiter.tryAcquire(1)).isFalse();
        clock.advance(SECOND / 100);
        assertThat(limiter.tryAcquire(1)).isTrue();
    }

    @Test
    void whatIsRefusedTakesNothingFromTheOtherBucket() {
        RateLimiter limiter = limiter(new Rate(1, 2), new Rate(1, 10));
        assertThat(limiter.tryAcquire(10)).isTrue();
        assertThat(limiter.tryAcquire(10)).isFalse();
        assertThat(limiter.tryAcquire(0)).isTrue();
        assertThat(limiter.tryAcquire(0)).isFalse();
    }

    @Test
    void noTokenIsLostToRoundingInSmallSteps() {
        RateLimiter limiter = limiter(new Rate(3, 1), Rate.UNLIMITED);
        int passed = 0;
        for (int step = 0; step < 100_000; step++) {
            clock.advance(99_991);
            passed += limiter.tryAcquire(0) ? 1 : 0;
        }
        // 9.9991 s at three a second, and the burst.
        assertThat(passed).isBetween(29, 31);
    }

    @Test
    void theGreatestNumbersDoNotOverflow() {
        RateLimiter limiter = limiter(Rate.of(RateLimiter.MAX), Rate.of(RateLimiter.MAX));
        assertThat(limiter.tryAcquire(Long.MAX_VALUE)).isTrue();
        assertThat(limiter.tryAcquire(Long.MAX_VALUE)).isFalse();
        clock.advance(Long.MAX_VALUE / 4);
        assertThat(limiter.tryAcquire(1)).isTrue();
    }

    @Test
    void aLimiterKeepsItsDebtOverASnapshot() {
        RateLimiter limiter = limiter(Rate.UNLIMITED, new Rate(1000, 1000));
        assertThat(limiter.tryAcquire(2000)).isTrue();
        limiter.sleep();
        RateLimiter other = limiter(Rate.UNLIMITED, new Rate(1000, 1000));
        other.sleep();
        other.restore(limiter.snapshot());
        other.wake();
        assertThat(other.tryAcquire(1)).isFalse();
        clock.advance(SECOND + SECOND / 100);
        assertThat(other.tryAcquire(1)).isTrue();
    }

    @Test
    void impossibleRatesAreRefused() {
        assertThatThrownBy(() -> new Rate(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Rate(1, 0)).hasMessageContaining("burst");
        assertThatThrownBy(() -> limiter(Rate.UNLIMITED, Rate.UNLIMITED).tryAcquire(-1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
