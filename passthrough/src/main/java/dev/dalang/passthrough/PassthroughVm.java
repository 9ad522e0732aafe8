package dev.dalang.passthrough;

import dev.dalang.bus.memory.GuestMemory;

import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * What a device must know of the machine that it is assigned to. Any thread.
 *
 * @param id the machine's number, unsigned; any
 * @param harts how many harts it has; 0 if that is not known
 * @param memory its memory, as it is now; what the device may reach
 * @param dma how the device reaches memory that it cannot map
 * @param hartOf which hart takes messages that go to an address; empty if that is not known
 */
public record PassthroughVm(
        long id,
        int harts,
        Supplier<GuestMemory> memory,
        DmaAccess dma,
        LongFunction<OptionalInt> hartOf) {
    /** Checks the number of harts. */
    public PassthroughVm {
        if (harts < 0) {
            throw new IllegalArgumentException("expected at least 0 harts, got " + harts);
        }
    }

    /**
     * A machine whose devices reach all of its memory.
     *
     * @param id the machine's number, unsigned; any
     * @param harts how many harts it has; 0 if that is not known
     * @param memory its memory
     * @return the machine
     */
    public static PassthroughVm of(long id, int harts, GuestMemory memory) {
        return new PassthroughVm(id, harts, () -> memory, direct(memory), _ -> OptionalInt.empty());
    }

    private static DmaAccess direct(GuestMemory memory) {
        return new DmaAccess() {
            @Override
            public void read(long address, MemorySegment target) {
                memory.copyOut(address, target);
            }

            @Override
            public void write(long address, MemorySegment source) {
                memory.copyIn(address, source);
            }
        };
    }
}
