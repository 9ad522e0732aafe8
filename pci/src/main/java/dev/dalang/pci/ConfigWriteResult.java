package dev.dalang.pci;

import java.util.ArrayList;
import java.util.List;

/**
 * What a guest's configuration write did, for the function that owns the configuration space: the
 * ranges that it answers from now on and no longer, and what a live capability has to tell. The
 * owner makes the bus follow: removals first, then moves, then additions.
 *
 * @param status what the capability that was written tells
 * @param removed ranges that are no longer answered
 * @param added ranges that are answered from now on
 * @param moved ranges whose base changed while they were answered
 */
public record ConfigWriteResult(
        PciCapStatus status, List<BarRange> removed, List<BarRange> added, List<Move> moved) {
    /** Nothing happened that anybody else must know. */
    public static final ConfigWriteResult NONE =
            new ConfigWriteResult(PciCapStatus.NONE, List.of(), List.of(), List.of());

    /**
     * A BAR that went from one base to another.
     *
     * @param from what was answered
     * @param to what is answered now: same BAR, space and size
     */
    public record Move(BarRange from, BarRange to) {}

    /** Copies the lists. */
    public ConfigWriteResult {
        removed = List.copyOf(removed);
        added = List.copyOf(added);
        moved = List.copyOf(moved);
    }

    /** {@return true if the ranges that are answered are the same as before} */
    public boolean isDecodingUnchanged() {
        return removed.isEmpty() && added.isEmpty() && moved.isEmpty();
    }

    /**
     * Compares the ranges before and after a write, or a restore.
     *
     * @param status what the capability that was written tells
     * @param before what was answered, each BAR at most once
     * @param after what is answered now
     * @return the differences; {@link #NONE} if there are none and nothing is told
     */
    public static ConfigWriteResult between(
            PciCapStatus status, List<BarRange> before, List<BarRange> after) {
        if (before.equals(after)) {
            return of(status);
        }
        List<BarRange> removed = new ArrayList<>(before);
        List<BarRange> added = new ArrayList<>();
        List<Move> moved = new ArrayList<>();
        for (BarRange now : after) {
            BarRange then = null;
            for (BarRange candidate : before) {
                if (candidate.index() == now.index()) {
                    then = candidate;
                }
            }
            if (then == null) {
                added.add(now);
            } else {
                removed.remove(then);
                if (!then.equals(now)) {
                    moved.add(new Move(then, now));
                }
            }
        }
        return new ConfigWriteResult(status, removed, added, moved);
    }

    static ConfigWriteResult of(PciCapStatus status) {
        return status == PciCapStatus.NONE
                ? NONE
                : new ConfigWriteResult(status, List.of(), List.of(), List.of());
    }
}
