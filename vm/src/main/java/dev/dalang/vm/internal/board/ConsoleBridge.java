package dev.dalang.vm.internal.board;

import dev.dalang.virtio.console.PortBackend;
import dev.dalang.virtio.console.PortPeer;
import dev.dalang.vm.device.ConsoleBackend;
import dev.dalang.vm.device.ConsolePeer;

import org.jspecify.annotations.Nullable;

/** Puts a console of the program's behind a port. Any thread. */
public final class ConsoleBridge implements PortBackend, ConsolePeer {
    private final ConsoleBackend console;
    private volatile @Nullable PortPeer peer;

    /** Stands between a console and the port that is about to be. */
    public ConsoleBridge(ConsoleBackend console) {
        this.console = console;
    }

    @Override
    public void start(PortPeer given) {
        peer = given;
        console.connect(this);
        given.opened(true);
    }

    @Override
    public int write(byte[] source, int offset, int length) {
        for (int k = 0; k < length; k++) {
            if (!console.transmit(source[offset + k] & 0xff)) {
                return k;
            }
        }
        return length;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        for (int k = 0; k < length; k++) {
            int octet = console.receive(true);
            if (octet < 0) {
                return k;
            }
            target[offset + k] = (byte) octet;
        }
        return length;
    }

    @Override
    public void close() {
        peer = null;
    }

    @Override
    public void inputReady() {
        PortPeer there = peer;
        if (there != null) {
            there.readable();
        }
    }

    @Override
    public void outputRoom() {
        PortPeer there = peer;
        if (there != null) {
            there.writable();
        }
    }

    /** There is no line that could be held low. */
    @Override
    public void breakReceived() {}
}
