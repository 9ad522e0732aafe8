package dev.dalang.devices.nvme;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * The state of a controller that sleeps, as a value. What is left of commands then is what the
 * driver waits for: requests for events, and completions for which there was no room. Restoring
 * checks everything before anything is changed.
 */
final class NvmeSnapshots {
    private static final String TYPE = "nvme";
    private static final int VERSION = 1;
    private static final String QUEUE = "nvme-queue";

    /** Words of a completion that waits: queue, command, status, result. */
    private static final int WAITING_WORDS = 4;

    private final NvmeController controller;

    NvmeSnapshots(NvmeController controller) {
        this.controller = controller;
    }

    private record Waiting(int queue, int command, int status, long result) {}

    private record Completions(
            int id,
            long base,
            int entries,
            int vector,
            boolean hasInterrupt,
            int head,
            int tail,
            boolean phase,
            List<Waiting> waiting) {}

    private record Submissions(
            int id, long base, int entries, int completions, int head, int tail) {}

    // ---------------------------------------------------------------- saving

    Snapshot save() {
        NvmeNamespace namespace = controller.namespace();
        NvmeState state = controller.state();
        List<Snapshot> completions = new ArrayList<>();
        List<Snapshot> submissions = new ArrayList<>();
        for (int n = 0; n < controller.queues().count(); n++) {
            CompletionQueue queue = controller.queues().completion(n);
            if (queue != null) {
                completions.add(save(queue));
            }
            SubmissionQueue taken = controller.queues().submission(n);
            if (taken != null) {
                submissions.add(save(taken));
            }
        }
        NvmeCommand[] requests = controller.events().requests();
        long[] ids = new long[requests.length];
        for (int n = 0; n < ids.length; n++) {
            ids[n] = requests[n].id;
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("size", namespace.backend().sizeBytes())
                .put("read-only", namespace.isReadOnly())
                .put("format", namespace.format())
                .put("cc", state.cc())
                .put("status", state.status())
                .put("aqa", state.aqa())
                .put("asq", state.asq())
                .put("acq", state.acq())
                .put("masked", state.masked())
                .put("features", controller.features().snapshot())
                .put("logs", controller.logs().snapshot())
                .put("completions", completions)
                .put("submissions", submissions)
                .put("request-count", ids.length)
                .put("requests", ids)
                .put("pending-events", controller.events().pending())
                .put("masked-events", controller.events().masked())
                .build();
    }

    private static Snapshot save(CompletionQueue queue) {
        NvmeCommand[] waiting = queue.waiting();
        long[] words = new long[waiting.length * WAITING_WORDS];
        for (int n = 0; n < waiting.length; n++) {
            words[n * WAITING_WORDS] = waiting[n].queue.id;
            words[n * WAITING_WORDS + 1] = waiting[n].id;
            words[n * WAITING_WORDS + 2] = waiting[n].status;
            words[n * WAITING_WORDS + 3] = waiting[n].result;
        }
        return Snapshot.builder(QUEUE, VERSION)
                .put("id", queue.id)
                .put("base", queue.base)
                .put("entries", queue.entries)
                .put("vector", queue.vector)
                .put("interrupt", queue.hasInterrupt)
                .put("head", queue.head())
                .put("tail", queue.tail())
                .put("phase", queue.phase())
                .put("waiting-count", waiting.length)
                .put("waiting", words)
                .build();
    }

    private static Snapshot save(SubmissionQueue queue) {
        return Snapshot.builder(QUEUE, VERSION)
                .put("id", queue.id)
                .put("base", queue.base)
                .put("entries", queue.entries)
                .put("completions", queue.completions.id)
                .put("head", queue.head())
                .put("tail", queue.tail())
                .build();
    }

    // ---------------------------------------------------------------- restoring

    void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        NvmeNamespace namespace = controller.namespace();
        long size = snapshot.getLong("size");
        if (size != namespace.backend().sizeBytes()) {
            throw new SnapshotException(
                    "%s.size: expected a disk of %d bytes, found one of %d"
                            .formatted(TYPE, size, namespace.backend().sizeBytes()));
        }
        if (snapshot.getBoolean("read-only") != namespace.isReadOnly()) {
            throw new SnapshotException(
                    "%s.read-only: expected %s, found the other"
                            .formatted(TYPE, snapshot.getBoolean("read-only")));
        }
        int format = snapshot.getInt("format", 0, namespace.formats() - 1);
        NvmeState state = state(snapshot);
        Runnable features = controller.features().prepare(snapshot.getSnapshot("features"));
        Runnable logs = controller.logs().prepare(snapshot.getSnapshot("logs"));
        List<Completions> completions = completions(snapshot);
        List<Submissions> submissions = submissions(snapshot, completions);
        int requestCount = snapshot.getInt("request-count", 0, NvmeEvents.MAX_REQUESTS);
        long[] requests = snapshot.getLongs("requests", requestCount);
        int pending = snapshot.getInt("pending-events", 0, 0xff);
        int masked = snapshot.getInt("masked-events", 0, 0xff);
        if (requestCount > 0 && submissions.stream().noneMatch(queue -> queue.id() == 0)) {
            throw new SnapshotException(TYPE + ".requests: expected none without an admin queue");
        }

        controller.restore(state);
        namespace.format(format);
        features.run();
        logs.run();
        restoreQueues(completions, submissions);
        SubmissionQueue admin = controller.queues().submission(0);
        for (long id : requests) {
            NvmeCommand command = admin == null ? null : admin.restoreCommand((int) id);
            if (command != null) {
                controller.events().park(command);
            }
        }
        controller.events().restore(pending, masked);
        controller.interrupts().settle();
    }

