package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The places that harts ask regions for, with how often each was asked for. The JVM's compiler is
 * slow beside an interpreter that has little to do, so that what to give it first decides much. Any
 * thread.
 */
final class Candidates {
    /** So often has a place to be asked for. */
    static final int WORTH = 8;

    /** Places at the most; beyond, those that were asked for once are forgotten. */
    private static final int MOST = 4096;

    private final Map<Key, Asked> asked = new HashMap<>();
    private boolean busy;

    /**
     * Notes that a place was asked for.
     *
     * @param times as how many times this counts
     * @return true if the caller has to see to it that somebody takes what {@link #next} gives
     */
    synchronized boolean add(Candidate candidate, int times) {
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
        entry.times += times;
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

    /** Takes the place that was asked for most often; null if none was often enough. */
    synchronized @Nullable Candidate next() {
        Asked hottest = null;
        for (Asked entry : asked.values()) {
            if (entry.times >= WORTH && (hottest == null || entry.times > hottest.times)) {
                hottest = entry;
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
    }
}
