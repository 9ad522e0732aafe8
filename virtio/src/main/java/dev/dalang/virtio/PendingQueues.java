package dev.dalang.virtio;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;

/** Notifications that came while nobody could serve them. Any thread, no lock. */
final class PendingQueues {
    private final int count;
    private final AtomicLongArray words;

    PendingQueues(int count) {
        this.count = count;
        words = new AtomicLongArray((count + 63) / 64);
    }

    boolean add(int queue) {
        if (queue < 0 || queue >= count) {
            return false;
        }
        words.getAndUpdate(queue >>> 6, word -> word | 1L << queue);
        return true;
    }

    void remove(int queue) {
        words.getAndUpdate(queue >>> 6, word -> word & ~(1L << queue));
    }

    void clear() {
        for (int k = 0; k < words.length(); k++) {
            words.set(k, 0);
        }
    }

    void drain(IntConsumer target) {
        for (int k = 0; k < words.length(); k++) {
            for (long word = words.getAndSet(k, 0); word != 0; word &= word - 1) {
                target.accept(k * 64 + Long.numberOfTrailingZeros(word));
            }
        }
    }

    long[] save() {
        long[] saved = new long[words.length()];
        for (int k = 0; k < saved.length; k++) {
            saved[k] = words.get(k);
        }
        return saved;
    }

    void load(long[] saved) {
        for (int k = 0; k < saved.length; k++) {
            int left = count - 64 * k;
            words.set(k, left < 64 ? saved[k] & (1L << left) - 1 : saved[k]);
        }
    }
}
