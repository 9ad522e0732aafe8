package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

/**
 * The code around one page as a hart sees it: the pages by their distance, as far as the hart has
 * fetched from them lately. Slots are counted in half-words from the beginning of the first page,
 * and may be negative.
 *
 * <p>The view is read while the hart runs on. What it says of other pages may be out of date at
 * once; code made from it asks again before it enters one ({@link Mmu#fetchTag}).
 */
final class CodeView {
    private final CodePage page;
    private final long base;
    private final long[] tags;
    private final @Nullable CodePage[] pages;
    private final boolean decode;

    /**
     * @param base virtual address of {@code page}
     * @param tags see {@link Mmu#fetchTag}
     * @param pages see {@link Mmu#fetchPage}
     * @param decode whether to show code that was never executed
     */
    CodeView(CodePage page, long base, long[] tags, @Nullable CodePage[] pages, boolean decode) {
        this.page = page;
        this.base = base;
        this.tags = tags;
        this.pages = pages;
        this.decode = decode;
    }

    /** The same code with another page as the first. */
    CodeView startingAt(CodePage first, int number) {
        return new CodeView(first, base + 4096L * number, tags, pages, decode);
    }

    /** The same code, with what was never executed. */
    CodeView decoding() {
        return new CodeView(page, base, tags, pages, true);
    }

    /** The number of the page that holds a slot; 0 is the first. */
    static int pageOf(int slot) {
        return slot >> 11;
    }

    /** The page with a number, if the hart has it at hand. */
    @Nullable CodePage page(int number) {
        if (number == 0) {
            return page;
        }
        long address = base + 4096L * number;
        int index = (int) (address >>> 12) & Mmu.FETCH_MASK;
        return tags[index] == address ? pages[index] : null;
    }

    /**
     * The decoded instruction at a slot. One that crosses into the next page is {@link Op#CROSS}.
     *
     * @return {@link Op#UNDECODED} if its page is not at hand, or if it was never executed
     */
    long at(int slot) {
        CodePage holder = page(pageOf(slot));
        if (holder == null) {
            return Op.UNDECODED;
        }
        int inPage = slot & CodePage.SLOTS - 1;
        long decoded = holder.code[inPage];
        return decode && decoded == Op.UNDECODED ? holder.decode(inPage) : decoded;
    }

    /** Half-words of an instruction. */
    static int length(long decoded) {
        return (decoded & Decoder.LONG_FORM) != 0 ? 2 : 1;
    }
}
