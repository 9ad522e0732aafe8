package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.internal.core.CodePage;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** What is translated first. */
class CandidatesTest {
    private static final CodeView VIEW = Plans.view(a -> a.nop());
    private static final CodePage PAGE = Objects.requireNonNull(VIEW.page(0));

    private long nanos = -5;
    private final Candidates candidates = new Candidates(() -> nanos);

    @Test
    void whatIsAskedForMoreOftenGoesFirst() {
        ask(10, 20);
        ask(20, 30);
        ask(30, 10);

        assertThat(slots()).containsExactly(20, 10, 30);
    }

    @Test
    void whatIsHotNowGoesBeforeWhatWasHotter() {
        ask(10, 1_000);
        pass(1_000);
        ask(20, Candidates.WORTH);

        assertThat(slots()).containsExactly(20, 10);
    }

    @Test
    void whatAnEarlierRunKnowsDoesNotFade() {
        candidates.add(candidate(10), Candidates.WORTH, 100);
        pass(1_000);
        ask(20, 50);

        assertThat(slots()).containsExactly(10, 20);
    }

    @Test
    void placeIsWorthItHoweverSlowlyItIsAskedFor() {
        for (int n = 0; n < Candidates.WORTH - 1; n++) {
            assertThat(candidates.add(candidate(10), 1, 0)).isFalse();
            assertThat(candidates.next()).isNull();
            pass(1_000);
        }

        assertThat(candidates.add(candidate(10), 1, 0)).isTrue();
        assertThat(slots()).containsExactly(10);
    }

    @Test
    void whoeverMakesAPlaceWorthItWhileNobodyTakesHasToSeeToIt() {
        assertThat(candidates.add(candidate(10), Candidates.WORTH, 0)).isTrue();
        assertThat(candidates.add(candidate(20), Candidates.WORTH, 0)).isFalse();
        assertThat(slots()).hasSize(2);
        assertThat(candidates.add(candidate(30), Candidates.WORTH, 0)).isTrue();
    }

    private void ask(int slot, int times) {
        for (int n = 0; n < times; n++) {
            candidates.add(candidate(slot), 1, 0);
        }
    }

    private void pass(long millis) {
        nanos += TimeUnit.MILLISECONDS.toNanos(millis);
    }

    private static Candidate candidate(int slot) {
        return new Candidate(PAGE, slot, VIEW, 0, false);
    }

    private List<Integer> slots() {
        var slots = new ArrayList<Integer>();
        for (Candidate next = candidates.next(); next != null; next = candidates.next()) {
            slots.add(next.slot());
        }
        return slots;
    }
}
