package dev.dalang.riscv.internal.translator;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Translates in the background what the harts of a machine find hot. Requests come from any hart
 * and never wait; what the queue cannot hold is asked for again later.
 *
 * <p>A region goes through the hands of three. One thread plans it and generates its class. The
 * hart runs it for a moment, so that the JVM counts where its branches go ({@link Apprentice}).
 * Another thread, of a few where there are processors, calls it, without effect, until the JVM has
 * compiled it. Only then is it there for all harts: no hart ever waits for a compiler, or stays in
 * code that is not compiled.
 */
public final class Translator implements RegionPlan.Guide {
    private static final System.Logger LOG = System.getLogger(Translator.class.getName());

    /** Jumps to a slot that make it hot. */
    private static final short HOT = 2_000;

    /** Regions that may wait for the JVM's compiler before another one is planned. */
    private static final int AHEAD = 2;

    /**
     * Regions that the JVM compiles at the same time. It takes tens of milliseconds for each, so
     * that a guest waits for more of them than one thread gets done; a hart and the planner want
     * processors too.
     */
    private static final int FINISHERS =
            Math.clamp(Runtime.getRuntime().availableProcessors() / 2 - 1, 1, 4);

    /** A region of so few instructions is repeated in others rather than left alone. */
    private static final int SMALL = 8;

    /** How often groups of a region's accesses lie on two pages before one gets a bridge. */
    private static final int CROSSINGS = 64;

    /** How often they do before the region is made anew, with groups that end with the page. */
    private static final int DIVISION = 1 << 14;

    private static final int DIVISION_AT_ONCE = 4;

    private static final int MAX_GENERATIONS = 3;

    /** The first generation that takes the place of several regions. */
    private static final int JOINT = MAX_GENERATIONS + 1;

    /** How often what took the place of several is made anew, larger. */
    private static final int MAX_JOINTS = 4;

    /** The generation that is as large as regions become, if they are not joined. */
    private static final int LARGE = 2;

    /**
     * Estimated bytes of bytecode of a first region. The JVM's compiler takes some 20 microseconds
     * for each: a small region is there soon, and grows if control keeps leaving it.
     */
    private static final int FIRST_BYTES = 800;

    /**
     * As {@link #FIRST_BYTES}, of the largest that joins no others. Beyond, registers go to the
     * stack too often.
     */
    private static final int MAX_BYTES = 2_500;

    /** As {@link #FIRST_BYTES}, of a bridge: as much as the JVM compiles. */
    private static final int BRIDGE_BYTES = 5_000;

    /**
     * As {@link #FIRST_BYTES}, of what joins regions: more than HotSpot compiles unless it is told
     * to ({@code -XX:-DontCompileHugeMethods}).
     */
    private static final int JOINT_BYTES = 7_000;

    /** Instructions of a region from which on its registers may stay in the hart. */
    private static final int MANY = 100;

    /** Instructions of an average block below which there are many ways through a region. */
    private static final int SHORT_BLOCK = 12;

    /** How often a region of an earlier run waits for its other pages to be executed. */
    private static final int PATIENCE = 8;

    /** Jumps until it is asked for again. */
    private static final short SOON = 64;

    /** What {@code maxClassBytes} should be: room for some twenty thousand regions. */
    public static final long MAX_CLASS_BYTES = 64L << 20;

    private final RegionCompiler compiler;
    private final boolean atOnce;
    private final HotCode earlier;
    private final long maxClassBytes;
    private final short hot;
    private final ThreadPoolExecutor planner = workers("dalang-translator", 1);
    private final ThreadPoolExecutor finisher = workers("dalang-translator-jvm", FINISHERS);
    private final TranslatorCounters counters = new TranslatorCounters();
    private final Candidates candidates = new Candidates(System::nanoTime);

    /** See {@link #JOINT_BYTES}; less where the JVM has refused one. */
    private volatile int jointBytes = JOINT_BYTES;

    // All that follows, and the notes on pages, is guarded by this.
    private final Deque<Made> standing = new ArrayDeque<>();
    private long standingBytes;
    private final Map<Region, Made> madeFor = new HashMap<>();

    private volatile long published;

    /**
     * Over a machine's RAM.
     *
     * @param atOnce translate everything at its first execution, on the hart's thread
     * @param maxClassBytes size of all classes at the most; beyond, the oldest are dropped
     * @param hotCode what {@link #hotCode} gave in an earlier run; anything else is like nothing
     */
    public Translator(MemoryRegion ram, boolean atOnce, long maxClassBytes, byte[] hotCode) {
        this.maxClassBytes = maxClassBytes;
        this.earlier = HotCode.decode(hotCode);
        this.compiler = new RegionCompiler(ram);
        this.atOnce = atOnce;
        this.hot = atOnce ? 1 : HOT;
    }

