package dev.dalang.vm.internal.machine;

import dev.dalang.vm.device.ConsoleBackend;
import dev.dalang.vm.device.ConsolePeer;

import java.util.OptionalLong;

/** A console's back end that notes when the first line of output was complete. Any thread. */
public final class ObservedConsole implements ConsoleBackend {
    private final ConsoleBackend target;
    private volatile boolean hasLine;
    private long firstLineNanos;

    /**
     * Stands before another.
     *
     * @param target where everything goes
     */
    public ObservedConsole(ConsoleBackend target) {
        this.target = target;
    }

    @Override
    public boolean transmit(int octet) {
        boolean taken = target.transmit(octet);
        if (taken && octet == '\n' && !hasLine) {
            noteLine();
        }
        return taken;
    }

    private synchronized void noteLine() {
        if (!hasLine) {
            firstLineNanos = System.nanoTime();
            hasLine = true;
        }
    }

    /** When the first line ended, on the scale of {@link System#nanoTime}. */
    public OptionalLong firstLineNanos() {
        return hasLine ? OptionalLong.of(firstLineNanos) : OptionalLong.empty();
    }

    @Override
    public int receive(boolean guestListens) {
        return target.receive(guestListens);
    }

    @Override
    public boolean unread(int octet) {
        return target.unread(octet);
    }

    @Override
    public void connect(ConsolePeer peer) {
        target.connect(peer);
    }
}
