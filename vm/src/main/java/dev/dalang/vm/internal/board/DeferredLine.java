package dev.dalang.vm.internal.board;

import dev.dalang.bus.interrupt.InterruptLine;

import org.jspecify.annotations.Nullable;

/**
 * A wire that is given to a device before what stands at its other end is known: the device's
 * interrupts are counted under the device's name, so the counting wire needs the device first.
 * Connected once, before anything runs; until then a level is kept.
 */
final class DeferredLine implements InterruptLine {
    private volatile @Nullable InterruptLine target;
    private boolean level;

    synchronized void connect(InterruptLine line) {
        if (target != null) {
            throw new IllegalStateException("the line is connected already");
        }
        target = line;
        line.set(level);
    }

    @Override
    public void raise() {
        set(true);
    }

    @Override
    public void lower() {
        set(false);
    }

    @Override
    public void set(boolean active) {
        InterruptLine line = target;
        if (line == null) {
            line = keep(active);
        }
        if (line != null) {
            line.set(active);
        }
    }

    private synchronized @Nullable InterruptLine keep(boolean active) {
        level = active;
        return target;
    }
}
