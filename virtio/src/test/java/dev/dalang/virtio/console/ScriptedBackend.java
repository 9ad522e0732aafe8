package dev.dalang.virtio.console;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A host's side whose room and input the test decides. */
final class ScriptedBackend implements PortBackend {
    final ByteArrayOutputStream written = new ByteArrayOutputStream();
    final List<String> events = new ArrayList<>();
    PortPeer peer = NoPeer.INSTANCE;

    /** How much more is taken. */
    long room = Long.MAX_VALUE;

    /** What there is to read, from {@link #read} on. */
    private byte[] input = {};

    private int next;

    @Override
    public synchronized void start(PortPeer given) {
        peer = given;
        events.add("start");
    }

    @Override
    public synchronized int write(byte[] source, int offset, int length) {
        int taken = (int) Math.min(room, length);
        room -= taken;
        written.write(source, offset, taken);
        return taken;
    }

    @Override
    public synchronized int read(byte[] target, int offset, int length) {
        int count = Math.min(length, input.length - next);
        System.arraycopy(input, next, target, offset, count);
        next += count;
        return count;
    }

    synchronized int left() {
        return input.length - next;
    }

    /** Input comes, and the port is told. */
    void type(String text) {
        type(text.getBytes(StandardCharsets.UTF_8));
    }

    void type(byte[] bytes) {
        synchronized (this) {
            byte[] all = new byte[left() + bytes.length];
            System.arraycopy(input, next, all, 0, left());
            System.arraycopy(bytes, 0, all, left(), bytes.length);
            input = all;
            next = 0;
        }
        peer.readable();
    }

    void makeRoom(long bytes) {
        synchronized (this) {
            room = bytes;
        }
        peer.writable();
    }

    @Override
    public synchronized void guestOpened(boolean isOpen) {
        events.add(isOpen ? "open" : "closed");
    }

    @Override
    public synchronized void close() {
        events.add("end");
    }

    String text() {
        return written.toString(StandardCharsets.UTF_8);
    }
}
