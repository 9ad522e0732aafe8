package dev.dalang.storage.internal;

import dev.dalang.storage.BlockTopology;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A file in memory that does less than it is asked to, and fails when it is told to. */
final class ScriptedHostFile implements HostFile {
    byte[] content;
    final boolean isWritable;

    /** What one call transfers at most. */
    int step = Integer.MAX_VALUE;

    /** Bytes that may be written before there is no space left. */
    long space = Long.MAX_VALUE;

    /** How many reads need not wait. */
    int now;

    IOException failure;
    boolean hasHoles;
    int forces;
    boolean isClosed;

    ScriptedHostFile(int bytes, boolean isWritable) {
        content = new byte[bytes];
        this.isWritable = isWritable;
    }

    @Override
    public String name() {
        return "scripted";
    }

    @Override
    public boolean isWritable() {
        return isWritable;
    }

    @Override
    public BlockTopology topology() {
        return new BlockTopology(512, 4096, 0, 4096);
    }

    @Override
    public long size() throws IOException {
        return content.length;
    }

    private void failIfTold() throws IOException {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public long read(long offset, List<MemorySegment> buffers) throws IOException {
        failIfTold();
        MemorySegment target = buffers.getFirst();
        long bytes = Math.min(Math.min(step, target.byteSize()), content.length - offset);
        if (bytes <= 0) {
            return 0;
        }
        MemorySegment.copy(content, (int) offset, target, ValueLayout.JAVA_BYTE, 0, (int) bytes);
        return bytes;
    }

    @Override
    public long readNow(long offset, List<MemorySegment> buffers) throws IOException {
        if (now == 0) {
            return 0;
        }
        now--;
        return read(offset, buffers);
    }

    @Override
    public long write(long offset, List<MemorySegment> buffers) throws IOException {
        failIfTold();
        MemorySegment source = buffers.getFirst();
        long bytes = Math.min(Math.min(step, source.byteSize()), space);
        if (bytes == 0) {
            throw new IOException("No space left on device");
        }
        space -= bytes;
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, content, (int) offset, (int) bytes);
        return bytes;
    }

    @Override
    public void force() throws IOException {
        failIfTold();
        forces++;
    }

    @Override
    public void resize(long bytes) throws IOException {
        failIfTold();
        content = java.util.Arrays.copyOf(content, (int) bytes);
    }

    @Override
    public boolean discard(long offset, long bytes) throws IOException {
        return zero(offset, bytes, true);
    }

    @Override
    public boolean zero(long offset, long bytes, boolean mayUnmap) throws IOException {
        failIfTold();
        if (hasHoles) {
            java.util.Arrays.fill(content, (int) offset, (int) (offset + bytes), (byte) 0);
        }
        return hasHoles;
    }

    @Override
    public boolean lock(boolean isExclusive) {
        return true;
    }

    @Override
    public boolean isFull(IOException failed) {
        return failed.getMessage().contains("No space");
    }

    @Override
    public void close() {
        isClosed = true;
    }
}
