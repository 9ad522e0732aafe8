package dev.dalang.vm.device;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;

/** A host whose room and input a test controls. */
final class TestBackend implements ConsoleBackend {
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ArrayDeque<Integer> input = new ArrayDeque<>();
    private @Nullable ConsolePeer peer;
    private boolean held = true;
    private int room = Integer.MAX_VALUE;

    @Override
    public synchronized boolean transmit(int octet) {
        if (room == 0) {
            return false;
        }
        room--;
        output.write(octet);
        return true;
    }

    @Override
    public synchronized int receive(boolean guestListens) {
        if (held && !guestListens || input.isEmpty()) {
            return -1;
        }
        return input.remove();
    }

    @Override
    public synchronized boolean unread(int octet) {
        if (held) {
            input.addFirst(octet);
        }
        return held;
    }

    @Override
    public synchronized void connect(ConsolePeer device) {
        peer = device;
    }

    void type(String text) {
        synchronized (this) {
            for (byte octet : text.getBytes(StandardCharsets.ISO_8859_1)) {
                input.add(octet & 0xff);
            }
        }
        peer().inputReady();
    }

    void room(int characters) {
        synchronized (this) {
            room = characters;
        }
        peer().outputRoom();
    }

    void immediate() {
        held = false;
        peer().inputReady();
    }

    void sendBreak() {
        peer().breakReceived();
    }

    synchronized String output() {
        return output.toString(StandardCharsets.ISO_8859_1);
    }

    synchronized int pending() {
        return input.size();
    }

    private ConsolePeer peer() {
        if (peer == null) {
            throw new IllegalStateException("no device is connected");
        }
        return peer;
    }
}
