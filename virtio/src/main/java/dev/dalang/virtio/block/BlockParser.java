package dev.dalang.virtio.block;

import static dev.dalang.virtio.block.BlockCommand.HEADER_BYTES;
import static dev.dalang.virtio.block.BlockCommand.ID_BYTES;
import static dev.dalang.virtio.block.BlockCommand.RANGE_BYTES;
import static dev.dalang.virtio.block.BlockCommand.STATUS_BYTES;
import static dev.dalang.virtio.block.BlockCommand.VIRTIO_BLK_S_IOERR;
import static dev.dalang.virtio.block.BlockCommand.VIRTIO_BLK_S_OK;
import static dev.dalang.virtio.block.BlockCommand.VIRTIO_BLK_S_UNSUPP;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockTopology;
import dev.dalang.virtio.queue.DescriptorChain;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Understands what a driver asks for. Everything of a request that decides something is copied
 * once, then checked, then used. What makes no sense is answered with an error.
 *
 * <p>The driver's layout means nothing: the header is the first 16 readable bytes, the status the
 * last writable one, whatever buffers they lie in (virtio 1.3 §2.7.4.1). One thread at a time.
 */
final class BlockParser {
    private static final int SECTOR = BlockTopology.SECTOR_BYTES;

    /** Flag of a range: the host may take its space back. */
    private static final int UNMAP = 1;

