package dev.dalang.net;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * Writes what passes over the link to a file, as pcapng (draft-ietf-opsawg-pcapng): both
 * directions, with their times on the guest's wall clock. Frames that are longer than the link
 * takes are those that the other side cuts into segments.
 *
 * <p>The file is bounded: what comes after its limit is counted and not written, and so is all that
 * comes after an error of the host's. Writing is buffered, and done on the threads that pass the
 * frames; the buffer goes out when it is full, at sleep, and at close.
 */
public final class PacketCapture implements NetworkBackend {
    private static final System.Logger LOG = System.getLogger(PacketCapture.class.getName());
    private static final int BUFFER_BYTES = 1 << 18;
    private static final int SECTION_HEADER = 0x0a0d_0d0a;
    private static final int BYTE_ORDER = 0x1a2b_3c4d;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int ENHANCED_PACKET = 6;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final int OPTION_NAME = 2;
    private static final int OPTION_RESOLUTION = 9;
    private static final int OPTION_FLAGS = 2;
    private static final int INBOUND = 1;
    private static final int OUTBOUND = 2;
    private static final int PACKET_OVERHEAD = 32 + 12;

    private final NetworkBackend backend;
    private volatile @Nullable VirtualClock clock;
    private final FileChannel file;
    private final long limitBytes;

    /** Guards what follows; taken last, and held while the file is written. */
    private final Object lock = new Object();

    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long written;
    private long captured;
    private long skipped;
    private boolean ended;

    private PacketCapture(NetworkBackend backend, FileChannel file, long limitBytes) {
        this.backend = backend;
        this.file = file;
        this.limitBytes = limitBytes;
    }

    /**
     * Puts a capture before a back end.
     *
     * @param backend what stands behind it; it is closed with the capture
     * @param path the file; what was in it is lost
     * @param limitBytes how long it may become, at least 1 MiB
     * @return the capture, in the back end's place
     * @throws UncheckedIOException if the file cannot be written
     */
    public static PacketCapture of(NetworkBackend backend, Path path, long limitBytes) {
        if (limitBytes < 1 << 20) {
            throw new IllegalArgumentException(
                    "expected a limit of at least 1048576 bytes, got " + limitBytes);
        }
        try {
            FileChannel file =
                    FileChannel.open(
                            path,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.TRUNCATE_EXISTING);
            PacketCapture capture = new PacketCapture(backend, file, limitBytes);
            capture.begin();
            return capture;
        } catch (IOException failed) {
            throw new UncheckedIOException("pcap=" + path + ": " + failed.getMessage(), failed);
        }
    }

    private void begin() throws IOException {
        synchronized (lock) {
            byte[] name = "dalang".getBytes(StandardCharsets.US_ASCII);
            buffer.putInt(SECTION_HEADER).putInt(28).putInt(BYTE_ORDER);
            buffer.putShort((short) 1).putShort((short) 0).putLong(-1).putInt(28);
            int length = 20 + 4 + 8 + 8 + 4;
            buffer.putInt(INTERFACE_DESCRIPTION).putInt(length);
            buffer.putShort((short) LINKTYPE_ETHERNET).putShort((short) 0).putInt(0);
            buffer.putShort((short) OPTION_NAME).putShort((short) name.length);
            buffer.put(name).putShort((short) 0);
            buffer.putShort((short) OPTION_RESOLUTION).putShort((short) 1);
            buffer.put((byte) 9).put((byte) 0).putShort((short) 0);
            buffer.putInt(0).putInt(length);
            write();
        }
    }

    private void record(Frame frame, int direction) {
        int bytes = frame.length();
        int padded = bytes + 3 & ~3;
        int block = PACKET_OVERHEAD + padded;
        synchronized (lock) {
            if (ended || written + buffer.position() + block > limitBytes) {
                skipped++;
                return;
            }
            try {
                if (buffer.remaining() < block) {
                    write();
                }
                VirtualClock now = clock;
                long time = now == null ? 0 : now.wallClockNanos();
                buffer.putInt(ENHANCED_PACKET).putInt(block).putInt(0);
                buffer.putInt((int) (time >>> 32)).putInt((int) time);
                buffer.putInt(bytes).putInt(bytes);
                int at = buffer.position();
                buffer.put(at, frame.data(), 0, bytes);
                for (int i = bytes; i < padded; i++) {
                    buffer.put(at + i, (byte) 0);
                }
                buffer.position(at + padded);
                buffer.putShort((short) OPTION_FLAGS).putShort((short) 4).putInt(direction);
                buffer.putInt(0).putInt(block);
                captured++;
            } catch (IOException failed) {
                end(failed);
            }
        }
    }

    private void write() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            written += file.write(buffer);
        }
        buffer.clear();
    }

    /** The network goes on without its record. */
    private void end(IOException failed) {
        ended = true;
        skipped++;
        LOG.log(System.Logger.Level.WARNING, "the packet capture ends: " + failed.getMessage());
    }

    private void flush() {
        synchronized (lock) {
            try {
                if (!ended) {
                    write();
                }
            } catch (IOException failed) {
                end(failed);
            }
        }
    }

    /** {@return how many frames are in the file, or on the way to it} */
    public long captured() {
        synchronized (lock) {
            return captured;
        }
    }

    /** {@return how many frames are not, because of the limit or an error} */
    public long skipped() {
        synchronized (lock) {
            return skipped;
        }
    }

    @Override
    public void start(VirtualClock machineTime, FrameSink sink) {
        clock = machineTime;
        backend.start(
                machineTime,
                new FrameSink() {
                    @Override
                    public boolean receive(Frame frame) {
                        boolean taken = sink.receive(frame);
                        if (taken) {
                            record(frame, INBOUND);
                        }
                        return taken;
                    }

                    @Override
                    public void endOfBatch() {
                        sink.endOfBatch();
                    }

                    @Override
                    public void readyToSend() {
                        sink.readyToSend();
                    }

                    @Override
                    public void linkLost() {
                        sink.linkLost();
                    }
                });
    }

    @Override
    public boolean send(Frame frame) {
        boolean taken = backend.send(frame);
        if (taken) {
            record(frame, OUTBOUND);
        }
        return taken;
    }

    @Override
    public void readyToReceive() {
        backend.readyToReceive();
    }

    @Override
    public Set<Offload> sendOffloads() {
        return backend.sendOffloads();
    }

    @Override
    public Set<Offload> receiveOffloads() {
        return backend.receiveOffloads();
    }

    @Override
    public void acceptOffloads(Set<Offload> accepted) {
        backend.acceptOffloads(accepted);
    }

    @Override
    public int mtu() {
        return backend.mtu();
    }

    @Override
    public void sleep() {
        backend.sleep();
        flush();
    }

    @Override
    public void wake() {
        backend.wake();
    }

    /** {@return the back end's state: a capture is not part of the machine} */
    @Override
    public Snapshot snapshot() {
        return backend.snapshot();
    }

    @Override
    public void restore(Snapshot snapshot) {
        backend.restore(snapshot);
    }

    @Override
    public void close() {
        backend.close();
        flush();
        synchronized (lock) {
            ended = true;
            try {
                file.close();
            } catch (IOException failed) {
                end(failed);
            }
        }
    }
}
