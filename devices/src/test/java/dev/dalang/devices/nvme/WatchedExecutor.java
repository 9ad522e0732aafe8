package dev.dalang.devices.nvme;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceTask;

import java.util.concurrent.atomic.AtomicReference;

/** Remembers what escapes from a handler, which an executor only counts. */
final class WatchedExecutor implements DeviceExecutor {
    private final DeviceExecutor under;
    private final AtomicReference<Throwable> first = new AtomicReference<>();

    WatchedExecutor(DeviceExecutor under) {
        this.under = under;
    }

    /** Nothing has escaped so far. */
    void requireNoFailure() {
        Throwable escaped = first.get();
        if (escaped != null) {
            throw new AssertionError("it escaped from a handler", escaped);
        }
    }

    @Override
    public DeviceTask task(String name, Runnable handler) {
        return under.task(
                name,
                () -> {
                    try {
                        handler.run();
                    } catch (RuntimeException | Error escaped) {
                        first.compareAndSet(null, escaped);
                        throw escaped;
                    }
                });
    }

    @Override
    public void sleep() {
        under.sleep();
    }

    @Override
    public void wake() {
        under.wake();
    }

    @Override
    public void close() {
        under.close();
    }
}
