package dev.dalang.riscv.internal.translator;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Translates in the background what the harts of a machine find hot. Requests come from any hart
 * and never wait; what the queue cannot hold is asked for again later.
 *
 * <p>A region goes through the hands of three. One thread plans it and generates its class ({@link
 * Planning}). The hart runs it for a moment, so that the JVM counts where its branches go ({@link
 * Apprentice}). Another thread, of a few where there are processors, has the JVM compile it ({@link
 * RegionMaker}). Only then is it there for all harts ({@link StandingRegions}): no hart ever waits
 * for a compiler, or stays in code that is not compiled.
 */
public final class Translator {
    /** Jumps to a slot that make it hot. */
    private static final short HOT = 2_000;

    /** How often a region of an earlier run waits for its other pages to be executed. */
    private static final int PATIENCE = 8;

    /** Jumps until it is asked for again. */
    private static final short SOON = 64;

    /** What {@code maxClassBytes} should be: room for some twenty thousand regions. */
    public static final long MAX_CLASS_BYTES = 64L << 20;

    private final boolean atOnce;
    private final HotCode earlier;
    private final short hot;
    private final TranslatorCounters counters = new TranslatorCounters();
    private final Candidates candidates = new Candidates(System::nanoTime);
    private final Planning planning;
    private final StandingRegions regions;
    private final RegionPlan.Guide guide;
    private final RegionMaker maker;
    private final Improvements improvements;

    /**
     * Over a machine's RAM.
     *
     * @param atOnce translate everything at its first execution, on the hart's thread
     * @param maxClassBytes size of all classes at the most; beyond, the oldest are dropped
     * @param hotCode what {@link #hotCode} gave in an earlier run; anything else is like nothing
     */
    public Translator(MemoryRegion ram, boolean atOnce, long maxClassBytes, byte[] hotCode) {
        this(ram, atOnce, maxClassBytes, hotCode, JvmCompiler::compile);
    }

    /**
     * With a compiler of its own, for tests.
     *
     * @param jvm as {@link JvmCompiler#compile}
     */
    Translator(
            MemoryRegion ram,
            boolean atOnce,
            long maxClassBytes,
            byte[] hotCode,
            Predicate<Region> jvm) {
        this.earlier = HotCode.decode(hotCode);
        this.atOnce = atOnce;
        this.hot = atOnce ? 1 : HOT;
        this.planning = new Planning(atOnce, counters);
        this.regions = new StandingRegions(maxClassBytes, hot, counters);
        this.guide = new Observing(regions, candidates, hot, atOnce);
        this.maker = new RegionMaker(ram, atOnce, hot, regions, counters, jvm);
        this.improvements = new Improvements(atOnce, planning, regions, maker, guide, counters);
    }

    /** Jumps to a slot that make it hot: what its countdown begins with. */
    public short hot() {
        return hot;
    }

    boolean isAtOnce() {
        return atOnce;
    }

    /** What is done for regions that stand. */
    Improvements improvements() {
        return improvements;
    }

    /** Translates nothing any more; what stands remains. Any thread. */
    public void close() {
        planning.close();
        maker.close();
    }

    /**
     * Drops the regions that begin in pages which are no longer used. Any thread.
     *
     * @param isUsed whether a hart may still come to a page
     */
    public void keepOnly(Predicate<CodePage> isUsed) {
        regions.keepOnly(isUsed);
    }

    /** What has been done so far. */
    public TranslatorCounters counters() {
        return counters;
    }

    /**
     * Tells that control has come to a slot as often as {@link #hot} says, since the last time. The
     * region that is entered there may appear in the page later.
     */
    void request(
            CodePage page, int slot, long base, long[] fetchTag, @Nullable CodePage[] fetchPage) {
        CodeView view = new CodeView(page, base, fetchTag, fetchPage, atOnce);
        Candidate candidate = new Candidate(page, slot, view, regions.published(), false);
        if (atOnce) {
            plan(candidate);
            return;
        }
        PageNotes.Remembered known = remembered(page, slot);
        if (known == null) {
            ask(candidate, 1, 0);
        } else {
            int heat = (int) Math.min(known.region.weight() >> 6, 1 << 20);
            ask(candidate, Candidates.WORTH, heat);
        }
    }

    /** Notes that a place was asked for, and sees to it that somebody plans. */
    private void ask(Candidate candidate, int times, int known) {
        if (candidates.add(candidate, times, known)) {
            planning.execute(this::planHottest);
        }
    }

    // ---- what was hot in earlier runs -----------------------------------------------------------

    /** Tells of a page of code that no hart has seen yet. */
    public void onPage(CodePage page) {
        for (HotRegion region : earlier.in(page)) {
            synchronized (regions) {
                PageNotes.of(page).remember(region);
            }
            for (int slot : region.wanted()) {
                if (CodeView.pageOf(slot) == 0) {
                    page.countdown[slot] = 1;
                }
            }
        }
    }

    /** What was hot in this run and the earlier ones, for the next. Any thread. */
    public byte[] hotCode() {
        return earlier.and(regions.hotRegions()).encode();
    }

    private PageNotes.@Nullable Remembered remembered(CodePage page, int slot) {
        synchronized (regions) {
            return page.notes == null ? null : PageNotes.of(page).remembered(slot);
        }
    }

