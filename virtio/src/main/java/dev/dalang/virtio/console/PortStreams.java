package dev.dalang.virtio.console;

import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

/**
 * Moves bytes between the queues of ports and what stands behind them. On the handlers of the
 * queues, one for each.
 */
final class PortStreams {
    /** Chains that a handler serves before it lets others have its thread. */
    private static final int CHAINS_AT_ONCE = 256;

    private final ConsoleCounters counters;

    PortStreams(ConsoleCounters counters) {
        this.counters = counters;
    }

    /** Counts what a console's back end was given. */
    void count(int taken, int wanted) {
        counters.add(ConsoleEvent.BYTE_WRITTEN, taken);
        counters.add(ConsoleEvent.BYTE_DROPPED, wanted - taken);
    }

    /**
     * Takes what the driver has made available.
     *
     * @param port whose; null if there is none, then it is given back unread
     */
    void transmit(@Nullable Port port, VirtQueue queue, VirtioActivation to) {
        int left = CHAINS_AT_ONCE;
        do {
            queue.disableNotification();
            boolean waits = false;
            DescriptorChain chain;
            while (!waits && left-- > 0 && (chain = queue.pop()) != null) {
                if (port == null || port.isRemoved || send(port, chain)) {
                    queue.complete(chain, 0);
                } else {
                    counters.count(ConsoleEvent.WRITE_HELD_BACK);
                    queue.undoPop(chain);
                    waits = true;
                }
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
            if (waits) {
                return; // the back end calls when there is room; the driver need not
            }
            if (left <= 0) {
                to.notifyQueue(queue.index());
                return;
            }
        } while (queue.enableNotification());
    }

    /** Sends what is left of a chain; false if that is not done. */
    private boolean send(Port port, DescriptorChain chain) {
        chain.skipReadable(Math.min(port.sent, chain.readableLeft()));
        while (chain.readableLeft() > 0) {
            int length = (int) Math.min(chain.readableLeft(), port.outgoing.length);
            chain.read(port.outgoing, 0, length);
            int taken = port.backend.write(port.outgoing, 0, length);
            if (port.isConsole) {
                count(taken, length);
            } else {
                count(taken, taken);
                port.sent += taken;
                if (taken < length) {
                    return false;
                }
            }
        }
        port.sent = 0;
        return true;
    }

    /** Fills what the driver has made available, while the guest has the port open. */
    void receive(@Nullable Port port, VirtQueue queue, VirtioActivation to) {
        if (port == null || !port.isGuestOpen) {
            return;
        }
        int left = CHAINS_AT_ONCE;
        do {
            queue.disableNotification();
            boolean waits = false;
            DescriptorChain chain;
            while (!waits && left-- > 0 && (chain = queue.pop()) != null) {
                int room = (int) Math.min(chain.writableBytes(), port.incoming.length);
                if (room == 0) {
                    counters.count(ConsoleEvent.EMPTY_BUFFER);
                    queue.complete(chain, 0);
                    continue;
                }
                int length = port.isGuestOpen ? port.backend.read(port.incoming, 0, room) : 0;
                if (length == 0) {
                    queue.undoPop(chain);
                    waits = true;
                } else {
                    chain.write(port.incoming, 0, length);
                    queue.complete(chain, length);
                    counters.add(ConsoleEvent.BYTE_READ, length);
                }
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
            if (waits) {
                return; // there is nothing to read: the back end calls
            }
            if (left <= 0) {
                to.notifyQueue(queue.index());
                return;
            }
        } while (queue.enableNotification());
    }
}
