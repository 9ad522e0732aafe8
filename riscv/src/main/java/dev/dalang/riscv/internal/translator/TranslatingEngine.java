package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.riscv.internal.engine.Engine;
import dev.dalang.riscv.internal.engine.Interpreter;

import org.jspecify.annotations.Nullable;

/** Runs translated regions where there are some, and the interpreter in between. */
public final class TranslatingEngine implements Engine {
    /** Runs of regions between two that are looked at. */
    private static final int SAMPLE = 255;

    private final HartCore core;
    private final Mmu mmu;
    private final Interpreter interpreter;
    private final Region.OtherOps others;
    private final Translator translator;
    private final Improvements improvements;
    private int untilSample = SAMPLE;

    /** What ran last, if a region did. */
    private @Nullable Region last;

    /** Of one hart, over what its interpreter executes. */
    public TranslatingEngine(
            HartCore core, Mmu mmu, Interpreter interpreter, Translator translator) {
        this.core = core;
        this.mmu = mmu;
        this.interpreter = interpreter;
        this.others = interpreter.others();
        this.translator = translator;
        this.improvements = translator.improvements();
    }

    @Override
    public void run(long limit) {
        long interpreted = 0;
        core.crossing = 0;
        while (core.attention == 0 && core.instret < limit) {
            long pc = core.pc;
            int crossing = core.crossing;
            core.crossing = 0;
            CodePage page = mmu.fetch(pc);
            if (page == null) {
                core.takeException();
                continue;
            }
            int slot = (int) (pc & 4095) >>> 1;
            long before = core.instret;
            // Read once, and before the region: what comes meanwhile must not be counted down.
            int left = page.countdown[slot];
            Region region = crossing == 0 ? page.region(slot) : bridge(page, slot, crossing);
            if (mmu.isPartialFetch() || core.debugged) {
                interpreter.runIn(page, limit);
                interpreted += core.instret - before;
                continue;
            }
            if (region != null) {
                run(region, page, pc, limit);
                if (core.instret != before || core.pc != pc || core.crossing != 0) {
                    continue;
                }
            } else if (crossing == 0 && left <= 1) {
                page.countdown[slot] = translator.hot();
                translator.request(page, slot, pc & Mmu.PAGE_MASK, mmu.fetchTag, mmu.fetchPage);
                if (translator.isAtOnce() && page.region(slot) != null) {
                    continue;
                }
            } else if (crossing == 0) {
                page.countdown[slot] = (short) (left - 1);
            }
            if (translator.isAtOnce()) {
                interpreter.step();
            } else {
                interpreter.runIn(page, limit);
            }
            interpreted += core.instret - before;
        }
        core.interpreted += interpreted;
    }

    /**
     * Runs a region, and then what follows it, as long as there is one and nothing is to be done.
     *
     * @param first which is entered at {@code pc}, and begins in {@code entered}
     */
    private void run(Region first, CodePage entered, long pc, long limit) {
        Region region = first;
        CodePage page = entered;
        long at = pc;
        long before = core.instret;
        while (true) {
            long next = region.run(core, mmu, others, at & Mmu.PAGE_MASK, limit);
            long after = core.instret;
            if (--untilSample < 0) {
                untilSample = SAMPLE;
                sample(region, page, at, next, after - before);
            }
            // A region that has done nothing is not entered here any more.
            if ((next & Region.LOOK) != 0
                    || core.attention != 0
                    || after >= limit
                    || after == before) {
                break;
            }
            CodePage holder = ((next ^ at) & Mmu.PAGE_MASK) == 0 ? page : mmu.pageAtHand(next);
            if (holder == null) {
                break;
            }
            Region follower = holder.region((int) (next & 4095) >>> 1);
            if (follower == null) {
                break;
            }
            region = follower;
            page = holder;
            at = next;
            before = after;
        }
        last = region;
    }

    private void sample(Region region, CodePage page, long at, long next, long executed) {
        region.weigh(executed);
        long base = at & Mmu.PAGE_MASK;
        if ((next & Region.LOOK) == 0 && region.departures().note(next - base)) {
            int slot = (int) (at & 4095) >>> 1;
            improvements.requestJoint(region, page, slot, base, mmu.fetchTag, mmu.fetchPage);
        }
    }

    /** What goes on where the last region was left at a group of accesses on two pages. */
    private @Nullable Region bridge(CodePage page, int slot, int group) {
        Region left = last;
        if (left == null) {
            return null;
        }
        Region bridge = left.bridge(group);
        int times = left.crossed();
        long base = core.pc & Mmu.PAGE_MASK;
        if (bridge == null && times % improvements.crossingsForBridge() == 0) {
            improvements.requestBridge(left, group, page, slot, base, mmu.fetchTag, mmu.fetchPage);
            bridge = left.bridge(group);
        }
        if (times % improvements.crossingsForDivision() == 0) {
            long pointer = core.x[RegionRegisters.rs1(page.code[slot])];
            int pageEnd = (int) -pointer & 4095;
            improvements.requestDivision(
                    left, pageEnd, page, slot, base, mmu.fetchTag, mmu.fetchPage);
        }
        return bridge;
    }

    @Override
    public void step() {
        interpreter.step();
        core.interpreted++;
    }
}
