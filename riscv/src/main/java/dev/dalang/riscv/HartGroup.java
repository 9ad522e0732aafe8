package dev.dalang.riscv;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.internal.core.CodeCache;
import dev.dalang.riscv.internal.core.HartExclusion;

import java.util.ArrayList;
import java.util.List;

/**
 * What the harts of one machine share: its memory, the code decoded from it, and the means to let
 * one of them run alone for a moment. Any thread.
 */
public final class HartGroup {
    private final GuestMemory memory;
    private final CodeCache codeCache;
    private final HartExclusion exclusion = new HartExclusion();

    private HartGroup(GuestMemory memory, List<MemoryRegion> fetchable) {
        this.memory = memory;
        this.codeCache = new CodeCache(fetchable);
    }

    /**
     * A group over a machine's memory.
     *
     * @param memory what loads, stores and fetches reach; its largest region is the fast one
     * @return the group
     */
    public static HartGroup of(GuestMemory memory) {
        return of(memory, List.of());
    }

    /**
     * A group over a machine's memory and its read-only stores of code.
     *
     * @param memory what loads, stores and fetches reach; its largest region is the fast one
     * @param fetchOnly memory that instructions are fetched from, while loads and stores at the
     *     same addresses go to a device, such as flash
     * @return the group
     */
    public static HartGroup of(GuestMemory memory, List<MemoryRegion> fetchOnly) {
        List<MemoryRegion> fetchable = new ArrayList<>(memory.regions());
        fetchable.addAll(fetchOnly);
        return new HartGroup(memory, fetchable);
    }

    /** {@return the memory} */
    public GuestMemory memory() {
        return memory;
    }

    CodeCache codeCache() {
        return codeCache;
    }

    HartExclusion exclusion() {
        return exclusion;
    }
}
