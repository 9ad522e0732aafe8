package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.Extension.A3;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.Extension.value;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_STARTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_STOPPED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.riscv.Hart;

import java.util.Arrays;

/**
 * Performance monitoring (SBI 2.0 §11) with the two counters that every hart has: counter 0 is
 * {@code cycle}, counter 1 is {@code instret}. No firmware counters, no shared memory.
 */
final class PmuExtension implements Extension {
    static final int ID = 0x504D55;

    private static final int COUNTERS = 2;
    private static final int ALL_COUNTERS = (1 << COUNTERS) - 1;

    private static final int CSR_MCOUNTINHIBIT = 0x320;
    private static final int[] CSR_MACHINE = {0xB00, 0xB02};
    private static final int[] CSR_USER = {0xC00, 0xC02};
    private static final int[] INHIBIT_BIT = {1, 4};

    /** Type 0 (hardware general), codes 1 and 2 (SBI 2.0 table 25). */
    private static final int EVENT_CPU_CYCLES = 1;

    private static final int EVENT_INSTRUCTIONS = 2;

    private static final int CONFIG_SKIP_MATCH = 1;
    private static final int CONFIG_CLEAR_VALUE = 2;
    private static final int CONFIG_AUTO_START = 4;
    private static final int START_SET_INIT_VALUE = 1;
    private static final int STOP_RESET = 1;

    /** Of each hart, touched on its own thread: which counters are configured and started. */
    private final int[] configured;

    private final int[] started;

    PmuExtension(Harts harts) {
        configured = new int[harts.count()];
        started = new int[harts.count()];
    }

    /** Forgets what was configured. */
    void reset() {
        Arrays.fill(configured, 0);
        Arrays.fill(started, 0);
    }

    @Override
    public long call(Hart caller, int function) {
        return switch (function) {
            case 0 -> value(caller, COUNTERS);
            case 1 -> info(caller, caller.register(A0));
            case 2 -> configure(caller);
            case 3 -> start(caller);
            case 4 -> stop(caller);
            // 5 and 6 read firmware counters: every index is invalid, because there are none.
            case 5, 6 -> SBI_ERR_INVALID_PARAM;
            default -> SBI_ERR_NOT_SUPPORTED;
        };
    }

    /** CSR number in bits 11..0, width less one in 17..12, bit 63 clear: a hardware counter. */
    private static long info(Hart caller, long counter) {
        if (Long.compareUnsigned(counter, COUNTERS) >= 0) {
            return SBI_ERR_INVALID_PARAM;
        }
        return value(caller, CSR_USER[(int) counter] | 63L << 12);
    }

    /** The counters that a base and a mask name, or -1 where one of them does not exist. */
    private static int counters(Hart caller) {
        long base = caller.register(A0);
        long mask = caller.register(A1);
        if (mask == 0
                || Long.compareUnsigned(base, COUNTERS) >= 0
                || Long.SIZE - Long.numberOfLeadingZeros(mask) > COUNTERS - (int) base) {
            return -1;
        }
        return (int) mask << (int) base;
    }

    private long configure(Hart caller) {
        int candidates = counters(caller);
        if (candidates < 0) {
            return SBI_ERR_INVALID_PARAM;
        }
        long flags = caller.register(A2);
        int id = caller.id();
        int counter;
        if ((flags & CONFIG_SKIP_MATCH) != 0) {
            counter = Integer.numberOfTrailingZeros(candidates);
            if ((configured[id] >> counter & 1) == 0) {
                return SBI_ERR_INVALID_PARAM;
            }
        } else {
            long event = caller.register(A3);
            if (event == EVENT_CPU_CYCLES) {
                counter = 0;
            } else if (event == EVENT_INSTRUCTIONS) {
                counter = 1;
            } else {
                return SBI_ERR_NOT_SUPPORTED;
            }
            if ((candidates >> counter & 1) == 0 || (configured[id] >> counter & 1) != 0) {
                return SBI_ERR_NOT_SUPPORTED;
            }
        }
        configured[id] |= 1 << counter;
        if ((flags & CONFIG_CLEAR_VALUE) != 0) {
            caller.setCsr(CSR_MACHINE[counter], 0);
        }
        if ((flags & CONFIG_AUTO_START) != 0) {
            run(caller, counter);
        }
        return value(caller, counter);
    }

    private long start(Hart caller) {
        int named = counters(caller);
        int id = caller.id();
        if (named < 0 || (named & ~configured[id]) != 0) {
            return SBI_ERR_INVALID_PARAM;
        }
        boolean setValue = (caller.register(A2) & START_SET_INIT_VALUE) != 0;
        long initial = caller.register(A3);
        long error = SBI_SUCCESS;
        for (int counter = 0; counter < COUNTERS; counter++) {
            if ((named >> counter & 1) == 0) {
                continue;
            }
            if ((started[id] >> counter & 1) != 0) {
                error = SBI_ERR_ALREADY_STARTED;
                continue;
            }
            if (setValue) {
                caller.setCsr(CSR_MACHINE[counter], initial);
            }
            run(caller, counter);
        }
        return error == SBI_SUCCESS ? success(caller) : error;
    }

    private void run(Hart caller, int counter) {
        started[caller.id()] |= 1 << counter;
        long inhibited = caller.csr(CSR_MCOUNTINHIBIT);
        caller.setCsr(CSR_MCOUNTINHIBIT, inhibited & ~INHIBIT_BIT[counter]);
    }

    /**
     * Stops counters. They go on counting in the CSR when their configuration is reset, because
     * user programs read them through {@code rdcycle} and {@code rdinstret} without asking us.
     */
    private long stop(Hart caller) {
        int named = counters(caller);
        if (named < 0) {
            return SBI_ERR_INVALID_PARAM;
        }
        int id = caller.id();
        boolean reset = (caller.register(A2) & STOP_RESET) != 0;
        long error = (named & ~started[id]) != 0 ? SBI_ERR_ALREADY_STOPPED : SBI_SUCCESS;
        long inhibited = caller.csr(CSR_MCOUNTINHIBIT);
        for (int counter = 0; counter < COUNTERS; counter++) {
            if ((named >> counter & 1) != 0) {
                inhibited =
                        reset
                                ? inhibited & ~INHIBIT_BIT[counter]
                                : inhibited | INHIBIT_BIT[counter];
            }
        }
        caller.setCsr(CSR_MCOUNTINHIBIT, inhibited);
        started[id] &= ~named;
        if (reset) {
            configured[id] &= ~(named & ALL_COUNTERS);
        }
        return error == SBI_SUCCESS ? success(caller) : error;
    }
}
