package dev.dalang.net;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.Tap;
import dev.dalang.linux.Waiter;
import dev.dalang.net.internal.tap.TapHeader;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * An interface of the host's behind a card, on Linux: the guest is on whatever network the host has
 * put the interface into, a bridge as a rule. What the host and the guest can leave to each other
 * to be done in frames, they do.
 *
 * <p>One thread reads; the card's threads write. What the guest has no room for stays with the
 * kernel, which drops what is too much. An interface that goes away is said once, in the log, and
 * the card's cable counts as pulled out; the machine goes on.
 *
 * <p>Made awake; asleep it leaves frames with the kernel. A snapshot has nothing of the interface.
 * Any thread.
 */
public final class TapNetwork implements NetworkBackend {
    private static final System.Logger LOG = System.getLogger(TapNetwork.class.getName());
    private static final String TYPE = "tap";
    private static final int VERSION = 1;
    private static final int BATCH = 64;
    private static final int BUFFER_BYTES = Tap.HEADER_BYTES + Frame.MAX_BYTES;
    private static final Set<Offload> OFFLOADS =
            Set.copyOf(EnumSet.of(Offload.CHECKSUM, Offload.TCP4, Offload.TCP6, Offload.TCP_ECN));

    private final Tap tap;
    private final Waiter waiter;
    private final int mtu;
    private final Set<Offload> receiveOffloads;
    private final Thread thread =
            Thread.ofPlatform().daemon().name("dalang-tap").unstarted(this::run);
    private final LongAdder refused = new LongAdder();
    private final LongAdder malformed = new LongAdder();

    /** Guards the writing end: one frame is put together at a time. */
    private final Object writing = new Object();

    private final MemorySegment outgoing = Arena.ofAuto().allocate(BUFFER_BYTES, 8);

    private final MemorySegment incoming = Arena.ofAuto().allocate(BUFFER_BYTES, 8);
    private final Frame frame = new Frame();

    /** A frame that the card had no room for; the thread's own. */
    private boolean holds;

    private volatile boolean senderWaits;
    private volatile boolean roomToReceive;
    private volatile boolean gone;

    /** Guards what follows; never held while the card is called. */
    private final Object lifeCycle = new Object();

    private @Nullable FrameSink sink;
    private boolean asleep;
    private boolean resting;
    private boolean closed;

    private TapNetwork(Tap tap, Waiter waiter, int mtu, Set<Offload> receiveOffloads) {
        this.tap = tap;
        this.waiter = waiter;
        this.mtu = mtu;
        this.receiveOffloads = receiveOffloads;
    }

    /**
     * Opens an interface, or makes it where the user may and there is none of that name; it is the
     * host's business to give it an address or to put it into a bridge, and to bring it up.
     *
     * @param name its name, 1 to 15 characters
     * @return the network, awake, without a card
     * @throws IOException if it cannot be had; the message says why
     */
    public static TapNetwork open(String name) throws IOException {
        if (!Linux.isAvailable()) {
            throw new IOException("interfaces of the host's are to be had on Linux only");
        }
        Tap tap = opened(name);
        Waiter waiter = null;
        try {
            waiter = Waiter.of(tap.descriptor());
            return new TapNetwork(tap, waiter, tap.mtu(), probe(tap));
        } catch (IOException | RuntimeException | Error failed) {
            if (waiter != null) {
                waiter.close();
            }
            tap.close();
            throw failed;
        }
    }

    private static Tap opened(String name) throws IOException {
        try {
            return Tap.open(name);
        } catch (HostIoException refused) {
            if (!refused.is(Errno.EPERM, Errno.EACCES)) {
                throw refused;
            }
            throw new IOException(
                    "expected an interface that this user may open, found: "
                            + refused.getMessage()
                            + ". Who has the rights makes one by: ip tuntap add dev "
                            + name
                            + " mode tap vnet_hdr user "
                            + System.getProperty("user.name", "USER"),
                    refused);
        }
    }

    private static Set<Offload> probe(Tap tap) throws IOException {
        try {
            tap.acceptOffloads(true, true, true, true);
        } catch (HostIoException none) {
            return Set.of();
        }
        tap.acceptOffloads(false, false, false, false);
        return OFFLOADS;
    }

    /** {@return how many of the guest's frames the host did not want: the interface was down} */
    public long refused() {
        return refused.sum();
    }

    /** {@return whether the interface has gone away} */
    public boolean isGone() {
        return gone;
    }

    @Override
    public void start(VirtualClock clock, FrameSink card) {
        synchronized (lifeCycle) {
            if (sink != null || closed) {
                throw new IllegalStateException(
                        closed ? "the tap is closed" : "a card is connected already");
            }
            sink = card;
            thread.start();
        }
    }

    // ---- from the guest

