package dev.dalang.devices.nvme;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Where the data of a command lies in the driver's memory: its PRPs or SGLs (NVMe base 2.0 §4.1),
 * read once, as ranges. Neighbours are joined. What a driver says there is bounded by the length of
 * the data, and by {@link #MAX_DESCRIPTORS}: lists that go round in circles come to an end.
 *
 * <p>Belongs to a command. Lists are read by one thread, before anything else is done.
 */
final class DataPointer {
    /** Descriptors of one command's SGL, those of segments too. */
    static final int MAX_DESCRIPTORS = 512;

    private static final int INITIAL_ROOM = 8;

    /** What is kept for the next command: pages of the greatest transfer. */
    private static final int KEPT_ROOM = 256;

    private static final int DESCRIPTOR_BYTES = 16;

    private static final int DATA_BLOCK = 0x00;
    private static final int BIT_BUCKET = 0x10;
    private static final int SEGMENT = 0x20;
    private static final int LAST_SEGMENT = 0x30;

    /** What is read of lists at a time; one for each queue, since a queue reads one at a time. */
    static final class Scratch {
        static final int BYTES = 4096;

        private final ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);

        private boolean read(HostMemory memory, long address, int length) {
            return memory.read(address, bytes.array(), 0, length);
        }
    }

    private long[] addresses = new long[INITIAL_ROOM];

    /** A negative one is of a bit bucket. */
    private int[] lengths = new int[INITIAL_ROOM];

    private int count;
    private int left;
    private boolean hasBuckets;

    /** {@return how many ranges there are} */
    int count() {
        return count;
    }

    long address(int range) {
        return addresses[range];
    }

    /** Bytes of a range. */
    int length(int range) {
        return Math.abs(lengths[range]);
    }

    /** True if the bytes of a range are to be dropped. */
    boolean isBucket(int range) {
        return lengths[range] < 0;
    }

    boolean hasBuckets() {
        return hasBuckets;
    }

    void clear() {
        count = 0;
        hasBuckets = false;
        if (addresses.length > KEPT_ROOM) {
            addresses = new long[INITIAL_ROOM];
            lengths = new int[INITIAL_ROOM];
        }
    }

    private void add(long address, int length) {
        if (count > 0
                && lengths[count - 1] > 0
                && addresses[count - 1] + lengths[count - 1] == address
                && address != 0) {
            lengths[count - 1] += length;
        } else {
            put(address, length);
        }
        left -= length;
    }

    private void put(long address, int signedLength) {
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * count);
            lengths = Arrays.copyOf(lengths, 2 * count);
        }
        addresses[count] = address;
        lengths[count] = signedLength;
        count++;
    }

    // ---------------------------------------------------------------- PRPs

    /**
     * Reads PRPs.
     *
     * @param first of the command
     * @param second of the command: nothing, a page, or a list, as the length has it
     * @param length bytes of data, at least 1
     * @param pageShift of the size of pages
     * @return a status
     */
    int readPrps(
            HostMemory memory,
            Scratch scratch,
            long first,
            long second,
            int length,
            int pageShift) {
        clear();
        int page = 1 << pageShift;
        if ((first & 3) != 0) {
            return NvmeStatus.INVALID_PRP_OFFSET;
        }
        left = length;
        add(first, Math.min(length, page - (int) (first & page - 1)));
        if (left == 0) {
            return NvmeStatus.SUCCESS;
        }
        if (left <= page) {
            return addPage(second, page);
        }
        if ((second & 7) != 0) {
            return NvmeStatus.INVALID_PRP_OFFSET;
        }
        return readPrpLists(memory, scratch, second, page);
    }

    private int addPage(long address, int page) {
        if ((address & page - 1) != 0) {
            return NvmeStatus.INVALID_PRP_OFFSET;
        }
        add(address, Math.min(left, page));
        return NvmeStatus.SUCCESS;
    }

    /**
     * A list ends with its page; if there is more, its last entry leads to the next. All but the
     * first begin with a page, so that each brings more than that one entry.
     */
    private int readPrpLists(HostMemory memory, Scratch scratch, long first, int page) {
        long list = first;
        while (true) {
            int entries = (page - (int) (list & page - 1)) / Long.BYTES;
            int needed = (left + page - 1) / page;
            boolean leadsOn = needed > entries;
            int used = leadsOn ? entries - 1 : needed;
            for (int done = 0; done < used; ) {
                int step = Math.min(used - done, Scratch.BYTES / Long.BYTES);
                if (!scratch.read(memory, list + (long) Long.BYTES * done, step * Long.BYTES)) {
                    return NvmeStatus.DATA_TRANSFER_ERROR;
                }
                for (int n = 0; n < step; n++) {
                    int status = addPage(scratch.bytes.getLong(n * Long.BYTES), page);
                    if (status != NvmeStatus.SUCCESS) {
                        return status;
                    }
                }
                done += step;
            }
            if (!leadsOn) {
                return NvmeStatus.SUCCESS;
            }
            if (!scratch.read(memory, list + (long) Long.BYTES * used, Long.BYTES)) {
                return NvmeStatus.DATA_TRANSFER_ERROR;
            }
            list = scratch.bytes.getLong(0);
            if ((list & page - 1) != 0) {
                return NvmeStatus.INVALID_PRP_OFFSET;
            }
        }
    }

    // ---------------------------------------------------------------- SGLs

    /**
     * Reads SGLs.
     *
     * @param address of the command's descriptor
     * @param word the descriptor's other half: its length, and its type in the highest byte
     * @param length bytes of data, at least 1; the descriptors may have room for more
     * @param isRead whether data goes to the driver, so that some of it can be dropped
     * @return a status
     */
    int readSgls(
            HostMemory memory,
            Scratch scratch,
            long address,
            long word,
            int length,
            boolean isRead) {
        clear();
        left = length;
        int type = (int) (word >>> 56);
        if (type != SEGMENT && type != LAST_SEGMENT) {
            int status = addDescriptor(address, word, isRead);
            return status != NvmeStatus.SUCCESS || left == 0
                    ? status
                    : NvmeStatus.INVALID_SGL_LENGTH;
        }
        int budget = MAX_DESCRIPTORS - 1;
        long segment = address;
        long descriptor = word;
        while (true) {
            long bytes = descriptor & 0xffff_ffffL;
            boolean isLast = (int) (descriptor >>> 56) == LAST_SEGMENT;
            if (bytes == 0 || bytes % DESCRIPTOR_BYTES != 0) {
                return NvmeStatus.INVALID_SGL_SEGMENT;
            }
            long entries = bytes / DESCRIPTOR_BYTES;
            if (entries > budget) {
                return NvmeStatus.INVALID_SGL_COUNT;
            }
            budget -= (int) entries;
            int data = (int) entries - (isLast ? 0 : 1);
            int status = readSegment(memory, scratch, segment, data, isRead);
            if (status != NvmeStatus.SUCCESS) {
                return status;
            }
            if (isLast) {
                return left == 0 ? NvmeStatus.SUCCESS : NvmeStatus.INVALID_SGL_LENGTH;
            }
            long link = segment + (long) DESCRIPTOR_BYTES * data;
            if (!scratch.read(memory, link, DESCRIPTOR_BYTES)) {
                return NvmeStatus.DATA_TRANSFER_ERROR;
            }
            segment = scratch.bytes.getLong(0);
            descriptor = scratch.bytes.getLong(8);
            int next = (int) (descriptor >>> 56);
            if (next != SEGMENT && next != LAST_SEGMENT) {
                return NvmeStatus.INVALID_SGL_SEGMENT;
            }
        }
    }

    private int readSegment(
            HostMemory memory, Scratch scratch, long segment, int entries, boolean isRead) {
        for (int done = 0; done < entries; ) {
            int step = Math.min(entries - done, Scratch.BYTES / DESCRIPTOR_BYTES);
            long from = segment + (long) DESCRIPTOR_BYTES * done;
            if (!scratch.read(memory, from, step * DESCRIPTOR_BYTES)) {
                return NvmeStatus.DATA_TRANSFER_ERROR;
            }
            for (int n = 0; n < step; n++) {
                int at = n * DESCRIPTOR_BYTES;
                long word = scratch.bytes.getLong(at + 8);
                int type = (int) (word >>> 56);
                if (type == SEGMENT || type == LAST_SEGMENT) {
                    return NvmeStatus.INVALID_SGL_SEGMENT; // not where it may stand
                }
                int status = addDescriptor(scratch.bytes.getLong(at), word, isRead);
                if (status != NvmeStatus.SUCCESS) {
                    return status;
                }
            }
            done += step;
        }
        return NvmeStatus.SUCCESS;
    }

    private int addDescriptor(long address, long word, boolean isRead) {
        int type = (int) (word >>> 56);
        int length = (int) Math.min(word & 0xffff_ffffL, left);
        if (type == DATA_BLOCK) {
            if (length > 0) {
                add(address, length);
            }
            return NvmeStatus.SUCCESS;
        }
        if (type != BIT_BUCKET) {
            return NvmeStatus.INVALID_SGL_TYPE;
        }
        // Of what goes to the disk there is nothing to be dropped (§4.1.2.1): it has no length.
        if (isRead && length > 0) {
            put(0, -length);
            left -= length;
            hasBuckets = true;
        }
        return NvmeStatus.SUCCESS;
    }

    // ---------------------------------------------------------------- the data

    /**
     * Gives the ranges as memory.
     *
     * @param known slices that were used before
     * @param isWritten whether the device writes there
     * @param target gets them, in their order
     * @return false if that cannot be: the data goes through a buffer, or nowhere
     */
    boolean slices(
            HostMemory memory, SliceCache known, boolean isWritten, List<MemorySegment> target) {
        if (hasBuckets) {
            return false;
        }
        for (int n = 0; n < count; n++) {
            MemorySegment slice = memory.slice(known, addresses[n], lengths[n], isWritten);
            if (slice == null) {
                target.clear();
                return false;
            }
            target.add(slice);
        }
        return true;
    }

    /** Tells that all the ranges were written as {@link #slices}. */
    void written(HostMemory memory) {
        for (int n = 0; n < count; n++) {
            memory.written(addresses[n], lengths[n]);
        }
    }

    /** Gathers the data; false if not all of it is memory. */
    boolean gather(HostMemory memory, MemorySegment target) {
        long at = 0;
        for (int n = 0; n < count; n++) {
            if (!memory.read(addresses[n], target.asSlice(at, lengths[n]))) {
                return false;
            }
            at += lengths[n];
        }
        return true;
    }

    /** Spreads the data; false if not all of it is memory that can be written. */
    boolean scatter(HostMemory memory, MemorySegment source) {
        long at = 0;
        for (int n = 0; n < count; n++) {
            int length = length(n);
            if (!isBucket(n) && !memory.write(addresses[n], source.asSlice(at, length))) {
                return false;
            }
            at += length;
        }
        return true;
    }

    /** Fills an array with the data; false if not all of it is memory. */
    boolean gather(HostMemory memory, byte[] target) {
        int at = 0;
        for (int n = 0; n < count; n++) {
            if (!memory.read(addresses[n], target, at, lengths[n])) {
                return false;
            }
            at += lengths[n];
        }
        return true;
    }
}
