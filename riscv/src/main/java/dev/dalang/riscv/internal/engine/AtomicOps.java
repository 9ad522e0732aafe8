package dev.dalang.riscv.internal.engine;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.HartExclusion;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Pmp;
import dev.dalang.riscv.internal.decode.Op;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A, Zacas and the cache-block operations.
 *
 * <p>Every atomic is sequentially consistent here, which is stronger than any aq and rl bits ask
 * for. LR and SC are a load and a compare-and-set against the value that was loaded: a store of the
 * same value in between goes unnoticed, as on other emulators.
 */
public final class AtomicOps {
    private static final VarHandle INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final int BLOCK_BYTES = 64;

    private final HartCore core;
    private final Mmu mmu;
    private final MemorySegment ram;
    private final HartExclusion exclusion;

    AtomicOps(HartCore core, Mmu mmu, HartExclusion exclusion) {
        this.core = core;
        this.mmu = mmu;
        this.ram = mmu.ram();
        this.exclusion = exclusion;
    }

    /**
     * Executes one decoded instruction; {@code core.pc} is its address.
     *
     * @return false if it raised an exception
     */
    public boolean execute(long i) {
        int op = (int) i & Op.MASK;
        int rd = (int) (i >>> 12) & 63;
        long address = core.x[(int) (i >>> 18) & 31];
        switch (op) {
            case Op.AMOCAS_Q -> {
                return compareAndSwapQuad(rd, address, (int) (i >>> 23) & 31);
            }
            case Op.CBO_ZERO -> {
                return zeroBlock(address, (int) (i >>> 32));
            }
            case Op.CBO_CLEAN, Op.CBO_FLUSH -> {
                return manageBlock(address, ENVCFG_CBCFE, (int) (i >>> 32));
            }
            case Op.CBO_INVAL -> {
                return manageBlock(address, ENVCFG_CBIE, (int) (i >>> 32));
            }
            default -> {
                long b = core.x[(int) (i >>> 23) & 31];
                long value = compute(op, address, b, rd == 32 ? 0 : core.x[rd]);
                if (core.trapCause != HartCore.NO_TRAP) {
                    return false;
                }
                core.x[rd] = value;
                return true;
            }
        }
    }

    /**
     * Executes an operation on one word or double.
     *
     * @param b rs2
     * @param expected rd before, for AMOCAS
     * @return the new value of rd; nothing if {@code core.trapCause} is set
     */
    public long compute(int op, long address, long b, long expected) {
        return switch (op) {
            case Op.LR_W -> loadReserved(address, 4);
            case Op.LR_D -> loadReserved(address, 8);
            case Op.SC_W -> storeConditional(address, 4, b);
            case Op.SC_D -> storeConditional(address, 8, b);
            case Op.AMOCAS_W -> compareAndSwap(address, 4, expected, b);
            case Op.AMOCAS_D -> compareAndSwap(address, 8, expected, b);
            default ->
                    op < Op.AMOSWAP_D
                            ? readModifyWriteWord(op, address, (int) b)
                            : readModifyWriteDouble(op, address, b);
        };
    }

    private long loadReserved(long address, int size) {
        core.reservedSize = 0;
        long offset = mmu.atomicOffset(address, size, Pmp.READ);
        if (offset < 0) {
            return 0;
        }
        long value =
                size == 4
                        ? (int) INT.getVolatile(ram, offset)
                        : (long) LONG.getVolatile(ram, offset);
        core.reservedAddress = offset;
        core.reservedValue = value;
        core.reservedSize = size;
        return value;
    }

    private long storeConditional(long address, int size, long value) {
        int reserved = core.reservedSize;
        core.reservedSize = 0;
        long offset = mmu.atomicOffset(address, size, Pmp.WRITE);
        if (offset < 0) {
            return 0;
        }
        boolean done =
                reserved == size
                        && core.reservedAddress == offset
                        && (size == 4
                                ? INT.compareAndSet(
                                        ram, offset, (int) core.reservedValue, (int) value)
                                : LONG.compareAndSet(ram, offset, core.reservedValue, value));
        return done ? 0 : 1;
    }

    private long readModifyWriteWord(int op, long address, int b) {
        long offset = mmu.atomicOffset(address, 4, Pmp.WRITE);
        if (offset < 0) {
            return 0;
        }
        return switch (op) {
            case Op.AMOSWAP_W -> (int) INT.getAndSet(ram, offset, b);
            case Op.AMOADD_W -> (int) INT.getAndAdd(ram, offset, b);
            case Op.AMOXOR_W -> (int) INT.getAndBitwiseXor(ram, offset, b);
            case Op.AMOAND_W -> (int) INT.getAndBitwiseAnd(ram, offset, b);
            case Op.AMOOR_W -> (int) INT.getAndBitwiseOr(ram, offset, b);
            default -> updateWord(op, offset, b);
        };
    }

    private int updateWord(int op, long offset, int b) {
        while (true) {
            int old = (int) INT.getVolatile(ram, offset);
            int wanted =
                    switch (op) {
                        case Op.AMOMIN_W -> Math.min(old, b);
                        case Op.AMOMAX_W -> Math.max(old, b);
                        case Op.AMOMINU_W -> Integer.compareUnsigned(old, b) < 0 ? old : b;
                        default -> Integer.compareUnsigned(old, b) > 0 ? old : b;
                    };
            if (INT.compareAndSet(ram, offset, old, wanted)) {
                return old;
            }
        }
    }

