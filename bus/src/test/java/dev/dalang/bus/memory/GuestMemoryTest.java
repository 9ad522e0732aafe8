package dev.dalang.bus.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.bus.memory.GuestMemoryException.Kind;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

class GuestMemoryTest {
    private static final int PAGE = GuestMemory.PAGE_BYTES;
    private static final long LOW = 0x8000_0000L;
    private static final long ROM = 0x1000L;

    private final Arena arena = Arena.ofShared();

    /** Two adjacent regions of two pages from LOW on, and one read-only page at ROM. */
    private final GuestMemory memory =
            GuestMemory.of(
                    region(LOW + 2 * PAGE, 2),
                    region(LOW, 2),
                    new MemoryRegion(ROM, arena.allocate(PAGE, 8).asReadOnly()));

    private final List<Long> told = new ArrayList<>();

    @AfterEach
    void close() {
        arena.close();
    }

    private MemoryRegion region(long base, int pages) {
        return new MemoryRegion(base, arena.allocate((long) pages * PAGE, PAGE));
    }

    @Test
    void regionsAreSortedAndFound() {
        assertThat(memory.regions())
                .extracting(MemoryRegion::base)
                .containsExactly(ROM, LOW, LOW + 2 * PAGE);
        assertThat(memory.regionAt(LOW + PAGE)).contains(memory.regions().get(1));
        assertThat(memory.regionAt(LOW - 1)).isEmpty();
        assertThat(memory.regionAt(LOW + 4 * PAGE)).isEmpty();
        assertThat(memory.regionAt(-1)).isEmpty();
    }

