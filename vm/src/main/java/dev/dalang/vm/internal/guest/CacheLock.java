package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.FetchProgress;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One writer of the cache at a time, among the threads of this process and among processes. The
 * kernel drops the lock of a process that dies, so a dead writer stops nobody.
 */
final class CacheLock implements AutoCloseable {

    /**
     * A file lock belongs to the process, so threads need one of their own. One for all caches:
     * nobody fetches into two at once often enough to care.
     */
    private static final ReentrantLock THREADS = new ReentrantLock();

    private final FileChannel channel;
    private final FileLock lock;

    private CacheLock(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /** Waits for the lock of a cache directory, which exists. */
    static CacheLock acquire(Path cache, FetchProgress progress) throws IOException {
        THREADS.lock();
        try {
            FileChannel channel =
                    FileChannel.open(
                            cache.resolve("lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            try {
                FileLock lock = channel.tryLock();
                if (lock == null) {
                    progress.notice("another process works on " + cache + ", waiting for it");
                    lock = channel.lock();
                }
                return new CacheLock(channel, lock);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            THREADS.unlock();
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            lock.release();
            channel.close();
        } finally {
            THREADS.unlock();
        }
    }
}
