package dev.dalang.devices.nvme;

/** The doorbells of the queues: a driver's word that there is something new. Any thread. */
final class NvmeDoorbells {
    private final NvmeController controller;

    NvmeDoorbells(NvmeController controller) {
        this.controller = controller;
    }

    /** Takes a doorbell: those of a queue's submissions and completions follow each other. */
    void ring(int index, int written) {
        if (!controller.isReady()) {
            controller.counters().count(NvmeEvent.UNREADY_DOORBELL);
            return;
        }
        int value = written & 0xffff;
        if ((index & 1) == 0) {
            SubmissionQueue queue = controller.queues().submission(index >>> 1);
            if (queue == null || !queue.ring(value)) {
                refuse(queue != null);
            }
            return;
        }
        CompletionQueue queue = controller.queues().completion(index >>> 1);
        if (queue == null || !queue.release(value)) {
            refuse(queue != null);
            return;
        }
        controller.interrupts().seen();
        if (queue.canGoOn()) {
            controller.look();
        }
    }

    private void refuse(boolean isForValue) {
        controller.counters().count(NvmeEvent.INVALID_DOORBELL);
        controller.logs().addError(0xffff, 0xffff, 0, 0xffff, 0, 0);
        controller
                .events()
                .raise(isForValue ? NvmeEvents.INVALID_VALUE : NvmeEvents.INVALID_REGISTER);
        controller.look();
    }
}
