package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import java.util.Set;

/** A guide that repeats what other regions have. */
record Repeating(RegionPlan.Guide guide) implements RegionPlan.Guide {
    @Override
    public int heat(CodePage page, int slot) {
        return guide.heat(page, slot);
    }

    @Override
    public boolean isTaken(CodePage page, int slot) {
        return false;
    }

    @Override
    public Set<Integer> pageEnds(CodePage page, int slot) {
        return guide.pageEnds(page, slot);
    }
}
