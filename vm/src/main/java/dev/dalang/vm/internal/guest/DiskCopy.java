package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.GuestException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A copy of a disk with a file system, larger than it was. */
public final class DiskCopy {
    private static final int BLOCK_BYTES = 1 << 16;

    private DiskCopy() {}

    /**
     * Copies a disk, leaves out what is zero, and has its file system fill it.
     *
     * @throws GuestException if that cannot be done; there is no file then
     */
    public static void make(Path from, Path to, long bytes, FetchProgress progress) {
        boolean isOurs = false;
        try (FileChannel source = FileChannel.open(from, StandardOpenOption.READ);
                FileChannel target =
                        FileChannel.open(
                                to, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            isOurs = true;
            copy(source, target, progress);
            // The last byte makes the file as long as the disk.
            target.write(ByteBuffer.allocate(1), bytes - 1);
            Ext4.grow(to);
        } catch (FileAlreadyExistsException there) {
            throw new GuestException(
                    to + ": expected no file of that name, found one; it was left as it is", there);
        } catch (IOException | RuntimeException failed) {
            if (isOurs) {
                remove(to);
            }
            throw failed instanceof GuestException said
                    ? said
                    : new GuestException("cannot make " + to + ": " + failed.getMessage(), failed);
        }
    }

    private static void copy(FileChannel source, FileChannel target, FetchProgress progress)
            throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
        ByteBuffer zeros = ByteBuffer.allocateDirect(BLOCK_BYTES);
        long total = source.size();
        for (long at = 0; at < total; at += BLOCK_BYTES) {
            block.clear();
            while (block.hasRemaining() && source.read(block, at + block.position()) >= 0) {
                // until the block is full or the file ends
            }
            block.flip();
            if (block.mismatch(zeros.slice(0, block.limit())) >= 0) {
                for (long place = at; block.hasRemaining(); ) {
                    place += target.write(block, place);
                }
            }
            progress.advanced(Math.min(at + BLOCK_BYTES, total), total);
        }
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException stays) {
            // The failure that led here says more.
        }
    }
}
