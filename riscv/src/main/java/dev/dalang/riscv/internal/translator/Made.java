package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;

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
record Made(
        CodePage page, RegionPlan plan, Region region, int bytes, int generation, long number) {}
