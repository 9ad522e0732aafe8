package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockStatus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/** The commands of the admin queue (NVMe base 2.0 §5). On its queue's thread. */
final class AdminCommands {
    static final int DELETE_SUBMISSIONS = 0x00;
    static final int CREATE_SUBMISSIONS = 0x01;
    static final int GET_LOG_PAGE = 0x02;
    static final int DELETE_COMPLETIONS = 0x04;
    static final int CREATE_COMPLETIONS = 0x05;
    static final int IDENTIFY = 0x06;
    static final int ABORT = 0x08;
    static final int SET_FEATURES = 0x09;
    static final int GET_FEATURES = 0x0a;
    static final int ASYNCHRONOUS_EVENT = 0x0c;
    static final int FORMAT = 0x80;

    static final int[] OPCODES = {
        DELETE_SUBMISSIONS,
        CREATE_SUBMISSIONS,
        GET_LOG_PAGE,
        DELETE_COMPLETIONS,
        CREATE_COMPLETIONS,
        IDENTIFY,
        ABORT,
        SET_FEATURES,
        GET_FEATURES,
        ASYNCHRONOUS_EVENT,
        FORMAT
    };

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    // Where fields lie, for the error log.
    private static final int AT_FLAGS = 1;
    private static final int AT_NAMESPACE = 4;
    private static final int AT_POINTER = 24;
    private static final int AT_WORD10 = 40;
    private static final int AT_WORD11 = 44;
    private static final int AT_WORD12 = 48;

    private static final int CONTIGUOUS = 1;
    private static final int INTERRUPTS = 1 << 1;
    private static final int KEEPS_EVENT = 1 << 15;
    private static final int NOT_ABORTED = 1;

    private final NvmeController controller;
    private final NvmeIdentity identity;
    private final AtomicInteger waitingAborts = new AtomicInteger();
    private final NvmeCommand.Step onErased = this::erased;
    private final NvmeCommand.Step onFormatted = this::formatted;

    AdminCommands(NvmeController controller, NvmeIdentity identity) {
        this.controller = controller;
        this.identity = identity;
    }

    /** What becomes of a command whose status is not known at once. */
    private static final int LATER = -1;

    void start(NvmeCommand command) {
        int status = begin(command);
        if (status != LATER) {
            controller.completions().finish(command, status);
        }
    }

