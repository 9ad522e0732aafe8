package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import java.util.Set;

/** A guide to the blocks that a region had, and no others. */
record Remembering(RegionPlan.Guide guide, HotRegion hot) implements RegionPlan.Guide {
    @Override
    public int heat(CodePage page, int slot) {
        return HOTTEST;
    }

    @Override
    public boolean isTaken(CodePage page, int slot) {
        return false;
    }

    @Override
    public Set<Integer> pageEnds(CodePage page, int slot) {
        return guide.pageEnds(page, slot);
    }

    @Override
    public boolean admits(int slot) {
        return hot.hasBlockAt(slot);
    }
}
