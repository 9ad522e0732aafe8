package dev.dalang.devices.nvme;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceTask;
import dev.dalang.pci.PciHost;
import dev.dalang.storage.BlockRequest;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The controller: its registers, its life from enable to reset or shutdown (NVMe base 2.0 §3.5,
 * §3.6, §3.7), and what becomes of commands. A register's write only says what is wanted; what must
 * wait for commands under way is done by {@link #settle}, which runs whenever there may be
 * something to do, one thread at a time.
 */
final class NvmeController {
    private static final System.Logger LOG = System.getLogger(NvmeController.class.getName());

    private final NvmeCounters counters;
    private final NvmeNamespace namespace;
    private final QueueTable queues;
    private final NvmeInterrupts interrupts;
    private final Gate gate = new Gate();
    private final NvmeLogs logs;
    private final NvmeFeatures features;
    private final NvmeEvents events;
    private final BouncePool pool = new BouncePool(NvmCommands.BOUNCE_BYTES);
    private final NvmCommands nvm;
    private final AdminCommands admin;
    private final long capabilities;
    private final AtomicInteger settling = new AtomicInteger();

    /** Guards writes of registers. */
    private final Object registers = new Object();

    private volatile int cc;
    private volatile int status;
    private volatile int aqa;
    private volatile long asq;
    private volatile long acq;

    private volatile @Nullable PciHost host;
    private volatile @Nullable HostMemory memory;
    private volatile @Nullable DeviceTask control;
    private volatile boolean isFlushing;

    NvmeController(
            NvmeNamespace namespace,
            NvmeIdentity identity,
            int ioQueues,
            int doorbellStride,
            NvmeCounters counters) {
        this.namespace = namespace;
        this.counters = counters;
        queues = new QueueTable(ioQueues);
        interrupts = new NvmeInterrupts(queues);
        capabilities = NvmeRegisters.capabilities(doorbellStride);
        logs = new NvmeLogs(this);
        features = new NvmeFeatures(this, ioQueues);
        events = new NvmeEvents(features);
        nvm = new NvmCommands(this);
        admin = new AdminCommands(this, identity);
    }

    // ---------------------------------------------------------------- its parts

    NvmeCounters counters() {
        return counters;
    }

    NvmeNamespace namespace() {
        return namespace;
    }

    QueueTable queues() {
        return queues;
    }

    NvmeInterrupts interrupts() {
        return interrupts;
    }

    Gate gate() {
        return gate;
    }

    NvmeLogs logs() {
        return logs;
    }

    NvmeFeatures features() {
        return features;
    }

    NvmeEvents events() {
        return events;
    }

    BouncePool pool() {
        return pool;
    }

    HostMemory memory() {
        return Objects.requireNonNull(memory); // commands come from there
    }

    /** The machine's time; 0 without a machine. */
    long nanos() {
        PciHost now = host;
        return now == null ? 0 : now.clock().nanos();
    }

    /** The guest's time of day. */
    long wallClockNanos() {
        PciHost now = host;
        return now == null ? 0 : now.clock().wallClockNanos();
    }

    /** True if there is a machine around it. */
    boolean isAttached() {
        return host != null;
    }

    int pageShift() {
        return NvmeRegisters.pageShift(cc);
    }

    boolean hasEntrySizes() {
        return NvmeRegisters.hasEntrySizes(cc);
    }

    void attach(PciHost given) {
        host = given;
        memory = new HostMemory(given.memory());
        interrupts.connect(given.interrupts());
        control = given.executor().task("nvme", this::settle);
    }

    // ---------------------------------------------------------------- registers

    /** Reads four aligned bytes. */
    int read(int offset) {
        return switch (offset) {
            case NvmeRegisters.CAP -> (int) capabilities;
            case NvmeRegisters.CAP + 4 -> (int) (capabilities >>> 32);
            case NvmeRegisters.VS -> NvmeRegisters.VERSION;
            case NvmeRegisters.INTMS, NvmeRegisters.INTMC -> interrupts.masked();
            case NvmeRegisters.CC -> cc;
            case NvmeRegisters.CSTS -> status;
            case NvmeRegisters.AQA -> aqa;
            case NvmeRegisters.ASQ -> (int) asq;
            case NvmeRegisters.ASQ + 4 -> (int) (asq >>> 32);
            case NvmeRegisters.ACQ -> (int) acq;
            case NvmeRegisters.ACQ + 4 -> (int) (acq >>> 32);
            default -> 0;
        };
    }

    /** Writes four aligned bytes of a register. */
    void write(int offset, int value) {
        switch (offset) {
            case NvmeRegisters.INTMS -> interrupts.mask(value);
            case NvmeRegisters.INTMC -> interrupts.unmask(value);
            case NvmeRegisters.CC -> configure(value & NvmeRegisters.CC_MASK);
            case NvmeRegisters.CSTS -> clear(value & NvmeRegisters.CSTS_NSSRO);
            case NvmeRegisters.NSSR -> {
                if (value == NvmeRegisters.NSSR_NVME) {
                    resetSubsystem();
                }
            }
            case NvmeRegisters.AQA -> aqa = value & 0x0fff_0fff;
            case NvmeRegisters.ASQ,
                    NvmeRegisters.ASQ + 4,
                    NvmeRegisters.ACQ,
                    NvmeRegisters.ACQ + 4 ->
                    writeBase(offset, value);
            default -> {
                // Reserved, or only to be read.
            }
        }
    }

    private void writeBase(int offset, int value) {
        long low = value & 0xffff_f000L;
        long high = (long) value << 32;
        synchronized (registers) {
            switch (offset) {
                case NvmeRegisters.ASQ -> asq = asq & ~0xffff_ffffL | low;
                case NvmeRegisters.ASQ + 4 -> asq = asq & 0xffff_ffffL | high;
                case NvmeRegisters.ACQ -> acq = acq & ~0xffff_ffffL | low;
                default -> acq = acq & 0xffff_ffffL | high;
            }
        }
    }

    private void clear(int bits) {
        synchronized (registers) {
            status &= ~bits;
        }
    }

    private void set(int mask, int bits) {
        synchronized (registers) {
            status = status & ~mask | bits;
        }
    }

    private boolean has(int bit) {
        return (status & bit) != 0;
    }

    private void configure(int value) {
        boolean isReset = false;
        synchronized (registers) {
            int before = cc;
            cc = value;
            if (NvmeRegisters.isEnabled(before) && !NvmeRegisters.isEnabled(value)) {
                isReset = true;
            } else if (NvmeRegisters.shutdown(value) != 0
                    && (status & NvmeRegisters.CSTS_SHST_MASK) == 0) {
                gate.close(Gate.SHUTTING_DOWN);
                status |= NvmeRegisters.CSTS_SHST_OCCURRING;
                logs.isCleanlyShutDown(NvmeRegisters.shutdown(value) == 1);
            }
        }
        if (isReset) {
            beginReset();
        }
        look();
    }

    private void resetSubsystem() {
        synchronized (registers) {
            cc = 0;
            aqa = 0;
            asq = 0;
            acq = 0;
            status |= NvmeRegisters.CSTS_NSSRO;
        }
        beginReset();
        look();
    }

    /** What is under way is taken back; when it is through, {@link #settle} goes on. */
    private void beginReset() {
        gate.close(Gate.RESETTING);
        for (int n = 0; n < queues.count(); n++) {
            SubmissionQueue queue = queues.submission(n);
            if (queue != null) {
                queue.cancelAll();
            }
        }
    }

    /** The queues cannot be used, or the settings: the driver has to reset it (§9.5). */
    void giveUp() {
        gate.close(Gate.FATAL);
        set(0, NvmeRegisters.CSTS_CFS);
        counters.count(NvmeEvent.FATAL);
    }

    // ---------------------------------------------------------------- doorbells

    /** Takes a doorbell: those of a queue's submissions and completions follow each other. */
    void ring(int index, int written) {
        if (!has(NvmeRegisters.CSTS_RDY) || gate.isClosed(Gate.RESETTING)) {
            counters.count(NvmeEvent.UNREADY_DOORBELL);
            return;
        }
        int value = written & 0xffff;
        if ((index & 1) == 0) {
            SubmissionQueue queue = queues.submission(index >>> 1);
            if (queue == null || !queue.ring(value)) {
                refuse(queue != null);
            }
            return;
        }
        CompletionQueue queue = queues.completion(index >>> 1);
        if (queue == null || !queue.release(value)) {
            refuse(queue != null);
            return;
        }
        interrupts.seen();
        if (queue.canGoOn()) {
            look();
        }
    }

    private void refuse(boolean isForValue) {
        counters.count(NvmeEvent.INVALID_DOORBELL);
        logs.addError(0xffff, 0xffff, 0, 0xffff, 0, 0);
        events.raise(isForValue ? NvmeEvents.INVALID_VALUE : NvmeEvents.INVALID_REGISTER);
        look();
    }

    // ---------------------------------------------------------------- commands

    /** Takes up a command. From here on it is finished once, on any thread. */
    void execute(NvmeCommand command) {
        if (command.queue.isAdmin()) {
            admin.start(command);
        } else {
            nvm.start(command);
        }
    }

    /** A command is done; what it needed is free again. */
    void finish(NvmeCommand command, int how) {
        if (!command.queue.beginEnd(command)) {
            return; // it has ended before: a step of it has failed afterwards
        }
        int end = how;
        var buffer = command.bounce;
        if (buffer != null) {
            command.bounce = null;
            if (pool.release(buffer)) {
                look();
            }
        }
        command.segments.clear();
        if (end == NvmeStatus.ABORT_REQUESTED && command.queue.isEnded()) {
            end = NvmeStatus.ABORTED_SQ_DELETED;
        }
        if (gate.isClosed(Gate.RESETTING)) {
            counters.count(NvmeEvent.ABANDONED);
            NvmeCommand aborter = command.aborter;
            end(command);
            if (aborter != null) {
                admin.aborted(aborter, true);
            }
            return;
        }
        if (end == NvmeStatus.SUCCESS) {
            counters.count(command.event);
        } else {
            NvmeEvent failure = command.failure;
            counters.count(failure != null ? failure : NvmeStatus.event(end));
            logs.addError(command, end);
            end |= NvmeStatus.MORE;
        }
        command.status = end;
        post(command);
    }

    private void post(NvmeCommand command) {
        CompletionQueue to = command.queue.completions;
        NvmeCommand aborter = command.aborter;
        boolean wasAborted = (command.status & 0x7ff) == (NvmeStatus.ABORT_REQUESTED & 0x7ff);
        command.aborter = null;
        switch (to.post(command)) {
            case YES -> {
                interrupts.posted(to);
                end(command);
            }
            case LATER -> {
                counters.count(NvmeEvent.QUEUE_FULL);
                leave();
                look(); // there may have come room since
            }
            case NEVER -> {
                giveUp();
                end(command);
            }
        }
        if (aborter != null) {
            admin.aborted(aborter, wasAborted);
        }
    }

    private void end(NvmeCommand command) {
        command.queue.release(command);
        leave();
    }

    /** Something of ours failed on the way: the command ends, and so does trust. */
    void failed(NvmeCommand command, Throwable failure) {
        if (counters.get(NvmeEvent.FATAL) == 0) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "an NVMe command failed; further failures are only counted: " + failure);
            LOG.log(System.Logger.Level.DEBUG, () -> "where an NVMe command failed", failure);
        }
        giveUp();
        finish(command, NvmeStatus.INTERNAL_ERROR);
    }

    /** Ends something that entered the gate. */
    void leave() {
        if (gate.leave()) {
            look();
        }
    }

    // ---------------------------------------------------------------- what must wait

    /** There may be something to do. Never waits. */
    void look() {
        DeviceTask task = control;
        if (task == null) {
            settle();
        } else {
            task.signal();
            gate.nudge();
        }
    }

    /** Does what can be done by now. Never waits for commands. */
    void settle() {
        if (settling.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            settleOnce();
            seen = settling.addAndGet(-seen);
        } while (seen != 0);
    }

    private void settleOnce() {
        boolean isResetting = gate.isClosed(Gate.RESETTING);
        resumeHeldBack(isResetting);
        finishDeletions();
        if (isResetting) {
            if (!gate.isEmpty()) {
                return;
            }
            tearDown();
        }
        shutDown();
        if (NvmeRegisters.isEnabled(cc)
                && !has(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS)
                && !gate.isClosed(Gate.RESETTING)) {
            enable();
        }
        flushCompletions();
        deliverEvents();
    }

    private void resumeHeldBack(boolean isResetting) {
        NvmeCommand next = pool.next(isResetting);
        while (next != null) {
            if (isResetting || next.isCancelled()) {
                finish(next, NvmeStatus.ABORT_REQUESTED);
            } else {
                nvm.resume(next);
            }
            next = pool.next(isResetting);
        }
    }

    private void finishDeletions() {
        for (int n = 1; n < queues.count(); n++) {
            SubmissionQueue queue = queues.submission(n);
            if (queue == null || !queue.isEnded()) {
                continue;
            }
            for (NvmeCommand command = queue.completions.drop(queue);
                    command != null;
                    command = queue.completions.drop(queue)) {
                queue.release(command);
            }
            NvmeCommand deleter = queue.finishedDeleter();
            if (deleter != null) {
                queue.close();
                queues.remove(queue);
                finish(deleter, NvmeStatus.SUCCESS);
            }
        }
    }

    /**
     * Nothing is under way. All but the registers of the admin queue is as at power-on (§3.7.2).
     */
    private void tearDown() {
        for (int n = 0; n < queues.count(); n++) {
            SubmissionQueue queue = queues.submission(n);
            if (queue != null) {
                queue.end(null);
                queue.close();
            }
        }
        queues.clear();
        events.reset();
        features.reset();
        logs.controllerReset();
        interrupts.restore(0);
        interrupts.settle();
        synchronized (registers) {
            status &= NvmeRegisters.CSTS_NSSRO;
            gate.open(Gate.RESETTING | Gate.SHUTTING_DOWN | Gate.FATAL);
        }
    }

    /** What was written must be durable before the driver hears that it may cut the power. */
    private void shutDown() {
        if ((status & NvmeRegisters.CSTS_SHST_MASK) != NvmeRegisters.CSTS_SHST_OCCURRING
                || isFlushing
                || !gate.isEmpty()) {
            return;
        }
        isFlushing = true;
        gate.force();
        namespace.backend().submit(BlockRequest.flush((_, _) -> flushed()));
    }

    private void flushed() {
        set(NvmeRegisters.CSTS_SHST_MASK, NvmeRegisters.CSTS_SHST_COMPLETE);
        isFlushing = false;
        leave();
    }

    private void enable() {
        int now = cc;
        int attributes = aqa;
        long pageMask = (1L << NvmeRegisters.pageShift(now)) - 1;
        if (!NvmeRegisters.isPossible(now)
                || NvmeRegisters.submissionEntries(attributes) < 2
                || NvmeRegisters.completionEntries(attributes) < 2
                || ((asq | acq) & pageMask) != 0) {
            giveUp();
            return;
        }
        if (NvmeRegisters.shutdown(now) == 0) {
            gate.open(Gate.SHUTTING_DOWN);
            set(NvmeRegisters.CSTS_SHST_MASK, 0);
        }
        if (host != null) {
            CompletionQueue completions =
                    new CompletionQueue(
                            0, acq, NvmeRegisters.completionEntries(attributes), 0, true, memory());
            queues.add(completions);
            add(
                    new SubmissionQueue(
                            0,
                            asq,
                            NvmeRegisters.submissionEntries(attributes),
                            completions,
                            this));
        }
        set(0, NvmeRegisters.CSTS_RDY);
    }

    /** Adds a queue and starts its handler; false if the one for its completions is gone. */
    boolean add(SubmissionQueue queue) {
        DeviceExecutor executor = Objects.requireNonNull(host).executor();
        queue.start(executor.task("nvme queue " + queue.id, queue::serve));
        if (queues.add(queue)) {
            return true;
        }
        queue.close();
        return false;
    }

    private void flushCompletions() {
        for (int n = 0; n < queues.count(); n++) {
            CompletionQueue queue = queues.completion(n);
            while (queue != null && queue.canGoOn() && gate.enter()) {
                NvmeCommand command = queue.postNext();
                if (command == null) {
                    leave();
                } else {
                    if (command.failure == NvmeEvent.FATAL) {
                        giveUp();
                    }
                    interrupts.posted(queue);
                    end(command);
                }
            }
        }
    }

    private void deliverEvents() {
        while (events.hasWork() && gate.enter()) {
            NvmeCommand request = events.next();
            if (request == null) {
                leave();
            } else {
                request.event = NvmeEvent.EVENT;
                finish(request, NvmeStatus.SUCCESS);
            }
        }
    }

    // ---------------------------------------------------------------- the life cycle

    /** When this returns nothing is under way, and nothing begins before {@link #wake}. */
    void sleep() {
        gate.close(Gate.ASLEEP);
        awaitSettled();
    }

    private void awaitSettled() {
        while (true) {
            long before = gate.changes();
            settle();
            if (gate.isEmpty()
                    && !gate.isClosed(Gate.RESETTING)
                    && (status & NvmeRegisters.CSTS_SHST_MASK) != NvmeRegisters.CSTS_SHST_OCCURRING
                    && settling.get() == 0) {
                return;
            }
            if (settling.get() == 0) {
                gate.awaitChange(before);
            } else {
                Thread.onSpinWait(); // another thread settles
            }
        }
    }

    void wake() {
        gate.open(Gate.ASLEEP);
        interrupts.settle();
        for (int n = 0; n < queues.count(); n++) {
            SubmissionQueue queue = queues.submission(n);
            if (queue != null) {
                queue.signal();
            }
        }
        look();
    }

    /** The state of power-on, but for what is on the disk. */
    void reset() {
        synchronized (registers) {
            cc = 0;
            aqa = 0;
            asq = 0;
            acq = 0;
        }
        beginReset();
        awaitSettled();
        set(NvmeRegisters.CSTS_NSSRO, 0);
        features.resetTimestamp();
        logs.reset();
    }

    /** The device is unplugged. */
    void detach() {
        sleep();
        for (int n = 0; n < queues.count(); n++) {
            SubmissionQueue queue = queues.submission(n);
            if (queue != null) {
                queue.close();
            }
        }
        DeviceTask task = control;
        if (task != null) {
            task.close();
        }
        namespace.backend().close();
    }

    /** The namespace is of another size: the driver hears of it. */
    void resized() {
        logs.namespaceChanged();
        events.raise(NvmeEvents.NAMESPACE_CHANGED);
        look();
    }

    // ---------------------------------------------------------------- snapshots

    NvmeState state() {
        return new NvmeState(cc, status, aqa, asq, acq, interrupts.masked());
    }

    /** Takes over registers; queues follow. */
    void restore(NvmeState state) {
        cc = 0; // or it would be enabled anew
        beginReset();
        awaitSettled();
        synchronized (registers) {
            status = state.status();
            cc = state.cc();
            aqa = state.aqa();
            asq = state.asq();
            acq = state.acq();
            if ((status & NvmeRegisters.CSTS_CFS) != 0) {
                gate.close(Gate.FATAL);
            }
            if ((status & NvmeRegisters.CSTS_SHST_MASK) != 0) {
                gate.close(Gate.SHUTTING_DOWN);
            }
        }
        interrupts.restore(state.masked());
    }
}
