package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.EngineStatistics.Fallback;
import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which instructions make a region: what can be reached from its entries, hottest first, until the
 * region is as large as the JVM compiles well. Calls are followed into the called function, and
 * what follows them is reached through its return. Targets that the interpreter never saw taken are
 * left out: they are exits.
 */
final class RegionPlan {
    /** Pages at the most; each one beyond the first costs a test where control enters it. */
    static final int MAX_PAGES = 12;

    /** Estimated bytes of a basic block that is long: other than most, it has no branch soon. */
    private static final int LONG_BLOCK = 400;

    /** Where control was asked to be able to come in, as far as there was room. */
    final List<Integer> wanted;

    /** The instructions by slot. */
    final SortedMap<Integer, Long> code = new TreeMap<>();

    /** Slots that begin a basic block. */
    final NavigableSet<Integer> leaders = new TreeSet<>();

    /**
     * Leaders at which control may come in, from outside or by an indirect jump: those that were
     * asked for, what follows a call, the heads of loops, and functions.
     */
    final NavigableSet<Integer> entries = new TreeSet<>();

    /** Slots outside that branches of the region go to. */
    final NavigableSet<Integer> exits = new TreeSet<>();

    /**
     * Exits that are as hot as the region: those in the middle of a long basic block, and the heads
     * of loops of which the region is only a part.
     */
    final Set<Integer> cuts = new TreeSet<>();

    /** Heads of loops that control came into the middle of: they lie before what was asked for. */
    final Set<Integer> behind = new HashSet<>();

    /** The pages by number. */
    final Map<Integer, CodePage> pages = new HashMap<>();

    /** Slots of JALR whose target is known, because AUIPC comes before it, with that target. */
    final Map<Integer, Integer> farJumps = new HashMap<>();

    /** Where pages end, as {@link Guide#pageEnds} has it, by base register. */
    final Map<Integer, Set<Integer>> pageEnds = new HashMap<>();

    private final PriorityQueue<Lead> work = new PriorityQueue<>();

    /** Where some branch goes, whether or not it was followed. */
    private final Set<Integer> targets = new HashSet<>();

    private final CodeView view;
    private final Guide guide;
    private final int maxBytes;
    private final boolean isBridge;
    private int bytes;

    private RegionPlan(
            CodeView view,
            Guide guide,
            Collection<Integer> wanted,
            int maxBytes,
            boolean isBridge) {
        this.isBridge = isBridge;
        this.maxBytes = maxBytes;
        this.wanted = new ArrayList<>(wanted);
        this.view = view;
        this.guide = guide;
    }

    /**
     * Plans a region around some slots.
     *
     * @param wanted where control must be able to come in; the first is in the view's first page
     * @param maxBytes estimated bytes of bytecode at the most; HotSpot never compiles a method
     *     above 8,000
     */
    static RegionPlan of(CodeView view, Guide guide, Collection<Integer> wanted, int maxBytes) {
        return of(view, guide, wanted, maxBytes, false);
    }

    private static RegionPlan of(
            CodeView view,
            Guide guide,
            Collection<Integer> wanted,
            int maxBytes,
            boolean isBridge) {
        RegionPlan plan = new RegionPlan(view, guide, wanted, maxBytes, isBridge);
        plan.entries.addAll(wanted);
        wanted.forEach(slot -> plan.lead(slot, Guide.HOTTEST));
        plan.discover();
        return plan;
    }

    /**
     * Plans a bridge: the rest of a basic block, from a slot to where another region is entered.
     *
     * @param slot where control comes in, in the view's first page
     * @param maxBytes as above
     */
    static RegionPlan bridge(CodeView view, Guide guide, int slot, int maxBytes) {
        return of(view, new OneBlock(guide, view, slot), List.of(slot), maxBytes, true);
    }

    /** A guide to the rest of a block, up to an entry of another region. */
    private record OneBlock(Guide guide, CodeView view, int slot) implements Guide {
        @Override
        public int heat(CodePage page, int at) {
            return 0;
        }

        @Override
        public boolean isTaken(CodePage page, int at) {
            return false;
        }

        @Override
        public boolean admits(int at) {
            return at == slot;
        }

        @Override
        public boolean endsAt(int at) {
            CodePage page = view.page(CodeView.pageOf(at));
            return at != slot && page != null && guide.isTaken(page, at & CodePage.SLOTS - 1);
        }
    }

    /** Whether each access looks for its page itself. */
    boolean isBridge() {
        return isBridge;
    }

