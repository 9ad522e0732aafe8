package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.Extension.A3;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_ADDRESS;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.riscv.Hart;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Remote fences (SBI 2.0 §8). A call returns when every hart of the mask has executed the fence:
 * the caller's next step is to hand the memory to somebody else.
 *
 * <p>Each target executes the fence between two of its instructions. The caller serves the fences
 * that others ask of it while it waits, so that harts that fence each other all go on. If the
 * machine is being stopped the caller waits no longer: a hart executes the tasks posted to it
 * before its next instruction, whenever that comes, so nobody sees the difference.
 */
final class RfenceExtension implements Extension {
    static final int ID = 0x52464E43;

    private static final int SPINS_BEFORE_PARKING = 100;

    /** A wake-up can only come too late, never get lost, because nobody sleeps longer than this. */
    private static final long PARK_NANOS = 100_000;

    private final Harts harts;

    RfenceExtension(Harts harts) {
        this.harts = harts;
    }

    @Override
    public long call(Hart caller, int function) {
        long mask = caller.register(A0);
        long base = caller.register(A1);
        long error =
                switch (function) {
                    case 0 -> fenceInstructions(caller, mask, base);
                    case 1, 2 ->
                            fenceAddresses(
                                    caller, mask, base, caller.register(A2), caller.register(A3));
                    // 3 to 6 are the fences of the hypervisor extension.
                    default -> SBI_ERR_NOT_SUPPORTED;
                };
        return error == SBI_SUCCESS ? success(caller) : error;
    }

    long fenceInstructions(Hart caller, long mask, long base) {
        long error = harts.check(mask, base);
        if (error == SBI_SUCCESS) {
            runOnEach(caller, mask, base, Hart::fenceInstructions);
        }
        return error;
    }

    /**
     * SFENCE.VMA for the bytes from {@code start}. A start and size of 0, or a size of -1, mean the
     * whole address space. Dropping more translations than were named is always allowed.
     */
    long fenceAddresses(Hart caller, long mask, long base, long start, long size) {
        long error = harts.check(mask, base);
        if (error != SBI_SUCCESS) {
            return error;
        }
        boolean wraps = size != 0 && Long.compareUnsigned(start + size - 1, start) < 0;
        if (wraps && size != -1) {
            return SBI_ERR_INVALID_ADDRESS;
        }
        runOnEach(caller, mask, base, Hart::flushTlb);
        return SBI_SUCCESS;
    }

    private void runOnEach(Hart caller, long mask, long base, Consumer<Hart> fence) {
        Arrivals arrivals = new Arrivals(Thread.currentThread());
        harts.forEachStarted(
                mask,
                base,
                target -> {
                    if (target == caller) {
                        fence.accept(caller);
                    } else {
                        arrivals.expectOne();
                        target.post(
                                hart -> {
                                    fence.accept(hart);
                                    arrivals.arrive();
                                });
                    }
                });
        int spins = 0;
        while (!arrivals.areComplete() && caller.runPostedTasks()) {
            if (spins < SPINS_BEFORE_PARKING) {
                spins++;
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(arrivals, PARK_NANOS);
            }
        }
    }

    /** Counts the harts that are still to come, and wakes the one that waits for them. */
    private static final class Arrivals {
        private final AtomicInteger outstanding = new AtomicInteger();
        private final Thread waiter;

        Arrivals(Thread waiter) {
            this.waiter = waiter;
        }

        void expectOne() {
            outstanding.incrementAndGet();
        }

        void arrive() {
            if (outstanding.decrementAndGet() == 0) {
                LockSupport.unpark(waiter);
            }
        }

        boolean areComplete() {
            return outstanding.get() == 0;
        }
    }
}
