package dev.dalang.testkit;

import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.bus.time.RateLimiter.Rate;

final class RateLimiterLifeCycleTest implements SuspendableLifeCycle<RateLimiter> {
    @Override
    public RateLimiter create() {
        return new RateLimiter(
                new ManualVirtualClock(), new Rate(10, 10), new Rate(1000, 1000), () -> {});
    }

    @Override
    public void mutate(RateLimiter limiter) {
        limiter.tryAcquire(1);
    }
}
