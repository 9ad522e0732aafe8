package dev.dalang.net;

import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.testkit.net.GuestFrame;
import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.Impairment;

import java.net.InetAddress;
import java.util.EnumSet;
import java.util.function.UnaryOperator;

/** A guest's stack on a user-mode network, without a card between them. */
final class Guest implements AutoCloseable {
    static final long MAC = 0x5254_0012_3456L;
    static final InetAddress GATEWAY = GuestStack.literal("10.0.2.2");
    static final InetAddress DNS = GuestStack.literal("10.0.2.3");
    static final InetAddress GATEWAY6 = GuestStack.literal("fec0::2");
    static final InetAddress DNS6 = GuestStack.literal("fec0::3");

    final SystemVirtualClock clock = SystemVirtualClock.running();
    final UserNetwork network;
    final GuestStack stack;
    private final Frame out = new Frame();
    private final GuestFrame in = new GuestFrame();

    /** Whether the card has no buffers. */
    private volatile boolean deaf;

    private volatile boolean missed;

    Guest(UnaryOperator<UserNetwork.Builder> options) {
        this(options, Impairment.NONE);
    }

    Guest(UnaryOperator<UserNetwork.Builder> options, Impairment impairment) {
        network = options.apply(UserNetwork.builder()).build();
        stack = new GuestStack(MAC, this::transmit, impairment);
        network.start(
                clock,
                new FrameSink() {
                    @Override
                    public boolean receive(Frame frame) {
                        return take(frame);
                    }

                    @Override
                    public void readyToSend() {
                        stack.readyToSend();
                    }
                });
    }

    static Guest withLoopback() {
        return new Guest(builder -> builder.hostLoopback(true));
    }

    /** Long segments, and checksums left to be completed, in both directions. */
    Guest offloading() {
        stack.offload(true);
        network.acceptOffloads(EnumSet.of(Offload.CHECKSUM, Offload.TCP4, Offload.TCP6));
        return this;
    }

    /** The card has no buffers from here on, or has them again. */
    void deaf(boolean on) {
        deaf = on;
        if (!on && missed) {
            missed = false;
            network.readyToReceive();
        }
    }

    private boolean transmit(GuestFrame frame) {
        copy(frame, out);
        return network.send(out);
    }

    static void copy(GuestFrame frame, Frame target) {
        target.begin(frame.length);
        target.data().put(0, frame.data, 0, frame.length);
        if (frame.needsChecksum) {
            target.leaveChecksum(frame.checksumStart, frame.checksumOffset);
        }
        if (frame.segmentBytes > 0) {
            boolean v4 = frame.data.getShort(12) == 0x0800;
            target.leaveSegmentation(
                    v4 ? Segmentation.TCP4 : Segmentation.TCP6,
                    frame.segmentBytes,
                    frame.headerBytes,
                    false);
        }
    }

    private boolean take(Frame frame) {
        if (deaf) {
            missed = true;
            // Who gave the buffers meanwhile has seen nothing missed, and tells nobody.
            if (deaf) {
                return false;
            }
        }
        in.clear();
        in.length = frame.length();
        in.data.put(0, frame.data(), 0, frame.length());
        in.needsChecksum = frame.needsChecksum();
        in.checksumStart = frame.checksumStart();
        in.checksumOffset = frame.checksumOffset();
        in.segmentBytes = frame.segmentBytes();
        stack.input(in);
        return true;
    }

    @Override
    public void close() {
        stack.close();
        network.close();
        clock.close();
    }
}