    private NvmeState state(Snapshot snapshot) {
        NvmeState state =
                new NvmeState(
                        (int) snapshot.getLong("cc") & NvmeRegisters.CC_MASK,
                        snapshot.getInt("status", 0, 0x1f),
                        (int) snapshot.getLong("aqa") & 0x0fff_0fff,
                        snapshot.getLong("asq"),
                        snapshot.getLong("acq"),
                        (int) snapshot.getLong("masked"));
        boolean isReady = (state.status() & NvmeRegisters.CSTS_RDY) != 0;
        if (isReady
                && (!NvmeRegisters.isEnabled(state.cc())
                        || !NvmeRegisters.isPossible(state.cc()))) {
            throw new SnapshotException(
                    "%s.cc: expected a controller that can be ready, got 0x%x"
                            .formatted(TYPE, state.cc()));
        }
        return state;
    }

    private int id(Snapshot queue) {
        return queue.expect(QUEUE, VERSION).getInt("id", 0, controller.queues().count() - 1);
    }

    private static int entries(Snapshot queue, int id) {
        return queue.getInt("entries", 2, id == 0 ? 4096 : NvmeRegisters.MAX_ENTRIES);
    }

    private List<Completions> completions(Snapshot snapshot) {
        List<Completions> all = new ArrayList<>();
        for (Snapshot queue : snapshot.getList("completions")) {
            int id = id(queue);
            if (find(all, id) != null) {
                throw new SnapshotException(TYPE + ".completions: expected queue " + id + " once");
            }
            int entries = entries(queue, id);
            int waiting =
                    queue.getInt(
                            "waiting-count",
                            0,
                            SubmissionQueue.MAX_COMMANDS * controller.queues().count());
            all.add(
                    new Completions(
                            id,
                            queue.getLong("base"),
                            entries,
                            queue.getInt("vector", 0, controller.queues().count() - 1),
                            queue.getBoolean("interrupt"),
                            queue.getInt("head", 0, entries - 1),
                            queue.getInt("tail", 0, entries - 1),
                            queue.getBoolean("phase"),
                            waiting(queue.getLongs("waiting", waiting * WAITING_WORDS))));
        }
        return all;
    }

    private static List<Waiting> waiting(long[] words) {
        List<Waiting> all = new ArrayList<>();
        for (int n = 0; n < words.length; n += WAITING_WORDS) {
            all.add(
                    new Waiting(
                            (int) words[n],
                            (int) words[n + 1],
                            (int) words[n + 2] & 0x7fff,
                            words[n + 3]));
        }
        return all;
    }

    private static @Nullable Completions find(List<Completions> all, long id) {
        return all.stream().filter(queue -> queue.id() == id).findFirst().orElse(null);
    }

    private List<Submissions> submissions(Snapshot snapshot, List<Completions> completions) {
        List<Submissions> all = new ArrayList<>();
        for (Snapshot queue : snapshot.getList("submissions")) {
            int id = id(queue);
            int entries = entries(queue, id);
            int target = queue.getInt("completions", 0, controller.queues().count() - 1);
            if (find(completions, target) == null || (id == 0) != (target == 0)) {
                throw new SnapshotException(
                        "%s.submissions: queue %d expects the completion queue %d"
                                .formatted(TYPE, id, target));
            }
            if (all.stream().anyMatch(other -> other.id() == id)) {
                throw new SnapshotException(TYPE + ".submissions: expected queue " + id + " once");
            }
            all.add(
                    new Submissions(
                            id,
                            queue.getLong("base"),
                            entries,
                            target,
                            queue.getInt("head", 0, entries - 1),
                            queue.getInt("tail", 0, entries - 1)));
        }
        if ((!all.isEmpty() || !completions.isEmpty()) && !controller.isAttached()) {
            throw new SnapshotException(TYPE + ": expected no queues where there is no machine");
        }
        return all;
    }

    private void restoreQueues(List<Completions> completions, List<Submissions> submissions) {
        for (Completions saved : completions) {
            CompletionQueue queue =
                    new CompletionQueue(
                            saved.id(),
                            saved.base(),
                            saved.entries(),
                            saved.vector(),
                            saved.hasInterrupt(),
                            controller.memory());
            queue.restore(saved.head(), saved.tail(), saved.phase());
            controller.queues().add(queue);
        }
        for (Submissions saved : submissions) {
            CompletionQueue target = controller.queues().completion(saved.completions());
            if (target == null) {
                throw new AssertionError("checked before");
            }
            SubmissionQueue queue =
                    new SubmissionQueue(
                            saved.id(), saved.base(), saved.entries(), target, controller);
            queue.restore(saved.head(), saved.tail());
            controller.add(queue);
        }
        for (Completions saved : completions) {
            restoreWaiting(saved);
        }
    }

    /** One whose queue there is not any more, or has no room for it, is dropped. */
    private void restoreWaiting(Completions saved) {
        CompletionQueue to = controller.queues().completion(saved.id());
        for (Waiting done : saved.waiting()) {
            SubmissionQueue from = controller.queues().submission(done.queue());
            if (to == null || from == null || from.completions != to) {
                continue;
            }
            NvmeCommand command = from.restoreCommand(done.command());
            if (command != null) {
                from.beginEnd(command);
                command.status = done.status();
                command.result = done.result();
                to.addWaiting(command);
            }
        }
    }
}
