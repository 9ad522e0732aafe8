package dev.dalang.devices.nvme;

import dev.dalang.bus.DeviceTask;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A submission queue, and the commands that were taken from it. Its handler, a task of the
 * machine's executor, takes them; how many can be under way is bounded, whatever the driver's
 * doorbell says.
 */
final class SubmissionQueue {
    /** Commands that are taken before others get their turn. */
    private static final int TURN = 64;

    /** The most that are under way. */
    static final int MAX_COMMANDS = 128;

    final int id;
    final long base;
    final int entries;
    final CompletionQueue completions;
    final DataPointer.Scratch scratch = new DataPointer.Scratch();
    final SliceCache slices = new SliceCache();

    private final NvmeController controller;
    private final byte[] bytes = new byte[NvmeCommand.BYTES];
    private final ByteBuffer entry = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);

    private volatile int tail;
    private volatile int head;
    private volatile @Nullable DeviceTask task;

    // Guarded by this object's lock.
    private final List<NvmeCommand> made = new ArrayList<>();
    private final ArrayDeque<NvmeCommand> free = new ArrayDeque<>();
    private boolean isStalled;
    private boolean isEnded;
    private @Nullable NvmeCommand deleter;

    SubmissionQueue(
            int id,
            long base,
            int entries,
            CompletionQueue completions,
            NvmeController controller) {
        this.id = id;
        this.base = base;
        this.entries = entries;
        this.completions = completions;
        this.controller = controller;
    }

    /** Goes on where one was left. */
    void restore(int newHead, int newTail) {
        head = newHead;
        tail = newTail;
    }

    void start(DeviceTask made) {
        task = made;
    }

    boolean isAdmin() {
        return id == 0;
    }

    int head() {
        return head;
    }

    int tail() {
        return tail;
    }

    /** The driver's doorbell; false if the value is none of the queue's. */
    boolean ring(int newTail) {
        if (newTail >= entries) {
            return false;
        }
        tail = newTail;
        signal();
        return true;
    }

    /** Has the handler look. */
    void signal() {
        DeviceTask handler = task;
        if (handler != null) {
            handler.signal();
        }
    }

    /** The handler: takes what there is. */
    void serve() {
        for (int n = 0; n < TURN; n++) {
            int at = head;
            if (at == tail || !controller.gate().enter()) {
                return;
            }
            NvmeCommand command = take();
            if (command == null) {
                controller.leave();
                return;
            }
            long from = base + ((long) at << NvmeRegisters.SQ_ENTRY_SHIFT);
            if (!controller.memory().read(from, bytes, 0, bytes.length)) {
                controller.giveUp();
                release(command);
                controller.leave();
                return;
            }
            command.read(entry);
            head = at + 1 == entries ? 0 : at + 1;
            try {
                controller.execute(command);
            } catch (RuntimeException | Error failure) {
                controller.completions().failed(command, failure);
            }
        }
        signal();
    }

    void failed(NvmeCommand command, Throwable failure) {
        controller.completions().failed(command, failure);
    }

    private synchronized @Nullable NvmeCommand take() {
        if (isEnded) {
            return null;
        }
        NvmeCommand command = free.poll();
        if (command == null) {
            if (made.size() == MAX_COMMANDS) {
                isStalled = true;
                return null;
            }
            command = new NvmeCommand(this);
            made.add(command);
        }
        command.take();
        return command;
    }

    /** A command that a snapshot holds; null if there is no room for it. */
    @Nullable NvmeCommand restoreCommand(int commandId) {
        NvmeCommand command = take();
        if (command != null) {
            command.id = commandId & 0xffff;
        }
        return command;
    }

    /** A command is through. */
    void release(NvmeCommand command) {
        boolean goesOn;
        boolean isOver;
        synchronized (this) {
            command.state = NvmeCommand.State.FREE;
            free.add(command);
            goesOn = isStalled;
            isStalled = false;
            isOver = isEnded && free.size() == made.size();
        }
        if (goesOn) {
            signal();
        }
        if (isOver) {
            controller.look();
        }
    }

    synchronized void park(NvmeCommand command) {
        command.state = NvmeCommand.State.PARKED;
    }

    /** A command has come to its end; false if it had before. */
    synchronized boolean beginEnd(NvmeCommand command) {
        boolean isFirst =
                command.state == NvmeCommand.State.RUNNING
                        || command.state == NvmeCommand.State.PARKED;
        if (isFirst) {
            command.state = NvmeCommand.State.DONE;
        }
        return isFirst;
    }

    /**
     * Takes back a command that runs; when it has ended, who wanted that is told.
     *
     * @return false if there is no such command, or it is being taken back
     */
    synchronized boolean abort(int commandId, NvmeCommand aborter) {
        for (NvmeCommand command : made) {
            if (command.id == commandId
                    && command != aborter
                    && command.state == NvmeCommand.State.RUNNING
                    && command.aborter == null) {
                command.aborter = aborter;
                command.cancel();
                return true;
            }
        }
        return false;
    }

    /** A command of that id that waits for an event; null if there is none. */
    synchronized @Nullable NvmeCommand parked(int commandId) {
        for (NvmeCommand command : made) {
            if (command.id == commandId && command.state == NvmeCommand.State.PARKED) {
                return command;
            }
        }
        return null;
    }

    /** Takes back all that is under way. */
    synchronized void cancelAll() {
        for (NvmeCommand command : made) {
            if (command.state == NvmeCommand.State.RUNNING) {
                command.cancel();
            }
        }
    }

    /** No more commands are taken; false if that was so before. */
    synchronized boolean end(@Nullable NvmeCommand by) {
        if (isEnded) {
            return false;
        }
        isEnded = true;
        deleter = by;
        return true;
    }

    synchronized boolean isEnded() {
        return isEnded;
    }

    /** The command that deletes the queue, once nothing else is left of it. */
    synchronized @Nullable NvmeCommand finishedDeleter() {
        return isEnded && free.size() == made.size() ? deleter : null;
    }

    /** Waits until the handler is out. Without any lock. */
    void close() {
        DeviceTask handler = task;
        if (handler != null) {
            handler.close();
        }
    }
}
