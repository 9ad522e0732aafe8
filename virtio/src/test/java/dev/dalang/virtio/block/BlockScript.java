package dev.dalang.virtio.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.BlockStatus;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioFeatures;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Has a driver do what a string of bytes says, record by record: good requests, requests that make
 * no sense, rings that break the rules, failing back ends, resets with requests in flight, sleep
 * and snapshots. A model of the disk, written from the specification alone, says what each must
 * give.
 */
final class BlockScript {
    static final int RECORD_BYTES = 12;
    private static final int SECTORS = 64;
    private static final int MAX_SECTORS = 128;
    private static final long UNMAPPED = 0x1000;

    private final MemoryImage image = new MemoryImage(SECTORS, false);
    private final ScriptedBackend backend = new ScriptedBackend(image);
    private final DriverDisk disk =
            new DriverDisk(VirtioBlockDevice.builder(backend).serial("script").build());

    /** What the disk must hold. */
    private byte[] model = new byte[SECTORS * 512];

    private byte[] script = {};
    private int at;

    long requests;
    long malformed;
    long breakages;

    void run(byte[] bytes) {
        script = bytes;
        at = 0;
        start(next());
        while (at + RECORD_BYTES <= script.length) {
            int end = at + RECORD_BYTES;
            disk.recycle();
            step(next());
            at = end;
        }
        assertThat(image.content).as("the disk").isEqualTo(model);
    }

    /** The next byte; 0 at the end. */
    private int next() {
        return at < script.length ? script[at++] & 0xff : 0;
    }

