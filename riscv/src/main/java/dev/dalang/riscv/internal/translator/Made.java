package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

import java.util.List;
import java.util.Set;

/**
 * A region that stands, or is about to.
 *
 * @param page the page of its first entry
 * @param plan what it was made from
 * @param region the region
 * @param bytes of its class
 * @param generation how often the region was made anew, larger
 * @param number regions that were published before
 */
record Made(CodePage page, RegionPlan plan, Region region, int bytes, int generation, long number) {
    /** Whether harts still come in at one of its entries. */
    boolean isEntered() {
        return plan.entries.stream()
                .anyMatch(slot -> CodeView.pageOf(slot) == 0 && page.region(slot) == region);
    }

    /** What the next run should know of it. */
    HotRegion toHotRegion() {
        return new HotRegion(
                plan.pages.entrySet().stream()
                        .map(entry -> new HotRegion.Page(entry.getKey(), entry.getValue().hash()))
                        .toList(),
                List.copyOf(plan.wanted),
                Set.copyOf(plan.leaders),
                generation,
                region.weight());
    }
}