    private final BlockBackend backend;
    private final byte[] id;
    private final long features;
    private final byte[] header = new byte[HEADER_BYTES];
    private final ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);

    BlockParser(BlockBackend backend, byte[] id, long features) {
        this.backend = backend;
        this.id = id;
        this.features = features;
    }

    /**
     * Understands a request whose chain has room for the status.
     *
     * @param isDurable whether changes must be durable when they are done
     * @param completion hears of what the back end is asked for
     */
    BlockCommand parse(
            DescriptorChain chain, boolean isDurable, BlockRequest.Completion completion) {
        BlockCommand command = new BlockCommand(chain);
        try {
            if (chain.readableBytes() < HEADER_BYTES) {
                command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
            } else {
                parse(command, isDurable, completion);
            }
        } catch (GuestMemoryException nowhere) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.BAD_MEMORY);
        }
        command.pending = command.requests.size();
        return command;
    }

    private void parse(
            BlockCommand command, boolean isDurable, BlockRequest.Completion completion) {
        DescriptorChain chain = command.chain;
        chain.read(header);
        int type = fields.getInt(0);
        long sector = fields.getLong(8); // before it four bytes that mean nothing
        switch (type) {
            case BlockCommand.VIRTIO_BLK_T_IN -> read(command, sector, completion);
            case BlockCommand.VIRTIO_BLK_T_OUT -> write(command, sector, isDurable, completion);
            case BlockCommand.VIRTIO_BLK_T_FLUSH -> flush(command, sector, completion);
            case BlockCommand.VIRTIO_BLK_T_GET_ID -> identify(command);
            case BlockCommand.VIRTIO_BLK_T_DISCARD -> ranges(command, true, isDurable, completion);
            case BlockCommand.VIRTIO_BLK_T_WRITE_ZEROES ->
                    ranges(command, false, isDurable, completion);
            default -> command.answer(VIRTIO_BLK_S_UNSUPP, VirtioBlockEvent.UNSUPPORTED);
        }
    }

    private void read(BlockCommand command, long sector, BlockRequest.Completion completion) {
        DescriptorChain chain = command.chain;
        long bytes = chain.writableBytes() - STATUS_BYTES;
        if (chain.readableLeft() != 0 || bytes % SECTOR != 0) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
        } else if (!isOnDisk(sector, bytes / SECTOR)) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.OUT_OF_RANGE);
        } else {
            command.event = VirtioBlockEvent.READ;
            List<MemorySegment> buffers = new ArrayList<>(chain.buffers());
            chain.writableSegments(bytes, buffers::add);
            command.readBytes = bytes;
            command.requests.add(BlockRequest.read(sector * SECTOR, buffers, completion));
        }
    }

    private void write(
            BlockCommand command,
            long sector,
            boolean isDurable,
            BlockRequest.Completion completion) {
        DescriptorChain chain = command.chain;
        long bytes = chain.readableLeft();
        if (backend.isReadOnly()) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.READ_ONLY);
        } else if (chain.writableBytes() != STATUS_BYTES || bytes % SECTOR != 0) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
        } else if (!isOnDisk(sector, bytes / SECTOR)) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.OUT_OF_RANGE);
        } else {
            command.event = VirtioBlockEvent.WRITTEN;
            List<MemorySegment> buffers = new ArrayList<>(chain.buffers());
            chain.readableSegments(bytes, buffers::add);
            command.requests.add(
                    BlockRequest.write(sector * SECTOR, buffers, isDurable, completion));
        }
    }

    /** The sector is to be 0, and there is no data (virtio 1.3 §5.2.6.1). */
    private static void flush(
            BlockCommand command, long sector, BlockRequest.Completion completion) {
        DescriptorChain chain = command.chain;
        if (sector != 0 || chain.readableLeft() != 0 || chain.writableBytes() != STATUS_BYTES) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
        } else {
            command.event = VirtioBlockEvent.FLUSHED;
            command.requests.add(BlockRequest.flush(completion));
        }
    }

    private void identify(BlockCommand command) {
        DescriptorChain chain = command.chain;
        if (chain.writableBytes() < ID_BYTES + STATUS_BYTES || chain.readableLeft() != 0) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
        } else {
            chain.write(id);
            command.answer(VIRTIO_BLK_S_OK, VirtioBlockEvent.IDENTIFIED);
        }
    }

    private void ranges(
            BlockCommand command,
            boolean isDiscard,
            boolean isDurable,
            BlockRequest.Completion completion) {
        long feature =
                isDiscard
                        ? VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD
                        : VirtioBlockFeatures.VIRTIO_BLK_F_WRITE_ZEROES;
        DescriptorChain chain = command.chain;
        long bytes = chain.readableLeft();
        if (!VirtioBlockFeatures.has(features, feature)) {
            command.answer(VIRTIO_BLK_S_UNSUPP, VirtioBlockEvent.UNSUPPORTED);
        } else if (backend.isReadOnly()) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.READ_ONLY);
        } else if (bytes == 0
                || bytes % RANGE_BYTES != 0
                || bytes / RANGE_BYTES > BlockConfig.MAX_RANGES
                || chain.writableBytes() != STATUS_BYTES) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
        } else {
            byte[] copy = new byte[(int) bytes];
            chain.read(copy);
            ByteBuffer ranges = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
            command.event = isDiscard ? VirtioBlockEvent.DISCARDED : VirtioBlockEvent.ZEROED;
            boolean goesOn = true;
            while (goesOn && ranges.hasRemaining()) {
                goesOn = range(command, ranges, isDiscard, isDurable, completion);
            }
        }
    }

    /** One range; false if the command was answered because of it, and nothing is done at all. */
    private boolean range(
            BlockCommand command,
            ByteBuffer ranges,
            boolean isDiscard,
            boolean isDurable,
            BlockRequest.Completion completion) {
        long sector = ranges.getLong();
        long sectors = Integer.toUnsignedLong(ranges.getInt());
        int flags = ranges.getInt();
        if ((flags & ~UNMAP) != 0 || isDiscard && flags != 0) {
            command.answer(VIRTIO_BLK_S_UNSUPP, VirtioBlockEvent.UNSUPPORTED);
            return false;
        }
        if (sectors > BlockConfig.MAX_RANGE_SECTORS) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.MALFORMED);
            return false;
        }
        if (!isOnDisk(sector, sectors)) {
            command.answer(VIRTIO_BLK_S_IOERR, VirtioBlockEvent.OUT_OF_RANGE);
            return false;
        }
        if (sectors != 0) {
            long offset = sector * SECTOR;
            long length = sectors * SECTOR;
            boolean mayUnmap = (flags & UNMAP) != 0;
            command.requests.add(
                    isDiscard
                            ? BlockRequest.discard(offset, length, isDurable, completion)
                            : BlockRequest.writeZeroes(
                                    offset, length, mayUnmap, isDurable, completion));
        }
        return true;
    }

    /** The sector is the driver's, any 64 bits; the count is below 2^32. */
    private boolean isOnDisk(long sector, long count) {
        long capacity = backend.sizeBytes() / SECTOR;
        return sector >= 0 && sector <= capacity && count <= capacity - sector;
    }
}
