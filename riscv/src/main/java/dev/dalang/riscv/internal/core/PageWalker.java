package dev.dalang.riscv.internal.core;

import static dev.dalang.riscv.internal.core.Csrs.*;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Sv39, Sv48 and Sv57 address translation (privileged spec §12.3–12.5) with Svadu or Svade, Svnapot
 * and Svpbmt. Belongs to the hart's thread; the page table is shared, so A and D are set by
 * compare-and-set.
 */
final class PageWalker {
    private static final VarHandle PTE =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private static final long V = 1;
    private static final long R = 1 << 1;
    private static final long W = 1 << 2;
    private static final long X = 1 << 3;
    private static final long U = 1 << 4;
    private static final long A = 1 << 6;
    private static final long D = 1 << 7;
    private static final long PPN_MASK = (1L << 44) - 1;
    private static final long RESERVED = 0x7FL << 54;
    private static final long PBMT = 3L << 61;
    private static final long NAPOT = 1L << 63;

    private final HartCore core;
    private final Pmp pmp;
    private final MemorySegment ram;
    private final long ramBase;
    private long physical;
    private int level;
    private boolean isRun;
    private boolean accessFault;

    PageWalker(HartCore core, Pmp pmp, MemorySegment ram, long ramBase) {
        this.core = core;
        this.pmp = pmp;
        this.ram = ram;
        this.ramBase = ramBase;
    }

    /** The physical address that the last successful walk gave. */
    long physical() {
        return physical;
    }

    /** The level of the leaf of the last successful walk: 0 for a 4 KiB page. */
    int level() {
        return level;
    }

    /** Whether the leaf of the last successful walk is one of a run of pages (Svnapot). */
    boolean isRun() {
        return isRun;
    }

    /** Whether the last failed walk was an access fault rather than a page fault. */
    boolean accessFault() {
        return accessFault;
    }

    /** Walks for an access of this kind by this privilege; false is a fault. */
    boolean walk(long address, int kind, int privilege) {
        return walk(address, kind, privilege, true);
    }

    /** Walks without permission checks and without touching A and D. */
    boolean probe(long address) {
        return walk(address, Pmp.READ, HartCore.SUPERVISOR, false);
    }

    private boolean walk(long address, int kind, int privilege, boolean check) {
        accessFault = false;
        int levels = (int) (core.satp >>> 60) - 5;
        int unused = 64 - (12 + 9 * levels);
        if (address << unused >> unused != address) {
            return false;
        }
        long table = (core.satp & PPN_MASK) << 12;
        for (int i = levels - 1; i >= 0; i--) {
            long at = table + ((address >>> 12 + 9 * i & 511) << 3);
            long offset = at - ramBase;
            if (offset < 0
                    || offset > ram.byteSize() - 8
                    || !pmp.allows(at, 8, Pmp.READ, HartCore.SUPERVISOR)) {
                accessFault = true;
                return false;
            }
            long pte = (long) PTE.getOpaque(ram, offset);
            if ((pte & V) == 0 || (pte & (R | W)) == W || (pte & RESERVED) != 0) {
                return false;
            }
            if ((pte & (R | X)) != 0) {
                return leaf(address, kind, privilege, check, i, offset, pte);
            }
            if ((pte & (A | D | U | PBMT | NAPOT)) != 0) {
                return false;
            }
            table = (pte >>> 10 & PPN_MASK) << 12;
        }
        return false;
    }

    private boolean leaf(
            long address,
            int kind,
            int privilege,
            boolean check,
            int leafLevel,
            long offset,
            long firstPte) {
        long pte = firstPte;
        long ppn = pte >>> 10 & PPN_MASK;
        if ((pte & PBMT) != 0 && ((core.menvcfg & MENVCFG_PBMTE) == 0 || (pte & PBMT) == PBMT)) {
            return false;
        }
        long low = (1L << 9 * leafLevel) - 1;
        if ((ppn & low) != 0 && leafLevel > 0) {
            return false;
        }
        if ((pte & NAPOT) != 0) {
            // Only 64 KiB is defined (Svnapot).
            if (leafLevel != 0 || (ppn & 15) != 8) {
                return false;
            }
            ppn = ppn & ~15L | address >>> 12 & 15;
        }
        if (check) {
            if (!permits(pte, kind, privilege)) {
                return false;
            }
            long wanted = kind == Pmp.WRITE ? A | D : A;
            while ((pte & wanted) != wanted) {
                if ((core.menvcfg & MENVCFG_ADUE) == 0) {
                    return false;
                }
                if (!pmp.allows(ramBase + offset, 8, Pmp.WRITE, HartCore.SUPERVISOR)) {
                    accessFault = true;
                    return false;
                }
                long seen = (long) PTE.compareAndExchange(ram, offset, pte, pte | wanted);
                if (seen == pte) {
                    break;
                }
                if (((seen ^ pte) & ~(A | D)) != 0) {
                    // Somebody changed the entry under us: begin again with what it says now.
                    return walk(address, kind, privilege, true);
                }
                pte = seen;
            }
        }
        level = leafLevel;
        isRun = (pte & NAPOT) != 0;
        physical = (ppn & ~low | address >>> 12 & low) << 12 | address & 4095;
        if (leafLevel == 0) {
            physical = ppn << 12 | address & 4095;
        }
        return true;
    }

    private boolean permits(long pte, int kind, int privilege) {
        if (privilege == HartCore.USER) {
            if ((pte & U) == 0) {
                return false;
            }
        } else if ((pte & U) != 0 && (kind == Pmp.EXECUTE || (core.mstatus & MSTATUS_SUM) == 0)) {
            return false;
        }
        return switch (kind) {
            case Pmp.READ -> (pte & R) != 0 || (core.mstatus & MSTATUS_MXR) != 0 && (pte & X) != 0;
            case Pmp.WRITE -> (pte & W) != 0;
            default -> (pte & X) != 0;
        };
    }
}
