package dev.dalang.riscv.internal.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DeparturesTest {
    private static final int MANY = 256;

    private final Departures departures = new Departures();

    private int toldIn(int samples) {
        int told = 0;
        for (int n = 0; n < samples; n++) {
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
    void fewInALongTimeAreNotTold() throws InterruptedException {
        toldIn(MANY - 1);
        Thread.sleep(MANY / 2 + 50);

        assertThat(toldIn(1)).isZero();
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
