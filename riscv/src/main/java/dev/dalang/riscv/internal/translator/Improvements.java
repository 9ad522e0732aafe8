package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What is done for a region that stands, when harts tell what it lacks: joints with the regions
 * that control leaves it for, bridges where its accesses lie on two pages, and groups of accesses
 * that end with the page. Any thread.
 */
final class Improvements {
    /** How often groups of a region's accesses lie on two pages before one gets a bridge. */
    private static final int CROSSINGS = 64;

    /** How often they do before the region is made anew, with groups that end with the page. */
    private static final int DIVISION = 1 << 14;

    private static final int DIVISION_AT_ONCE = 4;

    private final boolean atOnce;
    private final Planning planning;
    private final StandingRegions regions;
    private final RegionMaker maker;
    private final RegionPlan.Guide guide;
    private final TranslatorCounters counters;

    Improvements(
            boolean atOnce,
            Planning planning,
            StandingRegions regions,
            RegionMaker maker,
            RegionPlan.Guide guide,
            TranslatorCounters counters) {
        this.atOnce = atOnce;
        this.planning = planning;
        this.regions = regions;
        this.maker = maker;
        this.guide = guide;
        this.counters = counters;
    }

    // ---- joints ---------------------------------------------------------------------------------

    /**
     * Tells that control leaves a region for others so often that they should be one.
     *
     * @param slot in the region's first page, where control came in
     */
    void requestJoint(
            Region region,
            CodePage page,
            int slot,
            long base,
            long[] fetchTag,
            @Nullable CodePage[] fetchPage) {
        if (!atOnce) {
            CodeView view = new CodeView(page, base, fetchTag, fetchPage, false);
            planning.inTurn(page, slot, () -> join(region, page, slot, view));
        }
    }

    private void join(Region region, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        Made made;
        synchronized (regions) {
            made = regions.of(region);
            if (made == null
                    || page.region(slot) != region
                    || made.generation() >= Generation.LAST_JOINT
                    || PageNotes.of(page).isInJoint(page, slot)) {
                return;
            }
        }
        Set<Integer> wanted = new LinkedHashSet<>(List.of(slot));
        wanted.addAll(made.plan().wanted);
        for (int target : region.departures().targets()) {
            CodePage holder = view.page(CodeView.pageOf(target));
            if (holder != null && regions.hasBlockAt(holder, target & CodePage.SLOTS - 1)) {
                wanted.add(target);
            }
        }
        RegionPlan plan = RegionPlan.of(view, new Repeating(guide), wanted, maker.jointBytes());
        if (4 * plan.code.size() > 5 * made.plan().code.size()) {
            int generation = Math.max(made.generation() + 1, Generation.JOINT);
            maker.make(page, page, slot, plan, generation);
        }
    }

    // ---- bridges --------------------------------------------------------------------------------

    /**
     * How often groups of a region's accesses lie on two pages before one is asked a bridge for.
     */
    int crossingsForBridge() {
        return atOnce ? 1 : CROSSINGS;
    }

    /**
     * Tells that a group of a region's accesses often lies on two pages. What then executes the
     * rest of the block may appear in {@link Region#bridge} later.
     *
     * @param slot in the page, of the first of the group
     */
    void requestBridge(
            Region region,
            int group,
            CodePage page,
            int slot,
            long base,
            long[] fetchTag,
            @Nullable CodePage[] fetchPage) {
        synchronized (regions) {
            if (region instanceof Apprentice || !region.askForBridge(group)) {
                return;
            }
        }
        CodeView view = new CodeView(page, base, fetchTag, fetchPage, atOnce);
        planning.inTurn(page, slot, () -> addBridge(region, group, page, slot, view));
    }

    private void addBridge(Region region, int group, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        RegionPlan plan = RegionPlan.bridge(view, guide, slot, Generation.BRIDGE_BYTES);
        if (!plan.isEmpty()) {
            maker.makeBridge(region, group, page, slot, plan);
        }
    }

    // ---- divided groups -------------------------------------------------------------------------

    /**
     * How often groups of a region's accesses lie on two pages before it is made anew, with groups
     * that end where the page does.
     */
    int crossingsForDivision() {
        return atOnce ? DIVISION_AT_ONCE : DIVISION;
    }

    /**
     * Tells that groups of a region's accesses lie on two pages all the time, in spite of bridges.
     *
     * @param pageEnd distance from the group's base register to where its page ends
     * @param slot in the page, of the first of the group
     */
    void requestDivision(
            Region region,
            int pageEnd,
            CodePage page,
            int slot,
            long base,
            long[] fetchTag,
            @Nullable CodePage[] fetchPage) {
        CodeView view = new CodeView(page, base, fetchTag, fetchPage, atOnce);
        planning.inTurn(page, slot, () -> divide(region, pageEnd, page, slot, view));
    }

    private void divide(Region region, int pageEnd, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        Made made = regions.of(region);
        if (made == null || made.plan().isBridge()) {
            return;
        }
        Integer number = made.plan().numberOf(page);
        Integer entry =
                made.plan().entries.stream()
                        .filter(at -> CodeView.pageOf(at) == 0)
                        .findFirst()
                        .orElse(null);
        if (number == null || entry == null) {
            return;
        }
        CodeView from = view.startingAt(made.page(), -number);
        HotRegion shape = made.toHotRegion();
        // Where a page is missing it is asked for again.
        if (!shape.isAtHand(from) || !notePageEnd(page, slot, pageEnd)) {
            return;
        }
        RegionPlan plan = shape.planAgain(from, guide, maker.jointBytes());
        if (plan.entries.contains(entry)) {
            counters.divided();
            maker.make(made.page(), made.page(), entry, plan, made.generation());
        }
    }

    private boolean notePageEnd(CodePage page, int slot, int pageEnd) {
        synchronized (regions) {
            return PageNotes.of(page).addPageEnd(slot, pageEnd);
        }
    }
}
