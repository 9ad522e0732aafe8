package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import java.util.List;
import java.util.Set;

/**
 * A region that was worth its translation in an earlier run. Slots are counted from the beginning
 * of its first page, as in {@link RegionPlan}.
 *
 * @param pages the pages by number, the first one being 0
 * @param wanted where control comes in
 * @param blocks where its basic blocks begin
 * @param generation how often it was made anew, larger
 * @param weight guest instructions that were seen to be executed in it: more is hotter
 */
record HotRegion(
        List<Page> pages, List<Integer> wanted, Set<Integer> blocks, int generation, long weight) {
    /**
     * A page of code.
     *
     * @param number its distance from the first one, in pages
     * @param hash of its bytes
     */
    record Page(int number, long hash) {}

    /** What finds the region again: its first page, and the first place where control comes in. */
    record Key(long hash, int slot) {}

    Key key() {
        long hash = pages.stream().filter(p -> p.number == 0).findFirst().orElseThrow().hash;
        return new Key(hash, wanted.getFirst());
    }

    boolean hasBlockAt(int slot) {
        return blocks.contains(slot);
    }

    HotRegion withWeight(long other) {
        return new HotRegion(pages, wanted, blocks, generation, other);
    }

    /** Whether its pages are there, as they were. */
    boolean isAtHand(CodeView view) {
        for (Page expected : pages) {
            CodePage page = view.page(expected.number);
            if (page == null || page.hash() != expected.hash) {
                return false;
            }
        }
        return true;
    }

    /**
     * Plans it in the shape that it had.
     *
     * @param guide to where pages end
     * @param jointBytes see {@link Generation#JOINT_BYTES}
     */
    RegionPlan planAgain(CodeView view, RegionPlan.Guide guide, int jointBytes) {
        int most = Generation.isJoint(generation) ? jointBytes : Generation.MAX_BYTES;
        return RegionPlan.of(view, new Remembering(guide, this), wanted, 2 * most);
    }
}
