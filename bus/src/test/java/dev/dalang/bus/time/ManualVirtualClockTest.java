package dev.dalang.bus.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class ManualVirtualClockTest {
    private final ManualVirtualClock clock = new ManualVirtualClock(1_000_000);
    private final List<String> log = new ArrayList<>();

    private VirtualClock.Timer timer(String name) {
        return clock.newTimer(() -> log.add(name + "@" + clock.nanos()));
    }

    @Test
    void timeMovesOnlyWhenTold() {
        assertThat(clock.nanos()).isZero();
        clock.advance(5);
        assertThat(clock.nanos()).isEqualTo(5);
        assertThat(clock.wallClockNanos()).isEqualTo(1_000_005);
        clock.advanceTo(9);
        clock.advanceTo(3);
        assertThat(clock.nanos()).isEqualTo(9);
        assertThatIllegalArgumentException().isThrownBy(() -> clock.advance(-1));
    }

    @Test
    void timersExpireInOrderAndSeeTheirOwnDeadline() {
        VirtualClock.Timer a = timer("a");
        VirtualClock.Timer b = timer("b");
        VirtualClock.Timer c = timer("c");
        a.arm(30);
        b.arm(10);
        c.arm(10);
        assertThat(clock.nextDeadlineNanos()).isEqualTo(10);
        clock.advance(20);
        assertThat(log).containsExactly("b@10", "c@10");
        assertThat(clock.nanos()).isEqualTo(20);
        clock.advance(20);
        assertThat(log).containsExactly("b@10", "c@10", "a@30");
        assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aTimerIsOneShotAndCanBeArmedAgainFromItsAction() {
        VirtualClock.Timer[] self = new VirtualClock.Timer[1];
        self[0] =
                clock.newTimer(
                        () -> {
                            log.add("tick@" + clock.nanos());
                            self[0].arm(clock.nanos() + 10);
                        });
        self[0].arm(10);
        clock.advance(35);
        assertThat(log).containsExactly("tick@10", "tick@20", "tick@30");
    }

    @Test
    void cancelAndRearmReplaceTheDeadline() {
        VirtualClock.Timer a = timer("a");
        a.arm(10);
        a.cancel();
        a.cancel();
        clock.advance(20);
        assertThat(log).isEmpty();
        a.arm(30);
        a.arm(40);
        a.arm(25);
        clock.advance(100);
        assertThat(log).containsExactly("a@25");
    }

    @Test
    void aPassedDeadlineExpiresWithTheNextAdvance() {
        clock.advance(50);
        timer("late").arm(Long.MIN_VALUE);
        clock.advance(0);
        assertThat(log).containsExactly("late@50");
    }

    @Test
    void aTimerThatHoldsTimeStillIsAnError() {
        VirtualClock.Timer[] self = new VirtualClock.Timer[1];
        self[0] = clock.newTimer(() -> self[0].arm(0));
        self[0].arm(0);
        assertThatIllegalStateException()
                .isThrownBy(() -> clock.advance(1))
                .withMessageContaining("hold time still");
    }

    @Test
    void manyTimersKeepTheirOrder() {
        long seed = 42;
        Random random = new Random(seed);
        List<Long> expired = new ArrayList<>();
        VirtualClock.Timer[] timers = new VirtualClock.Timer[200];
        long[] deadlines = new long[timers.length];
        for (int i = 0; i < timers.length; i++) {
            timers[i] = clock.newTimer(() -> expired.add(clock.nanos()));
        }
        for (int round = 0; round < 2_000; round++) {
            int i = random.nextInt(timers.length);
            if (random.nextInt(3) == 0) {
                timers[i].cancel();
                deadlines[i] = 0;
            } else {
                deadlines[i] = 1L + random.nextInt(1000);
                timers[i].arm(deadlines[i]);
            }
        }
        clock.advance(2000);
        assertThat(expired)
                .as("seed %d", seed)
                .containsExactlyElementsOf(
                        java.util.Arrays.stream(deadlines)
                                .filter(d -> d != 0)
                                .sorted()
                                .boxed()
                                .toList());
    }

    @Test
    void asleepItStandsStillAndIsSaved() {
        clock.advance(7);
        assertThatIllegalStateException().isThrownBy(clock::snapshot);
        clock.sleep();
        clock.sleep();
        assertThatIllegalStateException().isThrownBy(() -> clock.advance(1));
        Snapshot saved = clock.snapshot();
        ManualVirtualClock other = new ManualVirtualClock();
        assertThatIllegalStateException().isThrownBy(() -> other.restore(saved));
        other.sleep();
        other.restore(saved);
        other.wake();
        other.advance(1);
        assertThat(other.nanos()).isEqualTo(8);
        assertThat(other.wallClockNanos()).isEqualTo(1_000_008);
    }

    @Test
    void aSnapshotFromBeforeTheBeginningIsRefused() {
        clock.sleep();
        Snapshot bad =
                Snapshot.builder("virtual-clock", 1)
                        .put("nanos", -1)
                        .put("wall-clock-at-zero", 0)
                        .build();
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> clock.restore(bad))
                .withMessageContaining("-1");
        assertThat(clock.nanos()).isZero();
    }
}