    private int begin(NvmeCommand command) {
        // Of SGLs an admin queue in memory knows nothing (NVMe over PCIe 1.0 §3.3).
        if ((command.flags & 0xc3) != 0) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_FLAGS);
        }
        return switch (command.opcode) {
            case DELETE_SUBMISSIONS -> deleteSubmissions(command);
            case CREATE_SUBMISSIONS -> createSubmissions(command);
            case GET_LOG_PAGE -> getLogPage(command);
            case DELETE_COMPLETIONS -> deleteCompletions(command);
            case CREATE_COMPLETIONS -> createCompletions(command);
            case IDENTIFY -> identify(command);
            case ABORT -> abort(command);
            case SET_FEATURES -> setFeatures(command);
            case GET_FEATURES -> getFeatures(command);
            case ASYNCHRONOUS_EVENT -> requestEvent(command);
            case FORMAT -> format(command);
            default -> command.wrong(NvmeStatus.INVALID_OPCODE, 0);
        };
    }

    // ---------------------------------------------------------------- queues

    /** Checks what both kinds have in common; a status. */
    private int checkQueue(NvmeCommand command, int granted, boolean exists) {
        int id = command.word10 & 0xffff;
        if (id == 0 || id > granted || exists) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_ID, AT_WORD10);
        }
        int entries = (command.word10 >>> 16) + 1;
        if (entries < 2 || entries > NvmeRegisters.MAX_ENTRIES) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_SIZE, AT_WORD10 + 2);
        }
        if ((command.word11 & CONTIGUOUS) == 0 || !controller.hasEntrySizes()) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD11);
        }
        if ((command.pointer1 & (1L << controller.pageShift()) - 1) != 0) {
            return command.wrong(NvmeStatus.INVALID_PRP_OFFSET, AT_POINTER);
        }
        return NvmeStatus.SUCCESS;
    }

    private int createCompletions(NvmeCommand command) {
        int id = command.word10 & 0xffff;
        boolean exists = controller.queues().completion(id) != null;
        int status = checkQueue(command, controller.features().completionQueues(), exists);
        if (status != NvmeStatus.SUCCESS) {
            return status;
        }
        int vector = command.word11 >>> 16;
        if (vector >= controller.interrupts().vectors()) {
            return command.wrong(NvmeStatus.INVALID_VECTOR, AT_WORD11 + 2);
        }
        controller
                .queues()
                .add(
                        new CompletionQueue(
                                id,
                                command.pointer1,
                                (command.word10 >>> 16) + 1,
                                vector,
                                (command.word11 & INTERRUPTS) != 0,
                                controller.memory()));
        return NvmeStatus.SUCCESS;
    }

    private int createSubmissions(NvmeCommand command) {
        int id = command.word10 & 0xffff;
        boolean exists = controller.queues().submission(id) != null;
        int status = checkQueue(command, controller.features().submissionQueues(), exists);
        if (status != NvmeStatus.SUCCESS) {
            return status;
        }
        int completionsId = command.word11 >>> 16;
        if (completionsId == 0 || completionsId > controller.features().completionQueues()) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_ID, AT_WORD11 + 2);
        }
        CompletionQueue completions = controller.queues().completion(completionsId);
        if (completions == null
                || !controller.add(
                        new SubmissionQueue(
                                id,
                                command.pointer1,
                                (command.word10 >>> 16) + 1,
                                completions,
                                controller))) {
            return command.wrong(NvmeStatus.CQ_INVALID, AT_WORD11 + 2);
        }
        return NvmeStatus.SUCCESS;
    }

    /** The queue's commands are taken back; when all have ended the controller goes on. */
    private int deleteSubmissions(NvmeCommand command) {
        int id = command.word10 & 0xffff;
        SubmissionQueue queue = id == 0 ? null : controller.queues().submission(id);
        if (queue == null || !queue.end(command)) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_ID, AT_WORD10);
        }
        queue.cancelAll();
        controller.look();
        return LATER;
    }

    private int deleteCompletions(NvmeCommand command) {
        int id = command.word10 & 0xffff;
        CompletionQueue queue = id == 0 ? null : controller.queues().completion(id);
        if (queue == null) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_ID, AT_WORD10);
        }
        if (!controller.queues().remove(queue)) {
            return command.wrong(NvmeStatus.INVALID_QUEUE_DELETION, AT_WORD10);
        }
        controller.interrupts().seen();
        return NvmeStatus.SUCCESS;
    }

    // ---------------------------------------------------------------- data

    private int toDriver(NvmeCommand command, byte[] bytes, int from, int length) {
        int status = readPointer(command, length);
        if (status != NvmeStatus.SUCCESS || length == 0) {
            return status;
        }
        MemorySegment part = MemorySegment.ofArray(bytes).asSlice(from, length);
        return command.data.scatter(controller.memory(), part)
                ? NvmeStatus.SUCCESS
                : command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER);
    }

    private int readPointer(NvmeCommand command, int length) {
        if (length == 0) {
            return NvmeStatus.SUCCESS;
        }
        int status =
                command.data.readPrps(
                        controller.memory(),
                        command.queue.scratch,
                        command.pointer1,
                        command.pointer2,
                        length,
                        controller.pageShift());
        return status == NvmeStatus.SUCCESS ? status : command.wrong(status, AT_POINTER);
    }

    private int identify(NvmeCommand command) {
        byte[] structure = identity.structure(command);
        return structure == null
                ? command.status
                : toDriver(command, structure, 0, structure.length);
    }

    private int getLogPage(NvmeCommand command) {
        int page = command.word10 & 0xff;
        long bytes = ((command.word10 >>> 16) + ((command.word11 & 0xffffL) << 16) + 1) * 4;
        long offset = command.words1213();
        if (!NvmeLogs.exists(page)) {
            return command.wrong(NvmeStatus.INVALID_LOG_PAGE, AT_WORD10);
        }
        boolean isAll = command.namespace == 0 || command.namespace == NvmeNamespace.ALL;
        if (!isAll && (page != NvmeLogs.HEALTH || command.namespace != NvmeNamespace.ID)) {
            return command.wrong(
                    command.namespace == NvmeNamespace.ID
                            ? NvmeStatus.INVALID_FIELD
                            : NvmeStatus.INVALID_NAMESPACE,
                    AT_NAMESPACE);
        }
        if (bytes > NvmCommands.MAX_TRANSFER_BYTES) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD10 + 2);
        }
        if (command.word14 < 0) {
            return command.wrong(NvmeStatus.INVALID_FIELD, 56); // offsets are bytes
        }
        boolean isRead = (command.word10 & KEEPS_EVENT) == 0;
        // Before the page is made: what happens afterwards is not on it.
        if (isRead) {
            controller.events().read(page);
        }
        byte[] content = controller.logs().page(page, isRead);
        if ((offset & 3) != 0 || Long.compareUnsigned(offset, content.length) > 0) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD12);
        }
        int status =
                toDriver(
                        command,
                        content,
                        (int) offset,
                        (int) Math.min(bytes, content.length - offset));
        if (isRead && page == NvmeLogs.HEALTH) {
            controller.events().checkTemperature();
        }
        controller.look(); // another event of the kind may be told
        return status;
    }

    // ---------------------------------------------------------------- features

    private int setFeatures(NvmeCommand command) {
        int id = command.word10 & 0xff;
        if (id != NvmeFeatures.TIMESTAMP) {
            int status = controller.features().set(command);
            if (status == NvmeStatus.SUCCESS
                    && (id == NvmeFeatures.TEMPERATURE_THRESHOLD
                            || id == NvmeFeatures.ASYNCHRONOUS_EVENTS)) {
                controller.events().checkTemperature();
                controller.look();
            }
            return status;
        }
        int status = controller.features().checkSet(command);
        if (status == NvmeStatus.SUCCESS) {
            status = readPointer(command, NvmeFeatures.TIMESTAMP_BYTES);
        }
        if (status != NvmeStatus.SUCCESS) {
            return status;
        }
        byte[] bytes = new byte[NvmeFeatures.TIMESTAMP_BYTES];
        if (!command.data.gather(controller.memory(), bytes)) {
            return command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER);
        }
        controller.features().setTimestamp(MemorySegment.ofArray(bytes).get(LONG, 0));
        return NvmeStatus.SUCCESS;
    }

    private int getFeatures(NvmeCommand command) {
        int status = controller.features().get(command);
        int select = command.word10 >>> 8 & 7;
        if (status != NvmeStatus.SUCCESS
                || (command.word10 & 0xff) != NvmeFeatures.TIMESTAMP
                || select == 3) {
            return status;
        }
        byte[] bytes = new byte[NvmeFeatures.TIMESTAMP_BYTES];
        long now = controller.features().timestamp(select != 0);
        MemorySegment.ofArray(bytes).set(LONG, 0, now);
        return toDriver(command, bytes, 0, bytes.length);
    }

    // ---------------------------------------------------------------- events and aborts

    private int requestEvent(NvmeCommand command) {
        if (!controller.events().park(command)) {
            return NvmeStatus.EVENT_LIMIT;
        }
        controller.leave(); // it waits, and nothing waits for it
        controller.look();
        return LATER;
    }

    private int abort(NvmeCommand command) {
        command.result = NOT_ABORTED;
        SubmissionQueue queue = controller.queues().submission(command.word10 & 0xffff);
        if (queue == null) {
            return NvmeStatus.SUCCESS;
        }
        if (waitingAborts.get() > NvmeIdentity.ABORT_LIMIT) {
            return NvmeStatus.ABORT_LIMIT;
        }
        int id = command.word10 >>> 16;
        // Before it is taken back: it may have ended when that returns.
        waitingAborts.incrementAndGet();
        if (queue.abort(id, command)) {
            return LATER;
        }
        waitingAborts.decrementAndGet();
        NvmeCommand parked = queue.parked(id);
        if (parked != null && controller.events().remove(parked)) {
            command.result = 0;
            controller.gate().force();
            controller.completions().finish(parked, NvmeStatus.ABORT_REQUESTED);
        }
        return NvmeStatus.SUCCESS;
    }

    /** The command that was to be aborted has ended. */
    void aborted(NvmeCommand abort, boolean isAborted) {
        waitingAborts.decrementAndGet();
        abort.result = isAborted ? 0 : NOT_ABORTED;
        controller.completions().finish(abort, NvmeStatus.SUCCESS);
    }

    // ---------------------------------------------------------------- formatting

    private int format(NvmeCommand command) {
        NvmeNamespace namespace = controller.namespace();
        if (command.namespace != NvmeNamespace.ID && command.namespace != NvmeNamespace.ALL) {
            return command.wrong(NvmeStatus.INVALID_NAMESPACE, AT_NAMESPACE);
        }
        int format = command.word10 & 0xf | command.word10 >>> 8 & 0x30;
        int erase = command.word10 >>> 9 & 7;
        boolean isProtected = (command.word10 >>> 5 & 7) != 0;
        if (format >= namespace.formats() || isProtected) {
            return command.wrong(NvmeStatus.INVALID_FORMAT, AT_WORD10);
        }
        if (erase > 1) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD10 + 1); // nothing is encrypted
        }
        if (namespace.isReadOnly()) {
            return NvmeStatus.WRITE_PROTECTED;
        }
        if (namespace.isFormatting()) {
            return NvmeStatus.FORMAT_IN_PROGRESS;
        }
        command.event = NvmeEvent.FORMATTED;
        command.shift = format;
        namespace.formatting(true);
        command.request().asWriteZeroes(0, namespace.backend().sizeBytes(), true, false);
        command.submit(namespace.backend(), onErased);
        return LATER;
    }

    private void erased(NvmeCommand command, BlockStatus how) {
        NvmeNamespace namespace = controller.namespace();
        if (how != BlockStatus.OK) {
            formatted(command, how);
            return;
        }
        namespace.format(command.shift);
        command.request().asFlush();
        command.submit(namespace.backend(), onFormatted);
    }

    private void formatted(NvmeCommand command, BlockStatus how) {
        controller.namespace().formatting(false);
        controller
                .completions()
                .finish(command, NvmCommands.status(command, how, NvmeStatus.WRITE_FAULT));
    }
}
