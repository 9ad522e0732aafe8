package dev.dalang.devices.nvme;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.pci.PciDma;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * The driver's memory, as the specification's "host" has it. What cannot be reached is a value and
 * not an exception. Memory of a foreign machine may be reached by messages only, or be taken back
 * at any time: then the slower way is tried, which knows of both. Any thread.
 */
final class HostMemory {
    private final PciDma dma;

    HostMemory(PciDma dma) {
        this.dma = dma;
    }

    /** Fills a segment; false if not all of it is memory. */
    boolean read(long address, MemorySegment target) {
        try {
            dma.require().copyOut(address, target);
            return true;
        } catch (GuestMemoryException | IllegalStateException | InternalError elsewhere) {
            return !isRefused(elsewhere) && readSlowly(address, target);
        }
    }

    /** Fills some bytes of an array; false if not all of it is memory. */
    boolean read(long address, byte[] target, int offset, int length) {
        try {
            dma.require().copyOut(address, target, offset, length);
            return true;
        } catch (GuestMemoryException | IllegalStateException | InternalError elsewhere) {
            return !isRefused(elsewhere)
                    && readSlowly(address, MemorySegment.ofArray(target).asSlice(offset, length));
        }
    }

    private boolean readSlowly(long address, MemorySegment target) {
        try {
            dma.read(address, target);
            return true;
        } catch (GuestMemoryException nowhere) {
            return false;
        }
    }

    /** Writes a segment; false if not all of it is memory that can be written. */
    boolean write(long address, MemorySegment source) {
        try {
            dma.require().copyIn(address, source);
            return true;
        } catch (GuestMemoryException | IllegalStateException | InternalError elsewhere) {
            return !isRefused(elsewhere) && writeSlowly(address, source);
        }
    }

    private boolean writeSlowly(long address, MemorySegment source) {
        try {
            dma.write(address, source);
            return true;
        } catch (GuestMemoryException nowhere) {
            return false;
        }
    }

    private static boolean isRefused(Throwable elsewhere) {
        return elsewhere instanceof GuestMemoryException fault
                && fault.kind() == GuestMemoryException.Kind.REFUSED;
    }

    /**
     * Writes a completion's entry: the driver takes it as soon as it sees the phase in the last
     * word, which is why that comes last.
     */
    boolean writeEntry(long address, long words01, int word2, int word3) {
        try {
            GuestMemory memory = dma.require();
            memory.writeLong(address, words01);
            memory.writeInt(address + 8, word2);
            memory.setIntRelease(address + 12, word3);
            return true;
        } catch (GuestMemoryException | IllegalStateException | InternalError elsewhere) {
            return !isRefused(elsewhere) && writeEntrySlowly(address, words01, word2, word3);
        }
    }

    private boolean writeEntrySlowly(long address, long words01, int word2, int word3) {
        try {
            dma.writeLong(address, words01);
            dma.writeInt(address + 8, word2);
            dma.writeInt(address + 12, word3);
            return true;
        } catch (GuestMemoryException nowhere) {
            return false;
        }
    }

    /** The bytes themselves; null if they are not in one piece here, or not as they are wanted. */
    @Nullable MemorySegment slice(SliceCache known, long address, int length, boolean isWritten) {
        try {
            GuestMemory memory = dma.require();
            boolean isThere =
                    isWritten
                            ? memory.isWritable(address, length)
                            : memory.contains(address, length);
            return isThere ? known.slice(memory, address, length) : null;
        } catch (GuestMemoryException elsewhere) {
            return null;
        }
    }

    /** Bytes of a slice were written. */
    void written(long address, int length) {
        try {
            dma.unchecked().written(address, length);
        } catch (GuestMemoryException | IllegalStateException gone) {
            return; // it was taken back meanwhile, and nobody watches it any more
        }
    }
}