    /**
     * Plans a region around a slot. Where that is in a loop too long for one region, the region
     * ends with the loop, whose next one begins at its head: else each region would go round the
     * loop until it is full, and no two would meet.
     *
     * @param slot where control must be able to come in, in the view's first page
     * @param maxBytes as above
     */
    static RegionPlan around(CodeView view, Guide guide, int slot, int maxBytes) {
        RegionPlan plan = of(view, guide, List.of(slot), maxBytes);
        if (plan.cuts.isEmpty() || plan.behind.isEmpty()) {
            return plan;
        }
        Set<Integer> heads = plan.behind;
        plan = of(view, new Before(guide, heads), List.of(slot), maxBytes);
        for (int head : heads) {
            if (plan.exits.contains(head)) {
                plan.cuts.add(head);
            }
        }
        return plan;
    }

    /** A guide that does not go back to the heads of loops. */
    private record Before(Guide guide, Set<Integer> heads) implements Guide {
        @Override
        public int heat(CodePage page, int slot) {
            return guide.heat(page, slot);
        }

        @Override
        public boolean isTaken(CodePage page, int slot) {
            return guide.isTaken(page, slot);
        }

        @Override
        public Set<Integer> pageEnds(CodePage page, int slot) {
            return guide.pageEnds(page, slot);
        }

        @Override
        public boolean admits(int slot) {
            return !heads.contains(slot) && guide.admits(slot);
        }
    }

    /** What is known of the code beyond its bytes. */
    interface Guide {
        /** The heat of a slot that cannot be hotter. */
        int HOTTEST = 32;

        /**
         * How often control came to a slot by a jump, from 0 to {@link #HOTTEST}. Slots of heat 0
         * are left out.
         */
        int heat(CodePage page, int slot);

        /** Whether a region that is entered here is better left alone than repeated. */
        boolean isTaken(CodePage page, int slot);

        /**
         * Distances from the base register of an access at which a page was seen to end, where a
         * group of accesses that begins with it lay on two: from 0 to 4,095.
         */
        default Set<Integer> pageEnds(CodePage page, int slot) {
            return Set.of();
        }

        /**
         * Whether a basic block may belong to the region.
         *
         * @param slot where it begins, counted from the region's first page
         */
        default boolean admits(int slot) {
            return true;
        }

        /**
         * Whether a basic block is to end before a slot, to which control then leaves.
         *
         * @param slot counted from the region's first page
         */
        default boolean endsAt(int slot) {
            return false;
        }
    }

    /** True if not even the first instruction can be translated. */
    boolean isEmpty() {
        return code.isEmpty();
    }

    private void discover() {
        while (!work.isEmpty()) {
            Lead next = work.remove();
            block(next.slot, next.heat);
        }
        leaders.addAll(targets);
        leaders.retainAll(code.keySet());
        wanted.retainAll(code.keySet());
        entries.retainAll(leaders);
        exits.addAll(targets);
        exits.removeAll(code.keySet());
        cuts.retainAll(exits);
        behind.retainAll(code.keySet());
        pages.keySet().removeIf(number -> code.keySet().stream().noneMatch(s -> in(s, number)));
    }

    /** The page that holds a slot of the region. */
    CodePage pageOf(int slot) {
        CodePage page = pages.get(CodeView.pageOf(slot));
        if (page == null) {
            throw new IllegalArgumentException("slot " + slot + " is in no page of the region");
        }
        return page;
    }

    /** The number of a page, or null if it is not one of the region's. */
    @Nullable Integer numberOf(CodePage page) {
        return pages.entrySet().stream()
                .filter(entry -> entry.getValue() == page)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(null);
    }

    private static boolean in(int slot, int page) {
        return CodeView.pageOf(slot) == page;
    }

    private void block(int leader, int heat) {
        int slot = leader;
        int start = bytes;
        long before = Op.NOP;
        while (!code.containsKey(slot)) {
            if (slot != leader && CodeView.pageOf(slot) != CodeView.pageOf(leader)) {
                // The test of the page stands at the edge between two blocks.
                lead(slot, heat);
                return;
            }
            long i = view.at(slot);
            int op = (int) i & Op.MASK;
            int cost = cost(op);
            if (!isTranslatable(i)) {
                return;
            }
            if (guide.endsAt(slot)) {
                targets.add(slot);
                return;
            }
            if (bytes + cost > maxBytes || !admit(slot)) {
                targets.add(slot);
                if (bytes - start > LONG_BLOCK) {
                    cuts.add(slot);
                }
                return;
            }
            bytes += cost;
            code.put(slot, i);
            if (isMemory(op)) {
                Set<Integer> ends = guide.pageEnds(pageOf(slot), slot & CodePage.SLOTS - 1);
                if (!ends.isEmpty()) {
                    pageEnds.computeIfAbsent(RegionRegisters.rs1(i), r -> new HashSet<>())
                            .addAll(ends);
                }
            }
            int next = slot + CodeView.length(i);
            if (isBranch(op)) {
                int target = slot + (int) (i >> 33);
                loop(slot, target);
                lead(target, heatOf(target));
                lead(next, heat);
                return;
            }
            if (op == Op.JAL) {
                int target = slot + (int) (i >> 33);
                if (links(i)) {
                    returnPoint(next, heat);
                    entries.add(target);
                } else {
                    loop(slot, target);
                }
                lead(target, heatOf(target));
                return;
            }
            if (op == Op.JALR) {
                farJump(slot, i, before);
                if (links(i)) {
                    returnPoint(next, heat);
                }
                return;
            }
            before = i;
            slot = next;
        }
        // Code that was jumped into the middle of an instruction of may meet the code around it
        // again: from there on it is one block, which both go on to.
        targets.add(slot);
    }

