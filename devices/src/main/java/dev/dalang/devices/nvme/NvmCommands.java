package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockStatus;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The commands of the NVM command set (NVM command set 1.0 §3.2). Each is understood on its queue's
 * thread and goes on where the back end ends its requests.
 */
final class NvmCommands {
    static final int FLUSH = 0x00;
    static final int WRITE = 0x01;
    static final int READ = 0x02;
    static final int COMPARE = 0x05;
    static final int WRITE_ZEROES = 0x08;
    static final int DATASET_MANAGEMENT = 0x09;
    static final int VERIFY = 0x0c;

    static final int[] OPCODES = {
        FLUSH, WRITE, READ, COMPARE, WRITE_ZEROES, DATASET_MANAGEMENT, VERIFY
    };

    /** The greatest transfer as MDTS has it: pages of 4 KiB as a power of two. */
    static final int MAX_TRANSFER_SHIFT = 8;

    static final int MAX_TRANSFER_BYTES = 1 << MAX_TRANSFER_SHIFT + 12;

    /** Ranges of one deallocation. */
    static final int MAX_RANGES = 256;

    private static final int RANGE_BYTES = 16;

    // Fields of word 12 (§3.2.4), and bits of word 11 of a deallocation.
    private static final int FORCE_UNIT_ACCESS = 1 << 30;
    private static final int DEALLOCATE = 1 << 25;
    private static final int DIRECTIVE = 0xf << 20;
    private static final int ATTRIBUTE_DEALLOCATE = 1 << 2;

    // Where fields lie, for the error log.
    private static final int AT_FLAGS = 1;
    private static final int AT_NAMESPACE = 4;
    private static final int AT_POINTER = 24;
    private static final int AT_BLOCK = 40;
    private static final int AT_WORD12 = 48;

    private final NvmeController controller;
    private final NvmeNamespace namespace;
    private final NvmeCommand.Step onRead = this::readDone;
    private final NvmeCommand.Step onWrite = this::writeDone;
    private final NvmeCommand.Step onBounced = this::bounceRead;
    private final NvmeCommand.Step onCompared = this::compareRead;
    private final NvmeCommand.Step onVerified = this::verifyRead;
    private final NvmeCommand.Step onDeallocated = this::rangeDone;

    NvmCommands(NvmeController controller) {
        this.controller = controller;
        namespace = controller.namespace();
    }

    /** Begins a command. */
    void start(NvmeCommand command) {
        int status = begin(command);
        if (status != NvmeStatus.SUCCESS) {
            controller.completions().finish(command, status);
        }
    }

