package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.CodePages;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.testkit.riscv.Assembler;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/** Plans of regions of small programs, without a machine. */
final class Plans {
    /** Where programs stand: at the beginning of a page. */
    static final long ORIGIN = 0x8000_0000L;

    static final int MANY_BYTES = 2_500;

    private Plans() {}

    /** A plan of all of a program, as far as it is reached from its beginning. */
    static RegionPlan of(Consumer<Assembler> program) {
        return of(program, List.of(0), MANY_BYTES);
    }

    /** A plan with entries, by their slots, and of a size. */
    static RegionPlan of(Consumer<Assembler> program, List<Integer> wanted, int maxBytes) {
        return RegionPlan.of(view(program), new Everything(), wanted, maxBytes);
    }

    /** A plan of a program in which pages end at a distance from the bases of some accesses. */
    static RegionPlan withPageEnd(Consumer<Assembler> program, Set<Integer> slots, int distance) {
        var guide =
                new Everything() {
                    @Override
                    public Set<Integer> pageEnds(CodePage page, int slot) {
                        return slots.contains(slot) ? Set.of(distance) : Set.of();
                    }
                };
        return RegionPlan.of(view(program), guide, List.of(0), MANY_BYTES);
    }

    /** A plan around a slot. */
    static RegionPlan around(Consumer<Assembler> program, int slot, int maxBytes) {
        return RegionPlan.around(view(program), new Everything(), slot, maxBytes);
    }

    /** A plan of a bridge that begins at a slot. */
    static RegionPlan bridge(Consumer<Assembler> program, int slot) {
        return RegionPlan.bridge(view(program), new Everything(), slot, MANY_BYTES);
    }

    /** A program as a hart sees that has executed all of it. */
    static CodeView view(Consumer<Assembler> program) {
        byte[] bytes = Assembler.assemble(ORIGIN, program);
        long[] tags = new long[Mmu.FETCH_MASK + 1];
        Arrays.fill(tags, -1);
        @Nullable CodePage[] pages = new CodePage[Mmu.FETCH_MASK + 1];
        for (int at = 0; at < bytes.length; at += 4096) {
            long address = ORIGIN + at;
            int index = indexOf(address);
            tags[index] = address;
            int end = Math.min(bytes.length, at + 4096);
            pages[index] = CodePages.of(address, Arrays.copyOfRange(bytes, at, end));
        }
        return new CodeView(
                Objects.requireNonNull(pages[indexOf(ORIGIN)]), ORIGIN, tags, pages, true);
    }

    private static int indexOf(long address) {
        return (int) (address >>> 12) & Mmu.FETCH_MASK;
    }

    /** Takes everything for hot. */
    private static class Everything implements RegionPlan.Guide {
        @Override
        public int heat(CodePage page, int slot) {
            return HOTTEST;
        }

        @Override
        public boolean isTaken(CodePage page, int slot) {
            return false;
        }
    }
}
