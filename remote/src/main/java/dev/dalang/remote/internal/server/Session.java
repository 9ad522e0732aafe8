package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.FramingException;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Version;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A client that is connected. One thread takes its requests and does them in their order. A device
 * that reaches for memory by messages waits for an answer on whatever thread it is on, which may be
 * that one: so whoever waits, reads, if nobody does, and keeps for later what is not for him.
 */
final class Session implements RemoteAccess {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    /** A client that has so many requests on their way while it owes an answer is let go. */
    private static final int MAX_WAITING = 65_536;

    private static final long MAX_WAITING_BYTES = 32L << 20;
    private static final int MAX_WAITING_DESCRIPTORS = 1024;

    /** So many transfers by messages may be under way. */
    private static final int MAX_TRANSFERS = 256;

    /** Clients send in one go what they take back and what they give for it. */
    private static final int REMAPPING_MILLISECONDS = 20;

    /** An answer that is waited for. Guarded by {@link #lock}. */
    private static final class Transfer {
        final Command command;
        @Nullable Message answer;

        Transfer(Command command) {
            this.command = command;
        }
    }

    private final Connection connection;
    private final ServedDevice device;
    private final Requests requests;
    private final LongAdder refusals;
    private final ReentrantLock lock = new ReentrantLock();

    /** Something was read, or who read is through. */
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private final ArrayDeque<Message> waiting = new ArrayDeque<>();
    private final Map<Integer, Transfer> transfers = new HashMap<>();
    private long waitingBytes;
    private int waitingDescriptors;
    private int nextId;
    private boolean isReading;
    private boolean isOver;

    private final int patience;

    /** Where the device's own requests go, if the client wants them there. */
    private volatile @Nullable TwinSocket twin;

    private int maxTransferBytes = Connection.MAX_TRANSFER_BYTES;

    /** A session with a client that may take so many milliseconds to say what it speaks. */
    Session(Connection connection, ServedDevice device, LongAdder refusals, int patience) {
        this.connection = connection;
        this.device = device;
        this.refusals = refusals;
        this.patience = patience;
        requests = new Requests(device);
    }

    /** Serves the client until it goes, then takes from the device what it gave. */
    void run() {
        try {
            if (negotiate()) {
                TwinSocket second = twin;
                device.memory().connect(second != null ? second : this);
                for (Message next = next(); next != null; next = next()) {
                    try (Message message = next) {
                        answer(message);
                    }
                }
            }
        } catch (HostIoException gone) {
            LOG.log(System.Logger.Level.DEBUG, "a client is gone: {0}", gone.getMessage());
        } finally {
            end();
            lock.lock();
            try {
                waiting.forEach(Message::close);
                waiting.clear();
            } finally {
                lock.unlock();
            }
            requests.disconnected();
            device.disconnected();
            connection.close();
            TwinSocket second = twin;
            if (second != null) {
                second.close();
            }
        }
    }

    /** True if the client is gone, though this has not seen it yet. */
    boolean isHungUp() {
        return connection.isHungUp();
    }

