package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The places that harts ask regions for, with how often each was asked for. The JVM's compiler is
 * slow beside an interpreter that has little to do, so that what to give it first decides much:
 * what is hot now, not what was, however hot. Any thread.
 */
final class Candidates {
    /** So often has a place to be asked for. */
    static final int WORTH = 8;

    /** Nanoseconds after which a request counts for a third, beside others. */
    private static final double FADING = 70e6;

    /** Places at the most; beyond, those that were asked for once are forgotten. */
    private static final int MOST = 4096;

    private final Map<Key, Asked> asked = new HashMap<>();
    private final LongSupplier nanoTime;
    private boolean busy;

    /**
     * None so far.
     *
     * @param nanoTime as {@link System#nanoTime}
     */
    Candidates(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * Notes that a place was asked for.
     *
     * @param times as how many requests this counts
     * @param known heat that does not fade: of what an earlier run had there
     * @return true if the caller has to see to it that somebody takes what {@link #next} gives
     */
    synchronized boolean add(Candidate candidate, int times, int known) {
        if (asked.size() >= MOST) {
            asked.values().removeIf(a -> a.times == 1);
            if (asked.size() >= MOST) {
                asked.clear();
            }
        }
        Asked entry =
                asked.computeIfAbsent(
                        new Key(candidate.page(), candidate.slot()), key -> new Asked());
        if (entry.latest == null || !entry.latest.isContinuation()) {
            entry.latest = candidate;
        }
        entry.ask(times, known, nanoTime.getAsLong());
        if (entry.times >= WORTH && !busy) {
            busy = true;
            return true;
        }
        return false;
    }

    /** Whether a place was asked for since it was last given. */
    synchronized boolean contains(CodePage page, int slot) {
        return asked.containsKey(new Key(page, slot));
    }

    /** The slots of a page that were asked for since they were last given. */
    synchronized List<Integer> in(CodePage page) {
        return asked.keySet().stream().filter(key -> key.page == page).map(Key::slot).toList();
    }

    /** Takes the hottest place; null if none was asked for often enough. */
    synchronized @Nullable Candidate next() {
        long now = nanoTime.getAsLong();
        Asked hottest = null;
        double most = 0;
        for (Asked entry : asked.values()) {
            double heat = entry.heat(now);
            if (entry.times >= WORTH && (hottest == null || heat > most)) {
                hottest = entry;
                most = heat;
            }
        }
        Candidate latest = hottest == null ? null : hottest.latest;
        if (latest == null) {
            busy = false;
            return null;
        }
        asked.remove(new Key(latest.page(), latest.slot()));
        return latest;
    }

    private record Key(CodePage page, int slot) {}

    /** A place's entry. */
    private static final class Asked {
        int times;
        @Nullable Candidate latest;

        /** All requests, as they counted at {@link #since}, which is when the last one came. */
        private double requests;

        private long since;
        private int known;

        void ask(int more, int lasting, long now) {
            times += more;
            requests = faded(now) + more;
            since = now;
            known = Math.max(known, lasting);
        }

        double heat(long now) {
            return known + faded(now);
        }

        private double faded(long now) {
            return requests * Math.exp((since - now) / FADING);
        }
    }
}
