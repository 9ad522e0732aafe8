package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import java.util.concurrent.ThreadPoolExecutor;

/**
 * The thread that plans. What is planned at once, for tests, is planned on the hart's thread. Any
 * thread.
 */
final class Planning {
    private final boolean atOnce;
    private final TranslatorCounters counters;
    private final ThreadPoolExecutor thread = Workers.of("dalang-translator", 1);

    Planning(boolean atOnce, TranslatorCounters counters) {
        this.atOnce = atOnce;
        this.counters = counters;
    }

    /** Planning, or what follows from it. */
    interface Attempt {
        void run() throws ReflectiveOperationException;
    }

    void close() {
        thread.shutdownNow();
    }

    boolean isClosed() {
        return thread.isShutdown();
    }

    /** Does something on the thread. */
    void execute(Runnable work) {
        thread.execute(work);
    }

    /** As {@link #attempt}, on the thread, or at once. */
    void inTurn(CodePage page, int slot, Attempt attempt) {
        if (atOnce) {
            attempt(page, slot, attempt);
        } else {
            execute(() -> attempt(page, slot, attempt));
        }
    }

    /** Does something that may fail, on the caller's thread: code then stays as it is. */
    void attempt(CodePage page, int slot, Attempt attempt) {
        long start = System.nanoTime();
        try {
            attempt.run();
        } catch (ReflectiveOperationException | RuntimeException | Error e) {
            counters.failed(page, slot, e);
        } finally {
            counters.planned(System.nanoTime() - start);
        }
    }
}
