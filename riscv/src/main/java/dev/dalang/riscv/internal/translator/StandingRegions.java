package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The regions that are there for the harts, with a limit on their size. The oldest go first. Its
 * monitor guards the {@link PageNotes} as well. Any thread.
 */
final class StandingRegions {
    private final long maxClassBytes;
    private final short hot;
    private final TranslatorCounters counters;

    private final Deque<Made> standing = new ArrayDeque<>();
    private final Map<Region, Made> madeFor = new HashMap<>();
    private long standingBytes;

    private volatile long published;

    /**
     * None so far.
     *
     * @param maxClassBytes size of all classes at the most; beyond, the oldest are dropped
     * @param hot what the countdown of a slot begins with
     */
    StandingRegions(long maxClassBytes, short hot, TranslatorCounters counters) {
        this.maxClassBytes = maxClassBytes;
        this.hot = hot;
        this.counters = counters;
    }

    /** The number of the last region that was published. */
    long published() {
        return published;
    }

    /** What a region was made from; null if it does not stand any more. */
    synchronized @Nullable Made of(Region region) {
        return madeFor.get(region);
    }

    /** Whether a region has a block at a slot. */
    synchronized boolean hasBlockAt(CodePage page, int slot) {
        return PageNotes.of(page).isInside(slot);
    }

    /** What the next run should know of those that harts come to. */
    synchronized List<HotRegion> hotRegions() {
        List<HotRegion> seen = new ArrayList<>();
        for (Made made : standing) {
            if (made.region().weight() > 0 && made.isEntered()) {
                seen.add(made.toHotRegion());
            }
        }
        return seen;
    }

    /**
     * Has harts come in at the entries of a region.
     *
     * @param page the page of its first entry
     * @param bytes of its class
     * @param compileNanos how long the JVM's compiler was waited for
     */
    synchronized void publish(
            CodePage page,
            RegionPlan plan,
            Region region,
            int bytes,
            int generation,
            long compileNanos) {
        Made made = new Made(page, plan, region, bytes, generation, published + 1);
        published = made.number();
        if (Generation.isJoint(generation)) {
            counters.joined();
        }
        for (int slot : plan.leaders) {
            note(made, slot, true);
        }
        for (int slot : plan.exits) {
            if (plan.pages.containsKey(CodeView.pageOf(slot))) {
                note(made, slot, false);
            }
        }
        for (int slot : plan.entries) {
            if (CodeView.pageOf(slot) == 0) {
                Region other = page.region(slot);
                if (other == null || other.instructions() <= region.instructions()) {
                    page.setRegion(slot, region, hot);
                }
            }
        }
        stand(made, compileNanos);
    }

    private void note(Made made, int slot, boolean within) {
        CodePage page = made.plan().pageOf(slot);
        int inPage = slot & CodePage.SLOTS - 1;
        PageNotes.of(page).setNeighbour(inPage, made, within);
        if (page.region(inPage) == null) {
            page.countdown[inPage] = hot;
        }
    }

    /**
     * Has a region left by a bridge. It counts among the regions, and is gone when both it and the
     * one that it belongs to are dropped.
     *
     * @param group of the region's accesses
     */
    synchronized void publishBridge(
            Region region, int group, CodePage page, RegionPlan plan, Region bridge, int bytes) {
        region.setBridge(group, bridge);
        stand(new Made(page, plan, bridge, bytes, 0, 0), 0);
    }

    private void stand(Made made, long compileNanos) {
        standing.add(made);
        madeFor.put(made.region(), made);
        standingBytes += made.bytes();
        counters.published(made.bytes());
        var event = new RegionEvent.Translated();
        event.describe(made);
        event.compiling = compileNanos;
        event.commit();
        while (standingBytes > maxClassBytes) {
            evict(standing.remove());
        }
    }

    /** Drops the regions that begin in pages which are no longer used. */
    synchronized void keepOnly(Predicate<CodePage> isUsed) {
        standing.removeIf(
                made -> {
                    boolean dropped = !isUsed.test(made.page());
                    if (dropped) {
                        evict(made);
                    }
                    return dropped;
                });
    }

    private void evict(Made made) {
        madeFor.remove(made.region());
        standingBytes -= made.bytes();
        counters.evicted(made.bytes());
        var event = new RegionEvent.Evicted();
        event.describe(made);
        event.commit();
        for (CodePage page : made.plan().pages.values()) {
            PageNotes.of(page).forget(made);
        }
        CodePage page = made.page();
        for (int slot : made.plan().entries) {
            if (CodeView.pageOf(slot) == 0 && page.region(slot) == made.region()) {
                page.setRegion(slot, null, hot);
            }
        }
    }
}
