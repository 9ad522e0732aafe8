package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** What the translator knows of a page's slots. Guarded by {@link StandingRegions}. */
final class PageNotes {
    /** A stack that is often somewhere else has pages that end anywhere. */
    private static final int MAX_PAGE_ENDS = 2;

    /** A region that has a slot as the beginning of a block, or is left for it. */
    private final @Nullable Made[] neighbours = new Made[CodePage.SLOTS];

    /** Regions of earlier runs that begin here, and were not made yet. */
    private final List<Remembered> remembered = new ArrayList<>();

    /** Regions with blocks in the page that are being made. */
    private final List<Pending> pending = new ArrayList<>();

    /** Whether the neighbour has a block here. */
    private final boolean[] inside = new boolean[CodePage.SLOTS];

    /** Where pages end that groups of accesses lie on, see {@link RegionPlan.Guide#pageEnds}. */
    private final Map<Integer, Set<Integer>> pageEnds = new HashMap<>();

    /** The notes on a page; made if there are none. */
    static PageNotes of(CodePage page) {
        if (page.notes instanceof PageNotes notes) {
            return notes;
        }
        PageNotes notes = new PageNotes();
        page.notes = notes;
        return notes;
    }

    /**
     * Notes where a page ends that the group of accesses at a slot lies on.
     *
     * @return false if that was noted before, or has been too different for too often
     */
    boolean addPageEnd(int slot, int distance) {
        Set<Integer> ends = pageEnds.computeIfAbsent(slot, s -> new HashSet<>());
        return ends.size() < MAX_PAGE_ENDS && ends.add(distance);
    }

    /** What was noted of a slot. */
    Set<Integer> pageEnds(int slot) {
        return Set.copyOf(pageEnds.getOrDefault(slot, Set.of()));
    }

    void remember(HotRegion region) {
        remembered.add(new Remembered(region));
    }

    /** The region of an earlier run that was entered at a slot; null if there is none. */
    @Nullable Remembered remembered(int slot) {
        for (Remembered entry : remembered) {
            if (entry.region.wanted().contains(slot)) {
                return entry;
            }
        }
        return null;
    }

    void forget(Remembered entry) {
        remembered.remove(entry);
    }

    /**
     * The region with a block at a slot that is being made; null if there is none.
     *
     * @param page the page of these notes
     */
    @Nullable Pending pending(CodePage page, int slot) {
        return pending(page, slot, region -> region.plan.leaders);
    }

    /**
     * The region that is being made and will be entered at a slot; null if there is none.
     *
     * @param page the page of these notes
     */
    @Nullable Pending pendingEntry(CodePage page, int slot) {
        return pending(page, slot, region -> region.plan.entries);
    }

    /**
     * Whether a joint is being made with a block at a slot.
     *
     * @param page the page of these notes
     */
    boolean isInJoint(CodePage page, int slot) {
        return pending(page, slot, region -> region.isJoint ? region.plan.leaders : Set.of())
                != null;
    }

    private @Nullable Pending pending(
            CodePage page, int slot, Function<Pending, Set<Integer>> slots) {
        for (Pending region : pending) {
            Integer number = region.plan.numberOf(page);
            if (number != null && slots.apply(region).contains(slot + number * CodePage.SLOTS)) {
                return region;
            }
        }
        return null;
    }

    void add(Pending region) {
        pending.add(region);
    }

    void remove(Pending region) {
        pending.remove(region);
    }

    @Nullable Made neighbour(int slot) {
        return neighbours[slot];
    }

    /** Whether a region that stands has a block at a slot. */
    boolean isInside(int slot) {
        return inside[slot];
    }

    void setNeighbour(int slot, Made made, boolean within) {
        // A region that holds the slot is a closer neighbour than one that is left for it.
        if (within || !inside[slot]) {
            neighbours[slot] = made;
            inside[slot] = within;
        }
    }

    void forget(Made made) {
        for (int slot = 0; slot < neighbours.length; slot++) {
            if (made.equals(neighbours[slot])) {
                neighbours[slot] = null;
                inside[slot] = false;
            }
        }
    }

    /** A region of an earlier run. */
    static final class Remembered {
        final HotRegion region;

        /** How often its other pages were not at hand when it was asked for. */
        int missed;

        private Remembered(HotRegion region) {
            this.region = region;
        }
    }
}
