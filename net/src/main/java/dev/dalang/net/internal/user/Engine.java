package dev.dalang.net.internal.user;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.net.EchoForwarder.Echo;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.HostForward;
import dev.dalang.net.NetworkEvent;
import dev.dalang.net.Offload;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The thread of a user-mode network. It takes frames off the ring that the card fills, looks at
 * sockets that are ready, does what is due, and sleeps in the selector when there is nothing.
 */
public final class Engine implements Loop {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());
    private static final int RING_BYTES = 1 << 21;

    /** Frames between two looks at the sockets. */
    private static final int BATCH = 256;

    /** Timers are rounded up to this, so that a guest cannot make the clock busy. */
    private static final long TICK_NANOS = 10_000_000;

    private static final int MAX_REPLIES = 64;

    private @Nullable VirtualClock clock;
    private VirtualClock.@Nullable Timer timer;
    private final Selector selector;
    private final FrameRing ring = new FrameRing(RING_BYTES);
    private final Counters counters = new Counters();
    private final Output output;
    private final Packet packet = new Packet();
    private final Neighbours neighbours = new Neighbours();
    private final Arp arp;
    private final Dhcp dhcp;
    private final Icmp icmp;
    private final Ndp ndp;
    private final Fragments fragments;
    private final UdpNat udp;
    private final TcpNat tcp;
    private final EngineState state;
    private final BufferPool pool;
    private final Thread thread =
            Thread.ofPlatform().daemon().name("dalang-net").unstarted(this::run);
    private final List<SelectionKey> paused = new ArrayList<>();
    private final Queue<Echo> echoReplies = new ArrayBlockingQueue<>(MAX_REPLIES);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Consumer<SelectionKey> onReady = this::ready;

    private volatile @Nullable FrameSink sink;
    private volatile boolean senderWaits;
    private volatile boolean roomToReceive;
    private volatile boolean selecting;
    private volatile boolean timerExpired;

    private final Object lifeCycle = new Object();

    /** Guarded by {@link #lifeCycle}: what is wanted, and what is. */
    private boolean sleepWanted;

    private boolean asleep;
    private int wakes;
    private volatile boolean lifeCycleCalls;

    private long now;
    private long nextTick = Long.MAX_VALUE;
    private ByteBuffer view;
    private ByteBuffer viewed;
    private boolean failureLogged;

    /**
     * Makes a network without a card; its thread starts with {@link #start}.
     *
     * @throws IOException if the host has no selector for it
     */
    public Engine(EngineConfig config) throws IOException {
        selector = Selector.open();
        view = packet.data;
        viewed = view;
        long secret = new SecureRandom().nextLong();
        output = new Output(counters, config.mtu());
        Destinations destinations =
                new Destinations(
                        config.hostLoopback(),
                        config.restrict(),
                        config.outside(),
                        config.resolvers());
        arp = new Arp(output, neighbours, counters);
        dhcp = new Dhcp(output, neighbours, counters);
        icmp = new Icmp(output, counters, destinations, config.echo());
        ndp = new Ndp(output, neighbours, counters, icmp);
        fragments = new Fragments(counters);
        pool = new BufferPool(config.bufferBytes());
        UdpNat.Resolution resolution = this::resolve;
        udp =
                new UdpNat(
                        this,
                        output,
                        counters,
                        destinations,
                        dhcp,
                        icmp,
                        neighbours,
                        resolution,
                        config.maxUdpFlows(),
                        secret);
        tcp =
                new TcpNat(
                        this,
                        output,
                        counters,
                        destinations,
                        neighbours,
                        resolution,
                        pool,
                        config.maxConnections(),
                        secret ^ 0x5deece66dL);
        state = new EngineState(neighbours, dhcp, tcp);
        if (config.echo() != null) {
            config.echo().start(this::echoReply);
        }
    }

    private void resolve(long hi, long lo) {
        if (Ip.isV4(hi, lo)) {
            arp.request((int) lo);
        } else {
            ndp.request(hi, lo);
        }
    }

    /** Adds a forward for a socket that listens; before {@link #start}. */
    public void forward(HostForward forward, ServerSocketChannel channel) throws IOException {
        tcp.add(new TcpForward(tcp, forward, channel));
    }

    /** Adds a forward for a socket that is bound; before {@link #start}. */
    public void forward(HostForward forward, DatagramChannel channel) throws IOException {
        UdpForward unused = new UdpForward(udp, forward, channel);
        assert unused.guestPort == forward.guestPort();
    }

    /** Connects the card and starts the thread. */
    public void start(VirtualClock machineTime, FrameSink card) {
        synchronized (lifeCycle) {
            connect(machineTime, card);
            thread.start();
        }
    }

    /** Connects the card; the turns are the caller's. */
    void connect(VirtualClock machineTime, FrameSink card) {
        synchronized (lifeCycle) {
            if (sink != null || closed.get()) {
                throw new IllegalStateException(
                        closed.get() ? "the network is closed" : "a card is connected already");
            }
            clock = machineTime;
            timer = machineTime.newTimer(this::timerExpired);
            sink = card;
            output.connect(card);
        }
    }

    public Counters counters() {
        return counters;
    }

    // ---- from other threads

    /** Takes a frame of the guest's. */
    public boolean send(Frame frame) {
        boolean taken = ring.offer(frame);
        if (!taken) {
            senderWaits = true;
            // The room that came meanwhile would be told to nobody.
            taken = ring.offer(frame);
            if (!taken) {
                counters.count(NetworkEvent.GUEST_HELD_BACK);
            }
        }
        nudge();
        return taken;
    }

    /** The card has room again. */
    public void readyToReceive() {
        roomToReceive = true;
        nudge();
    }

    public void acceptOffloads(Set<Offload> accepted) {
        output.acceptOffloads(accepted);
    }

    private long readClock() {
        VirtualClock machineTime = clock;
        return machineTime == null ? 0 : machineTime.nanos();
    }

    private void stopTimer() {
        VirtualClock.Timer alarm = timer;
        if (alarm != null) {
            alarm.cancel();
        }
    }

    private void timerExpired() {
        timerExpired = true;
        nudge();
    }

    private void echoReply(Echo reply) {
        if (echoReplies.offer(reply)) {
            nudge();
        }
    }

    /**
     * Wakes the thread if it may be in the selector. Whoever calls has written something volatile
     * before, and the thread reads all of that after it has said that it goes there.
     */
    private void nudge() {
        VarHandle.fullFence();
        if (selecting) {
            selector.wakeup();
        }
    }

    // ---- the loop

    private void run() {
        try {
            while (!closed.get()) {
                if (lifeCycleCalls) {
                    rest();
                }
                turn(true);
            }
        } catch (IOException | RuntimeException | Error broken) {
            counters.count(NetworkEvent.INTERNAL_ERROR);
            LOG.log(System.Logger.Level.ERROR, "the user-mode network ends", broken);
        } finally {
            tearDown();
        }
    }

    /** One turn: a batch of frames, what it made due, what time made due, sockets. */
    void turn(boolean mayWait) throws IOException {
        now = readClock();
        output.beginBatch();
        if (roomToReceive) {
            roomToReceive = false;
            resume();
        }
        boolean drained = drain(BATCH);
        takeEchoReplies();
        tcp.flush();
        if (timerExpired || now >= nextTick) {
            timerExpired = false;
            tick();
            tcp.flush();
        }
        tellSender();
        output.endBatch();
        if (!mayWait || !drained || tcp.hasWork()) {
            selector.selectNow(onReady);
            return;
        }
        selecting = true;
        VarHandle.fullFence();
        boolean nothing =
                ring.isEmpty()
                        && !roomToReceive
                        && !timerExpired
                        && !lifeCycleCalls
                        && !closed.get()
                        && echoReplies.isEmpty();
        if (nothing) {
            selector.select(onReady, 0);
        } else {
            selector.selectNow(onReady);
        }
        selecting = false;
    }

    /** Works frames off; true if none is left. */
    private boolean drain(int most) {
        for (int i = 0; i < most; i++) {
            if (!ring.peek(packet)) {
                return true;
            }
            counters.count(NetworkEvent.FRAME_FROM_GUEST);
            try {
                input();
            } catch (RuntimeException mistake) {
                failed(mistake);
            }
            ring.release();
        }
        return false;
    }

    private void tellSender() {
        if (senderWaits && ring.free() >= RING_BYTES / 2) {
            senderWaits = false;
            FrameSink card = sink;
            if (card != null) {
                card.readyToSend();
            }
        }
    }

    private void takeEchoReplies() {
        Echo reply = echoReplies.poll();
        while (reply != null) {
            icmp.reply(reply);
            reply = echoReplies.poll();
        }
    }

    private void resume() {
        output.retry();
        if (output.isFull()) {
            return;
        }
        for (int i = 0; i < paused.size(); i++) {
            SelectionKey key = paused.get(i);
            if (key.isValid()) {
                key.interestOps(SelectionKey.OP_READ);
            }
        }
        paused.clear();
    }

    private void tick() {
        nextTick = Long.MAX_VALUE;
        schedule(tcp.tick(now));
        schedule(udp.tick(now));
        schedule(ndp.tick(now));
    }

    private void ready(SelectionKey key) {
        Endpoint endpoint = (Endpoint) key.attachment();
        try {
            if (key.isValid()) {
                endpoint.ready(key);
            }
        } catch (IOException broken) {
            counters.count(NetworkEvent.HOST_ERROR);
            endpoint.fail();
        } catch (RuntimeException mistake) {
            failed(mistake);
            endpoint.fail();
        }
    }

    private void failed(RuntimeException mistake) {
        counters.count(NetworkEvent.INTERNAL_ERROR);
        if (!failureLogged) {
            failureLogged = true; // the guest may be able to repeat it
            LOG.log(System.Logger.Level.ERROR, "the user-mode network gave a packet up", mistake);
        }
    }

    // ---- one frame

    private void input() {
        if (packet.end - packet.start < Ip.ETHERNET_BYTES) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        int type = packet.data.getShort(packet.start + 12) & 0xffff;
        packet.sourceMac = Ip.mac(packet.data, packet.start + 6);
        switch (type) {
            case Ip.ETHERTYPE_ARP -> {
                arp.input(packet);
                tcp.learnt();
            }
            case Ip.ETHERTYPE_IPV4 -> route(packet.readIpv4());
            case Ip.ETHERTYPE_IPV6 -> route(packet.readIpv6());
            default -> counters.count(NetworkEvent.IGNORED);
        }
    }

    private void route(Packet.Verdict verdict) {
        switch (verdict) {
            case GOOD -> dispatch();
            case FRAGMENT -> {
                if (!Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
                    counters.count(NetworkEvent.MARTIAN);
                } else if (fragments.add(packet, now)) {
                    dispatch();
                }
            }
            case MALFORMED -> counters.count(NetworkEvent.MALFORMED);
            case BAD_CHECKSUM -> counters.count(NetworkEvent.BAD_CHECKSUM);
            case IGNORED -> counters.count(NetworkEvent.IGNORED);
        }
    }

    private void dispatch() {
        switch (packet.protocol) {
            case Ip.TCP -> tcp.input(packet);
            case Ip.UDP -> udp.input(packet);
            case Ip.ICMP -> {
                if (packet.isV4() && Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
                    icmp.input4(packet);
                } else {
                    counters.count(NetworkEvent.MARTIAN);
                }
            }
            case Ip.ICMPV6 -> {
                if (packet.isV4()) {
                    counters.count(NetworkEvent.IGNORED);
                } else {
                    ndp.input(packet, now);
                    tcp.learnt();
                }
            }
            default -> counters.count(NetworkEvent.IGNORED);
        }
    }

    // ---- for flows

    @Override
    public long now() {
        return now;
    }

    @Override
    public void schedule(long deadline) {
        if (deadline < nextTick) {
            nextTick = Math.max(deadline, now + TICK_NANOS);
            VirtualClock.Timer alarm = timer;
            if (alarm != null) {
                alarm.arm(nextTick);
            }
        }
    }

    @Override
    public SelectionKey register(SelectableChannel channel, int operations, Endpoint endpoint)
            throws IOException {
        return channel.register(selector, operations, endpoint);
    }

    @Override
    public void pauseReading(SelectionKey key) {
        key.interestOps(0);
        paused.add(key);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // the same memory, not the same content
    public ByteBuffer view(ByteBuffer buffer, int offset, int bytes) {
        if (viewed != buffer) {
            viewed = buffer;
            view = buffer.duplicate();
        }
        return view.limit(offset + bytes).position(offset);
    }

    // ---- the life cycle

    /** Stops; when it returns the thread rests, and what the guest had sent is worked off. */
    public void sleep() {
        synchronized (lifeCycle) {
            sleepWanted = true;
            if (sink == null || closed.get()) {
                asleep = true;
                return;
            }
            lifeCycleCalls = true;
            nudge();
            boolean interrupted = false;
            while (!asleep && thread.isAlive()) {
                try {
                    lifeCycle.wait(100);
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
            asleep = true;
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    public void wake() {
        synchronized (lifeCycle) {
            sleepWanted = false;
            asleep = false;
            wakes++;
            lifeCycle.notifyAll();
        }
    }

    private void rest() throws IOException {
        now = readClock();
        output.beginBatch();
        long frames = RING_BYTES / 16; // all that can be in the ring, and an end
        while (!drain(BATCH) && frames > 0) {
            frames -= BATCH;
        }
        tcp.flush();
        output.endBatch();
        stopTimer();
        synchronized (lifeCycle) {
            asleep = sleepWanted;
            lifeCycle.notifyAll();
            int before = wakes;
            while (sleepWanted && wakes == before && !closed.get()) {
                try {
                    lifeCycle.wait();
                } catch (InterruptedException stray) {
                    LOG.log(System.Logger.Level.DEBUG, "nobody interrupts this thread", stray);
                }
            }
            asleep = false;
            lifeCycleCalls = sleepWanted; // woken, and put to sleep again: there is a batch first
        }
        now = readClock();
        nextTick = Long.MAX_VALUE;
        state.tellLost();
        timerExpired = true;
    }

    public Snapshot snapshot() {
        synchronized (lifeCycle) {
            requireAsleep();
            return state.save();
        }
    }

    public void restore(Snapshot snapshot) {
        synchronized (lifeCycle) {
            requireAsleep();
            state.restore(
                    snapshot,
                    () -> {
                        tcp.clear();
                        udp.clear();
                        fragments.clear();
                        output.clear();
                        ring.clear();
                    });
        }
    }

    private void requireAsleep() {
        if (!asleep) {
            throw new IllegalStateException("the network is awake; put it to sleep first");
        }
    }

    /** Memory that connections hold or may ask for; asleep, or for tests. */
    public long bufferBytes() {
        return pool.allocatedBytes();
    }

    /** Ends the thread and closes all sockets. */
    public void close() {
        boolean alive;
        synchronized (lifeCycle) {
            if (!closed.compareAndSet(false, true)) {
                return;
            }
            lifeCycle.notifyAll();
            alive = thread.isAlive();
        }
        selector.wakeup();
        if (!alive) {
            tearDown();
            return;
        }
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void tearDown() {
        stopTimer();
        tcp.clear();
        udp.clear();
        for (SelectionKey key : selector.keys()) {
            Closing.quietly(key.channel());
        }
        Closing.quietly(selector);
        synchronized (lifeCycle) {
            asleep = true;
            lifeCycle.notifyAll();
        }
    }
}
