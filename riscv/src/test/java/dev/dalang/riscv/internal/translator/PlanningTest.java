package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.CodePages;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

class PlanningTest {
    private final TranslatorCounters counters = new TranslatorCounters();
    private final CodePage page = CodePages.of(Plans.ORIGIN, new byte[4]);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatFailsIsCountedAndWhatFollowsIsDone(boolean atOnce) throws InterruptedException {
        Planning planning = new Planning(atOnce, counters);
        CountDownLatch done = new CountDownLatch(1);
        planning.inTurn(
                page,
                0,
                () -> {
                    throw new ReflectiveOperationException("by the test");
                });
        planning.inTurn(
                page,
                0,
                () -> {
                    throw new IllegalStateException("by the test");
                });
        planning.inTurn(
                page,
                0,
                () -> {
                    throw new StackOverflowError("by the test");
                });
        planning.inTurn(page, 0, done::countDown);
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        planning.close();
        assertThat(counters.statistics(0).failures()).isEqualTo(3);
    }
}
