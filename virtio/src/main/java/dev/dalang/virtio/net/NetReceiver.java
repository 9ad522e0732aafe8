package dev.dalang.virtio.net;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.net.Frame;
import dev.dalang.virtio.VirtioInterrupt;
import dev.dalang.virtio.queue.ChainException;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

/** A receive queue: the back end's thread puts frames into the driver's buffers. */
final class NetReceiver {
    private final VirtQueue queue;
    private final VirtioInterrupt interrupt;
    private final NetCounters counters;
    private final @Nullable DescriptorChain[] chains;
    private boolean retired;
    private boolean unpublished;

    /** Whether the driver was asked to notify when it has made buffers available. */
    private boolean asks;

    NetReceiver(
            VirtQueue queue, VirtioInterrupt interrupt, NetCounters counters, boolean mergeable) {
        this.queue = queue;
        this.interrupt = interrupt;
        this.counters = counters;
        this.chains = new DescriptorChain[mergeable ? queue.size() : 1];
        queue.disableNotification();
    }

    /** Puts a frame into buffers; false if there are too few now. */
    synchronized boolean receive(Frame frame) {
        if (retired || queue.isBroken()) {
            counters.count(VirtioNetEvent.RECEIVE_DROPPED);
            return true;
        }
        try {
            return place(frame);
        } catch (GuestMemoryException | ChainException notBuffers) {
            retired = true;
            interrupt.needsReset("a receive buffer cannot be written: " + notBuffers.getMessage());
            return true;
        }
    }

    private boolean place(Frame frame) {
        int needed = NetHeader.BYTES + frame.length();
        int count = collect(needed);
        if (count == 0) {
            return false;
        }
        if (count < 0) {
            counters.count(VirtioNetEvent.RECEIVE_DROPPED);
            return true;
        }
        try {
            fill(frame, count);
        } catch (GuestMemoryException | ChainException notBuffers) {
            giveBack(count); // nothing is in flight when the device is put to sleep
            throw notBuffers;
        }
        for (int i = 0; i < count; i++) {
            DescriptorChain chain = chain(i);
            chains[i] = null;
            queue.completeLater(chain, chain.bytesWritten());
        }
        queue.publish();
        unpublished = true;
        counters.count(VirtioNetEvent.RECEIVED);
        return true;
    }

    private void fill(Frame frame, int count) {
        NetHeader.write(chain(0), frame, count);
        int done = 0;
        for (int i = 0; i < count; i++) {
            DescriptorChain chain = chain(i);
            int bytes = (int) Math.min(chain.writableLeft(), frame.length() - done);
            chain.write(frame.segment().asSlice(done, bytes));
            done += bytes;
        }
    }

    private DescriptorChain chain(int place) {
        DescriptorChain chain = chains[place];
        if (chain == null) {
            throw new AssertionError("chain " + place); // collected just before
        }
        return chain;
    }

    /** Pops chains for so many bytes; 0: too few now, -1: there will never be enough. */
    private int collect(int needed) {
        long found = 0;
        int count = 0;
        while (found < needed) {
            if (count == chains.length) {
                giveBack(count);
                return -1;
            }
            DescriptorChain chain = queue.pop();
            if (chain == null) {
                asks = true;
                // Before what was popped goes back: the driver is to notify of what comes after.
                if (queue.enableNotification()) {
                    continue;
                }
                giveBack(count);
                counters.count(VirtioNetEvent.RECEIVE_HELD_BACK);
                return 0;
            }
            chains[count] = chain;
            count++;
            found += chain.writableBytes();
        }
        if (asks) {
            asks = false;
            queue.disableNotification();
        }
        return count;
    }

    private void giveBack(int count) {
        for (int i = count - 1; i >= 0; i--) {
            queue.undoPop(chain(i));
            chains[i] = null;
        }
    }

    /** The back end has nothing more now: the driver hears of what it got. */
    synchronized void endOfBatch() {
        if (unpublished && !retired) {
            unpublished = false;
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
        }
    }

    /** When this returns, nothing more is received here. */
    synchronized void retire() {
        retired = true;
    }
}
