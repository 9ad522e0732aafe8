package dev.dalang.riscv.debug;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;

import java.util.List;

/** What a debugger is given of a machine. Methods come on the debugger's thread. */
public interface DebuggedMachine {
    /** {@return the harts, always the same ones; each is a thread of the debugger} */
    List<Hart> harts();

    /** {@return guest memory} */
    GuestMemory memory();

    /** All harts stand: the machine's time should stand too. May come twice. */
    void paused();

    /** The harts are about to go on. May come twice. */
    void resumed();

    /** The debugger wants the machine to end. Does not wait for the end. */
    void kill();
}
