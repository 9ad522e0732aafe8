package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A command that was taken from a submission queue, and all that is kept with it until it is
 * completed; used again and again. Its fields were copied from the driver's memory once.
 *
 * <p>At each time one thread works on it: the queue's, then those that end its requests. A request
 * that ends while it is still being submitted makes no recursion: {@link #goOn}.
 */
final class NvmeCommand implements BlockRequest.Completion {
    static final int BYTES = 64;

    /** What is done when a request of a command has ended. */
    @FunctionalInterface
    interface Step {
        void run(NvmeCommand command, BlockStatus how);
    }

    /** What becomes of it. */
    enum State {
        FREE,
        RUNNING,
        /** An asynchronous event request, until there is an event. */
        PARKED,
        /** Done, and waits for room in the completion queue. */
        DONE
    }

    final SubmissionQueue queue;
    final DataPointer data = new DataPointer();

    // The entry (NVMe base 2.0 §3.3.3.1).
    int opcode;
    int flags;
    int id;
    int namespace;
    long pointer1;
    long pointer2;
    int word10;
    int word11;
    int word12;
    int word13;
    int word14;
    int word15;

    /** The status field, and the first two words, of the completion. */
    int status;

    long result;

    /** What is wrong: the first byte of the field; all ones if it is none. */
    int errorAt = 0xffff;

    // What a command of the NVM set is about.
    long block;

    /** As the namespace was formatted when the command began. */
    int shift;

    int blocks;
    int length;
    @Nullable BounceBuffer bounce;
    final List<MemorySegment> segments = new ArrayList<>();

    /** Ranges that are to be deallocated; null as long as there were none. */
    @Nullable ByteBuffer ranges;

    int nextRange;

    /** How it is counted if it succeeds, and how if it fails and its status does not say. */
    NvmeEvent event = NvmeEvent.ADMINISTERED;

    @Nullable NvmeEvent failure;

    /** Guarded by the queue's lock. */
    State state = State.FREE;

    /** The command that wants this one to be aborted. Guarded by the queue's lock. */
    @Nullable NvmeCommand aborter;

    private final AtomicInteger turns = new AtomicInteger();
    private @Nullable Step step;
    private @Nullable BlockStatus ended;

    /** What the back end is asked for, one thing after the other. */
    private volatile BlockRequest request = BlockRequest.reusable(this);

    private volatile boolean isCancelled;

    NvmeCommand(SubmissionQueue queue) {
        this.queue = queue;
    }

    /** Begins anew with an entry. */
    void read(ByteBuffer entry) {
        int word0 = entry.getInt(0);
        opcode = word0 & 0xff;
        flags = word0 >>> 8 & 0xff;
        id = word0 >>> 16;
        namespace = entry.getInt(4);
        pointer1 = entry.getLong(24);
        pointer2 = entry.getLong(32);
        word10 = entry.getInt(40);
        word11 = entry.getInt(44);
        word12 = entry.getInt(48);
        word13 = entry.getInt(52);
        word14 = entry.getInt(56);
        word15 = entry.getInt(60);
        status = NvmeStatus.SUCCESS;
        result = 0;
        errorAt = 0xffff;
        block = 0;
        blocks = 0;
        length = 0;
        nextRange = 0;
        event = NvmeEvent.ADMINISTERED;
        failure = null;
    }

    /** Is taken for an entry to come. With the queue's lock, as {@link #cancel} for a queue. */
    void take() {
        state = State.RUNNING;
        aborter = null;
        isCancelled = false;
    }

    /** Words 10 and 11 as one. */
    long words1011() {
        return word10 & 0xffff_ffffL | (long) word11 << 32;
    }

    /** Words 12 and 13 as one. */
    long words1213() {
        return word12 & 0xffff_ffffL | (long) word13 << 32;
    }

    /** Takes note of what is wrong. */
    int wrong(int how, int at) {
        errorAt = at;
        return how;
    }

    // ---------------------------------------------------------------- requests

    /** The request to be made anew, while none is under way. */
    BlockRequest request() {
        return request;
    }

    /** Has the back end do what the request is now, and then goes on with a step. */
    void submit(BlockBackend backend, Step then) {
        step = then;
        BlockRequest made = request;
        if (isCancelled) {
            made.cancel(); // it was not to be seen by who cancelled
        }
        try {
            backend.submit(made);
        } catch (RuntimeException | Error defect) {
            request = BlockRequest.reusable(this); // nobody knows what becomes of the other
            throw defect;
        }
    }

    @Override
    public void completed(BlockRequest done, BlockStatus how) {
        ended = how;
        goOn();
    }

    /** Runs the next step, or has whoever is inside one run it. */
    private void goOn() {
        if (turns.getAndIncrement() == 0) {
            int left = 1;
            do {
                Step next = step;
                BlockStatus how = ended;
                if (next == null || how == null) {
                    throw new AssertionError("a step without a request");
                }
                try {
                    next.run(this, how);
                } catch (RuntimeException | Error failure) {
                    queue.failed(this, failure);
                }
                left = turns.decrementAndGet();
            } while (left > 0);
        }
    }

    /** Nobody wants it any more. Any thread. */
    void cancel() {
        isCancelled = true;
        request.cancel();
    }

    boolean isCancelled() {
        return isCancelled;
    }
}
