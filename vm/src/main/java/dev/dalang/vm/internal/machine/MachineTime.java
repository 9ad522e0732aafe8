package dev.dalang.vm.internal.machine;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.time.SystemVirtualClock;

/**
 * A machine's time, and the work that its devices do by themselves: both go on while the machine
 * runs, no debugger holds it, and it does not start anew. Any thread but those of devices.
 */
public final class MachineTime {
    private final SystemVirtualClock clock;
    private final DeviceExecutor executor;

    // Guarded by this.
    private boolean runs;
    private boolean isHeld;
    private boolean boots;

    /**
     * Time that stands.
     *
     * @param clock what shows it, asleep
     * @param executor what runs the handlers of devices; put to sleep
     */
    public MachineTime(SystemVirtualClock clock, DeviceExecutor executor) {
        this.clock = clock;
        this.executor = executor;
        executor.sleep();
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

    /** The machine starts anew, or has done so. */
    synchronized void boot(boolean isBooting) {
        boots = isBooting;
        set();
    }

    private void set() {
        if (runs && !isHeld && !boots) {
            clock.wake();
            executor.wake();
        } else {
            // Handlers may ask for the time, not the time for handlers.
            executor.sleep();
            clock.sleep();
        }
    }
}
