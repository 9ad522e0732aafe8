package dev.dalang.virtio.block;

import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskImage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/** A disk in an array. What is discarded then reads as {@link #DISCARDED}. */
final class MemoryImage implements DiskImage {
    static final byte DISCARDED = (byte) 0xdd;

    final BlockTopology topology;
    final boolean isReadOnly;
    byte[] content;
    int flushes;
    boolean isClosed;

    MemoryImage(int sectors, boolean isReadOnly) {
        this(sectors, isReadOnly, new BlockTopology(512, 4096, 65536, 8192));
    }

    MemoryImage(int sectors, boolean isReadOnly, BlockTopology topology) {
        content = new byte[sectors * 512];
        this.isReadOnly = isReadOnly;
        this.topology = topology;
    }

    @Override
    public long sizeBytes() {
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
    public void read(long offset, List<MemorySegment> buffers) {
        int at = (int) offset;
        for (MemorySegment buffer : buffers) {
            int bytes = (int) buffer.byteSize();
            MemorySegment.copy(content, at, buffer, ValueLayout.JAVA_BYTE, 0, bytes);
            at += bytes;
        }
    }

    @Override
    public void write(long offset, List<MemorySegment> buffers) {
        int at = (int) offset;
        for (MemorySegment buffer : buffers) {
            int bytes = (int) buffer.byteSize();
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, content, at, bytes);
            at += bytes;
        }
    }

    @Override
    public void flush() {
        flushes++;
    }

    private void fill(long offset, long length, byte value) {
        Arrays.fill(content, (int) offset, (int) (offset + length), value);
    }

    @Override
    public boolean discard(long offset, long length) {
        fill(offset, length, DISCARDED);
        return true;
    }

    @Override
    public boolean writeZeroes(long offset, long length, boolean mayUnmap) {
        fill(offset, length, (byte) 0);
        return true;
    }

    @Override
    public void resize(long bytes) {
        content = Arrays.copyOf(content, (int) bytes);
    }

    @Override
    public void close() {
        isClosed = true;
    }
}
