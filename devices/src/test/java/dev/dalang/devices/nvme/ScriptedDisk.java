package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;
import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.StorageEvent;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * A disk in an array, which holds requests until it is told to go on, and fails those it is told to
 * fail. What is discarded then reads as {@link #DISCARDED}.
 */
final class ScriptedDisk implements BlockBackend {
    static final byte DISCARDED = (byte) 0xdd;

    private final BlockTopology topology;
    private final boolean isReadOnly;
    private final List<BlockRequest> held = new ArrayList<>();
    private final Deque<BlockStatus> failures = new ArrayDeque<>();
    private Runnable listener = () -> {};
    private boolean holds;
    private boolean throwsNext;

    byte[] content;
    int flushes;
    int durableWrites;
    int unmappedZeroes;
    boolean isClosed;

    ScriptedDisk(int bytes, boolean isReadOnly, int logicalBlockBytes) {
        content = new byte[bytes];
        this.isReadOnly = isReadOnly;
        topology = new BlockTopology(logicalBlockBytes, 4096, 65536, 8192);
    }

    ScriptedDisk(int bytes) {
        this(bytes, false, 512);
    }

    /** From now on requests wait for {@link #release}. */
    synchronized void hold() {
        holds = true;
    }

    /** The next request that is served ends so. */
    synchronized void failNext(BlockStatus status) {
        failures.add(status);
    }

    /** What was said to fail does not. */
    synchronized void failNoMore() {
        failures.clear();
    }

    /** The next submission fails as no back end should. */
    synchronized void throwNext() {
        throwsNext = true;
    }

    synchronized List<BlockRequest> held() {
        return List.copyOf(held);
    }

    /** Lets all go that wait, the last first, and holds no more. */
    void release() {
        List<BlockRequest> going;
        synchronized (this) {
            holds = false;
            going = List.copyOf(held).reversed();
            held.clear();
        }
        going.forEach(this::serve);
    }

    @Override
    public void submit(BlockRequest request) {
        synchronized (this) {
            if (throwsNext) {
                throwsNext = false;
                throw new IllegalStateException("the back end is broken");
            }
            if (holds) {
                held.add(request);
                return;
            }
        }
        serve(request);
    }

    private void serve(BlockRequest request) {
        BlockStatus status;
        synchronized (this) {
            status = failures.isEmpty() ? perform(request) : failures.poll();
        }
        request.complete(status);
    }

    private BlockStatus perform(BlockRequest request) {
        if (request.isCancelled()) {
            return BlockStatus.CANCELLED;
        }
        if (request.offset() < 0
                || request.length() < 0
                || request.offset() > content.length
                || request.length() > content.length - request.offset()) {
            return BlockStatus.OUT_OF_RANGE;
        }
        if (request.operation().isChange() && isReadOnly) {
            return BlockStatus.READ_ONLY;
        }
        int at = (int) request.offset();
        int length = (int) request.length();
        durableWrites += request.isDurable() ? 1 : 0;
        switch (request.operation()) {
            case READ -> {
                // By index: an iterator would be garbage, which is counted here.
                for (int n = 0; n < request.buffers().size(); n++) {
                    MemorySegment buffer = request.buffers().get(n);
                    int bytes = (int) buffer.byteSize();
                    MemorySegment.copy(content, at, buffer, ValueLayout.JAVA_BYTE, 0, bytes);
                    at += bytes;
                }
            }
            case WRITE -> {
                for (int n = 0; n < request.buffers().size(); n++) {
                    MemorySegment buffer = request.buffers().get(n);
                    int bytes = (int) buffer.byteSize();
                    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, content, at, bytes);
                    at += bytes;
                }
            }
            case FLUSH -> flushes++;
            case DISCARD -> Arrays.fill(content, at, at + length, DISCARDED);
            case WRITE_ZEROES -> {
                unmappedZeroes += request.mayUnmap() ? 1 : 0;
                Arrays.fill(content, at, at + length, (byte) 0);
            }
        }
        return BlockStatus.OK;
    }

    @Override
    public synchronized long sizeBytes() {
        return content.length;
    }

    @Override
    public boolean isReadOnly() {
        return isReadOnly;
    }

    @Override
    public BlockTopology topology() {
        return topology;
    }

    @Override
    public void onResize(Runnable newListener) {
        listener = newListener;
    }

    @Override
    public void resize(long bytes) {
        synchronized (this) {
            content = Arrays.copyOf(content, (int) bytes);
        }
        listener.run();
    }

    @Override
    public long count(StorageEvent event) {
        return 0;
    }

    @Override
    public void close() {
        isClosed = true;
    }
}
