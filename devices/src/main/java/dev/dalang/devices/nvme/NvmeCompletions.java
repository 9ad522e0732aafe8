package dev.dalang.devices.nvme;

/**
 * What becomes of commands that are done: what they needed is free again, the driver is told, and
 * whoever waits for their end goes on. Any thread.
 */
final class NvmeCompletions {
    private static final System.Logger LOG = System.getLogger(NvmeController.class.getName());

    private final NvmeController controller;
    private final NvmeCounters counters;
    private final Gate gate;

    NvmeCompletions(NvmeController controller) {
        this.controller = controller;
        counters = controller.counters();
        gate = controller.gate();
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
            if (controller.pool().release(buffer)) {
                controller.look();
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
                controller.admin().aborted(aborter, true);
            }
            return;
        }
        if (end == NvmeStatus.SUCCESS) {
            counters.count(command.event);
        } else {
            NvmeEvent failure = command.failure;
            counters.count(failure != null ? failure : NvmeStatus.event(end));
            controller.logs().addError(command, end);
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
                controller.interrupts().posted(to);
                end(command);
            }
            case LATER -> {
                counters.count(NvmeEvent.QUEUE_FULL);
                controller.leave();
                controller.look(); // there may have come room since
            }
            case NEVER -> {
                controller.giveUp();
                end(command);
            }
        }
        if (aborter != null) {
            controller.admin().aborted(aborter, wasAborted);
        }
    }

    private void end(NvmeCommand command) {
        command.queue.release(command);
        controller.leave();
    }

    /** Something of ours failed on the way: the command ends, and so does trust. */
    void failed(NvmeCommand command, Throwable failure) {
        boolean isFirst = counters.get(NvmeEvent.DEFECT) == 0;
        counters.count(NvmeEvent.DEFECT);
        if (isFirst) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "an NVMe command failed; further failures are only counted: " + failure);
            LOG.log(System.Logger.Level.DEBUG, () -> "where an NVMe command failed", failure);
        }
        controller.giveUp();
        finish(command, NvmeStatus.INTERNAL_ERROR);
    }

    /** Posts what has waited for room and has it now. */
    void postWaiting() {
        QueueTable queues = controller.queues();
        for (int n = 0; n < queues.count(); n++) {
            CompletionQueue queue = queues.completion(n);
            while (queue != null && queue.canGoOn() && gate.enter()) {
                NvmeCommand command = queue.postNext();
                if (command == null) {
                    controller.leave();
                } else {
                    if (command.failure == NvmeEvent.FATAL) {
                        controller.giveUp();
                    }
                    controller.interrupts().posted(queue);
                    end(command);
                }
            }
        }
    }
}
