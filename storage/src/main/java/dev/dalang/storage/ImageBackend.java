package dev.dalang.storage;

import dev.dalang.storage.internal.EventCounters;
import dev.dalang.storage.internal.Pace;
import dev.dalang.storage.internal.Pieces;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.StampedLock;
import java.util.function.LongSupplier;

/**
 * Serves a {@link DiskImage}: with threads of its own, each of which waits for the host in the
 * place of the device, or on the thread that submits. The threads are platform threads, since a
 * call to the host would hold the carrier of a virtual one; they start when there is work for them,
 * and end when there was none for a while.
 *
 * <p>What needs no waiting does not need them either: reads of what the host has in its memory, and
 * writes that it takes into it, are done by the thread that submits, and have ended when {@link
 * #submit} returns. Whatever must be durable, and a disk that has shown to be slow in taking
 * writes, is left to the threads.
 *
 * <p>A request is done piece by piece, so that a large one can be cancelled.
 */
public final class ImageBackend implements BlockBackend {
    /** How many requests the host works on at a time, unless another number is asked for. */
    public static final int DEFAULT_THREADS = 4;

    /** The greatest number of threads. */
    public static final int MAX_THREADS = 64;

    /** What is read or written at once: enough for the disk, and soon over. */
    static final int PIECE_BYTES = 4 << 20;

    private static final System.Logger LOG = System.getLogger(ImageBackend.class.getName());
    private static final long IDLE_SECONDS = 10;
    private static final AtomicInteger NEXT_NAME = new AtomicInteger();

    private final DiskImage image;
    private final EventCounters counters = new EventCounters();
    private final @Nullable ThreadPoolExecutor threads;
    private final Pace pace;

    /** Held for reading by threads not ours that work on the image, and for ever when it closes. */
    private final StampedLock use = new StampedLock();

    private volatile @Nullable Runnable listener;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    private ImageBackend(DiskImage image, int threadCount, LongSupplier nanoTime) {
        this.image = image;
        pace = new Pace(nanoTime);
        threads = threadCount == 0 ? null : pool(threadCount);
    }

    private static ThreadPoolExecutor pool(int threadCount) {
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(
                        threadCount,
                        threadCount,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name("dalang-disk-" + NEXT_NAME.getAndIncrement())
                                        .unstarted(task));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * Serves an image with threads.
     *
     * @param image the back end closes it
     * @param threads how many requests the host works on at a time, 1 to {@link #MAX_THREADS}
     * @return the back end
     */
    public static ImageBackend threaded(DiskImage image, int threads) {
        return threaded(image, threads, System::nanoTime);
    }

    static ImageBackend threaded(DiskImage image, int threads, LongSupplier nanoTime) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException(
                    "expected 1..%d threads, got %d".formatted(MAX_THREADS, threads));
        }
        return new ImageBackend(image, threads, nanoTime);
    }

    /**
     * Serves an image on the thread that submits, which waits: for runs that are to be repeated.
     *
     * @param image the back end closes it
     * @return the back end
     */
    public static ImageBackend inline(DiskImage image) {
        return new ImageBackend(image, 0, System::nanoTime);
    }

    @Override
    public long sizeBytes() {
        return image.sizeBytes();
    }

    @Override
    public boolean isReadOnly() {
        return image.isReadOnly();
    }

    @Override
    public BlockTopology topology() {
        return image.topology();
    }

    @Override
    public void submit(BlockRequest request) {
        StorageEvent refused = refusal(request);
        if (refused != null) {
            end(request, refused);
        } else if (threads == null) {
            serve(request);
        } else if (!serveHere(request)) {
            try {
                threads.execute(() -> serve(request));
            } catch (java.util.concurrent.RejectedExecutionException closed) {
                end(request, StorageEvent.CANCELLED);
            }
        }
    }

    /**
     * Does on the thread that submits what the host does from and to its memory: what that takes is
     * less than it takes to wake another thread.
     *
     * @return false if nothing was done
     */
    private boolean serveHere(BlockRequest request) {
        boolean isRead = request.operation() == BlockOperation.READ;
        if (request.length() > PIECE_BYTES
                || !isRead
                        && (request.operation() != BlockOperation.WRITE
                                || request.isDurable()
                                || !image.isBuffered())) {
            return false;
        }
        long inUse = use.tryReadLock();
        if (inUse == 0) {
            return false; // it is being closed
        }
        try {
            return isRead ? readNow(request) : pace.run(() -> serve(request));
        } finally {
            use.unlockRead(inUse);
        }
    }

    private boolean readNow(BlockRequest request) {
        try {
            if (request.isCancelled() || !image.readNow(request.offset(), request.buffers())) {
                return false;
            }
        } catch (IOException | RuntimeException failed) {
            return false; // it fails again, and is told, where nobody is held up
        }
        end(request, StorageEvent.READ);
        return true;
    }

