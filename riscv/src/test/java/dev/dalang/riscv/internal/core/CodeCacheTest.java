package dev.dalang.riscv.internal.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.MemoryRegion;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Which pages of code a machine keeps in decoded form. */
final class CodeCacheTest {
    private static final long RAM = 0x8000_0000L;
    private static final int PAGES = 16;

    private final MemorySegment bytes = Arena.ofAuto().allocate(PAGES * 4096L, 4096);
    private final CodeCache cache =
            new CodeCache(List.of(new MemoryRegion(RAM, bytes)), (short) 1, page -> {});

    private CodePage page(int number) {
        return cache.page(RAM + number * 4096L);
    }

    @Test
    void aPageIsDecodedAnewOnlyIfItHasChangedSinceTheFence() {
        CodePage first = page(3);
        bytes.set(ValueLayout.JAVA_BYTE, 3 * 4096L, (byte) 1);
        assertThat(page(3)).as("no fence yet").isSameAs(first);
        cache.fence();
        CodePage second = page(3);
        assertThat(second).isNotSameAs(first);
        assertThat(first != null && cache.holds(first)).isFalse();
        cache.fence();
        assertThat(page(3)).isSameAs(second);
        assertThat(cache.replacedPages()).isEqualTo(1);
        assertThat(page(PAGES)).as("no memory").isNull();
    }

    /** A guest's programs lie elsewhere after each boot, its kernel where it was. */
    @Test
    void pagesOfTheRunBeforeTheLastAreForgotten() {
        CodePage kernel = null;
        for (int boot = 0; boot < PAGES - 1; boot++) {
            cache.begin();
            kernel = kernel == null ? page(0) : kernel;
            assertThat(page(0)).as("the same in every boot").isSameAs(kernel);
            CodePage program = page(1 + boot);
            assertThat(program != null && cache.holds(program)).isTrue();
            assertThat(cache.size()).isLessThanOrEqualTo(3);
        }
    }
}
