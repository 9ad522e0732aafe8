package dev.dalang.devices.nvme;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceTask;
import dev.dalang.pci.PciHost;
import dev.dalang.storage.BlockRequest;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The controller: its parts, and its life from enable to reset or shutdown (NVMe base 2.0 §3.5,
 * §3.6, §3.7). A register's write only says what is wanted; what must wait for commands under way
 * is done by {@link #settle}, which runs whenever there may be something to do, one thread at a
 * time.
 */
final class NvmeController {
    private final NvmeCounters counters;
    private final NvmeNamespace namespace;
    private final QueueTable queues;
    private final NvmeInterrupts interrupts;
    private final Gate gate = new Gate();
    private final NvmeLogs logs;
    private final NvmeFeatures features;
    private final NvmeEvents events;
    private final BouncePool pool = new BouncePool(NvmCommands.MAX_TRANSFER_BYTES);
    private final NvmCommands nvm;
    private final AdminCommands admin;
    private final ControllerRegisters registers;
    private final NvmeCompletions completions;
    private final NvmeDoorbells doorbells = new NvmeDoorbells(this);
    private final AtomicInteger settling = new AtomicInteger();

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
        registers = new ControllerRegisters(doorbellStride);
        logs = new NvmeLogs(this);
        features = new NvmeFeatures(this, ioQueues);
        events = new NvmeEvents(features);
        nvm = new NvmCommands(this);
        admin = new AdminCommands(this, identity);
        completions = new NvmeCompletions(this);
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

    AdminCommands admin() {
        return admin;
    }

    NvmeCompletions completions() {
        return completions;
    }

    NvmeDoorbells doorbells() {
        return doorbells;
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

    /** True while doorbells count. */
    boolean isReady() {
        return registers.has(NvmeRegisters.CSTS_RDY) && !gate.isClosed(Gate.RESETTING);
    }

    int pageShift() {
        return NvmeRegisters.pageShift(registers.cc());
    }

    boolean hasEntrySizes() {
        return NvmeRegisters.hasEntrySizes(registers.cc());
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
            case NvmeRegisters.INTMS, NvmeRegisters.INTMC -> interrupts.masked();
            default -> registers.read(offset);
        };
    }

    /** Writes four aligned bytes of a register. */
    void write(int offset, int value) {
        switch (offset) {
            case NvmeRegisters.INTMS -> interrupts.mask(value);
            case NvmeRegisters.INTMC -> interrupts.unmask(value);
            case NvmeRegisters.CC -> configure(value);
            case NvmeRegisters.CSTS -> registers.set(value & NvmeRegisters.CSTS_NSSRO, 0);
            case NvmeRegisters.NSSR -> {
                if (value == NvmeRegisters.NSSR_NVME) {
                    resetSubsystem();
                }
            }
            case NvmeRegisters.AQA,
                    NvmeRegisters.ASQ,
                    NvmeRegisters.ASQ + 4,
                    NvmeRegisters.ACQ,
                    NvmeRegisters.ACQ + 4 ->
                    registers.writeAdminQueues(offset, value);
            default -> {
                // Reserved, or only to be read.
            }
        }
    }

    private void configure(int value) {
        ControllerRegisters.Asked asked;
        synchronized (registers) {
            asked = registers.configure(value);
            if (asked == ControllerRegisters.Asked.SHUTDOWN) {
                gate.close(Gate.SHUTTING_DOWN);
                registers.set(0, NvmeRegisters.CSTS_SHST_OCCURRING);
                logs.isCleanlyShutDown(NvmeRegisters.shutdown(value) == 1);
            }
        }
        if (asked == ControllerRegisters.Asked.RESET) {
            beginReset();
        }
        look();
    }

    private void resetSubsystem() {
        synchronized (registers) {
            registers.clear();
            registers.set(0, NvmeRegisters.CSTS_NSSRO);
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
        registers.set(0, NvmeRegisters.CSTS_CFS);
        counters.count(NvmeEvent.FATAL);
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
        }
        gate.nudge();
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
        if (NvmeRegisters.isEnabled(registers.cc())
                && !registers.has(NvmeRegisters.CSTS_RDY | NvmeRegisters.CSTS_CFS)
                && !gate.isClosed(Gate.RESETTING)) {
            enable();
        }
        completions.postWaiting();
        deliverEvents();
    }

    private void resumeHeldBack(boolean isResetting) {
        NvmeCommand next = pool.next(isResetting);
        while (next != null) {
            if (isResetting || next.isCancelled()) {
                completions.finish(next, NvmeStatus.ABORT_REQUESTED);
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
                completions.finish(deleter, NvmeStatus.SUCCESS);
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
            registers.set(~NvmeRegisters.CSTS_NSSRO, 0);
            gate.open(Gate.RESETTING | Gate.SHUTTING_DOWN | Gate.FATAL);
        }
    }

    /** What was written must be durable before the driver hears that it may cut the power. */
    private void shutDown() {
        if (!registers.isShuttingDown() || isFlushing || !gate.isEmpty()) {
            return;
        }
        isFlushing = true;
        gate.force();
        namespace.backend().submit(BlockRequest.flush((_, _) -> flushed()));
    }

    private void flushed() {
        registers.set(NvmeRegisters.CSTS_SHST_MASK, NvmeRegisters.CSTS_SHST_COMPLETE);
        isFlushing = false;
        leave();
    }

    private void enable() {
        int now = registers.cc();
        int attributes = registers.aqa();
        long asq = registers.asq();
        long acq = registers.acq();
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
            registers.set(NvmeRegisters.CSTS_SHST_MASK, 0);
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
        registers.set(0, NvmeRegisters.CSTS_RDY);
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

    private void deliverEvents() {
        while (events.hasWork() && gate.enter()) {
            NvmeCommand request = events.next();
            if (request == null) {
                leave();
            } else {
                request.event = NvmeEvent.EVENT;
                completions.finish(request, NvmeStatus.SUCCESS);
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
            // Nobody is told of what another thread that settles changes. Whether one does is asked
            // before the rest, or that would be waited for, and after it, or that might not be
            // over.
            boolean isBusy = settling.get() != 0;
            boolean isSettled =
                    gate.isEmpty() && !gate.isClosed(Gate.RESETTING) && !registers.isShuttingDown();
            isBusy |= settling.get() != 0;
            if (isBusy) {
                Thread.onSpinWait();
            } else if (isSettled) {
                return;
            } else {
                gate.awaitChange(before);
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
        registers.clear();
        beginReset();
        awaitSettled();
        registers.set(NvmeRegisters.CSTS_NSSRO, 0);
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
        return new NvmeState(
                registers.cc(),
                registers.status(),
                registers.aqa(),
                registers.asq(),
                registers.acq(),
                interrupts.masked());
    }

    /** Takes over registers; queues follow. */
    void restore(NvmeState state) {
        registers.disable(); // or it would be enabled anew
        beginReset();
        awaitSettled();
        synchronized (registers) {
            registers.restore(state);
            if (registers.has(NvmeRegisters.CSTS_CFS)) {
                gate.close(Gate.FATAL);
            }
            if (registers.has(NvmeRegisters.CSTS_SHST_MASK)) {
                gate.close(Gate.SHUTTING_DOWN);
            }
        }
        interrupts.restore(state.masked());
    }
}
