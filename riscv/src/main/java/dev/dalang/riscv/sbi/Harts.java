package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.riscv.Hart;

import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Consumer;

/**
 * The harts that the firmware looks after, and where each stands in the life cycle of SBI 2.0 §9.
 * Hart ids are 0..n-1, in order.
 */
final class Harts {
    static final int STARTED = 0;
    static final int STOPPED = 1;
    static final int START_PENDING = 2;

    private final List<Hart> harts;
    private final AtomicIntegerArray states;

    Harts(List<Hart> harts) {
        for (int i = 0; i < harts.size(); i++) {
            if (harts.get(i).id() != i) {
                throw new IllegalArgumentException(
                        "expected hart " + i + " at position " + i + ", got " + harts.get(i).id());
            }
        }
        this.harts = List.copyOf(harts);
        this.states = new AtomicIntegerArray(harts.size());
    }

    int count() {
        return harts.size();
    }

    Hart get(int id) {
        return harts.get(id);
    }

    boolean isValid(long hartId) {
        return Long.compareUnsigned(hartId, harts.size()) < 0;
    }

    int state(int id) {
        return states.get(id);
    }

    void setState(int id, int state) {
        states.set(id, state);
    }

    boolean areAllStopped() {
        for (int id = 0; id < count(); id++) {
            if (state(id) != STOPPED) {
                return false;
            }
        }
        return true;
    }

    boolean moveState(int id, int from, int to) {
        return states.compareAndSet(id, from, to);
    }

    /**
     * Checks a hart mask (SBI 2.0 §3.1): bit i of {@code mask} stands for hart {@code base + i},
     * and a base of -1 for all harts.
     */
    long check(long mask, long base) {
        if (base == -1) {
            return SBI_SUCCESS;
        }
        if (!isValid(base)) {
            return SBI_ERR_INVALID_PARAM;
        }
        int highest = Long.SIZE - Long.numberOfLeadingZeros(mask);
        return highest > count() - (int) base ? SBI_ERR_INVALID_PARAM : SBI_SUCCESS;
    }

    /**
     * Gives {@code action} each hart of a checked mask that is started. A hart that is not gets
     * neither interrupts nor fences: it starts with none pending and with empty caches.
     */
    void forEachStarted(long mask, long base, Consumer<Hart> action) {
        boolean all = base == -1;
        int first = all ? 0 : (int) base;
        for (int id = first; id < count(); id++) {
            boolean named = all || (id - first < Long.SIZE && (mask >>> (id - first) & 1) != 0);
            if (named && state(id) != STOPPED) {
                action.accept(harts.get(id));
            }
        }
    }
}
