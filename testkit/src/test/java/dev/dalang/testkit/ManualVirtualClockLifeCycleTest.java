package dev.dalang.testkit;

import dev.dalang.bus.time.ManualVirtualClock;

class ManualVirtualClockLifeCycleTest implements SuspendableLifeCycle<ManualVirtualClock> {
    @Override
    public ManualVirtualClock create() {
        return new ManualVirtualClock();
    }

    @Override
    public void mutate(ManualVirtualClock clock) {
        clock.wake();
        clock.advance(123);
        clock.sleep();
    }
}
