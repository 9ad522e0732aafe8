package dev.dalang.riscv.internal.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DeparturesTest {
    private static final int MANY = 256;

    /** Between samples where they are just too few. */
    private static final long LONG = 500_000;

    private long nanos;
    private final Departures departures = new Departures(() -> nanos);

    private int toldIn(int samples) {
        return toldIn(samples, LONG - 1);
    }

    private int toldIn(int samples, long between) {
        int told = 0;
        for (int n = 0; n < samples; n++) {
            nanos += between;
            if (departures.note(2L * (n % 4))) {
                told++;
            }
        }
        return told;
    }

    @Test
    void manyAreToldOnceAndThenAfterTwiceAsMany() {
        assertThat(toldIn(MANY - 1)).isZero();
        assertThat(toldIn(1)).isEqualTo(1);
        assertThat(toldIn(2 * MANY - 1)).isZero();
        assertThat(toldIn(1)).isEqualTo(1);
        assertThat(toldIn(4 * MANY - 1)).isZero();
        assertThat(toldIn(1)).isEqualTo(1);
    }

    @Test
    void fewInALongTimeAreNotTold() {
        assertThat(toldIn(4 * MANY, LONG)).isZero();
        assertThat(toldIn(MANY)).as("as many in a short time").isEqualTo(1);
    }

    @Test
    void targetsAreSlotsEachOnce() {
        departures.note(8);
        departures.note(-4);
        departures.note(8);

        assertThat(departures.targets()).containsExactly(4, -2);
    }

    @Test
    void theLastTargetsAreKept() {
        for (int n = 0; n < 20; n++) {
            departures.note(2L * n);
        }

        assertThat(departures.targets()).hasSize(16).contains(19, 4).doesNotContain(3);
    }

    @Test
    void whatIsBeyondTheReachOfARegionIsNoTarget() {
        departures.note(1L << 40);
        departures.note(-(1L << 40));

        assertThat(departures.targets()).isEmpty();
    }
}
