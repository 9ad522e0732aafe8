package dev.dalang.virtio.block;

import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;
import dev.dalang.virtio.queue.DescriptorChain;

import java.util.ArrayList;
import java.util.List;

/** A driver's request that was taken from its queue. Guarded by the queue's lock. */
final class BlockCommand {
    /** Types of requests and their answers, virtio 1.3 §5.2.6. */
    static final int VIRTIO_BLK_T_IN = 0;

    static final int VIRTIO_BLK_T_OUT = 1;
    static final int VIRTIO_BLK_T_FLUSH = 4;
    static final int VIRTIO_BLK_T_GET_ID = 8;
    static final int VIRTIO_BLK_T_DISCARD = 11;
    static final int VIRTIO_BLK_T_WRITE_ZEROES = 13;

    static final int VIRTIO_BLK_S_OK = 0;
    static final int VIRTIO_BLK_S_IOERR = 1;
    static final int VIRTIO_BLK_S_UNSUPP = 2;

    static final int HEADER_BYTES = 16;
    static final int STATUS_BYTES = 1;
    static final int ID_BYTES = 20;
    static final int RANGE_BYTES = 16;

    final DescriptorChain chain;

    /** What it needs of the back end; nothing if it could be answered at once. */
    final List<BlockRequest> requests = new ArrayList<>(1);

    /** How it is counted: what was asked for, until something goes wrong. */
    VirtioBlockEvent event = VirtioBlockEvent.MALFORMED;

    int status = VIRTIO_BLK_S_OK;

    /** Requests that have not ended. */
    int pending;

    /** Bytes that the back end writes into the chain, before the status. */
    long readBytes;

    BlockCommand(DescriptorChain chain) {
        this.chain = chain;
    }

    /** Takes note that one of the requests has ended; the first failure is the command's. */
    void ended(BlockStatus how) {
        pending--;
        if (how == BlockStatus.OK || status != VIRTIO_BLK_S_OK) {
            return;
        }
        status = how == BlockStatus.UNSUPPORTED ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
        event =
                switch (how) {
                    case NO_SPACE -> VirtioBlockEvent.NO_SPACE;
                    case OUT_OF_RANGE -> VirtioBlockEvent.OUT_OF_RANGE;
                    case READ_ONLY -> VirtioBlockEvent.READ_ONLY;
                    case UNSUPPORTED -> VirtioBlockEvent.UNSUPPORTED;
                    case CANCELLED -> VirtioBlockEvent.ABANDONED;
                    case OK, IO_ERROR -> VirtioBlockEvent.FAILED;
                };
    }

    /** It is answered without the back end. */
    void answer(int how, VirtioBlockEvent why) {
        requests.clear();
        status = how;
        event = why;
    }
}
