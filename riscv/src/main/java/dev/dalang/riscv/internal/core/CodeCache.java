package dev.dalang.riscv.internal.core;

import dev.dalang.bus.memory.MemoryRegion;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The decoded pages of a machine, by physical address, shared by its harts.
 *
 * <p>The architecture lets fetch see old bytes until a hart executes {@code FENCE.I}. So nothing is
 * done when code is written, by whomever; instead every {@code FENCE.I} begins an epoch, and a page
 * is compared with memory when it is looked up for the first time in an epoch. A page that changed
 * is replaced, one that did not keeps its decoded form.
 */
public final class CodeCache {
    /** Pages kept at the most; beyond that all are dropped. About 25 KiB of heap each. */
    static final int MAX_PAGES = 8192;

    private final List<MemoryRegion> regions;

    /** By page number: of addresses, whose low bits are all zero, too many would collide. */
    private final ConcurrentHashMap<Long, CodePage> pages = new ConcurrentHashMap<>();

    private final AtomicLong epoch = new AtomicLong();

    /** The epoch in which the machine began last. */
    private long beginning;

    private final AtomicLong replaced = new AtomicLong();
    private final short countdown;
    private final Consumer<CodePage> onPage;

    /**
     * A cache over the regions that instructions may be fetched from.
     *
     * @param countdown what {@link CodePage#countdown} begins with
     * @param onPage told of each page before a hart sees it, on the hart's thread
     */
    public CodeCache(List<MemoryRegion> regions, short countdown, Consumer<CodePage> onPage) {
        this.regions = List.copyOf(regions);
        this.countdown = countdown;
        this.onPage = onPage;
    }

    /** What follows sees all stores that the calling thread has seen. Any thread. */
    void fence() {
        epoch.incrementAndGet();
    }

    /**
     * Forgets the pages in which nobody has looked since the last call: those of programs that ran
     * before the machine began last, and that the guest has put elsewhere since. Any thread.
     */
    public synchronized void begin() {
        pages.values().removeIf(page -> page.epoch < beginning);
        beginning = epoch.incrementAndGet();
    }

    /** Whether harts would still come to a page, in the form that it has. Any thread. */
    public boolean holds(CodePage page) {
        return pages.get(page.address() >>> 12) == page;
    }

    /** How many pages are kept. Any thread. */
    int size() {
        return pages.size();
    }

    /** Pages that were decoded anew because their bytes had changed. Any thread. */
    public long replacedPages() {
        return replaced.get();
    }

    /**
     * The page at an address.
     *
     * @param pageAddress guest physical address of the page
     * @return null if that is not memory
     */
    @Nullable CodePage page(long pageAddress) {
        long now = epoch.get();
        CodePage page = pages.get(pageAddress >>> 12);
        if (page != null && page.epoch >= now) {
            return page;
        }
        MemorySegment memory = memoryAt(pageAddress);
        if (memory == null) {
            return null;
        }
        if (page != null && MemorySegment.ofArray(page.bytes()).mismatch(memory) == -1) {
            page.epoch = now;
            return page;
        }
        if (page != null) {
            replaced.incrementAndGet();
        } else if (pages.size() >= MAX_PAGES) {
            pages.clear();
        }
        page = new CodePage(pageAddress, memory.toArray(ValueLayout.JAVA_BYTE), now, countdown);
        onPage.accept(page);
        pages.put(pageAddress >>> 12, page);
        return page;
    }

    private @Nullable MemorySegment memoryAt(long pageAddress) {
        for (MemoryRegion region : regions) {
            long offset = pageAddress - region.base();
            if (offset >= 0 && offset <= region.size() - 4096) {
                return region.segment().asSlice(offset, 4096);
            }
        }
        return null;
    }
}
