package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.EngineStatistics;

import java.time.Duration;
import java.util.function.Predicate;

/** What a translator has counted, as its other threads go on. */
final class Statistics {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Statistics() {}

    static EngineStatistics of(TranslatorCounters counters) {
        return counters.statistics(0);
    }

    /** Waits until the statistics are as they should be, or fails. */
    static void await(TranslatorCounters counters, Predicate<EngineStatistics> reached)
            throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!reached.test(of(counters)) && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        assertThat(of(counters)).matches(reached);
    }
}