    @Override
    public boolean send(Frame sent) {
        if (gone) {
            return true;
        }
        if (sent.segmentation() == Segmentation.UDP) {
            refused.increment();
            return true;
        }
        Tap.Written written;
        synchronized (writing) {
            TapHeader.write(sent, outgoing);
            try {
                written = tap.write(outgoing, Tap.HEADER_BYTES + sent.length());
            } catch (HostIoException lost) {
                waiter.wakeUp(); // the thread finds out, and says so
                return true;
            }
        }
        if (written == Tap.Written.REFUSED) {
            refused.increment();
        } else if (written == Tap.Written.NO_ROOM) {
            senderWaits = true;
            waiter.wakeUp();
            return false;
        }
        return true;
    }

    // ---- for the guest

    private void run() {
        FrameSink card;
        synchronized (lifeCycle) {
            card = sink;
        }
        try {
            while (card != null && isOpen()) {
                turn(card);
            }
        } catch (IOException lost) {
            if (isOpen()) {
                gone = true;
                LOG.log(
                        System.Logger.Level.ERROR,
                        () ->
                                "the guest's network is gone: interface "
                                        + lost.getMessage()
                                        + "; its cable counts as pulled out");
                if (card != null) {
                    card.linkLost();
                    card.readyToSend();
                }
            }
        } finally {
            synchronized (lifeCycle) {
                resting = true;
                lifeCycle.notifyAll();
            }
        }
    }

    /** Waits while the machine sleeps; false at the end. */
    private boolean isOpen() {
        synchronized (lifeCycle) {
            while (asleep && !closed) {
                resting = true;
                lifeCycle.notifyAll();
                try {
                    lifeCycle.wait();
                } catch (InterruptedException stray) {
                    LOG.log(System.Logger.Level.DEBUG, "nobody interrupts this thread", stray);
                }
            }
            resting = false;
            return !closed;
        }
    }

    private void turn(FrameSink card) throws IOException {
        boolean reads = !holds || roomToReceive;
        waiter.interest(0, reads, senderWaits);
        waiter.await(holds && roomToReceive ? 0 : -1);
        if (senderWaits && waiter.isWritable(0)) {
            senderWaits = false;
            card.readyToSend();
        }
        if (holds) {
            if (!roomToReceive) {
                if (waiter.isReadable(0)) {
                    tap.check(); // not asked for: if the interface is gone, this says so
                }
                return;
            }
            roomToReceive = false;
            holds = !card.receive(frame);
        }
        boolean some = false;
        for (int i = 0; i < BATCH && !holds; i++) {
            int bytes = tap.read(incoming);
            if (bytes < 0) {
                break;
            }
            if (!TapHeader.read(incoming, bytes, frame)) {
                malformed.increment();
                continue;
            }
            roomToReceive = false;
            holds = !card.receive(frame);
            some = true;
        }
        if (some) {
            card.endOfBatch();
        }
    }

    @Override
    public void readyToReceive() {
        roomToReceive = true;
        waiter.wakeUp();
    }

    @Override
    public Set<Offload> sendOffloads() {
        return OFFLOADS;
    }

    @Override
    public Set<Offload> receiveOffloads() {
        return receiveOffloads;
    }

    @Override
    public void acceptOffloads(Set<Offload> accepted) {
        if (!receiveOffloads.containsAll(accepted)) {
            throw new IllegalArgumentException(
                    "expected some of " + receiveOffloads + ", got " + accepted);
        }
        if (receiveOffloads.isEmpty() || gone) {
            return;
        }
        boolean checksum = accepted.contains(Offload.CHECKSUM);
        try {
            tap.acceptOffloads(
                    checksum,
                    checksum && accepted.contains(Offload.TCP4),
                    checksum && accepted.contains(Offload.TCP6),
                    checksum && accepted.contains(Offload.TCP_ECN));
        } catch (HostIoException lost) {
            waiter.wakeUp(); // the thread finds out, and says so
        }
    }

    @Override
    public int mtu() {
        return mtu;
    }

    // ---- the life cycle

    @Override
    public void sleep() {
        boolean interrupted = false;
        synchronized (lifeCycle) {
            asleep = true;
            waiter.wakeUp();
            while (!resting && thread.isAlive()) {
                try {
                    lifeCycle.wait(100);
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void wake() {
        synchronized (lifeCycle) {
            asleep = false;
            lifeCycle.notifyAll();
        }
    }

    @Override
    public Snapshot snapshot() {
        requireAsleep();
        return Snapshot.builder(TYPE, VERSION).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        requireAsleep();
        snapshot.expect(TYPE, VERSION);
    }

    private void requireAsleep() {
        synchronized (lifeCycle) {
            if (!asleep) {
                throw new IllegalStateException("the tap is awake; put it to sleep first");
            }
        }
    }

    @Override
    public void close() {
        synchronized (lifeCycle) {
            if (closed) {
                return;
            }
            closed = true;
            lifeCycle.notifyAll();
        }
        waiter.wakeUp();
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        waiter.close();
        tap.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
