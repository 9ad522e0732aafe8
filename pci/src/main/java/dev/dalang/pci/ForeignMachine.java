package dev.dalang.pci;

import dev.dalang.bus.memory.GuestMemoryException;

import java.lang.foreign.MemorySegment;

/**
 * The machine that a tree's devices are plugged into where it is not one of ours: the client of a
 * device server. Its guest programs configuration space as ours would, but the tables of MSI-X stay
 * with the machine, and not all of its memory can be mapped here. The devices notice nothing of it.
 */
public interface ForeignMachine {
    /**
     * Gives what a function's device gets for its interrupts. Asked once for each function, while
     * it is made.
     *
     * @param own the interrupts as the function's configuration space and wire have them
     * @return what the device uses; any thread calls it
     */
    PciInterrupts interrupts(PciInterrupts own);

    /**
     * Reads memory that is not, or not all, in the guest memory that the tree was given. Any
     * thread; may wait for the machine's answer.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go
     * @throws GuestMemoryException if there is no such memory, or the machine does not answer
     */
    void read(long address, MemorySegment target);

    /**
     * Writes memory that is not, or not all, in the guest memory that the tree was given. Any
     * thread; may wait for the machine's answer.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     * @throws GuestMemoryException if there is no such memory, it cannot be written, or the machine
     *     does not answer
     */
    void write(long address, MemorySegment source);
}
