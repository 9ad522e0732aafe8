package dev.dalang.storage;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * One request to a {@link BlockBackend}. It is submitted once and completed once, on any thread,
 * maybe before the submission has returned. Until it is completed its buffers belong to the back
 * end and must stay alive; they are guest memory as a rule, which a guest may change meanwhile.
 *
 * <p>A device that makes many requests has some that are {@linkplain #reusable reusable}: each is
 * made anew with {@link #asRead} and its like whenever it has been completed, and costs nothing
 * then. What belongs to a request before that, its cancellation too, is over with its completion.
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

    private static final List<MemorySegment> NOTHING = List.of();

    private final Completion completion;
    private final boolean isReusable;

    // What is asked for: changed only before a reusable request is submitted.
    private BlockOperation operation = BlockOperation.FLUSH;
    private long offset;
    private long length;
    private List<MemorySegment> buffers = NOTHING;
    private boolean mayUnmap;
    private boolean isDurable;

    private volatile boolean isCancelled;
    private volatile boolean isDone = true;

    private BlockRequest(Completion completion, boolean isReusable) {
        this.completion = completion;
        this.isReusable = isReusable;
    }

    private static BlockRequest once(Completion completion) {
        return new BlockRequest(completion, false);
    }

    private BlockRequest begin(
            BlockOperation what, long at, long bytes, boolean unmaps, boolean lasts) {
        operation = what;
        offset = at;
        length = bytes;
        buffers = NOTHING;
        mayUnmap = unmaps;
        isDurable = lasts;
        isCancelled = false;
        isDone = false;
        return this;
    }

    private void requireIdle() {
        if (!isReusable || !isDone) {
            throw new IllegalStateException(
                    this + (isReusable ? " has not ended" : " is made for one use"));
        }
    }

    /**
     * Makes a request that can be made anew when it has been completed. At first it asks for
     * nothing, and must not be submitted.
     *
     * @param completion hears of each end
     * @return the request
     */
    public static BlockRequest reusable(Completion completion) {
        return new BlockRequest(completion, true);
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
        return once(completion).beginRead(offset, buffers);
    }

    /**
     * Makes this request one that reads.
     *
     * @param at first byte of the disk
     * @param into as of {@link #read}
     * @return this
     * @throws IllegalStateException if it is not reusable, or has not been completed
     */
    public BlockRequest asRead(long at, List<MemorySegment> into) {
        requireIdle();
        return beginRead(at, into);
    }

    private BlockRequest beginRead(long at, List<MemorySegment> into) {
        begin(BlockOperation.READ, at, bytes(into), false, false);
        buffers = into;
        return this;
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
        return once(completion).beginWrite(offset, buffers, isDurable);
    }

    /**
     * Makes this request one that writes.
     *
     * @param at first byte of the disk
     * @param from as of {@link #write}
     * @param lasts as {@code isDurable} of {@link #write}
     * @return this
     * @throws IllegalStateException if it is not reusable, or has not been completed
     */
    public BlockRequest asWrite(long at, List<MemorySegment> from, boolean lasts) {
        requireIdle();
        return beginWrite(at, from, lasts);
    }

    private BlockRequest beginWrite(long at, List<MemorySegment> from, boolean lasts) {
        begin(BlockOperation.WRITE, at, bytes(from), false, lasts);
        buffers = from;
        return this;
    }

    /**
     * Makes durable what was written.
     *
     * @param completion hears of the end
     * @return the request
     */
    public static BlockRequest flush(Completion completion) {
        return once(completion).begin(BlockOperation.FLUSH, 0, 0, false, false);
    }

    /**
     * Makes this request one as of {@link #flush}.
     *
     * @return this
     * @throws IllegalStateException if it is not reusable, or has not been completed
     */
    public BlockRequest asFlush() {
        requireIdle();
        return begin(BlockOperation.FLUSH, 0, 0, false, false);
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
        return once(completion).begin(BlockOperation.DISCARD, offset, length, true, isDurable);
    }

    /**
     * Makes this request one that gives up a range.
     *
     * @param at first byte of the disk
     * @param bytes not negative
     * @param lasts as {@code isDurable} of {@link #write}
     * @return this
     * @throws IllegalStateException if it is not reusable, or has not been completed
     */
    public BlockRequest asDiscard(long at, long bytes, boolean lasts) {
        requireIdle();
        return begin(BlockOperation.DISCARD, at, bytes, true, lasts);
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
        return once(completion)
                .begin(BlockOperation.WRITE_ZEROES, offset, length, mayUnmap, isDurable);
    }

    /**
     * Makes this request one after which a range reads as zeros.
     *
     * @param at first byte of the disk
     * @param bytes not negative
     * @param unmaps as {@code mayUnmap} of {@link #writeZeroes}
     * @param lasts as {@code isDurable} of {@link #write}
     * @return this
     * @throws IllegalStateException if it is not reusable, or has not been completed
     */
    public BlockRequest asWriteZeroes(long at, long bytes, boolean unmaps, boolean lasts) {
        requireIdle();
        return begin(BlockOperation.WRITE_ZEROES, at, bytes, unmaps, lasts);
    }

    private static long bytes(List<MemorySegment> buffers) {
        long sum = 0;
        for (int n = 0; n < buffers.size(); n++) { // an iterator for each request would be garbage
            sum = Math.addExact(sum, buffers.get(n).byteSize());
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
