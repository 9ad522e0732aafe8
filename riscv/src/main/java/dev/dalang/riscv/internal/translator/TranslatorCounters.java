package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.EngineStatistics;
import dev.dalang.riscv.EngineStatistics.Fallback;
import dev.dalang.riscv.internal.core.CodePage;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What a translator has done. Any thread. */
public final class TranslatorCounters {
    private static final System.Logger LOG = System.getLogger(TranslatorCounters.class.getName());

    private final AtomicLong regions = new AtomicLong();
    private final AtomicLong remade = new AtomicLong();
    private final AtomicLong joined = new AtomicLong();
    private final AtomicLong divided = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong evicted = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private final AtomicLong notCompiled = new AtomicLong();
    private final AtomicLong planNanos = new AtomicLong();
    private final AtomicLong compileNanos = new AtomicLong();
    private final ConcurrentHashMap<Fallback, Long> fallbacks = new ConcurrentHashMap<>();

    /** Nothing done yet. */
    TranslatorCounters() {}

    void planned(long nanos) {
        planNanos.addAndGet(nanos);
    }

    void compiled(long nanos) {
        compileNanos.addAndGet(nanos);
    }

    void published(long size) {
        regions.incrementAndGet();
        bytes.addAndGet(size);
    }

    void evicted(long size) {
        evicted.incrementAndGet();
        bytes.addAndGet(-size);
    }

    void remade() {
        remade.incrementAndGet();
    }

    void joined() {
        joined.incrementAndGet();
    }

    void divided() {
        divided.incrementAndGet();
    }

    /** Counts what went wrong with the code at a slot, and says so. */
    void failed(CodePage page, int slot, Throwable e) {
        failures.incrementAndGet();
        LOG.log(
                System.Logger.Level.WARNING,
                "code at 0x%x stays as it is".formatted(page.address() + 2L * slot),
                e);
    }

    void fellBack(Fallback reason) {
        fallbacks.merge(reason, 1L, Long::sum);
    }

    void refused() {
        notCompiled.incrementAndGet();
    }

    /** What was counted, with what the harts have counted. */
    public EngineStatistics statistics(long interpreted) {
        return new EngineStatistics(
                interpreted,
                regions.get(),
                remade.get(),
                joined.get(),
                divided.get(),
                bytes.get(),
                evicted.get(),
                Duration.ofNanos(planNanos.get()),
                Duration.ofNanos(compileNanos.get()),
                notCompiled.get(),
                failures.get(),
                fallbacks);
    }
}
