package dev.dalang.testkit;

import dev.dalang.bus.time.SystemVirtualClock;

class SystemVirtualClockLifeCycleTest implements SuspendableLifeCycle<SystemVirtualClock> {
    @Override
    public SystemVirtualClock create() {
        return SystemVirtualClock.running();
    }

    @Override
    public void mutate(SystemVirtualClock clock) {
        long before = clock.nanos();
        clock.wake();
        while (clock.nanos() == before) {
            Thread.onSpinWait();
        }
        clock.sleep();
    }

    @Override
    public void dispose(SystemVirtualClock clock) {
        clock.close();
    }
}
