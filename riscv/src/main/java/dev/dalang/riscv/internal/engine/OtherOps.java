package dev.dalang.riscv.internal.engine;

import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.riscv.internal.decode.Op;

/** The instructions that no engine executes in a way of its own. */
final class OtherOps implements Region.OtherOps {
    private final HartCore core;
    private final FloatOps floats;
    private final AtomicOps atomics;
    private final SystemOps system;

    OtherOps(HartCore core, FloatOps floats, AtomicOps atomics, SystemOps system) {
        this.core = core;
        this.floats = floats;
        this.atomics = atomics;
        this.system = system;
    }

    @Override
    public boolean execute(long i, long pc) {
        int op = (int) i & Op.MASK;
        if (op <= Op.LAST_INTEGER) {
            core.x[(int) (i >>> 12) & 63] =
                    IntegerOps.compute(
                            op,
                            core.x[(int) (i >>> 18) & 31],
                            core.x[(int) (i >>> 23) & 31],
                            (int) (i >>> 32));
            return true;
        }
        core.pc = pc;
        return op <= Op.LAST_ATOMIC ? atomics.execute(i) : floats.execute(i);
    }

    /** Executes a system instruction at {@code core.pc}. */
    void system(long i) {
        system.execute(i);
    }

    @Override
    public boolean executeSystem(long i) {
        long next = core.pc + 4;
        long exceptions = core.exceptionsTaken;
        int rounding = core.frm;
        boolean floatsOff = core.fpOff();
        system.execute(i);
        return core.exceptionsTaken == exceptions
                && core.pc == next
                && core.frm == rounding
                && core.fpOff() == floatsOff
                && core.attention == 0;
    }

    @Override
    public long atomic(int op, long address, long operand, long expected) {
        return atomics.compute(op, address, operand, expected);
    }
}
