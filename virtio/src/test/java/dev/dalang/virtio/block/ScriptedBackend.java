package dev.dalang.virtio.block;

import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;
import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskImage;
import dev.dalang.storage.ImageBackend;
import dev.dalang.storage.StorageEvent;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A back end that holds requests until it is told to go on, and fails those it is told to fail. */
final class ScriptedBackend implements BlockBackend {
    private final BlockBackend target;
    private final List<BlockRequest> held = new ArrayList<>();
    private final Deque<BlockStatus> failures = new ArrayDeque<>();
    private boolean holds;

    ScriptedBackend(DiskImage image) {
        target = ImageBackend.inline(image);
    }

    /** From now on requests wait for {@link #release}. */
    synchronized void hold() {
        holds = true;
    }

    /** The next request that is served ends so. */
    synchronized void failNext(BlockStatus status) {
        failures.add(status);
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
        going.forEach(this::submit);
    }

    /** Lets one go that waits. */
    void release(BlockRequest request) {
        synchronized (this) {
            held.remove(request);
        }
        serve(request);
    }

    @Override
    public void submit(BlockRequest request) {
        synchronized (this) {
            if (holds) {
                held.add(request);
                return;
            }
        }
        serve(request);
    }

    private void serve(BlockRequest request) {
        BlockStatus failure;
        synchronized (this) {
            failure = failures.poll();
        }
        if (failure != null) {
            request.complete(failure);
        } else {
            target.submit(request);
        }
    }

    @Override
    public long sizeBytes() {
        return target.sizeBytes();
    }

    @Override
    public boolean isReadOnly() {
        return target.isReadOnly();
    }

    @Override
    public BlockTopology topology() {
        return target.topology();
    }

    @Override
    public void onResize(Runnable listener) {
        target.onResize(listener);
    }

    @Override
    public void resize(long bytes) throws IOException {
        target.resize(bytes);
    }

    @Override
    public long count(StorageEvent event) {
        return target.count(event);
    }

    @Override
    public void close() {
        target.close();
    }
}
