package dev.dalang.devices.nvme;

import java.util.Map;

/** Registers and their fields (NVMe base 2.0 §3.1.3). */
final class NvmeRegisters {
    static final int CAP = 0x00;
    static final int VS = 0x08;
    static final int INTMS = 0x0c;
    static final int INTMC = 0x10;
    static final int CC = 0x14;
    static final int CSTS = 0x1c;
    static final int NSSR = 0x20;
    static final int AQA = 0x24;
    static final int ASQ = 0x28;
    static final int ACQ = 0x30;
    static final int DOORBELLS = 0x1000;

    /** Version 2.0.0. */
    static final int VERSION = 0x2_0000;

    /** What resets the subsystem when written to NSSR. */
    static final int NSSR_NVME = 0x4e56_4d65;

    /** The greatest queue: entries. */
    static final int MAX_ENTRIES = 1024;

    static final int MIN_PAGE_SHIFT = 12;
    static final int MAX_PAGE_SHIFT = 16;

    static final int CC_EN = 1;

    /** What the driver may set of CC: the rest is reserved. */
    static final int CC_MASK = 0x00ff_fff1;

    /** What it must not change while the controller is enabled: command set, pages, arbitration. */
    static final int CC_FIXED = 0x0000_3ff0;

    static final int CSTS_RDY = 1;
    static final int CSTS_CFS = 1 << 1;
    static final int CSTS_SHST_OCCURRING = 1 << 2;
    static final int CSTS_SHST_COMPLETE = 2 << 2;
    static final int CSTS_SHST_MASK = 3 << 2;
    static final int CSTS_NSSRO = 1 << 4;

    static final int SQ_ENTRY_SHIFT = 6;
    static final int CQ_ENTRY_SHIFT = 4;

    /** Command sets: the NVM one alone, or all that there are. */
    private static final int CSS_NVM = 0;

    private static final int CSS_ALL = 6;

    private static final long CAP_CQR = 1L << 16;
    private static final long CAP_TIMEOUT = 60L << 24; // of 500 ms: a slow disk has its time
    private static final long CAP_NSSRS = 1L << 36;
    private static final long CAP_CSS = (1L << CSS_NVM | 1L << CSS_ALL) << 37;
    private static final long CAP_MPSMAX = (long) (MAX_PAGE_SHIFT - MIN_PAGE_SHIFT) << 52;

    static final Map<Long, String> NAMES =
            Map.of(
                    0x00L, "capabilities",
                    0x08L, "version",
                    0x0cL, "interrupt mask set",
                    0x10L, "interrupt mask clear",
                    0x14L, "controller configuration",
                    0x1cL, "controller status",
                    0x20L, "subsystem reset",
                    0x24L, "admin queue attributes",
                    0x28L, "admin submission queue",
                    0x30L, "admin completion queue");

    private NvmeRegisters() {}

    static long capabilities(int doorbellStride) {
        return MAX_ENTRIES - 1
                | CAP_CQR
                | CAP_TIMEOUT
                | (long) doorbellStride << 32
                | CAP_NSSRS
                | CAP_CSS
                | CAP_MPSMAX;
    }

    static boolean isEnabled(int cc) {
        return (cc & CC_EN) != 0;
    }

    static int pageShift(int cc) {
        return MIN_PAGE_SHIFT + (cc >>> 7 & 0xf);
    }

    static int shutdown(int cc) {
        return cc >>> 14 & 3;
    }

    /** True if the sizes of entries are those that there are (§3.1.3.5). */
    static boolean hasEntrySizes(int cc) {
        return (cc >>> 16 & 0xf) == SQ_ENTRY_SHIFT && (cc >>> 20 & 0xf) == CQ_ENTRY_SHIFT;
    }

    /** True if a controller can be enabled so: command set, arbitration and page size. */
    static boolean isPossible(int cc) {
        int set = cc >>> 4 & 7;
        return (set == CSS_NVM || set == CSS_ALL)
                && (cc >>> 11 & 7) == 0
                && pageShift(cc) <= MAX_PAGE_SHIFT;
    }

    /** Entries of the admin queues, from AQA. */
    static int submissionEntries(int aqa) {
        return (aqa & 0xfff) + 1;
    }

    static int completionEntries(int aqa) {
        return (aqa >>> 16 & 0xfff) + 1;
    }
}
