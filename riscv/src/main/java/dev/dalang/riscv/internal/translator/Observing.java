package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import java.util.Set;

/**
 * A guide to what the harts were seen to do.
 *
 * @param regions those that stand
 * @param candidates places that harts ask regions for
 * @param hot what the countdown of a slot begins with
 * @param atOnce whether everything is taken for hot
 */
record Observing(StandingRegions regions, Candidates candidates, short hot, boolean atOnce)
        implements RegionPlan.Guide {
    /** A region of so few instructions is repeated in others rather than left alone. */
    private static final int SMALL = 8;

    @Override
    public int heat(CodePage page, int slot) {
        synchronized (regions) {
            PageNotes notes = PageNotes.of(page);
            int left = page.countdown[slot];
            if (atOnce
                    || notes.isInside(slot)
                    || notes.pending(page, slot) != null
                    || candidates.contains(page, slot)) {
                return HOTTEST;
            }
            return Math.clamp((hot - left) * HOTTEST / hot, 0, HOTTEST);
        }
    }

    @Override
    public boolean isTaken(CodePage page, int slot) {
        Region region = page.region(slot);
        return region != null && region.instructions() > SMALL;
    }

    @Override
    public Set<Integer> pageEnds(CodePage page, int slot) {
        synchronized (regions) {
            return page.notes == null ? Set.of() : PageNotes.of(page).pageEnds(slot);
        }
    }
}