    @Test
    void overlappingRegionsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestMemory.of(region(LOW, 2), region(LOW + PAGE, 2)))
                .withMessageContaining("0x80001000");
    }

    @Test
    void regionsMustBeWholePagesOfSharedNativeMemory() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(LOW, arena.allocate(100)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(LOW + 8, arena.allocate(PAGE)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(LOW, MemorySegment.ofArray(new byte[PAGE])));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(-PAGE, arena.allocate(2 * PAGE, 8)));
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment mine = confined.allocate(PAGE, 8);
            assertThatIllegalArgumentException().isThrownBy(() -> new MemoryRegion(LOW, mine));
        }
        assertThat(new MemoryRegion(-PAGE, arena.allocate(PAGE, 8)).last()).isEqualTo(-1L);
    }

    @Test
    void paddingBelongsToNobody() {
        MemorySegment padded = arena.allocate(PAGE + MemoryRegion.PADDING, 8);
        MemoryRegion region = MemoryRegion.padded(LOW, padded, Optional.empty());
        GuestMemory memory = GuestMemory.of(region);

        assertThat(region.size()).isEqualTo(PAGE);
        assertThat(region.padded().byteSize()).isEqualTo(PAGE + MemoryRegion.PADDING);
        assertThat(memory.contains(LOW + PAGE, 1)).isFalse();
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.writeLong(LOW + PAGE - 4, -1L));
    }

    @Test
    void paddingHasToBeBehindTheRegion() {
        MemorySegment bytes = arena.allocate(2 * PAGE, 8);
        MemorySegment first = bytes.asSlice(0, PAGE);

        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                new MemoryRegion(
                                        LOW, first, bytes.asSlice(PAGE, PAGE), Optional.empty()))
                .withMessageContaining("padding");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryRegion(LOW, bytes, first, Optional.empty()))
                .withMessageContaining("padding");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                MemoryRegion.padded(
                                        LOW,
                                        arena.allocate(MemoryRegion.PADDING, 8),
                                        Optional.empty()));
    }

    @Test
    void valuesAreLittleEndianAtAnyAlignment() {
        memory.writeLong(LOW + 3, 0x8877665544332211L);
        assertThat(memory.readByte(LOW + 3)).isEqualTo((byte) 0x11);
        assertThat(memory.readShort(LOW + 4)).isEqualTo((short) 0x3322);
        assertThat(memory.readInt(LOW + 5)).isEqualTo(0x66554433);
        assertThat(memory.readLong(LOW + 3)).isEqualTo(0x8877665544332211L);
        memory.writeByte(LOW + 3, (byte) 0xff);
        memory.writeShort(LOW + 5, (short) 0x0102);
        memory.writeInt(LOW + 7, 0x0a0b0c0d);
        assertThat(memory.readLong(LOW + 3)).isEqualTo(0x0a0b0c0d_0102_22ffL);
    }

    @Test
    void accessesCrossIntoTheAdjacentRegion() {
        long seam = LOW + 2 * PAGE;
        for (int before = 1; before < 8; before++) {
            memory.writeLong(seam - before, 0x8877665544332211L + before);
            assertThat(memory.readLong(seam - before)).isEqualTo(0x8877665544332211L + before);
        }
        memory.writeInt(seam - 1, 0x44332211);
        assertThat(memory.readInt(seam - 1)).isEqualTo(0x44332211);
        assertThat(memory.readByte(seam)).isEqualTo((byte) 0x22);
        memory.writeShort(seam - 1, (short) 0x5566);
        assertThat(memory.readShort(seam - 1)).isEqualTo((short) 0x5566);
        byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        memory.copyIn(seam - 4, bytes);
        byte[] back = new byte[9];
        memory.copyOut(seam - 4, back);
        assertThat(back).isEqualTo(bytes);
        memory.fill(seam - 4, 9, (byte) 7);
        memory.copyOut(seam - 4, back, 1, 8);
        assertThat(back).isEqualTo(new byte[] {1, 7, 7, 7, 7, 7, 7, 7, 7});
    }

    @Test
    void whatIsNotWhollyMemoryIsAnErrorWithNumbersAndChangesNothing() {
        long end = LOW + 4 * PAGE;
        memory.writeInt(end - 4, 0x01020304);
        List<Consumer<GuestMemory>> accesses =
                List.of(
                        m -> m.readInt(end - 3),
                        m -> m.writeInt(end - 3, -1),
                        m -> m.writeLong(end - 4, -1),
                        m -> m.copyIn(end - 4, new byte[5]),
                        m -> m.copyOut(end - 4, new byte[5]),
                        m -> m.fill(end - 4, 5, (byte) 0),
                        m -> m.fill(LOW, -1, (byte) 0),
                        m -> m.slice(end - 4, 5),
                        m -> m.readByte(end),
                        m -> m.writeByte(end, (byte) 0),
                        m -> m.getLongAcquire(end),
                        m -> m.setIntRelease(end, 0),
                        m -> m.written(end - 1, 2),
                        m -> m.watch(end),
                        m -> m.readLong(-1),
                        m -> m.copyIn(-1, new byte[2]));
        for (Consumer<GuestMemory> access : accesses) {
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> access.accept(memory))
                    .returns(Kind.UNMAPPED, GuestMemoryException::kind)
                    .satisfies(e -> assertThat(e.getStackTrace()).isEmpty());
        }
        assertThat(memory.readInt(end - 4)).isEqualTo(0x01020304);
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.readInt(end - 3))
                .returns(end - 3, GuestMemoryException::address)
                .returns(4L, GuestMemoryException::length)
                .withMessage(
                        "guest memory access of 4 bytes at 0x80003ffd: not all of it is memory");
    }

    @Test
    void containsProbesWithoutThrowing() {
        assertThat(memory.contains(LOW, 4 * PAGE)).isTrue();
        assertThat(memory.contains(LOW, 4 * PAGE + 1)).isFalse();
        assertThat(memory.contains(LOW - 1, 2)).isFalse();
        assertThat(memory.contains(0, 0)).isTrue();
        assertThat(memory.contains(LOW, -1)).isFalse();
        assertThat(memory.contains(ROM, PAGE)).isTrue();
        assertThat(memory.isWritable(ROM, 1)).isFalse();
        assertThat(memory.isWritable(LOW, PAGE)).isTrue();
        GuestMemory top = GuestMemory.of(region(-PAGE, 1));
        assertThat(top.contains(-1, 1)).isTrue();
        assertThat(top.contains(-1, 2)).isFalse();
        assertThat(top.readByte(-1)).isZero();
    }

    @Test
    void readOnlyMemoryTakesNoWrite() {
        List<Consumer<GuestMemory>> writes =
                List.of(
                        m -> m.writeByte(ROM, (byte) 1),
                        m -> m.writeShort(ROM, (short) 1),
                        m -> m.writeInt(ROM, 1),
                        m -> m.writeLong(ROM, 1),
                        m -> m.setLongRelease(ROM, 1),
                        m -> m.getAndAddInt(ROM, 1),
                        m -> m.compareAndSetLong(ROM, 0, 1),
                        m -> m.copyIn(ROM, new byte[1]),
                        m -> m.fill(ROM, 1, (byte) 1));
        for (Consumer<GuestMemory> write : writes) {
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> write.accept(memory))
                    .returns(Kind.READ_ONLY, GuestMemoryException::kind);
        }
        assertThat(memory.readLong(ROM)).isZero();
        assertThat(memory.slice(ROM, 8).isReadOnly()).isTrue();
    }

    @Test
    void orderedAndAtomicAccessesMustBeAligned() {
        memory.setShortRelease(LOW, (short) 0x1234);
        memory.setIntRelease(LOW + 4, 0x12345678);
        memory.setLongRelease(LOW + 8, 0x123456789abcdef0L);
        assertThat(memory.getShortAcquire(LOW)).isEqualTo((short) 0x1234);
        assertThat(memory.getIntAcquire(LOW + 4)).isEqualTo(0x12345678);
        assertThat(memory.getLongAcquire(LOW + 8)).isEqualTo(0x123456789abcdef0L);
        List<Consumer<GuestMemory>> misaligned =
                List.of(
                        m -> m.getShortAcquire(LOW + 1),
                        m -> m.getIntAcquire(LOW + 2),
                        m -> m.getLongAcquire(LOW + 4),
                        m -> m.setShortRelease(LOW + 1, (short) 0),
                        m -> m.setIntRelease(LOW + 2, 0),
                        m -> m.setLongRelease(LOW + 4, 0),
                        m -> m.compareAndSetInt(LOW + 2, 0, 0),
                        m -> m.compareAndSetLong(LOW + 4, 0, 0),
                        m -> m.getAndAddInt(LOW + 1, 0),
                        m -> m.getAndAddLong(LOW + 4, 0));
        for (Consumer<GuestMemory> access : misaligned) {
            assertThatExceptionOfType(GuestMemoryException.class)
                    .isThrownBy(() -> access.accept(memory))
                    .returns(Kind.MISALIGNED, GuestMemoryException::kind);
        }
    }

    @Test
    void atomicAccessesGiveWhatWasThere() {
        assertThat(memory.compareAndSetInt(LOW, 0, 5)).isTrue();
        assertThat(memory.compareAndSetInt(LOW, 0, 6)).isFalse();
        assertThat(memory.compareAndExchangeInt(LOW, 5, 7)).isEqualTo(5);
        assertThat(memory.getAndAddInt(LOW, 3)).isEqualTo(7);
        assertThat(memory.readInt(LOW)).isEqualTo(10);
        assertThat(memory.compareAndSetLong(LOW + 8, 0, -1)).isTrue();
        assertThat(memory.compareAndExchangeLong(LOW + 8, 0, 2)).isEqualTo(-1);
        assertThat(memory.getAndAddLong(LOW + 8, 2)).isEqualTo(-1);
        assertThat(memory.readLong(LOW + 8)).isEqualTo(1);
    }

    @Test
    void sliceIsOfOneRegion() {
        memory.slice(LOW + 16, 8).set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, (byte) 9);
        assertThat(memory.readByte(LOW + 16)).isEqualTo((byte) 9);
        assertThatExceptionOfType(GuestMemoryException.class)
                .isThrownBy(() -> memory.slice(LOW + 2 * PAGE - 4, 8))
                .returns(Kind.SPLIT, GuestMemoryException::kind);
    }

    @Test
    void aWriteToAWatchedPageIsToldOnceAfterTheWrite() {
        memory.addWatcher(
                page -> {
                    assertThat(memory.isWatched(page)).isFalse();
                    assertThat(memory.readInt(LOW + PAGE + 4)).isEqualTo(77);
                    told.add(page);
                });
        memory.watch(LOW + PAGE + 123);
        assertThat(memory.isWatched(LOW + PAGE)).isTrue();
        assertThat(memory.isWatched(LOW)).isFalse();
        memory.writeInt(LOW, 1);
        assertThat(told).isEmpty();
        memory.writeInt(LOW + PAGE + 4, 77);
        memory.writeInt(LOW + PAGE + 4, 78);
        assertThat(told).containsExactly(LOW + PAGE);
    }

    @Test
    void everyWayOfWritingIsTold() {
        memory.addWatcher(told::add);
        long at = LOW + PAGE;
        List<Consumer<GuestMemory>> writes =
                List.of(
                        m -> m.writeByte(at, (byte) 1),
                        m -> m.writeShort(at - 1, (short) 1),
                        m -> m.writeInt(at - 1, 1),
                        m -> m.writeLong(at - 7, 1),
                        m -> m.setShortRelease(at, (short) 1),
                        m -> m.setIntRelease(at, 1),
                        m -> m.setLongRelease(at, 1),
                        m -> m.compareAndSetInt(at, 1, 2),
                        m -> m.compareAndSetLong(at, 2, 3),
                        m -> m.getAndAddInt(at, 1),
                        m -> m.getAndAddLong(at, 1),
                        m -> m.copyIn(at - 1, new byte[2]),
                        m -> m.fill(at - 1, 2, (byte) 2),
                        m -> m.written(at - 1, 2));
        memory.setLongRelease(at, 0);
        for (Consumer<GuestMemory> write : writes) {
            told.clear();
            memory.watch(at);
            write.accept(memory);
            assertThat(told).containsExactly(at);
        }
        memory.watch(at);
        told.clear();
        assertThat(memory.compareAndSetInt(at, 12345, 1)).isFalse();
        assertThat(told).isEmpty();
    }

    @Test
    void aWriteAcrossRegionsIsToldForEachWatchedPage() {
        memory.addWatcher(told::add);
        for (int page = 0; page < 4; page++) {
            memory.watch(LOW + (long) page * PAGE);
        }
        memory.writeInt(LOW + 2 * PAGE - 2, 1);
        assertThat(told).containsExactly(LOW + PAGE, LOW + 2 * PAGE);
        told.clear();
        memory.fill(LOW, 4 * PAGE, (byte) 1);
        assertThat(told).containsExactly(LOW, LOW + 3 * PAGE);
    }

    @Test
    void unwatchAndRemoveWatcherEndIt() {
        PageWatcher watcher = told::add;
        memory.addWatcher(watcher);
        memory.watch(LOW);
        memory.unwatch(LOW);
        memory.writeByte(LOW, (byte) 1);
        memory.watch(LOW);
        memory.removeWatcher(watcher);
        memory.writeByte(LOW, (byte) 1);
        assertThat(told).isEmpty();
        assertThat(memory.isWatched(LOW)).isFalse();
    }

    @Test
    void dirtyTrackingNamesWrittenPagesOnceAndCanBeSwitchedOff() {
        assertThatIllegalStateException().isThrownBy(() -> memory.harvestDirtyPages(told::add));
        memory.writeByte(LOW, (byte) 1);
        memory.startDirtyTracking();
        assertThat(memory.wantsWriteReport(LOW)).isTrue();
        memory.writeByte(LOW + 3 * PAGE, (byte) 1);
        memory.writeLong(LOW + 2 * PAGE - 4, 1);
        assertThat(memory.wantsWriteReport(LOW + 3 * PAGE)).isFalse();
        assertThat(harvest()).containsExactly(LOW + PAGE, LOW + 2 * PAGE, LOW + 3 * PAGE);
        assertThat(memory.wantsWriteReport(LOW + 3 * PAGE)).isTrue();
        assertThat(harvest()).isEmpty();
        memory.writeByte(LOW + 3 * PAGE, (byte) 1);
        assertThat(harvest()).containsExactly(LOW + 3 * PAGE);
        memory.writeByte(LOW, (byte) 1);
        memory.stopDirtyTracking();
        assertThat(memory.wantsWriteReport(LOW + 3 * PAGE)).isFalse();
        memory.startDirtyTracking();
        assertThat(harvest()).isEmpty();
    }

    @Test
    void watchingAndTrackingDoNotDisturbEachOther() {
        memory.addWatcher(told::add);
        memory.startDirtyTracking();
        memory.watch(LOW);
        memory.writeByte(LOW, (byte) 1);
        assertThat(told).containsExactly(LOW);
        assertThat(harvest()).containsExactly(LOW);
        memory.watch(LOW);
        memory.stopDirtyTracking();
        assertThat(memory.isWatched(LOW)).isTrue();
    }

    @Test
    void aWriterAndAWatcherLoseNoWrite() throws InterruptedException {
        // The watcher remembers what it read after watching; a write it did not see is told.
        int rounds = 20_000;
        boolean[] stale = {true};
        GuestMemory shared = GuestMemory.of(region(LOW, 1));
        Object lock = new Object();
        shared.addWatcher(
                page -> {
                    synchronized (lock) {
                        stale[0] = true;
                    }
                });
        Thread writer =
                new Thread(
                        () -> {
                            for (int i = 1; i <= rounds; i++) {
                                shared.writeInt(LOW + 8, i);
                            }
                        });
        writer.start();
        int seen = -1;
        while (seen < rounds) {
            synchronized (lock) {
                if (!stale[0]) {
                    if (!writer.isAlive() && !stale[0]) {
                        break;
                    }
                    continue;
                }
                stale[0] = false;
            }
            shared.watch(LOW);
            seen = shared.readInt(LOW + 8);
        }
        writer.join();
        synchronized (lock) {
            assertThat(stale[0] || seen == rounds)
                    .as("last value read %d, stale %s", seen, stale[0])
                    .isTrue();
        }
    }

    @Test
    void reservedMemoryIsZeroAndWritable() throws Exception {
        long bytes = 8L << 30;
        GuestMemory big = GuestMemory.of(MemoryRegion.reserve(LOW, bytes, arena));
        assertThat(big.readLong(LOW + bytes - 8)).isZero();
        big.writeLong(LOW + bytes - 8, 42);
        assertThat(big.readLong(LOW + bytes - 8)).isEqualTo(42);
        assertThat(big.regions().getFirst().backing()).isEmpty();
    }

    @Test
    void reservedMemoryCostsWhatIsTouched() throws Exception {
        Path statm = Path.of("/proc/self/statm");
        assumeTrue(Files.isReadable(statm), "the host tells how much memory is resident");
        long before = residentPages(statm);
        GuestMemory big = GuestMemory.of(MemoryRegion.reserve(LOW, 4L << 30, arena));
        big.fill(LOW + (1L << 30), 1 << 20, (byte) 1);
        // A few pages of flags, and what the JVM does meanwhile, beside the one mebibyte.
        assertThat(residentPages(statm) - before).isLessThan((256L << 20) / PAGE);
    }

    private static long residentPages(Path statm) throws IOException {
        return Long.parseLong(Files.readString(statm).split(" ")[1]);
    }

    @Test
    void theCopyMadeFromHarvestsIsTheMemory() throws InterruptedException {
        // A migration in small: pages are copied while they are written; what the copy misses is
        // dirty again.
        int pages = 64;
        long seed = 11;
        GuestMemory source = GuestMemory.of(region(LOW, pages));
        GuestMemory copy = GuestMemory.of(region(LOW, pages));
        source.startDirtyTracking();
        Thread[] writers = new Thread[2];
        for (int i = 0; i < writers.length; i++) {
            Random random = new Random(seed + i);
            int own = 4 * i;
            writers[i] =
                    new Thread(
                            () -> {
                                for (int n = 0; n < 100_000; n++) {
                                    long page = LOW + (long) random.nextInt(pages) * PAGE;
                                    source.writeInt(page + 8L * random.nextInt(512) + own, n);
                                }
                            });
            writers[i].start();
        }
        byte[] page = new byte[PAGE];
        LongConsumer copyPage =
                address -> {
                    source.copyOut(address, page);
                    copy.copyIn(address, page);
                };
        while (writers[0].isAlive() || writers[1].isAlive()) {
            source.harvestDirtyPages(copyPage);
        }
        for (Thread writer : writers) {
            writer.join();
        }
        source.harvestDirtyPages(copyPage);
        assertThat(
                        copy.slice(LOW, (long) pages * PAGE)
                                .mismatch(source.slice(LOW, (long) pages * PAGE)))
                .as("first byte that differs, seed %d", seed)
                .isEqualTo(-1);
    }

    @Test
    void backingsRefuseNegativeNumbers() {
        assertThatIllegalArgumentException().isThrownBy(() -> new MemoryBacking.Descriptor(-1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new MemoryBacking.Descriptor(3, -1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryBacking.File(Path.of("x"), -1));
    }

    private List<Long> harvest() {
        List<Long> pages = new ArrayList<>();
        memory.harvestDirtyPages(pages::add);
        return pages;
    }

    @Test
    void copyInAndOutTakePartsOfArrays() {
        byte[] source = new byte[32];
        source[4] = 42;
        memory.copyIn(LOW, source, 4, 1);
        byte[] target = new byte[4];
        memory.copyOut(LOW, target, 2, 1);
        assertThat(target).isEqualTo(new byte[] {0, 0, 42, 0});
    }
}
