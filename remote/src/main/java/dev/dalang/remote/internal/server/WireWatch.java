package dev.dalang.remote.internal.server;

import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.EventPoll;
import dev.dalang.linux.HostIoException;
import dev.dalang.remote.internal.wire.Refusal;

import org.jspecify.annotations.Nullable;

import java.util.function.BiConsumer;

/**
 * Waits for the events by which a client masks and unmasks the wired interrupt: a hypervisor
 * signals one when its guest has served the interrupt, without a message. Its owner's lock guards
 * it; the thread that waits takes that lock for itself.
 */
final class WireWatch implements AutoCloseable {
    private static final int UNMASK = 0;
    private static final int MASK = 1;

    private final EventPoll poll;
    private final @Nullable EventDescriptor[] events = new @Nullable EventDescriptor[2];

    /**
     * Begins to wait; for nothing yet.
     *
     * @param masked told on a thread of its own whether the wire is to be masked; perhaps once more
     *     after this is closed, which its owner, with its lock, knows
     */
    WireWatch(BiConsumer<WireWatch, Boolean> masked) {
        try {
            poll = EventPoll.create("the events of a wire");
        } catch (HostIoException none) {
            throw new Refusal(
                    none.errno().orElse(Errno.ENOMEM), "DEVICE_SET_IRQS: " + none.getMessage());
        }
        Thread.ofPlatform().daemon().name("vfio-user wire").start(() -> run(masked));
    }

    private void run(BiConsumer<WireWatch, Boolean> masked) {
        try {
            while (true) {
                for (long token : poll.await(-1)) {
                    masked.accept(this, token == MASK);
                }
            }
        } catch (HostIoException closed) {
            return; // the client is gone, or wants it no more
        }
    }

    /**
     * Sets one of the events.
     *
     * @param isMask whether it masks, or unmasks
     * @param event taken over; null for none
     * @throws Refusal if it cannot be waited for; then there is none
     */
    void set(boolean isMask, @Nullable EventDescriptor event) {
        int place = isMask ? MASK : UNMASK;
        clear(place);
        if (event != null) {
            try {
                poll.add(place, event);
                events[place] = event;
            } catch (HostIoException refused) {
                event.close();
                throw Refusal.invalid("DEVICE_SET_IRQS: " + refused.getMessage());
            }
        }
    }

    private void clear(int place) {
        EventDescriptor event = events[place];
        if (event != null) {
            poll.remove(place);
            event.close();
            events[place] = null;
        }
    }

    @Override
    public void close() {
        clear(UNMASK);
        clear(MASK);
        poll.close();
    }
}
