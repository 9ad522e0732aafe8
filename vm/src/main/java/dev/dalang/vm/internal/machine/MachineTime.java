package dev.dalang.vm.internal.machine;

import dev.dalang.bus.time.SystemVirtualClock;

/** A machine's time: it passes while the machine runs and no debugger holds it. Any thread. */
public final class MachineTime {
    private final SystemVirtualClock clock;

    // Guarded by this.
    private boolean runs;
    private boolean isHeld;

    /**
     * Time that stands.
     *
     * @param clock what shows it, asleep
     */
    public MachineTime(SystemVirtualClock clock) {
        this.clock = clock;
    }

    /** The machine begins to run. */
    synchronized void begin() {
        runs = true;
        set();
    }

    /** The machine has ended. */
    synchronized void end() {
        runs = false;
        set();
    }

    /** The debugger has the machine stand, or lets it go on. */
    synchronized void hold(boolean held) {
        isHeld = held;
        set();
    }

    private void set() {
        if (runs && !isHeld) {
            clock.wake();
        } else {
            clock.sleep();
        }
    }
}
