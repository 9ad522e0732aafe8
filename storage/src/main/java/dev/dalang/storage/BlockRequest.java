package dev.dalang.storage;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * One request to a {@link BlockBackend}. It is submitted once and completed once, on any thread,
 * maybe before the submission has returned. Until it is completed its buffers belong to the back
 * end and must stay alive; they are guest memory as a rule, which a guest may change meanwhile.
 */
public final class BlockRequest {
    /** Hears that a request is done. */
    @FunctionalInterface
    public interface Completion {
        /**
         * A request has ended. Called once for each request, on any thread; must not wait, since it
         * holds up other requests.
         *
         * @param request the request
         * @param status how it ended
         */
        void completed(BlockRequest request, BlockStatus status);
    }

    private static final VarHandle DONE;

    static {
        try {
            DONE =
                    MethodHandles.lookup()
                            .findVarHandle(BlockRequest.class, "isDone", boolean.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final BlockOperation operation;
    private final long offset;
    private final long length;
    private final List<MemorySegment> buffers;
    private final boolean mayUnmap;
    private final boolean isDurable;
    private final Completion completion;
    private volatile boolean isCancelled;
    private volatile boolean isDone;

    private BlockRequest(
            BlockOperation operation,
            long offset,
            long length,
            List<MemorySegment> buffers,
            boolean mayUnmap,
            boolean isDurable,
            Completion completion) {
        this.operation = operation;
        this.offset = offset;
        this.length = length;
        this.buffers = buffers;
        this.mayUnmap = mayUnmap;
        this.isDurable = isDurable;
        this.completion = completion;
    }

    /**
     * Reads.
     *
     * @param offset first byte of the disk
     * @param buffers where the bytes go, one after the other; native memory, not changed as a list
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest read(
            long offset, List<MemorySegment> buffers, Completion completion) {
        return new BlockRequest(
                BlockOperation.READ, offset, bytes(buffers), buffers, false, false, completion);
    }

    /**
     * Writes.
     *
     * @param offset first byte of the disk
     * @param buffers where the bytes come from, as of {@link #read}
     * @param isDurable whether it is only done when the bytes would survive a loss of power
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest write(
            long offset, List<MemorySegment> buffers, boolean isDurable, Completion completion) {
        return new BlockRequest(
                BlockOperation.WRITE,
                offset,
                bytes(buffers),
                buffers,
                false,
                isDurable,
                completion);
    }

    /**
     * Makes durable what was written.
     *
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest flush(Completion completion) {
        return new BlockRequest(BlockOperation.FLUSH, 0, 0, List.of(), false, false, completion);
    }

    /**
     * Gives up a range.
     *
     * @param offset first byte of the disk
     * @param length bytes, not negative
     * @param isDurable as of {@link #write}
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest discard(
            long offset, long length, boolean isDurable, Completion completion) {
        return new BlockRequest(
                BlockOperation.DISCARD, offset, length, List.of(), true, isDurable, completion);
    }

    /**
     * Has a range read as zeros.
     *
     * @param offset first byte of the disk
     * @param length bytes, not negative
     * @param mayUnmap whether the range may lose its space on the host
     * @param isDurable as of {@link #write}
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest writeZeroes(
            long offset, long length, boolean mayUnmap, boolean isDurable, Completion completion) {
        return new BlockRequest(
                BlockOperation.WRITE_ZEROES,
                offset,
                length,
                List.of(),
                mayUnmap,
                isDurable,
                completion);
    }

    private static long bytes(List<MemorySegment> buffers) {
        long sum = 0;
        for (MemorySegment buffer : buffers) {
            sum = Math.addExact(sum, buffer.byteSize());
        }
        return sum;
    }

    /** {@return what it asks for} */
    public BlockOperation operation() {
        return operation;
    }

    /** {@return the first byte of the disk; 0 for a flush} */
    public long offset() {
        return offset;
    }

    /** {@return how many bytes of the disk; 0 for a flush} */
    public long length() {
        return length;
    }

    /** {@return the memory of a read or a write, as long as {@link #length}; else nothing} */
    public List<MemorySegment> buffers() {
        return buffers;
    }

    /** {@return whether the range may lose its space on the host} */
    public boolean mayUnmap() {
        return mayUnmap;
    }

    /** {@return whether the change must be durable when the request is done} */
    public boolean isDurable() {
        return isDurable;
    }

    /**
     * Says that nobody wants the request any more. It still ends as any other, with {@link
     * BlockStatus#CANCELLED} unless it was done before, and the sooner the less of it was done.
     */
    public void cancel() {
        isCancelled = true;
    }

    /** {@return true if nobody wants it any more} */
    public boolean isCancelled() {
        return isCancelled;
    }

    /**
     * Ends the request; for back ends.
     *
     * @param status how it ended
     * @throws IllegalStateException if it has ended before
     */
    public void complete(BlockStatus status) {
        if (!DONE.compareAndSet(this, false, true)) {
            throw new IllegalStateException(this + " has ended before, now " + status);
        }
        completion.completed(this, status);
    }

    /** {@return true if it has ended} */
    public boolean isDone() {
        return isDone;
    }

    @Override
    public String toString() {
        return "%s of %d bytes at %d".formatted(operation, length, offset);
    }
}
