package dev.dalang.virtio.net;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkBackend;
import dev.dalang.net.Offload;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A back end that keeps what it gets, and gives what a test gives it. */
final class RecordingBackend implements NetworkBackend {
    final List<Frame> sent = new ArrayList<>();
    FrameSink sink;
    Set<Offload> accepted = Set.of();
    boolean full;
    boolean asleep;
    int closed;
    int ready;
    private long state = 1;

    void state(long value) {
        state = value;
    }

    @Override
    public void start(VirtualClock clock, FrameSink card) {
        sink = card;
    }

    @Override
    public boolean send(Frame frame) {
        if (full) {
            return false;
        }
        Frame copy = new Frame();
        copy.copyFrom(frame);
        sent.add(copy);
        return true;
    }

    @Override
    public void readyToReceive() {
        ready++;
    }

    @Override
    public Set<Offload> sendOffloads() {
        return EnumSet.allOf(Offload.class);
    }

    @Override
    public Set<Offload> receiveOffloads() {
        return EnumSet.of(Offload.CHECKSUM, Offload.TCP4, Offload.TCP6, Offload.TCP_ECN);
    }

    @Override
    public void acceptOffloads(Set<Offload> offloads) {
        accepted = Set.copyOf(offloads);
    }

    @Override
    public int mtu() {
        return 1500;
    }

    @Override
    public void sleep() {
        asleep = true;
    }

    @Override
    public void wake() {
        asleep = false;
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("recording", 1).put("state", state).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        state = snapshot.expect("recording", 1).getLong("state");
    }

    @Override
    public void close() {
        closed++;
    }
}