    private long readModifyWriteDouble(int op, long address, long b) {
        long offset = mmu.atomicOffset(address, 8, Pmp.WRITE);
        if (offset < 0) {
            return 0;
        }
        return switch (op) {
            case Op.AMOSWAP_D -> (long) LONG.getAndSet(ram, offset, b);
            case Op.AMOADD_D -> (long) LONG.getAndAdd(ram, offset, b);
            case Op.AMOXOR_D -> (long) LONG.getAndBitwiseXor(ram, offset, b);
            case Op.AMOAND_D -> (long) LONG.getAndBitwiseAnd(ram, offset, b);
            case Op.AMOOR_D -> (long) LONG.getAndBitwiseOr(ram, offset, b);
            default -> updateDouble(op, offset, b);
        };
    }

    private long updateDouble(int op, long offset, long b) {
        while (true) {
            long old = (long) LONG.getVolatile(ram, offset);
            long wanted =
                    switch (op) {
                        case Op.AMOMIN_D -> Math.min(old, b);
                        case Op.AMOMAX_D -> Math.max(old, b);
                        case Op.AMOMINU_D -> Long.compareUnsigned(old, b) < 0 ? old : b;
                        default -> Long.compareUnsigned(old, b) > 0 ? old : b;
                    };
            if (LONG.compareAndSet(ram, offset, old, wanted)) {
                return old;
            }
        }
    }

    private long compareAndSwap(long address, int size, long expected, long value) {
        long offset = mmu.atomicOffset(address, size, Pmp.WRITE);
        if (offset < 0) {
            return 0;
        }
        return size == 4
                ? (int) INT.compareAndExchange(ram, offset, (int) expected, (int) value)
                : (long) LONG.compareAndExchange(ram, offset, expected, value);
    }

    /** AMOCAS.Q: there is no 16-byte compare-and-set here, so the other harts stand still. */
    private boolean compareAndSwapQuad(int rd, long address, int rs2) {
        long offset = mmu.atomicOffset(address, 16, Pmp.WRITE);
        if (offset < 0) {
            return false;
        }
        // Where the encoding names x0, the pair reads as zero and is not written (Zacas §3).
        boolean zeroDestination = rd == 32;
        long expectedLow = zeroDestination ? 0 : core.x[rd];
        long expectedHigh = zeroDestination ? 0 : core.x[rd + 1];
        long newLow = rs2 == 0 ? 0 : core.x[rs2];
        long newHigh = rs2 == 0 ? 0 : core.x[rs2 + 1];
        exclusion.begin(core);
        try {
            long low = (long) LONG.getVolatile(ram, offset);
            long high = (long) LONG.getVolatile(ram, offset + 8);
            if (low == expectedLow && high == expectedHigh) {
                LONG.setVolatile(ram, offset, newLow);
                LONG.setVolatile(ram, offset + 8, newHigh);
            }
            if (!zeroDestination) {
                core.x[rd] = low;
                core.x[rd + 1] = high;
            }
        } finally {
            exclusion.end(core);
        }
        return true;
    }

    // ---- cache blocks (CMO 1.0) -----------------------------------------------------------------

    private boolean zeroBlock(long address, int raw) {
        if (!blockEnabled(ENVCFG_CBZE)) {
            core.raise(ILLEGAL_INSTRUCTION, raw & 0xFFFF_FFFFL);
            return false;
        }
        long block = address & -BLOCK_BYTES;
        if (!mmu.check(block, BLOCK_BYTES, Pmp.WRITE)) {
            // The fault is reported at the address that the instruction gave (CMO 1.0 §2.5.2).
            core.trapValue = address;
            return false;
        }
        // A kernel clears its pages with this: one look serves the block, which lies in one page.
        long offset = mmu.writableOffset(block);
        if (offset < 0) {
            for (int at = 0; at < BLOCK_BYTES; at += 8) {
                mmu.store(block + at, 8, 0);
            }
            return true;
        }
        for (int at = 0; at < BLOCK_BYTES; at += 8) {
            LONG.set(ram, offset + at, 0L);
        }
        return true;
    }

    private boolean manageBlock(long address, long enable, int raw) {
        if (!blockEnabled(enable)) {
            core.raise(ILLEGAL_INSTRUCTION, raw & 0xFFFF_FFFFL);
            return false;
        }
        // Memory is coherent: only the access check is left. A block is accessible if either a load
        // or a store is, and a fault is a store's (CMO 1.0 §2.5.2).
        if (!mmu.check(address & -BLOCK_BYTES, BLOCK_BYTES, Pmp.READ)) {
            core.trapCause =
                    core.trapCause == LOAD_PAGE_FAULT ? STORE_PAGE_FAULT : STORE_ACCESS_FAULT;
            core.trapValue = address;
            return false;
        }
        return true;
    }

    private boolean blockEnabled(long bits) {
        if (core.privilege == HartCore.MACHINE) {
            return true;
        }
        return (core.menvcfg & bits) != 0
                && (core.privilege == HartCore.SUPERVISOR || (core.senvcfg & bits) != 0);
    }
}