    /** Ends it: who waits for the client goes on. */
    void end() {
        lock.lock();
        try {
            isOver = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        connection.shutdown();
        TwinSocket second = twin;
        if (second != null) {
            second.shutdown();
        }
    }

    // ---------------------------------------------------------------- requests

    private boolean negotiate() throws HostIoException {
        if (!connection.await(patience)) {
            refusals.increment();
            return false; // others may want the device
        }
        Message first = next();
        if (first == null) {
            return false;
        }
        try (Message message = first) {
            Header header = message.header();
            try {
                Refusal.unless(
                        header.command() == Command.VERSION.number() && !message.isSpoilt(),
                        "expected VERSION first");
                Version proposed =
                        (Version)
                                Request.parse(
                                        Command.VERSION, message.payload(), message.descriptors());
                reply(header, proposed);
                return true;
            } catch (Refusal refused) {
                refuse(header, refused);
                return false;
            }
        }
    }

    /**
     * Says what is spoken from now on. Of what can be done only that is said which the client knows
     * of: some give the answer no more room than their own question took.
     */
    private void reply(Header header, Version proposed) throws HostIoException {
        Refusal.unless(
                proposed.major() == Version.MAJOR,
                "expected version %d, got %d".formatted(Version.MAJOR, proposed.major()));
        Capabilities theirs = proposed.capabilities().orElse(Capabilities.NONE);
        maxTransferBytes =
                (int)
                        Math.min(
                                theirs.maxDataXferSize().orElse(Connection.MAX_TRANSFER_BYTES),
                                Connection.MAX_TRANSFER_BYTES);
        requests.agreed(theirs);
        boolean hasTwin =
                theirs.twinSocket().filter(Capabilities.TwinSocket::supported).isPresent()
                        && theirs.maxMsgFds().orElse(1) > 0;
        byte[] payload =
                new Version(
                                Version.MAJOR,
                                Math.min(proposed.minor(), Version.MINOR),
                                Optional.of(Requests.capabilities(theirs, hasTwin)))
                        .payload();
        Header reply = Header.reply(header, payload.length);
        if (!hasTwin) {
            connection.send(reply, payload, List.of());
            return;
        }
        List<UnixSocket> both = UnixSocket.pair();
        twin = new TwinSocket(new Connection(both.get(0), patience), maxTransferBytes, refusals);
        // Of the other end only the descriptor is closed: to shut it down would be for the client.
        try (Descriptor other = both.get(1).descriptor()) {
            connection.send(reply, payload, List.of(other));
        }
    }

    private void answer(Message message) throws HostIoException {
        Header header = message.header();
        byte[] payload;
        List<Descriptor> with = new ArrayList<>();
        try {
            payload = requests.handle(message, with);
        } catch (Refusal refused) {
            refuse(header, refused);
            return;
        } catch (RuntimeException defect) {
            LOG.log(System.Logger.Level.ERROR, "a request of command " + header.command(), defect);
            refuse(header, new Refusal(Errno.EIO, "a defect"));
            return;
        }
        if (header.wantsReply()) {
            connection.send(Header.reply(header, payload.length), payload, with);
        }
    }

    private void refuse(Header header, Refusal refusal) throws HostIoException {
        refusals.increment();
        LOG.log(
                System.Logger.Level.DEBUG,
                () -> "refused command " + header.command() + ": " + refusal.getMessage());
        if (header.wantsReply()) {
            connection.send(
                    Header.refusal(header, refusal.errno().number()), new byte[0], List.of());
        }
    }

    // ---------------------------------------------------------------- reading

    /** The next request; null when the session is over. */
    private @Nullable Message next() throws HostIoException {
        lock.lock();
        try {
            while (true) {
                Message oldest = waiting.poll();
                if (oldest != null) {
                    waitingBytes -= oldest.payload().length;
                    waitingDescriptors -= oldest.descriptors();
                    return oldest;
                }
                if (isOver) {
                    return null;
                }
                if (isReading) {
                    changed.awaitUninterruptibly();
                } else if (device.isRemapping()) {
                    readOne(REMAPPING_MILLISECONDS);
                    endRemapping();
                } else {
                    readOne(-1);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has the device go on unless more has come. With the lock, which is given up meanwhile. */
    private void endRemapping() {
        if (waiting.isEmpty() && !isOver) {
            lock.unlock();
            device.asking().lock();
            try {
                device.release();
            } finally {
                device.asking().unlock();
                lock.lock();
            }
        }
    }

    /** Reads a message, if one comes in time. With the lock, which is given up meanwhile. */
    private void readOne(int milliseconds) throws HostIoException {
        isReading = true;
        lock.unlock();
        Message message = null;
        boolean isLate = false;
        try {
            isLate = milliseconds >= 0 && !connection.await(milliseconds);
            if (!isLate) {
                message = connection.receive().orElse(null);
            }
        } catch (FramingException wrong) {
            if (wrong.header().isRequest()) {
                refuse(wrong.header(), Refusal.invalid(String.valueOf(wrong.getMessage())));
            }
        } finally {
            lock.lock();
            isReading = false;
            isOver |= message == null && !isLate;
            changed.signalAll();
        }
        if (message != null) {
            route(message);
        }
    }

    private void route(Message message) {
        Header header = message.header();
        if (header.isReply()) {
            Transfer transfer = transfers.get(header.id());
            if (transfer == null
                    || transfer.answer != null
                    || transfer.command.number() != header.command()) {
                refusals.increment();
                message.close();
            } else {
                transfer.answer = message;
            }
            return;
        }
        waiting.add(message);
        waitingBytes += message.payload().length;
        waitingDescriptors += message.descriptors();
        if (waiting.size() > MAX_WAITING
                || waitingBytes > MAX_WAITING_BYTES
                || waitingDescriptors > MAX_WAITING_DESCRIPTORS) {
            refusals.increment();
            isOver = true;
            connection.shutdown();
        }
    }

    // ---------------------------------------------------------------- the client's memory

    @Override
    public int maxBytes() {
        return maxTransferBytes;
    }

    @Override
    public Message ask(Command command, byte[] payload, long address, long length) {
        Transfer transfer = new Transfer(command);
        Message answer = null;
        int id = -1;
        try {
            id = begin(transfer);
            if (id >= 0) {
                connection.send(
                        Header.request(id, command, true, payload.length), payload, List.of());
                answer = await(transfer);
            }
        } catch (HostIoException gone) {
            end();
        } finally {
            if (id >= 0) {
                lock.lock();
                try {
                    transfers.remove(id);
                } finally {
                    lock.unlock();
                }
            }
        }
        if (answer == null || answer.header().isError()) {
            if (answer != null) {
                answer.close();
            }
            throw new GuestMemoryException(Kind.UNMAPPED, address, length);
        }
        return answer;
    }

    /** A number for a transfer that no other has; -1 if there can be none. */
    private int begin(Transfer transfer) {
        lock.lock();
        try {
            if (isOver || transfers.size() >= MAX_TRANSFERS) {
                return -1;
            }
            do {
                nextId = nextId + 1 & 0xffff;
            } while (transfers.containsKey(nextId));
            transfers.put(nextId, transfer);
            return nextId;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Message await(Transfer transfer) throws HostIoException {
        long deadline = System.nanoTime() + TRANSFER_NANOS;
        boolean isInterrupted = false;
        lock.lock();
        try {
            while (transfer.answer == null && !isOver) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return null;
                }
                if (!isReading) {
                    readOne((int) TimeUnit.NANOSECONDS.toMillis(left) + 1);
                    continue;
                }
                try {
                    changed.await(left, TimeUnit.NANOSECONDS);
                } catch (InterruptedException told) {
                    isInterrupted = true; // for the device, which is told afterwards
                }
            }
            return transfer.answer;
        } finally {
            lock.unlock();
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
