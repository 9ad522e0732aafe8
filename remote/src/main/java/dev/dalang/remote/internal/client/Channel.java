package dev.dalang.remote.internal.client;

import static java.lang.System.Logger.Level.DEBUG;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.DmaMemory;
import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.FramingException;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaWrite;
import dev.dalang.remote.internal.wire.Version;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * One connection to a server, from its version to its end. Any thread asks and waits for its
 * answer; one thread of the channel's reads, gives answers to whom they are for, and does what the
 * device asks of memory; where the server has a second socket for that, another thread does.
 *
 * <p>The server is believed nothing. What it answers is checked against what it was asked; the
 * first answer that cannot be ends the connection, as does one that does not come, for nobody knows
 * then what the next one is about. When it ends, whoever waits goes on with the reason.
 */
public final class Channel implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Channel.class.getName());

    /** An answer that is waited for. Guarded by {@link #lock}. */
    private static final class Call {
        final Command command;
        final int mostDescriptors;
        final Condition changed;
        @Nullable Message answer;

        Call(Command command, int mostDescriptors, Condition changed) {
            this.command = command;
            this.mostDescriptors = mostDescriptors;
            this.changed = changed;
        }
    }

    private final Connection connection;
    private final Optional<Connection> twin;
    private final Path path;
    private final Limits limits;
    private final int timeoutMillis;
    private final Consumer<VfioUserException> onLoss;
    private final DmaWindows windows = new DmaWindows();
    private final LongAdder refusals = new LongAdder();
    private final Thread reader;
    private final Thread twinReader;

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final Map<Integer, Call> calls = new HashMap<>();
    private int nextId;
    private @Nullable VfioUserException lost;
    private boolean isClosing;
    private boolean isInUse;

    private Channel(
            Connection connection,
            Optional<Connection> twin,
            Path path,
            Limits limits,
            int timeoutMillis,
            Consumer<VfioUserException> onLoss) {
        this.connection = connection;
        this.twin = twin;
        this.path = path;
        this.limits = limits;
        this.timeoutMillis = timeoutMillis;
        this.onLoss = onLoss;
        String name = "vfio-user client " + path.getFileName();
        reader = Thread.ofPlatform().daemon().name(name).unstarted(this::readAll);
        twinReader = Thread.ofPlatform().daemon().name(name + " twin").unstarted(this::serveTwin);
    }

    /**
     * Connects, and agrees on what is spoken.
     *
     * @param path of the server's socket
     * @param timeoutMillis for each answer
     * @param isTwin true if the server's own requests may go over a second socket
     * @param onLoss told once of the connection's end, if it is in use and not closed here
     * @throws VfioUserException if there is no server to speak with
     */
    public static Channel connect(
            Path path, int timeoutMillis, boolean isTwin, Consumer<VfioUserException> onLoss)
            throws VfioUserException {
        UnixSocket socket;
        try {
            socket = UnixSocket.connect(path);
        } catch (HostIoException refused) {
            VfioUserException unreachable =
                    new VfioUserException(
                            Kind.UNREACHABLE,
                            refused.number(),
                            "no vfio-user server: " + refused.getMessage());
            unreachable.initCause(refused);
            throw unreachable;
        }
        Connection connection = new Connection(socket, timeoutMillis);
        List<Descriptor> came = new ArrayList<>();
        try {
            Limits limits = negotiate(connection, path, timeoutMillis, isTwin, came);
            Optional<Connection> twin =
                    came.stream()
                            .findFirst()
                            .map(other -> new Connection(UnixSocket.of(other), timeoutMillis));
            Channel made = new Channel(connection, twin, path, limits, timeoutMillis, onLoss);
            made.reader.start();
            if (twin.isPresent()) {
                made.twinReader.start();
            }
            return made;
        } catch (VfioUserException | RuntimeException | Error failed) {
            connection.close();
            came.forEach(Descriptor::close);
            throw failed;
        }
    }

    /** Agrees on limits; takes the descriptor of the second socket, if there is one. */
    private static Limits negotiate(
            Connection connection,
            Path path,
            int timeoutMillis,
            boolean isTwin,
            List<Descriptor> came)
            throws VfioUserException {
        byte[] proposal = Limits.proposed(isTwin).payload();
        Header request = Header.request(0, Command.VERSION, true, proposal.length);
        try {
            connection.send(request, proposal, List.of());
            if (!connection.await(timeoutMillis)) {
                throw unreachable(path, Errno.ETIMEDOUT.number(), "no answer to VERSION");
            }
            Optional<Message> answer = connection.receive();
            if (answer.isEmpty()) {
                throw unreachable(path, 0, "it ended the connection instead of telling a version");
            }
            try (Message message = answer.get()) {
                Header reply = message.header();
                Refusal.unless(
                        reply.isReply()
                                && reply.id() == request.id()
                                && reply.command() == request.command(),
                        "expected the answer to VERSION, got " + reply);
                if (reply.isError()) {
                    throw unreachable(path, reply.error(), "it refused " + says(reply.error()));
                }
                Refusal.unless(!message.isSpoilt(), "descriptors behind the version");
                Version version = Version.parse(message.payload());
                Limits limits = Limits.of(version, isTwin, message.descriptors());
                came.addAll(message.takeDescriptors());
                return limits;
            }
        } catch (Refusal wrong) {
            throw unreachable(path, 0, String.valueOf(wrong.getMessage()));
        } catch (FramingException wrong) {
            throw unreachable(path, 0, String.valueOf(wrong.getMessage()));
        } catch (HostIoException gone) {
            throw unreachable(path, gone.number(), String.valueOf(gone.getMessage()));
        }
    }

    private static VfioUserException unreachable(Path path, int errno, String what) {
        return new VfioUserException(
                Kind.UNREACHABLE, errno, "the vfio-user server at " + path + ": " + what);
    }

    private static String says(int errno) {
        return Errno.of(errno)
                .map(known -> "(" + known.text() + ", " + known + ")")
                .orElse(errno == 0 ? "without a reason" : "(errno " + errno + ")");
    }

    /** What was agreed on. */
    public Limits limits() {
        return limits;
    }

    /** How many requests of the server's were refused. */
    public long refusals() {
        return refusals.sum();
    }

    /** True until the connection ends. */
    public boolean isConnected() {
        lock.lock();
        try {
            return lost == null && !isClosing;
        } finally {
            lock.unlock();
        }
    }

    /**
     * From now on somebody wants to know of the connection's end.
     *
     * @throws VfioUserException if it has ended already
     */
    public void use() throws VfioUserException {
        lock.lock();
        try {
            requireConnected();
            isInUse = true;
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- requests

    /**
     * Asks, and waits for the answer.
     *
     * @param request what is asked
     * @param with descriptors that ride with it, and stay open here
     * @return what is behind the header of the answer
     * @throws VfioUserException if the server refuses, or the connection ends
     */
    public byte[] ask(Request request, Descriptor... with) throws VfioUserException {
        try (Message answer = ask(request, 0, List.of(with))) {
            return answer.payload();
        }
    }

    /**
     * Asks, and waits for an answer that may bring descriptors.
     *
     * @param request what is asked
     * @param mostDescriptors that the answer may bring; one with more ends the connection
     * @param with descriptors that ride with it, and stay open here
     * @return the answer, which tells of no error; the caller closes it
     * @throws VfioUserException if the server refuses, or the connection ends
     */
    public Message ask(Request request, int mostDescriptors, List<Descriptor> with)
            throws VfioUserException {
        Call call = new Call(request.command(), mostDescriptors, lock.newCondition());
        int id = begin(call);
        try {
            send(id, request, true, with);
            Message answer = await(call);
            if (answer.header().isError()) {
                answer.close();
                throw new VfioUserException(
                        Kind.REFUSED,
                        answer.header().error(),
                        "%s: %s was refused %s"
                                .formatted(path, request.command(), says(answer.header().error())));
            }
            return answer;
        } finally {
            end(id, call);
        }
    }

    /**
     * Sends a request that has no answer. The server does it before any that is sent later.
     *
     * @throws VfioUserException if the connection is over; what the server thinks of the request is
     *     never known
     */
    public void post(Request request) throws VfioUserException {
        int id;
        lock.lock();
        try {
            requireConnected();
            nextId = nextId + 1 & 0xffff;
            id = nextId;
        } finally {
            lock.unlock();
        }
        send(id, request, false, List.of());
    }

    private void send(int id, Request request, boolean wantsReply, List<Descriptor> with)
            throws VfioUserException {
        byte[] payload = request.payload();
        Header header = Header.request(id, request.command(), wantsReply, payload.length);
        try {
            connection.send(header, payload, with);
        } catch (HostIoException gone) {
            if (gone.is(Errno.EBADF) && !with.isEmpty()) {
                // Perhaps a descriptor of the caller's, and nothing was sent.
                for (Descriptor rider : with) {
                    if (!rider.isOpen()) {
                        throw new VfioUserException(
                                Kind.REFUSED, gone.number(), String.valueOf(gone.getMessage()));
                    }
                }
            }
            throw lose(
                    gone.is(Errno.ETIMEDOUT)
                            ? "the server does not read"
                            : String.valueOf(gone.getMessage()));
        }
    }

    /** Takes a number for a call that no other has. */
    private int begin(Call call) throws VfioUserException {
        lock.lock();
        try {
            requireConnected();
            if (calls.size() > 0xffff) {
                throw new VfioUserException(
                        Kind.REFUSED, Errno.EBUSY.number(), "65536 answers are waited for");
            }
            do {
                nextId = nextId + 1 & 0xffff;
            } while (calls.containsKey(nextId));
            calls.put(nextId, call);
            return nextId;
        } finally {
            lock.unlock();
        }
    }

    private void requireConnected() throws VfioUserException {
        if (lost != null) {
            throw copy(lost);
        }
        if (isClosing) {
            throw lost("it is closed");
        }
    }

    private Message await(Call call) throws VfioUserException {
        long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        boolean isInterrupted = false;
        lock.lock();
        try {
            while (call.answer == null) {
                requireConnected();
                if (left <= 0) {
                    throw lose("no answer to %s for %d ms".formatted(call.command, timeoutMillis));
                }
                try {
                    left = call.changed.awaitNanos(left);
                } catch (InterruptedException told) {
                    isInterrupted = true; // the answer comes all the same, and is for nobody else
                }
            }
            Message answer = call.answer;
            call.answer = null;
            return answer;
        } finally {
            lock.unlock();
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void end(int id, Call call) {
        lock.lock();
        try {
            calls.remove(id, call); // after its answer the number may be another's
            if (call.answer != null) {
                call.answer.close();
            }
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- reading

    private void readAll() {
        String why = "the server ended the connection";
        try {
            for (Optional<Message> next = connection.receive();
                    next.isPresent();
                    next = connection.receive()) {
                try (Message message = next.get()) {
                    take(message);
                }
            }
        } catch (FramingException | Refusal wrong) {
            why = String.valueOf(wrong.getMessage());
        } catch (HostIoException gone) {
            why =
                    gone.is(Errno.ETIMEDOUT)
                            ? "the server stopped in the middle of a message, or does not read"
                            : String.valueOf(gone.getMessage());
        } catch (RuntimeException | Error defect) {
            why = "a defect: " + defect;
            LOG.log(System.Logger.Level.ERROR, "reading from " + path, defect);
        }
        VfioUserException reason = lose(why);
        windows.clear();
        join(twinReader);
        connection.close();
        boolean isTold;
        lock.lock();
        try {
            isTold = isInUse && !isClosing;
        } finally {
            lock.unlock();
        }
        if (isTold) {
            LOG.log(DEBUG, () -> String.valueOf(reason.getMessage()));
            onLoss.accept(reason);
        }
    }

    /** Takes a message; it is closed afterwards, without what was taken out of it. */
    private void take(Message message) throws HostIoException {
        if (!message.header().isReply()) {
            serve(message, connection);
            return;
        }
        Header header = message.header();
        lock.lock();
        try {
            Call call = calls.get(header.id());
            if (call == null) {
                throw Refusal.invalid("an answer that nobody waits for: " + header);
            }
            Refusal.unless(
                    call.command.number() == header.command(),
                    "expected the answer to %s, got %s".formatted(call.command, header));
            Refusal.unless(
                    !message.isSpoilt() && message.descriptors() <= call.mostDescriptors,
                    "descriptors that nobody asked for with the answer to " + call.command);
            call.answer = message.take();
            // It has its answer: another is one too many, even if who asked is slow to take it.
            calls.remove(header.id());
            call.changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Does what comes over the second socket, until it ends, and the connection with it. */
    private void serveTwin() {
        Connection from = twin.orElseThrow();
        String why = "the server ended its second socket";
        try {
            for (Optional<Message> next = from.receive(); next.isPresent(); next = from.receive()) {
                try (Message message = next.get()) {
                    Refusal.unless(!message.header().isReply(), "an answer over the second socket");
                    serve(message, from);
                }
            }
        } catch (FramingException | Refusal wrong) {
            why = String.valueOf(wrong.getMessage());
        } catch (HostIoException gone) {
            why = "the second socket: " + gone.getMessage();
        } catch (RuntimeException | Error defect) {
            why = "a defect: " + defect;
            LOG.log(System.Logger.Level.ERROR, "reading from " + path, defect);
        }
        lose(why);
        from.close();
    }

    /** Does what the device asks of memory, and answers where it asked. */
    private void serve(Message message, Connection over) throws HostIoException {
        Header header = message.header();
        byte[] payload;
        try {
            payload = transfer(message);
        } catch (Refusal refused) {
            refusals.increment();
            LOG.log(DEBUG, () -> path + ": refused: " + refused.getMessage());
            if (header.isRequest() && header.wantsReply()) {
                Header refusal = Header.refusal(header, refused.errno().number());
                over.send(refusal, new byte[0], List.of());
            }
            return;
        }
        if (header.wantsReply()) {
            over.send(Header.reply(header, payload.length), payload, List.of());
        }
    }

    private byte[] transfer(Message message) {
        Header header = message.header();
        Refusal.unless(header.isRequest(), "neither a request nor an answer");
        Refusal.unless(
                !message.isSpoilt() && message.descriptors() == 0, "descriptors with a transfer");
        Command command =
                Command.of(header.command())
                        .filter(Command::isFromServer)
                        .orElseThrow(
                                () -> new Refusal(Errno.ENOSYS, "command " + header.command()));
        if (Request.parse(command, message.payload(), 0) instanceof DmaRead read) {
            Refusal.unless(
                    read.count() >= 0 && read.count() <= Connection.MAX_TRANSFER_BYTES,
                    "DMA_READ: " + Long.toUnsignedString(read.count()) + " bytes");
            byte[] data = new byte[(int) read.count()];
            windows.transfer(read.address(), MemorySegment.ofArray(data), false);
            return new DmaWrite(read.address(), Bytes.of(data)).payload();
        }
        DmaWrite write = DmaWrite.parse(message.payload());
        windows.transfer(write.address(), MemorySegment.ofArray(write.data().array()), true);
        return new DmaRead(write.address(), write.data().length()).payload();
    }

    // ---------------------------------------------------------------- memory

    /** What the device may reach by messages; it ends with the connection. */
    DmaWindows windows() {
        return windows;
    }

    /**
     * Lets the device reach memory by messages, from the moment that the server knows of it.
     *
     * @return false if it overlaps with what it may reach already
     */
    public boolean open(
            long address, long size, boolean isReadable, boolean isWritable, DmaMemory memory) {
        boolean isNew = windows.add(address, size, isReadable, isWritable, memory);
        if (isNew && !isConnected()) {
            windows.remove(address); // the reader has cleared them, or is about to
        }
        return isNew;
    }

    /** True if memory was opened so. */
    public boolean isOpen(long address, long size) {
        return windows.has(address, size);
    }

    /** How many pieces of memory are open. */
    public int opened() {
        return windows.count();
    }

    /** Ends what {@link #open} began; nobody is inside when this returns. */
    public void shut(long address) {
        windows.remove(address);
    }

    /** Ends all that {@link #open} began. */
    public void shutAll() {
        windows.clear();
    }

    // ---------------------------------------------------------------- the end

    private VfioUserException lost(String why) {
        return new VfioUserException(
                Kind.LOST,
                Errno.ENODEV.number(),
                "%s: the device is gone: %s".formatted(path, why));
    }

    /** Each who is told has a stack trace of its own. */
    private static VfioUserException copy(VfioUserException reason) {
        return new VfioUserException(
                reason.kind(), reason.number(), String.valueOf(reason.getMessage()));
    }

    /**
     * Ends the connection because of what the server did. Who waits goes on.
     *
     * @return why it ended, which may have been something before this
     */
    public VfioUserException lose(String why) {
        VfioUserException reason;
        lock.lock();
        try {
            if (lost == null) {
                lost = lost(isClosing ? "it is closed" : why);
            }
            reason = lost;
            calls.values().forEach(call -> call.changed.signal());
        } finally {
            lock.unlock();
        }
        connection.shutdown();
        twin.ifPresent(Connection::shutdown);
        return copy(reason);
    }

    /**
     * Ends the connection. When this returns, the device's memory is left alone, and nobody will be
     * told. Closing twice does nothing.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            isClosing = true;
        } finally {
            lock.unlock();
        }
        lose("it is closed");
        if (Thread.currentThread() == reader || Thread.currentThread() == twinReader) {
            return; // who is told of a loss, or asked for memory, may give up
        }
        boolean isInterrupted = join(reader);
        isInterrupted |= join(twinReader);
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for a thread's end; tells whether it was interrupted meanwhile. */
    private static boolean join(Thread ending) {
        boolean isInterrupted = false;
        while (ending.isAlive()) {
            try {
                ending.join();
            } catch (InterruptedException told) {
                isInterrupted = true;
            }
        }
        return isInterrupted;
    }
}