    /** Notes the head of a loop, if a branch closes one. */
    private void loop(int slot, int target) {
        if (target <= slot) {
            entries.add(target);
            if (target < Collections.min(wanted)) {
                behind.add(target);
            }
        }
    }

    private boolean admit(int slot) {
        int number = CodeView.pageOf(slot);
        if (pages.containsKey(number)) {
            return true;
        }
        CodePage page = view.page(number);
        if (page == null || pages.size() == MAX_PAGES) {
            return false;
        }
        pages.put(number, page);
        return true;
    }

    /** {@code auipc r, hi; jalr r, lo(r)}: a call or jump beyond the reach of JAL. */
    private void farJump(int slot, long i, long before) {
        int rs1 = (int) (i >>> 18) & 31;
        if (((int) before & Op.MASK) != Op.AUIPC || ((int) (before >>> 12) & 63) != rs1) {
            return;
        }
        long distance = (before >> 32) + (i >> 32) & ~1L;
        int target = slot - 2 + (int) (distance >> 1);
        farJumps.put(slot, target);
        entries.add(target);
        lead(target, heatOf(target));
    }

    private int heatOf(int slot) {
        CodePage page = view.page(CodeView.pageOf(slot));
        int inPage = slot & CodePage.SLOTS - 1;
        return page == null || guide.isTaken(page, inPage) ? 0 : guide.heat(page, inPage);
    }

    private static boolean links(long i) {
        return ((int) (i >>> 12) & 63) != Decoder.SINK;
    }

    private void returnPoint(int slot, int heat) {
        entries.add(slot);
        lead(slot, heat);
    }

    private void lead(int slot, int heat) {
        targets.add(slot);
        if (heat > 0 && guide.admits(slot) && leaders.add(slot)) {
            work.add(new Lead(slot, heat, leaders.size()));
        }
    }

    /** A block to come; the hottest first, and of these the first that was found. */
    private record Lead(int slot, int heat, int number) implements Comparable<Lead> {
        @Override
        public int compareTo(Lead other) {
            return heat != other.heat
                    ? Integer.compare(other.heat, heat)
                    : Integer.compare(number, other.number);
        }
    }

    static boolean isBranch(int op) {
        return op >= Op.BEQ && op <= Op.BGEU;
    }

    /** Whether control goes somewhere else than on. */
    static boolean endsBlock(int op) {
        return isBranch(op) || op == Op.JAL || op == Op.JALR;
    }

    static boolean isFloat(int op) {
        return op >= Op.FIRST_FLOAT && op <= Op.LAST_FLOAT;
    }

    static boolean isLoad(int op) {
        return op >= Op.LB && op <= Op.LWU;
    }

    static boolean isStore(int op) {
        return op >= Op.SB && op <= Op.SD;
    }

    static boolean isFloatMemory(int op) {
        return op >= Op.FLW && op <= Op.FSD;
    }

    /** Whether an operation is a load or a store, of integers or floats. */
    static boolean isMemory(int op) {
        return isLoad(op) || isStore(op) || isFloatMemory(op);
    }

    private static boolean isTranslatable(long i) {
        int op = (int) i & Op.MASK;
        return switch (op) {
            case Op.UNDECODED, Op.PAGE_END, Op.CROSS, Op.AMOCAS_Q -> false;
            case Op.CSR -> Csr.staysInside((int) (i >> 32) >>> 20);
            default -> op < Op.FIRST_SYSTEM && (!isFloat(op) || FloatForms.isTranslatable(i));
        };
    }

    /** Why an instruction is not translatable. */
    static Fallback fallback(long i) {
        int op = (int) i & Op.MASK;
        if (op == Op.CROSS) {
            return Fallback.CROSSING;
        }
        return isFloat(op)
                ? Fallback.FLOAT
                : op >= Op.FIRST_SYSTEM ? Fallback.SYSTEM : Fallback.OTHER;
    }

    private static int cost(int op) {
        if (isMemory(op)) {
            // One in two shares its look at the TLB with another.
            return 40;
        }
        if (op == Op.CSR) {
            return 40;
        }
        if (op >= Op.FIRST_ATOMIC && op <= Op.LAST_ATOMIC) {
            return 50;
        }
        if (isBranch(op)) {
            return 30;
        }
        return isFloat(op) || op >= Op.FIRST_INTEGER ? 24 : op == Op.JALR ? 24 : 12;
    }
}
