package dev.dalang.devices.nvme;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of the controller's own for the data of one command, and beside it for what is compared
 * with that, piece by piece. Belongs to the command that has it.
 */
final class BounceBuffer {
    /** What is compared at once. */
    static final int PIECE_BYTES = 4096;

    private final Part data;
    private final Part piece;

    /** Memory whose begin is used, mostly as much of it as the last time. */
    private static final class Part {
        private final MemorySegment whole;
        private @Nullable MemorySegment used;

        Part(MemorySegment whole) {
            this.whole = whole;
        }

        MemorySegment first(int bytes) {
            MemorySegment last = used;
            if (last == null || last.byteSize() != bytes) {
                last = whole.asSlice(0, bytes);
                used = last;
            }
            return last;
        }
    }

    /** One for so many bytes of data. */
    BounceBuffer(int dataBytes) {
        data = new Part(Arena.ofAuto().allocate(dataBytes, PIECE_BYTES));
        piece = new Part(Arena.ofAuto().allocate(PIECE_BYTES, PIECE_BYTES));
    }

    /** The first so many bytes of the data. */
    MemorySegment data(int bytes) {
        return data.first(bytes);
    }

    /** So many bytes for a piece that is compared. */
    MemorySegment piece(int bytes) {
        return piece.first(bytes);
    }
}