    /** Jumps to a slot that make it hot: what its countdown begins with. */
    public short hot() {
        return hot;
    }

    boolean isAtOnce() {
        return atOnce;
    }

    private static ThreadPoolExecutor workers(String name, int count) {
        var executor =
                new ThreadPoolExecutor(
                        count,
                        count,
                        5,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> {
                            Thread thread = new Thread(task, name);
                            thread.setDaemon(true);
                            return thread;
                        },
                        new ThreadPoolExecutor.DiscardPolicy());
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    /** Translates nothing any more; what stands remains. Any thread. */
    public void close() {
        planner.shutdownNow();
        finisher.shutdownNow();
    }

    /**
     * Drops the regions that begin in pages which are no longer used. Any thread.
     *
     * @param isUsed whether a hart may still come to a page
     */
    public synchronized void keepOnly(Predicate<CodePage> isUsed) {
        standing.removeIf(
                made -> {
                    boolean dropped = !isUsed.test(made.page());
                    if (dropped) {
                        evict(made);
                    }
                    return dropped;
                });
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
        Candidate candidate = new Candidate(page, slot, view, published, false);
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
            planner.execute(this::planHottest);
        }
    }

    // ---- what was hot in earlier runs -----------------------------------------------------------

    /** Tells of a page of code that no hart has seen yet. */
    public void onPage(CodePage page) {
        for (HotRegion region : earlier.in(page)) {
            synchronized (this) {
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
        List<HotRegion> seen = new ArrayList<>();
        synchronized (this) {
            for (Made made : standing) {
                if (made.region().weight() > 0 && made.isEntered()) {
                    seen.add(made.toHotRegion());
                }
            }
        }
        return earlier.and(seen).encode();
    }

    private synchronized PageNotes.@Nullable Remembered remembered(CodePage page, int slot) {
        return page.notes == null ? null : PageNotes.of(page).remembered(slot);
    }

    /** Makes a region as it was in an earlier run; false if that is not possible. */
    private boolean remake(Candidate candidate, PageNotes.Remembered known)
            throws ReflectiveOperationException {
        CodePage page = candidate.page();
        HotRegion hot = known.region;
        CodeView view = candidate.view().decoding();
        if (!isAtHand(hot, view) && ++known.missed < PATIENCE) {
            page.countdown[candidate.slot()] = SOON;
            return true;
        }
        synchronized (this) {
            PageNotes.of(page).forget(known);
        }
        RegionPlan plan = again(hot, view);
        if (!plan.code.containsKey(candidate.slot())) {
            return false;
        }
        counters.remade();
        make(page, page, candidate.slot(), plan, hot.generation(), view);
        return true;
    }

    /** Plans a region in the shape that it had. */
    private RegionPlan again(HotRegion hot, CodeView view) {
        int most = hot.generation() >= JOINT ? 2 * jointBytes : 2 * MAX_BYTES;
        return RegionPlan.of(view, new Remembering(this, hot), hot.wanted(), most);
    }

    private static boolean isAtHand(HotRegion hot, CodeView view) {
        for (HotRegion.Page expected : hot.pages()) {
            CodePage page = view.page(expected.number());
            if (page == null || page.hash() != expected.hash()) {
                return false;
            }
        }
        return true;
    }

    // ---- planning -------------------------------------------------------------------------------

    /** Plans as long as there is something worth it; the hottest first, and no more than needed. */
    private void planHottest() {
        for (Candidate next = candidates.next(); next != null; next = candidates.next()) {
            if (planner.isShutdown()) {
                return;
            }
            plan(next);
            awaitFinisher();
        }
    }

    /** What waits long for the JVM's compiler may be cold by then, and something else hot. */
    private synchronized void awaitFinisher() {
        while (finisher.getQueue().size() >= AHEAD) {
            try {
                wait(1_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void plan(Candidate candidate) {
        attempt(candidate.page(), candidate.slot(), () -> planEntry(candidate));
    }

    /** Does something that may fail: code then stays as it is. */
    private void attempt(CodePage page, int slot, Attempt attempt) {
        long start = System.nanoTime();
        try {
            attempt.run();
        } catch (ReflectiveOperationException | RuntimeException | Error e) {
            failed(page, slot, e);
        } finally {
            counters.planned(System.nanoTime() - start);
        }
    }

    /** As {@link #attempt}, on the thread that plans, or at once. */
    private void planInTurn(CodePage page, int slot, Attempt attempt) {
        if (atOnce) {
            attempt(page, slot, attempt);
        } else {
            planner.execute(() -> attempt(page, slot, attempt));
        }
    }

    private void failed(CodePage page, int slot, Throwable e) {
        counters.failed();
        LOG.log(
                System.Logger.Level.WARNING,
                "code at 0x%x stays as it is".formatted(page.address() + 2L * slot),
                e);
    }

    private void planEntry(Candidate candidate) throws ReflectiveOperationException {
        CodePage page = candidate.page();
        int slot = candidate.slot();
        Made neighbour;
        Pending pending;
        synchronized (this) {
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
        int generation = candidate.isContinuation() ? LARGE : 0;
        RegionPlan plan = RegionPlan.around(view, this, slot, maxBytes(generation));
        if (!plan.cuts.isEmpty() && generation < LARGE) {
            // A block that is longer than a small region: there is no use in making one first.
            generation = LARGE;
            plan = RegionPlan.around(view, this, slot, maxBytes(generation));
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
        if (number == null || old.generation() >= MAX_GENERATIONS) {
            return false;
        }
        CodeView view = candidate.view().startingAt(old.page(), -number);
        Set<Integer> wanted = new LinkedHashSet<>(old.plan().wanted);
        wanted.add(candidate.slot() + number * CodePage.SLOTS);
        Set<Integer> needed = Set.copyOf(wanted);
        old.plan().pages.forEach((n, holder) -> addLeftFor(old, n, holder, wanted));
        RegionPlan plan = RegionPlan.of(view, this, wanted, maxBytes(old.generation() + 1));
        if (!plan.code.keySet().containsAll(needed)) {
            return false;
        }
        make(old.page(), page, candidate.slot(), plan, old.generation() + 1, view);
        return true;
    }

    /** Adds the other places on a page that a region was left for, and that were asked for. */
    private void addLeftFor(Made old, int number, CodePage page, Set<Integer> wanted) {
        List<Integer> slots = candidates.in(page);
        synchronized (this) {
            PageNotes notes = PageNotes.of(page);
            for (int slot : slots) {
                if (old.equals(notes.neighbour(slot))) {
                    wanted.add(slot + number * CodePage.SLOTS);
                }
            }
        }
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
            planInTurn(page, slot, () -> join(region, page, slot, view));
        }
    }

    private void join(Region region, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        Made made;
        synchronized (this) {
            made = madeFor.get(region);
            if (made == null
                    || page.region(slot) != region
                    || made.generation() >= JOINT + MAX_JOINTS
                    || PageNotes.of(page).isInJoint(page, slot)) {
                return;
            }
        }
        Set<Integer> wanted = new LinkedHashSet<>(List.of(slot));
        wanted.addAll(made.plan().wanted);
        for (int target : region.departures().targets()) {
            CodePage holder = view.page(CodeView.pageOf(target));
            if (holder != null && isInside(holder, target & CodePage.SLOTS - 1)) {
                wanted.add(target);
            }
        }
        RegionPlan plan = RegionPlan.of(view, new Repeating(this), wanted, jointBytes);
        if (4 * plan.code.size() > 5 * made.plan().code.size()) {
            make(page, page, slot, plan, Math.max(made.generation() + 1, JOINT), view);
        }
    }

    private synchronized boolean isInside(CodePage page, int slot) {
        return PageNotes.of(page).isInside(slot);
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
        synchronized (this) {
            if (region instanceof Apprentice || !region.askForBridge(group)) {
                return;
            }
        }
        CodeView view = new CodeView(page, base, fetchTag, fetchPage, atOnce);
        planInTurn(page, slot, () -> makeBridge(region, group, page, slot, view));
    }

    private void makeBridge(Region region, int group, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        RegionPlan plan = RegionPlan.bridge(view, this, slot, BRIDGE_BYTES);
        if (plan.isEmpty()) {
            return;
        }
        byte[] bytes = RegionCompiler.generate(plan, compiler.offsetMask(), shape(plan, LARGE));
        Region bridge = compiler.define(plan, bytes);
        if (atOnce) {
            publishBridge(region, group, new Made(page, plan, bridge, bytes.length, 0, 0));
            return;
        }
        JvmCompiler.profile(bridge);
        finisher.execute(
                () -> {
                    long began = System.nanoTime();
                    boolean compiled = JvmCompiler.compile(bridge);
                    counters.compiled(System.nanoTime() - began);
                    if (compiled) {
                        publishBridge(
                                region, group, new Made(page, plan, bridge, bytes.length, 0, 0));
                    } else {
                        counters.refused();
                    }
                    synchronized (this) {
                        notifyAll();
                    }
                });
    }

    /** A bridge counts among the regions; it is gone when both it and its region are dropped. */
    private synchronized void publishBridge(Region region, int group, Made bridge) {
        region.setBridge(group, bridge.region());
        stand(bridge, 0);
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
        planInTurn(page, slot, () -> divide(region, pageEnd, page, slot, view));
    }

    private void divide(Region region, int pageEnd, CodePage page, int slot, CodeView view)
            throws ReflectiveOperationException {
        Made made;
        synchronized (this) {
            made = madeFor.get(region);
        }
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
        if (!isAtHand(shape, from) || !notePageEnd(page, slot, pageEnd)) {
            return;
        }
        RegionPlan plan = again(shape, from);
        if (plan.entries.contains(entry)) {
            counters.divided();
            make(made.page(), made.page(), entry, plan, made.generation(), from);
        }
    }

    private synchronized boolean notePageEnd(CodePage page, int slot, int pageEnd) {
        return PageNotes.of(page).addPageEnd(slot, pageEnd);
    }

    @Override
    public synchronized Set<Integer> pageEnds(CodePage page, int slot) {
        return page.notes == null ? Set.of() : PageNotes.of(page).pageEnds(slot);
    }

    private static int maxBytes(int generation) {
        return Math.min(FIRST_BYTES << generation, MAX_BYTES);
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
        byte[] bytes =
                RegionCompiler.generate(plan, compiler.offsetMask(), shape(plan, generation));
        Region region = compiler.define(plan, bytes);
        if (atOnce) {
            synchronized (this) {
                publish(new Made(first, plan, region, bytes.length, generation, published + 1), 0);
            }
            return;
        }
        if (generation < JOINT) {
            // Where a joint ends there are the regions that it was made of.
            continueAfter(plan, view);
        }
        JvmCompiler.profile(region);
        Pending pending = new Pending(plan, generation >= JOINT);
        synchronized (this) {
            plan.pages.values().forEach(holder -> PageNotes.of(holder).add(pending));
        }
        Runnable finish = () -> finish(first, pending, region, bytes.length, generation);
        if (page != first) {
            // Only slots of the first page are entered from outside: nobody would train it.
            finisher.execute(finish);
            return;
        }
        Region before = page.region(slot);
        Apprentice apprentice =
                new Apprentice(
                        region,
                        () -> {
                            page.setRegion(slot, before, hot);
                            finisher.execute(finish);
                        });
        pending.apprentice = apprentice;
        page.setRegion(slot, apprentice, hot);
    }

    /** What is best for a region; what is not measured does everything, by turns. */
    private RegionCompiler.Shape shape(RegionPlan plan, int generation) {
        if (atOnce) {
            return new RegionCompiler.Shape((published & 1) != 0, (published & 2) != 0);
        }
        int size = plan.code.size();
        return new RegionCompiler.Shape(
                generation >= LARGE, size > MANY && size < SHORT_BLOCK * plan.leaders.size());
    }

    @Override
    public synchronized int heat(CodePage page, int slot) {
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

    @Override
    public boolean isTaken(CodePage page, int slot) {
        Region region = page.region(slot);
        return region != null && region.instructions() > SMALL;
    }

    // ---- compiling ------------------------------------------------------------------------------

    private void finish(CodePage first, Pending pending, Region region, int bytes, int generation) {
        RegionPlan plan = pending.plan;
        long start = System.nanoTime();
        boolean compiled = JvmCompiler.compile(region);
        long waited = System.nanoTime() - start;
        counters.compiled(waited);
        synchronized (this) {
            plan.pages.values().forEach(holder -> PageNotes.of(holder).remove(pending));
            if (compiled) {
                publish(new Made(first, plan, region, bytes, generation, published + 1), waited);
            } else {
                counters.refused();
                if (generation >= JOINT) {
                    jointBytes = Math.max(jointBytes / 2, MAX_BYTES);
                }
            }
            notifyAll();
        }
    }

    private void publish(Made made, long compileNanos) {
        published = made.number();
        if (made.generation() >= JOINT) {
            counters.joined();
        }
        for (int slot : made.plan().leaders) {
            note(made, slot, true);
        }
        for (int slot : made.plan().exits) {
            if (made.plan().pages.containsKey(CodeView.pageOf(slot))) {
                note(made, slot, false);
            }
        }
        CodePage page = made.page();
        for (int slot : made.plan().entries) {
            if (CodeView.pageOf(slot) == 0) {
                Region other = page.region(slot);
                if (other == null || other.instructions() <= made.region().instructions()) {
                    page.setRegion(slot, made.region(), hot);
                }
            }
        }
        stand(made, compileNanos);
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

    private void note(Made made, int slot, boolean within) {
        CodePage page = made.plan().pageOf(slot);
        int inPage = slot & CodePage.SLOTS - 1;
        PageNotes.of(page).setNeighbour(inPage, made, within);
        if (page.region(inPage) == null) {
            page.countdown[inPage] = hot;
        }
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

    /** Planning, or what follows from it. */
    private interface Attempt {
        void run() throws ReflectiveOperationException;
    }
}