    /** Makes a region as it was in an earlier run; false if that is not possible. */
    private boolean remake(Candidate candidate, PageNotes.Remembered known)
            throws ReflectiveOperationException {
        CodePage page = candidate.page();
        HotRegion hot = known.region;
        CodeView view = candidate.view().decoding();
        if (!hot.isAtHand(view) && ++known.missed < PATIENCE) {
            page.countdown[candidate.slot()] = SOON;
            return true;
        }
        synchronized (regions) {
            PageNotes.of(page).forget(known);
        }
        RegionPlan plan = hot.planAgain(view, guide, maker.jointBytes());
        if (!plan.code.containsKey(candidate.slot())) {
            return false;
        }
        counters.remade();
        make(page, page, candidate.slot(), plan, hot.generation(), view);
        return true;
    }

    // ---- planning -------------------------------------------------------------------------------

    /** Plans as long as there is something worth it; the hottest first, and no more than needed. */
    private void planHottest() {
        for (Candidate next = candidates.next(); next != null; next = candidates.next()) {
            if (planning.isClosed()) {
                return;
            }
            plan(next);
            maker.awaitRoom();
        }
    }

    private void plan(Candidate candidate) {
        planning.attempt(candidate.page(), candidate.slot(), () -> planEntry(candidate));
    }

    private void planEntry(Candidate candidate) throws ReflectiveOperationException {
        CodePage page = candidate.page();
        int slot = candidate.slot();
        Made neighbour;
        Pending pending;
        synchronized (regions) {
            PageNotes notes = PageNotes.of(page);
            neighbour = notes.neighbour(slot);
            pending =
                    candidate.isContinuation()
                            ? notes.pendingEntry(page, slot)
                            : notes.pending(page, slot);
            if (page.region(slot) != null) {
                return;
            }
            if (pending == null && neighbour != null && notes.isInside(slot)) {
                if (neighbour.page() == page && neighbour.plan().entries.contains(slot)) {
                    // A hart that counted at the same moment has undone it.
                    page.setRegion(slot, neighbour.region(), hot);
                    return;
                }
                if (neighbour.number() >= candidate.seen()) {
                    // What has been done may do.
                    return;
                }
            }
        }
        if (pending != null) {
            pending.hurry();
            return;
        }
        PageNotes.Remembered known = remembered(page, slot);
        if (known != null && remake(candidate, known)
                || !candidate.isContinuation()
                        && neighbour != null
                        && enlarge(neighbour, candidate)) {
            return;
        }
        CodeView view = candidate.view();
        int generation = candidate.isContinuation() ? Generation.LARGE : 0;
        RegionPlan plan = RegionPlan.around(view, guide, slot, Generation.maxBytes(generation));
        if (!plan.cuts.isEmpty() && generation < Generation.LARGE) {
            // A block that is longer than a small region: there is no use in making one first.
            generation = Generation.LARGE;
            plan = RegionPlan.around(view, guide, slot, Generation.maxBytes(generation));
        }
        if (plan.isEmpty()) {
            counters.fellBack(RegionPlan.fallback(view.at(slot)));
            page.countdown[slot] = Short.MAX_VALUE;
        } else {
            make(page, page, slot, plan, generation, view);
        }
    }

    /** Makes a region anew so that control can come in at slots that it only left for. */
    private boolean enlarge(Made old, Candidate candidate) throws ReflectiveOperationException {
        CodePage page = candidate.page();
        Integer number = old.plan().numberOf(page);
        if (number == null || old.generation() >= Generation.LAST) {
            return false;
        }
        CodeView view = candidate.view().startingAt(old.page(), -number);
        Set<Integer> wanted = new LinkedHashSet<>(old.plan().wanted);
        wanted.add(candidate.slot() + number * CodePage.SLOTS);
        Set<Integer> needed = Set.copyOf(wanted);
        old.plan().pages.forEach((n, holder) -> addLeftFor(old, n, holder, wanted));
        RegionPlan plan =
                RegionPlan.of(view, guide, wanted, Generation.maxBytes(old.generation() + 1));
        if (!plan.code.keySet().containsAll(needed)) {
            return false;
        }
        make(old.page(), page, candidate.slot(), plan, old.generation() + 1, view);
        return true;
    }

    /** Adds the other places on a page that a region was left for, and that were asked for. */
    private void addLeftFor(Made old, int number, CodePage page, Set<Integer> wanted) {
        List<Integer> slots = candidates.in(page);
        synchronized (regions) {
            PageNotes notes = PageNotes.of(page);
            for (int slot : slots) {
                if (old.equals(notes.neighbour(slot))) {
                    wanted.add(slot + number * CodePage.SLOTS);
                }
            }
        }
    }

    /** Asks for what follows a region whose end lies in the middle of a basic block. */
    private void continueAfter(RegionPlan plan, CodeView view) {
        for (int cut : plan.cuts) {
            int number = CodeView.pageOf(cut);
            CodePage page = view.page(number);
            if (page != null) {
                CodeView from = view.startingAt(page, number);
                int slot = cut & CodePage.SLOTS - 1;
                ask(new Candidate(page, slot, from, Long.MAX_VALUE, true), Candidates.WORTH, 0);
            }
        }
    }

    private void make(
            CodePage first, CodePage page, int slot, RegionPlan plan, int generation, CodeView view)
            throws ReflectiveOperationException {
        maker.make(first, page, slot, plan, generation);
        // Where a joint ends there are the regions that it was made of.
        if (!atOnce && !Generation.isJoint(generation)) {
            continueAfter(plan, view);
        }
    }
}