    private int begin(NvmeCommand command) {
        int opcode = command.opcode;
        boolean isKnown =
                switch (opcode) {
                    case FLUSH, WRITE, READ, COMPARE, WRITE_ZEROES, DATASET_MANAGEMENT, VERIFY ->
                            true;
                    default -> false;
                };
        if (!isKnown) {
            return command.wrong(NvmeStatus.INVALID_OPCODE, 0);
        }
        if ((command.flags & 3) != 0 || command.flags >>> 6 == 3) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_FLAGS); // nothing is fused
        }
        if (command.namespace != NvmeNamespace.ID
                && !(opcode == FLUSH && command.namespace == NvmeNamespace.ALL)) {
            return command.wrong(NvmeStatus.INVALID_NAMESPACE, AT_NAMESPACE);
        }
        if (namespace.isFormatting()) {
            return NvmeStatus.FORMAT_IN_PROGRESS;
        }
        return switch (opcode) {
            case FLUSH -> flush(command);
            case DATASET_MANAGEMENT -> manage(command);
            default -> blocks(command);
        };
    }

    private int flush(NvmeCommand command) {
        command.event = NvmeEvent.FLUSHED;
        command.request().asFlush();
        command.submit(namespace.backend(), onWrite);
        return NvmeStatus.SUCCESS;
    }

    /** What is about blocks that follow each other. */
    private int blocks(NvmeCommand command) {
        int opcode = command.opcode;
        boolean isChange = opcode == WRITE || opcode == WRITE_ZEROES;
        if (isChange && namespace.isReadOnly()) {
            return NvmeStatus.WRITE_PROTECTED;
        }
        if (isChange && (command.word12 & DIRECTIVE) != 0) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD12 + 2);
        }
        command.block = command.words1011();
        command.blocks = (command.word12 & 0xffff) + 1;
        int shift = namespace.shift();
        command.shift = shift;
        long bytes = (long) command.blocks << shift;
        if (opcode != WRITE_ZEROES && bytes > MAX_TRANSFER_BYTES) {
            return command.wrong(NvmeStatus.INVALID_FIELD, AT_WORD12);
        }
        if (!namespace.has(command.block, command.blocks)) {
            return command.wrong(NvmeStatus.LBA_OUT_OF_RANGE, AT_BLOCK);
        }
        if (opcode == WRITE_ZEROES) {
            return zero(command, bytes);
        }
        command.length = (int) bytes;
        if (opcode == VERIFY) {
            return bounced(command);
        }
        int status = readPointer(command, command.length, opcode == READ);
        if (status != NvmeStatus.SUCCESS) {
            return command.wrong(status, AT_POINTER);
        }
        return transfer(command);
    }

    /** Reads where the data lies. */
    int readPointer(NvmeCommand command, int length, boolean isRead) {
        if (command.flags >>> 6 == 0) {
            return command.data.readPrps(
                    controller.memory(),
                    command.queue.scratch,
                    command.pointer1,
                    command.pointer2,
                    length,
                    controller.pageShift());
        }
        return command.data.readSgls(
                controller.memory(),
                command.queue.scratch,
                command.pointer1,
                command.pointer2,
                length,
                isRead);
    }

    private static long offset(NvmeCommand command) {
        return command.block << command.shift;
    }

    private boolean isDurable(NvmeCommand command) {
        return (command.word12 & FORCE_UNIT_ACCESS) != 0
                || !controller.features().isWriteCacheEnabled();
    }

    private int zero(NvmeCommand command, long bytes) {
        command.event = NvmeEvent.ZEROED;
        boolean mayUnmap = (command.word12 & DEALLOCATE) != 0;
        command.request().asWriteZeroes(offset(command), bytes, mayUnmap, isDurable(command));
        command.submit(namespace.backend(), onWrite);
        return NvmeStatus.SUCCESS;
    }

    // ---------------------------------------------------------------- data

    private int transfer(NvmeCommand command) {
        boolean isRead = command.opcode == READ;
        if (command.opcode == COMPARE
                || !command.data.slices(
                        controller.memory(), command.queue.slices, isRead, command.segments)) {
            return bounced(command);
        }
        if (isRead) {
            command.event = NvmeEvent.READ;
            read(command, onRead);
        } else {
            write(command);
        }
        return NvmeStatus.SUCCESS;
    }

    private void read(NvmeCommand command, NvmeCommand.Step then) {
        command.request().asRead(offset(command), command.segments);
        command.submit(namespace.backend(), then);
    }

    private void write(NvmeCommand command) {
        command.event = NvmeEvent.WRITTEN;
        command.request().asWrite(offset(command), command.segments, isDurable(command));
        command.submit(namespace.backend(), onWrite);
    }

    private void readDone(NvmeCommand command, BlockStatus how) {
        // Also after an error: some of the bytes may be there.
        command.data.written(controller.memory());
        ended(command, how, NvmeStatus.UNRECOVERED_READ);
    }

    private void writeDone(NvmeCommand command, BlockStatus how) {
        ended(command, how, NvmeStatus.WRITE_FAULT);
    }

    private void ended(NvmeCommand command, BlockStatus how, int failure) {
        int status = status(command, how, failure);
        if (status == NvmeStatus.SUCCESS) {
            controller.logs().done(command);
        }
        controller.completions().finish(command, status);
    }

    static int status(NvmeCommand command, BlockStatus how, int failure) {
        return switch (how) {
            case OK -> NvmeStatus.SUCCESS;
            case IO_ERROR -> failure;
            case NO_SPACE -> {
                command.failure = NvmeEvent.NO_SPACE;
                yield NvmeStatus.WRITE_FAULT | NvmeStatus.DNR;
            }
            case OUT_OF_RANGE -> NvmeStatus.LBA_OUT_OF_RANGE;
            case READ_ONLY -> NvmeStatus.WRITE_PROTECTED;
            case UNSUPPORTED -> {
                command.failure = NvmeEvent.FAILED;
                yield NvmeStatus.INTERNAL_ERROR | NvmeStatus.DNR;
            }
            case CANCELLED -> NvmeStatus.ABORT_REQUESTED;
        };
    }

    // ---------------------------------------------------------------- data through a buffer

    /** A command that waited for a buffer may have one. */
    void resume(NvmeCommand command) {
        int status = bounced(command);
        if (status != NvmeStatus.SUCCESS) {
            controller.completions().finish(command, status);
        }
    }

    private int bounced(NvmeCommand command) {
        BounceBuffer buffer = controller.pool().take(command);
        if (buffer == null) {
            controller.counters().count(NvmeEvent.HELD_BACK);
            return NvmeStatus.SUCCESS;
        }
        command.bounce = buffer;
        controller.counters().count(NvmeEvent.BOUNCED);
        MemorySegment data = buffer.data(command.length);
        command.segments.add(data);
        if (command.opcode == WRITE) {
            if (!command.data.gather(controller.memory(), data)) {
                return command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER);
            }
            write(command);
            return NvmeStatus.SUCCESS;
        }
        NvmeCommand.Step then =
                switch (command.opcode) {
                    case READ -> onBounced;
                    case COMPARE -> onCompared;
                    default -> onVerified;
                };
        read(command, then);
        return NvmeStatus.SUCCESS;
    }

    private static BounceBuffer buffer(NvmeCommand command) {
        BounceBuffer buffer = command.bounce;
        if (buffer == null) {
            throw new AssertionError("a command without its buffer");
        }
        return buffer;
    }

    private void bounceRead(NvmeCommand command, BlockStatus how) {
        command.event = NvmeEvent.READ;
        if (how == BlockStatus.OK
                && !command.data.scatter(
                        controller.memory(), buffer(command).data(command.length))) {
            controller
                    .completions()
                    .finish(command, command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER));
            return;
        }
        ended(command, how, NvmeStatus.UNRECOVERED_READ);
    }

    private void compareRead(NvmeCommand command, BlockStatus how) {
        command.event = NvmeEvent.COMPARED;
        int differs = how == BlockStatus.OK ? compare(command) : NvmeStatus.SUCCESS;
        if (differs != NvmeStatus.SUCCESS) {
            controller.completions().finish(command, differs);
        } else {
            ended(command, how, NvmeStatus.UNRECOVERED_READ);
        }
    }

    private int compare(NvmeCommand command) {
        BounceBuffer buffer = buffer(command);
        MemorySegment ours = buffer.data(command.length);
        DataPointer data = command.data;
        long at = 0;
        for (int n = 0; n < data.count(); n++) {
            for (int done = 0; done < data.length(n); ) {
                int step = Math.min(data.length(n) - done, BounceBuffer.PIECE_BYTES);
                MemorySegment theirs = buffer.piece(step);
                if (!controller.memory().read(data.address(n) + done, theirs)) {
                    return command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER);
                }
                if (MemorySegment.mismatch(ours, at, at + step, theirs, 0, step) >= 0) {
                    return NvmeStatus.COMPARE_FAILURE;
                }
                done += step;
                at += step;
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private void verifyRead(NvmeCommand command, BlockStatus how) {
        command.event = NvmeEvent.VERIFIED;
        ended(command, how, NvmeStatus.UNRECOVERED_READ);
    }

    // ---------------------------------------------------------------- deallocation

    private int manage(NvmeCommand command) {
        int count = (command.word10 & 0xff) + 1;
        command.length = count * RANGE_BYTES;
        int status = readPointer(command, command.length, false);
        if (status != NvmeStatus.SUCCESS) {
            return command.wrong(status, AT_POINTER);
        }
        ByteBuffer ranges = command.ranges;
        if (ranges == null) {
            int most = MAX_RANGES * RANGE_BYTES;
            ranges = ByteBuffer.allocate(most).order(ByteOrder.LITTLE_ENDIAN);
            command.ranges = ranges;
        }
        if (!command.data.gather(controller.memory(), ranges.array())) {
            return command.wrong(NvmeStatus.DATA_TRANSFER_ERROR, AT_POINTER);
        }
        command.event = NvmeEvent.DEALLOCATED;
        if ((command.word11 & ATTRIBUTE_DEALLOCATE) == 0) {
            // Hints about how blocks will be used, which the controller may ignore.
            controller.completions().finish(command, NvmeStatus.SUCCESS);
            return NvmeStatus.SUCCESS;
        }
        if (namespace.isReadOnly()) {
            return NvmeStatus.WRITE_PROTECTED;
        }
        int shift = namespace.shift();
        for (int n = 0; n < count; n++) {
            if (!namespace.has(first(ranges, n), length(ranges, n))) {
                return command.wrong(NvmeStatus.LBA_OUT_OF_RANGE, AT_BLOCK);
            }
        }
        command.shift = shift;
        deallocateNext(command, ranges);
        return NvmeStatus.SUCCESS;
    }

    private static long length(ByteBuffer ranges, int n) {
        return ranges.getInt(n * RANGE_BYTES + 4) & 0xffff_ffffL;
    }

    private static long first(ByteBuffer ranges, int n) {
        return ranges.getLong(n * RANGE_BYTES + 8);
    }

    /** One after the other: a command with many ranges keeps no more of the back end busy. */
    private void deallocateNext(NvmeCommand command, ByteBuffer ranges) {
        int n = command.nextRange++;
        int shift = command.shift;
        command.request().asDiscard(first(ranges, n) << shift, length(ranges, n) << shift, false);
        command.submit(namespace.backend(), onDeallocated);
    }

    private void rangeDone(NvmeCommand command, BlockStatus how) {
        ByteBuffer ranges = command.ranges;
        if (how == BlockStatus.OK
                && ranges != null
                && command.nextRange < command.length / RANGE_BYTES) {
            deallocateNext(command, ranges);
        } else {
            ended(command, how, NvmeStatus.WRITE_FAULT);
        }
    }
}
