package dev.dalang.net;

import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

import java.util.Set;

/**
 * What stands behind a network card: a network of its own, an interface of the host, a recorder.
 * The card sends frames to it and gets frames from it through its {@link FrameSink}. Each direction
 * can say that it is full, so that nobody needs a buffer without bound.
 *
 * <p>A back end is made asleep or awake as its class says, gets its sink once, and is closed by who
 * made it.
 */
public interface NetworkBackend extends Suspendable, AutoCloseable {
    /**
     * Connects the card; frames for the guest may come from here on.
     *
     * @param clock the machine's time
     * @param sink takes frames for the guest
     * @throws IllegalStateException if a card is connected already, or the back end closed
     */
    void start(VirtualClock clock, FrameSink sink);

    /**
     * Takes a frame from the guest. Any thread; never blocks, and copies what it keeps.
     *
     * @param frame the frame; it may be anything at all
     * @return false if there is no room now: nothing was taken, and {@link FrameSink#readyToSend}
     *     follows. True if it was taken, or dropped for good
     */
    boolean send(Frame frame);

    /** The card has room again, after {@link FrameSink#receive} had returned false. Any thread. */
    void readyToReceive();

    /** {@return what the guest may leave to be done in the frames that it sends} */
    Set<Offload> sendOffloads();

    /** {@return what the back end can leave to be done in the frames for the guest} */
    Set<Offload> receiveOffloads();

    /**
     * Says what the guest takes; nothing at first. Any thread. Frames that are under way may still
     * be as they were before.
     *
     * @param accepted some of {@link #receiveOffloads}
     * @throws IllegalArgumentException if there is one that the back end does not have
     */
    void acceptOffloads(Set<Offload> accepted);

    /** {@return the longest IP packet that the link takes, without segmentation} */
    int mtu();

    /** Disconnects and gives everything back. A second call has no effect. */
    @Override
    void close();
}