    private long nextLong() {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            value = value << 8 | next();
        }
        return value;
    }

    private void start(int choice) {
        long wanted = -1L;
        if ((choice & 1) != 0) {
            wanted &= ~VirtioFeatures.VIRTIO_F_RING_PACKED;
        }
        if ((choice & 2) != 0) {
            wanted &= ~VirtioFeatures.VIRTIO_F_EVENT_IDX;
        }
        if ((choice & 0x30) == 0x30) {
            wanted &= ~VirtioBlockFeatures.VIRTIO_BLK_F_FLUSH;
        }
        if ((choice & 0x1c) == 0x1c) {
            wanted &= ~VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD;
        }
        disk.start(wanted);
    }

    private void step(int kind) {
        switch (kind & 15) {
            case 0, 1, 2 -> write();
            case 3, 4, 5 -> read();
            case 6 -> assertThat(run(DriverDisk.FLUSH, 0)).isEqualTo(DriverDisk.OK);
            case 7 -> ranges();
            case 8 -> identify();
            case 9, 10, 11 -> hostile();
            case 12 -> start(next());
            case 13 -> fail();
            case 14 -> inFlight();
            default -> suspend();
        }
    }

    private int sectors() {
        return model.length / 512;
    }

    // ---------------------------------------------------------------- what a good driver does

    private int run(int type, long sector, DriverBuffer... data) {
        requests++;
        return disk.run(type, sector, data);
    }

    private static byte[] content(int seed, int bytes) {
        byte[] content = new byte[bytes];
        new SplittableRandom(seed).nextBytes(content);
        return content;
    }

    private void write() {
        int count = next() % 8 + 1;
        int sector = next() % (sectors() - count + 1);
        byte[] content = content(next(), count * 512);
        assertThat(run(DriverDisk.OUT, sector, split(content, next(), next())))
                .isEqualTo(DriverDisk.OK);
        System.arraycopy(content, 0, model, sector * 512, content.length);
    }

    /** Cuts content into three buffers, some of which may be empty. */
    private DriverBuffer[] split(byte[] content, int first, int second) {
        int one = first * content.length / 256;
        int two = one + second * (content.length - one) / 256;
        return new DriverBuffer[] {
            disk.readable(Arrays.copyOf(content, one)),
            disk.readable(Arrays.copyOfRange(content, one, two)),
            disk.readable(Arrays.copyOfRange(content, two, content.length))
        };
    }

    private void read() {
        int count = next() % 8 + 1;
        int sector = next() % (sectors() - count + 1);
        int cut = next() * count * 2;
        DriverBuffer one = disk.writable(cut);
        DriverBuffer two = disk.writable(count * 512 - cut);
        assertThat(run(DriverDisk.IN, sector, one, two)).isEqualTo(DriverDisk.OK);
        assertThat(disk.queue().usedLength()).isEqualTo(count * 512 + 1);
        assertThat(disk.bytes(one))
                .isEqualTo(Arrays.copyOfRange(model, sector * 512, sector * 512 + cut));
        assertThat(disk.bytes(two))
                .isEqualTo(Arrays.copyOfRange(model, sector * 512 + cut, (sector + count) * 512));
    }

    private void ranges() {
        boolean isDiscard = (next() & 1) != 0;
        int count = next() % 3 + 1;
        byte[] all = new byte[16 * count];
        byte[] after = model.clone();
        for (int i = 0; i < count; i++) {
            int length = next() % 9;
            int sector = next() % (sectors() - length + 1);
            int flags = isDiscard ? 0 : length & 1;
            System.arraycopy(DriverDisk.range(sector, length, flags), 0, all, 16 * i, 16);
            Arrays.fill(
                    after,
                    sector * 512,
                    (sector + length) * 512,
                    isDiscard ? MemoryImage.DISCARDED : 0);
        }
        boolean offered = !isDiscard || has(VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD);
        int type = isDiscard ? DriverDisk.DISCARD : DriverDisk.WRITE_ZEROES;
        assertThat(run(type, 0, disk.readable(all)))
                .isEqualTo(offered ? DriverDisk.OK : DriverDisk.UNSUPP);
        if (offered) {
            model = after;
        }
    }

    private boolean has(long feature) {
        return (disk.features & feature) != 0;
    }

    private void identify() {
        DriverBuffer id = disk.writable(20);
        assertThat(run(DriverDisk.GET_ID, nextLong(), id)).isEqualTo(DriverDisk.OK);
        assertThat(disk.bytes(id)).startsWith('s', 'c', 'r', 'i', 'p', 't', 0);
    }

    private void fail() {
        BlockStatus[] kinds = {
            BlockStatus.IO_ERROR, BlockStatus.NO_SPACE, BlockStatus.UNSUPPORTED,
        };
        BlockStatus kind = kinds[next() % kinds.length];
        backend.failNext(kind);
        int expected = kind == BlockStatus.UNSUPPORTED ? DriverDisk.UNSUPP : DriverDisk.IOERR;
        int sector = next() % sectors();
        switch (next() % 3) {
            case 0 ->
                    assertThat(run(DriverDisk.OUT, sector, disk.readable(content(1, 512))))
                            .isEqualTo(expected);
            case 1 ->
                    assertThat(run(DriverDisk.IN, sector, disk.writable(512))).isEqualTo(expected);
            default -> assertThat(run(DriverDisk.FLUSH, 0)).isEqualTo(expected);
        }
    }

    // ---------------------------------------------------------------- in flight

    private void inFlight() {
        boolean isReset = (next() & 3) == 0;
        int count = next() % 4 + 1;
        backend.hold();
        List<DriverBuffer> statuses = new ArrayList<>();
        byte[] after = model.clone();
        for (int i = 0; i < count; i++) {
            int sector = next() % (sectors() / 4) * 4 + i; // none touches another
            byte[] content = content(next(), 512);
            statuses.add(disk.submit(DriverDisk.OUT, sector, disk.readable(content)));
            requests++;
            System.arraycopy(content, 0, after, sector * 512, 512);
        }
        if (isReset) {
            Thread releaser =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (!backend.held().stream()
                                                .allMatch(BlockRequest::isCancelled)) {
                                            Thread.onSpinWait();
                                        }
                                        backend.release();
                                    });
            disk.driver.reset();
            join(releaser);
            statuses.forEach(s -> assertThat(disk.status(s)).isEqualTo(DriverDisk.NONE));
            start(next());
        } else {
            backend.release();
            for (int i = 0; i < count; i++) {
                assertThat(disk.queue().poll()).isTrue();
            }
            statuses.forEach(s -> assertThat(disk.status(s)).isEqualTo(DriverDisk.OK));
            model = after;
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    private void suspend() {
        int choice = next();
        if ((choice & 3) == 3 && sectors() < MAX_SECTORS) {
            try {
                disk.device.resize(model.length + 8 * 512);
            } catch (IOException impossible) {
                throw new AssertionError(impossible);
            }
            model = Arrays.copyOf(model, model.length + 8 * 512);
            assertThat(disk.driver.readConfig(0, 8)).isEqualTo(sectors());
            return;
        }
        disk.transport.sleep();
        Snapshot snapshot = disk.transport.snapshot();
        assertThat(disk.transport.snapshot()).isEqualTo(snapshot);
        disk.transport.wake();
        assertThat(run(DriverDisk.FLUSH, 0)).isEqualTo(DriverDisk.OK);
    }

    // ---------------------------------------------------------------- what a hostile driver does

    /** A chain as the script says it, and what the specification says of it. */
    private final class Chain {
        final List<DriverBuffer> buffers = new ArrayList<>();
        final List<DriverBuffer> readable = new ArrayList<>();
        final List<DriverBuffer> writable = new ArrayList<>();
        boolean breaksRing;

        void add(DriverBuffer buffer) {
            if (!buffer.isWritable() && !writable.isEmpty()) {
                breaksRing = true;
            }
            if (buffer.length() != 0
                    && Long.compareUnsigned(
                                    buffer.address() + buffer.length() - 1, buffer.address())
                            < 0) {
                breaksRing = true;
            }
            buffers.add(buffer);
            (buffer.isWritable() ? writable : readable).add(buffer);
        }

        boolean isMemory(DriverBuffer buffer) {
            return buffer.length() == 0 || disk.memory.contains(buffer.address(), buffer.length());
        }
    }

    private static long bytes(List<DriverBuffer> buffers) {
        return buffers.stream().mapToLong(DriverBuffer::length).sum();
    }

    private static final int[] TYPES = {0, 1, 4, 8, 11, 13, 1, 0, 2, 3, 7, 14, 0x0100, -1};
    private static final int[] LENGTHS = {
        0, 1, 2, 15, 16, 17, 20, 21, 512, 511, 513, 1024, 32, 48, 4096, 1
    };

    private void hostile() {
        malformed++;
        Chain chain = new Chain();
        int type = TYPES[next() % TYPES.length];
        int place = next();
        long sector =
                switch (place & 7) {
                    case 0 -> sectors();
                    case 1 -> sectors() - 1;
                    case 2 -> -1L - (place >>> 3);
                    case 3 -> (long) place << 47;
                    case 4 -> 0;
                    default -> place >>> 3;
                };
        byte[] header = DriverDisk.header(type, sector);
        int shape = next();
        int headerBytes = (shape & 7) == 7 ? (shape >>> 3) % 16 : 16;
        chain.add(disk.readable(Arrays.copyOf(header, headerBytes)));
        for (int i = 0; i < 4; i++) {
            hostileBuffer(chain, next());
        }
        if ((shape & 0x60) != 0) {
            chain.add(disk.writable(1));
        }
        submit(chain);
    }

    private void hostileBuffer(Chain chain, int what) {
        int length = LENGTHS[what & 15];
        int where = what >>> 4 & 7;
        boolean isWritable = (what & 0x80) != 0;
        if (where == 0) {
            return; // one buffer less
        }
        if (where == 1) {
            chain.add(new DriverBuffer(UNMAPPED, length, isWritable));
        } else if (where == 2) {
            long end = DriverDisk.RAM + DriverDisk.RAM_BYTES;
            chain.add(new DriverBuffer(end - length / 2, length, isWritable));
        } else if (where == 3 && length == 4096) {
            chain.add(new DriverBuffer(-8, length, isWritable));
        } else if (isWritable) {
            chain.add(disk.writable(length));
        } else {
            chain.add(disk.readable(ranges(length, what)));
        }
    }

    /** Content that is a list of ranges when it is read as one. */
    private byte[] ranges(int length, int what) {
        byte[] content = content(what, length);
        for (int i = 0; i + 16 <= length; i += 16) {
            byte[] range =
                    DriverDisk.range(
                            (what + i) % (sectors() + 1),
                            (what >>> 2) % 3,
                            (what & 0x0c) == 0x0c ? what & 3 : 0);
            System.arraycopy(range, 0, content, i, 16);
        }
        return content;
    }

    private void submit(Chain chain) {
        DriverQueue queue = disk.queue();
        queue.add(chain.buffers.toArray(DriverBuffer[]::new));
        disk.driver.notifyQueue(0);
        boolean needsReset = (disk.driver.status() & VirtioTransportDriver.NEEDS_RESET) != 0;
        if (chain.breaksRing) {
            assertThat(needsReset).as("the ring is broken").isTrue();
            breakages++;
            start(next());
            return;
        }
        DriverBuffer last = null;
        for (DriverBuffer buffer : chain.writable) {
            last = buffer.length() > 0 ? buffer : last;
        }
        assertThat(queue.poll()).as("it comes back").isTrue();
        if (last == null) {
            assertThat(queue.usedLength()).isZero();
            assertThat(needsReset).isFalse();
            return;
        }
        int expected = expected(chain);
        long statusAt = last.address() + last.length() - 1;
        if (!disk.memory.contains(statusAt, 1)) {
            assertThat(needsReset).as("no place for the status").isTrue();
            breakages++;
            start(next());
            return;
        }
        assertThat(needsReset).isFalse();
        assertThat(disk.memory.readByte(statusAt) & 0xff).as("status").isEqualTo(expected);
        if (expected != DriverDisk.OK) {
            long data = bytes(chain.writable) - 1;
            assertThat(queue.usedLength()).isEqualTo(data == 0 ? 1 : 0);
            for (DriverBuffer buffer : chain.writable) {
                if (!buffer.equals(last) && buffer.length() > 0 && chain.isMemory(buffer)) {
                    assertThat(disk.bytes(buffer)).containsOnly(DriverDisk.NONE);
                }
            }
        }
    }

    /** The readable bytes; null if some are not in memory. */
    private byte[] gather(Chain chain, long limit) {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        for (DriverBuffer buffer : chain.readable) {
            long wanted = Math.min(buffer.length(), limit - all.size());
            if (wanted > 0) {
                if (!disk.memory.contains(buffer.address(), wanted)) {
                    return null;
                }
                byte[] part = new byte[(int) wanted];
                disk.memory.copyOut(buffer.address(), part);
                all.writeBytes(part);
            }
        }
        return all.toByteArray();
    }

    /** The status that a request must get, and what it does to the model. */
    private int expected(Chain chain) {
        long readableBytes = bytes(chain.readable);
        long data = bytes(chain.writable) - 1;
        byte[] header = readableBytes < 16 ? null : gather(chain, 16);
        if (header == null) {
            return DriverDisk.IOERR;
        }
        var fields = java.nio.ByteBuffer.wrap(header).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        int type = fields.getInt(0);
        long sector = fields.getLong(8);
        long out = readableBytes - 16;
        return switch (type) {
            case DriverDisk.IN ->
                    out == 0
                                    && data % 512 == 0
                                    && isOnDisk(sector, data / 512)
                                    && isMemoryUpTo(chain.writable, data)
                            ? DriverDisk.OK
                            : DriverDisk.IOERR;
            case DriverDisk.OUT -> {
                byte[] all = gather(chain, readableBytes);
                if (data != 0 || out % 512 != 0 || !isOnDisk(sector, out / 512) || all == null) {
                    yield DriverDisk.IOERR;
                }
                System.arraycopy(all, 16, model, (int) sector * 512, (int) out);
                yield DriverDisk.OK;
            }
            case DriverDisk.FLUSH ->
                    sector == 0 && out == 0 && data == 0 ? DriverDisk.OK : DriverDisk.IOERR;
            case DriverDisk.GET_ID ->
                    out == 0 && data >= 20 && isMemoryUpTo(chain.writable, 20)
                            ? DriverDisk.OK
                            : DriverDisk.IOERR;
            case DriverDisk.DISCARD, DriverDisk.WRITE_ZEROES ->
                    expectedRanges(chain, type == DriverDisk.DISCARD, out, data);
            default -> DriverDisk.UNSUPP;
        };
    }

    private boolean isOnDisk(long sector, long count) {
        return sector >= 0 && sector <= sectors() && count <= sectors() - sector;
    }

    private boolean isMemoryUpTo(List<DriverBuffer> buffers, long limit) {
        long left = limit;
        for (DriverBuffer buffer : buffers) {
            long wanted = Math.min(buffer.length(), left);
            if (wanted > 0 && !disk.memory.contains(buffer.address(), wanted)) {
                return false;
            }
            left -= wanted;
        }
        return true;
    }

    private int expectedRanges(Chain chain, boolean isDiscard, long out, long data) {
        if (isDiscard && !has(VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD)) {
            return DriverDisk.UNSUPP;
        }
        byte[] all = gather(chain, out + 16);
        if (out == 0 || out % 16 != 0 || out / 16 > 64 || data != 0 || all == null) {
            return DriverDisk.IOERR;
        }
        byte[] after = model.clone();
        var fields = java.nio.ByteBuffer.wrap(all).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        for (int i = 16; i < all.length; i += 16) {
            long sector = fields.getLong(i);
            long count = fields.getInt(i + 8) & 0xffff_ffffL;
            int flags = fields.getInt(i + 12);
            if (isDiscard ? flags != 0 : (flags & ~1) != 0) {
                return DriverDisk.UNSUPP;
            }
            if (!isOnDisk(sector, count)) {
                return DriverDisk.IOERR;
            }
            Arrays.fill(
                    after,
                    (int) sector * 512,
                    (int) (sector + count) * 512,
                    isDiscard ? MemoryImage.DISCARDED : 0);
        }
        model = after;
        return DriverDisk.OK;
    }
}
