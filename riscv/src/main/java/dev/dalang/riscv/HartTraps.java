package dev.dalang.riscv;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What stops a hart for its debugger, by virtual address, whatever the address space. Immutable. A
 * page with one of these costs the hart a look at each access to it; other pages cost nothing.
 */
public final class HartTraps {
    private static final long PAGE = -4096L;

    private final long[] breakpoints;
    private final List<Watchpoint> watchpoints;

    /**
     * Some bytes whose access stops the hart.
     *
     * @param address the first byte, a virtual address, unsigned
     * @param length how many bytes, 1 or more
     * @param reads whether loads stop it
     * @param writes whether stores stop it
     */
    public record Watchpoint(long address, long length, boolean reads, boolean writes) {
        boolean touches(long first, long bytes) {
            // Unsigned, and right for a range that ends with the last address.
            return Long.compareUnsigned(first - address, length) < 0
                    || Long.compareUnsigned(address - first, bytes) < 0;
        }
    }

    private HartTraps(long[] breakpoints, List<Watchpoint> watchpoints) {
        this.breakpoints = breakpoints;
        this.watchpoints = watchpoints;
    }

    /**
     * Makes a set.
     *
     * @param breakpoints addresses of instructions before which the hart stops
     * @param watchpoints what bytes are watched
     * @return the set
     */
    public static HartTraps of(Collection<Long> breakpoints, Collection<Watchpoint> watchpoints) {
        return new HartTraps(
                breakpoints.stream().mapToLong(Long::longValue).sorted().toArray(),
                List.copyOf(watchpoints));
    }

    /** {@return true if nothing stops the hart} */
    public boolean isEmpty() {
        return breakpoints.length == 0 && watchpoints.isEmpty();
    }

    /**
     * Tells whether there is a breakpoint.
     *
     * @param address address of an instruction
     * @return true if there is one
     */
    public boolean breaksAt(long address) {
        return Arrays.binarySearch(breakpoints, address) >= 0;
    }

    /**
     * Tells whether there is a breakpoint in a page.
     *
     * @param page the page's first address
     * @return true if there is one
     */
    public boolean breaksIn(long page) {
        int at = Arrays.binarySearch(breakpoints, page);
        int next = at >= 0 ? at : -at - 1;
        return next < breakpoints.length && (breakpoints[next] & PAGE) == page;
    }

    /**
     * Tells whether an access is watched.
     *
     * @param address first byte
     * @param size bytes
     * @param write whether it is a store
     * @return true if it is
     */
    public boolean watches(long address, int size, boolean write) {
        return find(address, size, write).isPresent();
    }

    /**
     * Finds the watchpoint of an access.
     *
     * @param address first byte
     * @param size bytes
     * @param write whether it is a store
     * @return the first that it touches
     */
    public Optional<Watchpoint> find(long address, int size, boolean write) {
        for (Watchpoint watchpoint : watchpoints) {
            if ((write ? watchpoint.writes : watchpoint.reads)
                    && watchpoint.touches(address, size)) {
                return Optional.of(watchpoint);
            }
        }
        return Optional.empty();
    }

    /**
     * Tells whether bytes of a page are watched.
     *
     * @param page the page's first address
     * @return true if they are
     */
    public boolean watchesIn(long page) {
        for (Watchpoint watchpoint : watchpoints) {
            if (watchpoint.touches(page, 4096)) {
                return true;
            }
        }
        return false;
    }
}
