package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class ResultsTest {
    private final Results ours = new Results("ours");
    private final Results theirs = new Results("theirs");

    private static Measurement measurement(double seconds, String check) {
        return new Measurement("copy", 8, "MiB", seconds, check, 0);
    }

    @Test
    void theMedianOfAnEvenNumberIsBetweenTheMiddleTwo() {
        for (double time : new double[] {4, 1, 2, 100}) {
            ours.add("prompt", time);
        }
        assertThat(ours.median("prompt")).isEqualTo(3);
    }

    @Test
    void theSpreadIsThatOfTheFurthestRun() {
        for (double time : new double[] {9, 10, 12}) {
            ours.add("prompt", time);
        }
        assertThat(ours.spread("prompt")).isCloseTo(0.2, within(1e-9));
    }

    @Test
    void aRunWithAnotherResultIsRefused() {
        ours.add(measurement(1, "0000000000000001"));
        assertThatThrownBy(() -> ours.add(measurement(1, "0000000000000002")))
                .isInstanceOf(BenchException.class);
    }

    @Test
    void monitorsThatDisagreeAreFound() {
        ours.add(measurement(1, "0000000000000001"));
        theirs.add(measurement(2, "0000000000000002"));
        assertThatThrownBy(() -> ours.checkAgainst(theirs))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("copy");
    }

    @Test
    void monitorsThatAgreeArePassed() {
        ours.add(measurement(1, "0000000000000001"));
        theirs.add(measurement(2, "0000000000000001"));
        assertThatCode(() -> ours.checkAgainst(theirs)).doesNotThrowAnyException();
    }

    @Test
    void aGuestClockThatRunsSlowIsFound() {
        assertThatCode(() -> ours.checkClock(99, 100)).doesNotThrowAnyException();
        assertThatThrownBy(() -> ours.checkClock(90, 100)).isInstanceOf(BenchException.class);
    }
}