    private @Nullable StorageEvent refusal(BlockRequest request) {
        if (isClosed.get()) {
            return StorageEvent.CANCELLED;
        }
        long size = image.sizeBytes();
        if (request.offset() < 0
                || request.length() < 0
                || request.offset() > size
                || request.length() > size - request.offset()) {
            return StorageEvent.OUT_OF_RANGE;
        }
        return request.operation().isChange() && image.isReadOnly() ? StorageEvent.READ_ONLY : null;
    }

    private void serve(BlockRequest request) {
        StorageEvent event;
        try {
            event = perform(request);
        } catch (DiskException failed) {
            event = failed.event();
            report(event, request, failed);
        } catch (IOException | RuntimeException | Error failed) {
            event = StorageEvent.IO_ERROR;
            report(event, request, failed);
        }
        end(request, event);
    }

    private StorageEvent perform(BlockRequest request) throws IOException {
        if (request.isCancelled()) {
            return StorageEvent.CANCELLED;
        }
        StorageEvent done =
                switch (request.operation()) {
                    case READ, WRITE -> transfer(request);
                    case FLUSH -> {
                        image.flush();
                        yield StorageEvent.FLUSH;
                    }
                    case DISCARD ->
                            request.length() == 0
                                            || image.discard(request.offset(), request.length())
                                    ? StorageEvent.DISCARD
                                    : StorageEvent.DISCARD_IGNORED;
                    case WRITE_ZEROES -> zero(request);
                };
        if (request.isDurable() && done != StorageEvent.CANCELLED) {
            image.flush();
        }
        return done;
    }

    private StorageEvent transfer(BlockRequest request) throws IOException {
        boolean isRead = request.operation() == BlockOperation.READ;
        Pieces pieces = new Pieces(request.buffers());
        long offset = request.offset();
        while (!pieces.isEmpty()) {
            if (request.isCancelled()) {
                return StorageEvent.CANCELLED;
            }
            long bytes = pieces.prepare(PIECE_BYTES);
            if (isRead) {
                image.read(offset, pieces.prepared());
            } else {
                image.write(offset, pieces.prepared());
            }
            pieces.advance(bytes);
            offset += bytes;
        }
        return isRead ? StorageEvent.READ : StorageEvent.WRITE;
    }

    private StorageEvent zero(BlockRequest request) throws IOException {
        StorageEvent done = StorageEvent.ZEROED;
        long offset = request.offset();
        long end = offset + request.length();
        while (offset < end) {
            if (request.isCancelled()) {
                return StorageEvent.CANCELLED;
            }
            // The host is quick about any length, unless zeros have to be written.
            long step =
                    done == StorageEvent.ZEROED && offset > request.offset()
                            ? end - offset
                            : Math.min(end - offset, PIECE_BYTES);
            if (!image.writeZeroes(offset, step, request.mayUnmap())) {
                done = StorageEvent.ZEROES_WRITTEN;
            }
            offset += step;
        }
        return done;
    }

    private void end(BlockRequest request, StorageEvent event) {
        counters.count(event);
        request.complete(
                switch (event) {
                    case READ, WRITE, FLUSH, DISCARD, DISCARD_IGNORED, ZEROED, ZEROES_WRITTEN ->
                            BlockStatus.OK;
                    case IO_ERROR, SHRUNK -> BlockStatus.IO_ERROR;
                    case NO_SPACE -> BlockStatus.NO_SPACE;
                    case OUT_OF_RANGE -> BlockStatus.OUT_OF_RANGE;
                    case READ_ONLY -> BlockStatus.READ_ONLY;
                    case UNSUPPORTED -> BlockStatus.UNSUPPORTED;
                    case CANCELLED -> BlockStatus.CANCELLED;
                });
    }

    /** The first failure of a kind is told, the others are only counted. */
    private void report(StorageEvent event, BlockRequest request, Throwable failed) {
        if (counters.get(event) == 0) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () ->
                            "a disk failed; further failures of this kind are only counted: %s: %s"
                                    .formatted(request, failed.getMessage()));
            LOG.log(System.Logger.Level.DEBUG, () -> "where a disk failed", failed);
        }
    }

    @Override
    public void onResize(Runnable newListener) {
        listener = newListener;
    }

    @Override
    public synchronized void resize(long bytes) throws IOException {
        long now = image.sizeBytes();
        int block = image.topology().logicalBlockBytes();
        if (bytes < now || bytes % block != 0) {
            throw new IllegalArgumentException(
                    "expected at least %d bytes, the present size, in blocks of %d, got %d"
                            .formatted(now, block, bytes));
        }
        if (image.isReadOnly()) {
            throw new DiskException(StorageEvent.READ_ONLY, "the disk is read-only");
        }
        image.resize(bytes);
        Runnable told = listener;
        if (told != null) {
            told.run();
        }
    }

    @Override
    public long count(StorageEvent event) {
        return counters.get(event);
    }

    @Override
    public void close() {
        if (!isClosed.getAndSet(true)) {
            use.writeLock();
        }
        if (threads != null) {
            threads.shutdown();
            boolean interrupted = false;
            while (true) {
                try {
                    if (threads.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS)) {
                        break;
                    }
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        image.close();
    }
}
