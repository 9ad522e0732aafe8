package dev.dalang.devices.nvme;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * A completion queue. Whoever has ended a command posts it; the driver's doorbell says how far it
 * has come. The doorbell takes no lock: who rings it may be who has to answer for memory.
 */
final class CompletionQueue {
    final int id;
    final long base;
    final int entries;
    final int vector;
    final boolean hasInterrupt;

    private final HostMemory memory;

    private volatile int head;
    private volatile int tail;

    // Guarded by this object's lock.
    private boolean phase = true;
    private final ArrayDeque<NvmeCommand> waiting = new ArrayDeque<>();

    private volatile boolean isWaiting;

    /** How the writing of an entry went. */
    enum Posted {
        YES,
        /** There is no room; the command waits for it. */
        LATER,
        /** The queue is not in memory. */
        NEVER
    }

    CompletionQueue(
            int id, long base, int entries, int vector, boolean hasInterrupt, HostMemory memory) {
        this.id = id;
        this.base = base;
        this.entries = entries;
        this.vector = vector;
        this.hasInterrupt = hasInterrupt;
        this.memory = memory;
    }

    /** Goes on where one was left. */
    void restore(int newHead, int newTail, boolean newPhase) {
        head = newHead;
        tail = newTail;
        synchronized (this) {
            phase = newPhase;
        }
    }

    int head() {
        return head;
    }

    int tail() {
        return tail;
    }

    synchronized boolean phase() {
        return phase;
    }

    /** True if the driver has not seen all. */
    boolean isPending() {
        return head != tail;
    }

    /** True if commands wait for room, and there is some. */
    boolean canGoOn() {
        return isWaiting && hasRoom();
    }

    private boolean hasRoom() {
        return next(tail) != head;
    }

    private int next(int index) {
        return index + 1 == entries ? 0 : index + 1;
    }

    /** The driver's doorbell; false if it says that it has seen what there is not. */
    boolean release(int newHead) {
        int now = head;
        if (newHead >= entries || distance(now, newHead) > distance(now, tail)) {
            return false;
        }
        head = newHead;
        return true;
    }

    private int distance(int from, int to) {
        return to >= from ? to - from : to - from + entries;
    }

    /** Writes the entry of a command that is done, or has it wait behind others. */
    synchronized Posted post(NvmeCommand command) {
        if (!waiting.isEmpty() || !hasRoom()) {
            waiting.add(command);
            isWaiting = true;
            return Posted.LATER;
        }
        return write(command) ? Posted.YES : Posted.NEVER;
    }

    private boolean write(NvmeCommand command) {
        int at = tail;
        int status = command.status << 1 | (phase ? 1 : 0);
        // Before the entry: a driver that sees it may ring the doorbell at once.
        tail = next(at);
        if (tail == 0) {
            phase = !phase;
        }
        return memory.writeEntry(
                base + ((long) at << NvmeRegisters.CQ_ENTRY_SHIFT),
                command.result,
                command.queue.head() | command.queue.id << 16,
                command.id | status << 16);
    }

    /** The next command that waits, if there is room; written if it is given. */
    synchronized @Nullable NvmeCommand postNext() {
        NvmeCommand next = hasRoom() ? waiting.poll() : null;
        isWaiting = !waiting.isEmpty();
        if (next != null && !write(next)) {
            next.failure = NvmeEvent.FATAL;
        }
        return next;
    }

    /** A command that waits and came from a queue; it waits no longer. */
    synchronized @Nullable NvmeCommand drop(SubmissionQueue from) {
        for (Iterator<NvmeCommand> all = waiting.iterator(); all.hasNext(); ) {
            NvmeCommand command = all.next();
            if (command.queue == from) {
                all.remove();
                isWaiting = !waiting.isEmpty();
                return command;
            }
        }
        return null;
    }

    /** Those that wait, in their order; a copy. */
    synchronized NvmeCommand[] waiting() {
        return waiting.toArray(NvmeCommand[]::new);
    }

    /** One more waits, of a snapshot. */
    synchronized void addWaiting(NvmeCommand command) {
        waiting.add(command);
        isWaiting = true;
    }
}
