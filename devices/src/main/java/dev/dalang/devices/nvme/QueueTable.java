package dev.dalang.devices.nvme;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReferenceArray;

/** The queues by their ids, 0 being the admin queue. Any thread looks; changes have the lock. */
final class QueueTable {
    private final int count;
    private final AtomicReferenceArray<@Nullable SubmissionQueue> submissions;
    private final AtomicReferenceArray<@Nullable CompletionQueue> completions;

    /** For the admin queue and so many others. */
    QueueTable(int ioQueues) {
        count = ioQueues + 1;
        submissions = new AtomicReferenceArray<>(count);
        completions = new AtomicReferenceArray<>(count);
    }

    /** How many ids there are. */
    int count() {
        return count;
    }

    @Nullable SubmissionQueue submission(int id) {
        return id >= 0 && id < count ? submissions.get(id) : null;
    }

    @Nullable CompletionQueue completion(int id) {
        return id >= 0 && id < count ? completions.get(id) : null;
    }

    synchronized void add(CompletionQueue queue) {
        completions.set(queue.id, queue);
    }

    /** Adds a queue; false if the one that its completions go to is gone. */
    synchronized boolean add(SubmissionQueue queue) {
        if (completions.get(queue.completions.id) != queue.completions) {
            return false;
        }
        submissions.set(queue.id, queue);
        return true;
    }

    synchronized void remove(SubmissionQueue queue) {
        submissions.set(queue.id, null);
    }

    /** Removes a queue; false if it is in use. */
    synchronized boolean remove(CompletionQueue queue) {
        for (int n = 0; n < count; n++) {
            SubmissionQueue user = submissions.get(n);
            if (user != null && user.completions == queue) {
                return false;
            }
        }
        completions.set(queue.id, null);
        return true;
    }

    /** True if there is a queue beside the admin queue. */
    synchronized boolean hasIoQueues() {
        for (int n = 1; n < count; n++) {
            if (submissions.get(n) != null || completions.get(n) != null) {
                return true;
            }
        }
        return false;
    }

    synchronized void clear() {
        for (int n = 0; n < count; n++) {
            submissions.set(n, null);
            completions.set(n, null);
        }
    }

    /** True if a queue whose interrupt is not masked holds what the driver has not seen. */
    boolean isAnyPending(int masked) {
        for (int n = 0; n < count; n++) {
            CompletionQueue queue = completions.get(n);
            if (queue != null
                    && queue.hasInterrupt
                    && queue.isPending()
                    && (masked >>> queue.vector & 1) == 0) {
                return true;
            }
        }
        return false;
    }
}
