package dev.dalang.pci;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Counts what a guest does wrong and what fails on its behalf, and logs the first, second, fourth,
 * eighth… time: a guest can repeat it as often as it likes, and must not fill the log.
 */
final class GuestLog {
    private static final System.Logger LOG = System.getLogger("dev.dalang.pci");

    private final AtomicLong count = new AtomicLong();

    void warn(String label, Supplier<String> what) {
        long now = count.incrementAndGet();
        if (Long.bitCount(now) == 1) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> label + ": " + what.get() + " (occurrence " + now + ")");
        }
    }

    long count() {
        return count.get();
    }
}
