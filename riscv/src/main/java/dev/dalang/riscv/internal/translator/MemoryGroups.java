package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which loads and stores of a region need no look at the TLB of their own: those of a block that
 * come off one base register, at constant distances, while it holds the same value. The first of
 * such a group looks for all of them, and keeps where in RAM it has found its page.
 *
 * <p>A group that lies on two pages is of no use. Where that is seen to happen again and again, as
 * on a stack, which stays where it is, the group is divided where its page ends.
 *
 * <p>Between them nothing can take the page away: a translation is dropped by the hart alone, where
 * it polls or executes a system instruction.
 */
final class MemoryGroups {
    /** Bytes from the first to the last of a group; one that lies on two pages needs a bridge. */
    private static final int MAX_SPAN = 256;

    private final SortedMap<Integer, Group> groups = new TreeMap<>();

    private MemoryGroups() {}

    static MemoryGroups of(RegionPlan plan) {
        MemoryGroups result = new MemoryGroups();
        if (plan.isBridge()) {
            return result;
        }
        plan.leaders.forEach(leader -> result.lookAtBlock(leader, plan));
        result.groups.values().removeIf(group -> group.members.size() == 1);
        int number = 0;
        for (Map.Entry<Integer, Group> entry : result.groups.entrySet()) {
            if (entry.getValue().first == entry.getKey()) {
                entry.getValue().number = ++number;
            }
        }
        return result;
    }

    /** The group that the access at a slot belongs to; null if it stands alone. */
    @Nullable Group at(int slot) {
        return groups.get(slot);
    }

    /**
     * Follows control, as two blocks may overlap: one begins inside an instruction of the other.
     */
    private void lookAtBlock(int leader, RegionPlan plan) {
        Map<Integer, Group> open = new HashMap<>();
        int slot = leader;
        for (Long i = plan.code.get(slot); i != null; i = plan.code.get(slot)) {
            look(slot, i, open, plan);
            slot += CodeView.length(i);
            if (plan.leaders.contains(slot) || RegionPlan.endsBlock((int) (long) i & Op.MASK)) {
                return;
            }
        }
    }

    private void look(int slot, long i, Map<Integer, Group> open, RegionPlan plan) {
        int op = (int) i & Op.MASK;
        if (RegionPlan.isMemory(op)) {
            Access access = new Access(slot, (int) (i >> 32), size(op), isStore(op));
            int base = RegionRegisters.rs1(i);
            Group group = open.get(base);
            Set<Integer> ends = plan.pageEnds.getOrDefault(base, Set.of());
            if (group == null || !group.admits(access) || !group.isOnPageOf(access, ends)) {
                group = new Group(slot);
                open.put(base, group);
            }
            group.add(access);
            groups.put(slot, group);
        }
        if (op == Op.CSR) {
            open.clear();
        } else if (writesX(op)) {
            int rd = RegionRegisters.rd(i);
            if (rd != Decoder.SINK) {
                open.remove(rd);
            }
        }
    }

    private static boolean writesX(int op) {
        // Of floats, those that write a general register lose a group now and then without need.
        return !isStore(op) && !RegionPlan.isBranch(op) && op != Op.FLW && op != Op.FLD;
    }

    private static boolean isStore(int op) {
        return RegionPlan.isStore(op) || op == Op.FSW || op == Op.FSD;
    }

    static int size(int op) {
        return switch (op) {
            case Op.LB, Op.LBU, Op.SB -> 1;
            case Op.LH, Op.LHU, Op.SH -> 2;
            case Op.LW, Op.LWU, Op.SW, Op.FLW, Op.FSW -> 4;
            default -> 8;
        };
    }

    /** One load or store. */
    private record Access(int slot, int offset, int size, boolean store) {
        int end() {
            return offset + size;
        }
    }

    /** Accesses off one base. */
    static final class Group {
        /** The slot of the access that looks for all. */
        final int first;

        private final List<Access> members = new ArrayList<>();
        private int low;
        private int end;
        private boolean writes;
        private int number;

        private Group(int first) {
            this.first = first;
        }

        /** Counts the groups of a region, from 1. */
        int number() {
            return number;
        }

        /** Distance of the lowest byte from the base. */
        int low() {
            return low;
        }

        /** Bytes from {@link #low} to the end of the last access. */
        int span() {
            return end - low;
        }

        /** Whether one of them is a store. */
        boolean writes() {
            return writes;
        }

        private boolean admits(Access access) {
            return Math.max(end, access.end()) - Math.min(low, access.offset) <= MAX_SPAN;
        }

        /** Whether no page ends between the group and an access, as far as is known. */
        private boolean isOnPageOf(Access access, Set<Integer> ends) {
            int start = members.getFirst().offset;
            for (int end : ends) {
                if (Math.floorDiv(start - end, 4096) != Math.floorDiv(access.offset - end, 4096)) {
                    return false;
                }
            }
            return true;
        }

        private void add(Access access) {
            low = members.isEmpty() ? access.offset : Math.min(low, access.offset);
            end = members.isEmpty() ? access.end() : Math.max(end, access.end());
            members.add(access);
            writes |= access.store;
        }
    }
}
