package dev.dalang.remote.internal.server;

import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.EventPoll;
import dev.dalang.linux.HostIoException;
import dev.dalang.pci.PciDoorbell;
import dev.dalang.remote.internal.wire.Refusal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Events that a client signals instead of writing registers. They are one client's: who comes after
 * it gets others, because it may signal those that it has for as long as it pleases. A thread waits
 * for them; signals that come while it rings are rung once.
 */
final class Doorbells implements AutoCloseable {
    private static final String NAME = "vfio-user doorbells";

    private final List<PciDoorbell> doorbells;
    private final List<EventDescriptor> events = new ArrayList<>();
    private final EventPoll poll;
    private final Consumer<PciDoorbell> ring;
    private final Thread waiting;
    private volatile boolean isClosing;

    /**
     * Makes an event for each.
     *
     * @param ring is told, on the thread of this
     * @throws Refusal if the host has no descriptors left
     */
    Doorbells(List<PciDoorbell> doorbells, Consumer<PciDoorbell> ring) {
        this.doorbells = doorbells;
        this.ring = ring;
        waiting = Thread.ofPlatform().daemon().name(NAME).unstarted(this::await);
        try {
            poll = EventPoll.create(NAME);
        } catch (HostIoException failed) {
            throw refused(failed);
        }
        try {
            for (int token = 0; token < doorbells.size(); token++) {
                EventDescriptor event = EventDescriptor.create(NAME);
                events.add(event);
                poll.add(token, event);
            }
        } catch (HostIoException failed) {
            closeAll();
            throw refused(failed);
        }
        waiting.start();
    }

    private static Refusal refused(HostIoException failed) {
        return new Refusal(
                failed.errno().orElse(Errno.ENOMEM), String.valueOf(failed.getMessage()));
    }

    /** The event of one of them; it stays this object's. */
    EventDescriptor event(PciDoorbell of) {
        return events.get(doorbells.indexOf(of));
    }

    private void await() {
        try {
            while (!isClosing) {
                for (long token : poll.await(-1)) {
                    if (!isClosing) {
                        ring.accept(doorbells.get((int) token));
                    }
                }
            }
        } catch (HostIoException closed) {
            isClosing = true;
        }
    }

    private void closeAll() {
        poll.close();
        events.forEach(EventDescriptor::close);
    }

    /** Nobody rings any more when this returns. */
    @Override
    public void close() {
        isClosing = true;
        poll.wakeUp();
        boolean isInterrupted = false;
        while (waiting.isAlive()) {
            try {
                waiting.join();
            } catch (InterruptedException told) {
                isInterrupted = true;
            }
        }
        closeAll();
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
