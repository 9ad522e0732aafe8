package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.Test;

import java.lang.management.ManagementFactory;
import java.util.Random;

class HartIoTest {
    private final IoManager io = IoManager.create();
    private final TestDevice device = new TestDevice("dev0");
    private final GuestIo hart = io.hartIo();

    @Test
    void loadsAndStoresReachTheDevice() {
        io.registerMmio(new MmioRange(0x1000, 0x10), device);
        for (boolean attached : new boolean[] {false, true}) {
            if (attached) {
                hart.attach();
            }
            device.log.clear();
            device.value = 0x8877665544332211L;
            assertThat(hart.load(0x1000, 1)).isEqualTo(0x11);
            assertThat(hart.load(0x1002, 2)).isEqualTo(0x2211);
            assertThat(hart.load(0x1004, 4)).isEqualTo(0x44332211);
            assertThat(hart.load(0x1008, 8)).isEqualTo(0x8877665544332211L);
            hart.store(0x1004, 2, -1);
            assertThat(device.log)
                    .containsExactly(
                            "mr 1000+0/1",
                            "mr 1000+2/2",
                            "mr 1000+4/4",
                            "mr 1000+8/8",
                            "mw 1000+4/2=ffff");
        }
        hart.detach();
    }

    @Test
    void missesReadAsOnesAreDroppedAndAreCounted() {
        io.registerMmio(new MmioRange(0x1000, 0x10), device);
        io.registerMmio(new MmioRange(0x1010, 0x10), device);
        long misses = 0;
        for (boolean attached : new boolean[] {false, true}) {
            if (attached) {
                hart.attach();
            }
            assertThat(hart.load(0xfff, 1)).isEqualTo(0xff);
            assertThat(hart.load(0xfff, 2)).isEqualTo(0xffff);
            assertThat(hart.load(0x1020, 4)).isEqualTo(0xffff_ffffL);
            assertThat(hart.load(-1, 8)).isEqualTo(-1);
            // Into the neighbour of the same device: still no access that one range holds.
            assertThat(hart.load(0x100e, 4)).isEqualTo(0xffff_ffffL);
            hart.store(0x100e, 4, 1);
            hart.store(0, 8, 1);
            misses += 5;
            assertThat(io.counters().unmappedReads()).isEqualTo(misses);
            assertThat(io.counters().unmappedWrites()).isEqualTo(misses * 2 / 5);
        }
        assertThat(device.log).isEmpty();
        hart.detach();
    }

    @Test
    void theLastHitDoesNotOutliveAChange() {
        io.registerMmio(new MmioRange(0x1000, 0x10), device);
        hart.attach();
        device.value = 5;
        assertThat(hart.load(0x1000, 4)).isEqualTo(5);
        io.moveMmio(new MmioRange(0x1000, 0x10), device, 0x2000);
        assertThat(hart.load(0x1000, 4)).isEqualTo(0xffff_ffffL);
        assertThat(hart.load(0x2000, 4)).isEqualTo(5);
        io.deregister(device);
        assertThat(hart.load(0x2000, 4)).isEqualTo(0xffff_ffffL);
        hart.detach();
    }

    @Test
    void aDeviceThatThrowsIsKeptFromTheHart() {
        io.registerMmio(
                new MmioRange(0x1000, 0x10),
                new TestDevice("broken0") {
                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        throw new Error("broken, for a test");
                    }

                    @Override
                    public void mmioWrite(long base, long offset, int size, long value) {
                        throw new IllegalStateException() {
                            private static final long serialVersionUID = 1L;

                            @Override
                            public String getMessage() {
                                throw new IllegalStateException("even its text fails");
                            }
                        };
                    }
                });
        for (int round = 0; round < 2; round++) {
            hart.store(0x1000, 4, 1);
            assertThat(hart.load(0x1000, 4)).isEqualTo(0xffff_ffffL);
            hart.attach();
        }
        assertThat(io.counters().devices())
                .containsExactly(new DeviceCounts("broken0", "test", 2, 2, 4, 0));
        hart.detach();
    }

    @Test
    void anAttachedHartCountsManyDevices() {
        hart.attach();
        for (int i = 0; i < 100; i++) {
            io.registerMmio(new MmioRange(i * 16L, 16), new TestDevice("d%02d".formatted(i)));
            hart.load(i * 16L, 4);
            hart.store(i * 16L, 4, 0);
        }
        hart.detach();
        hart.load(0, 4);
        assertThat(io.counters().devices())
                .hasSize(100)
                .allMatch(counts -> counts.reads() == (counts.id().equals("d00") ? 2 : 1))
                .allMatch(counts -> counts.writes() == 1);
    }

    @Test
    void anAccessDoesNotAllocate() {
        int ranges = 64;
        for (int i = 0; i < ranges; i++) {
            io.registerMmio(new MmioRange(i * 0x1000L, 0x100), new QuietDevice("q" + i));
            io.registerPio(new PioRange(i * 8L, 8), new QuietDevice("q" + i));
        }
        long[] addresses = new Random(1).longs(1024, 0, ranges).map(i -> i * 0x1000 + 4).toArray();
        hart.attach();
        long sum = touch(addresses) + touch(addresses);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5 && least > 0; round++) {
            // The bean itself, a compilation or a profile may allocate once: not for each access.
            long before = threads.getCurrentThreadAllocatedBytes();
            sum += touch(addresses);
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        hart.detach();
        assertThat(sum).isNotZero();
        assertThat(least).as("bytes for 10,240 accesses").isLessThan(1024);
    }

    private long touch(long[] addresses) {
        long sum = 0;
        for (long address : addresses) {
            sum += hart.load(address, 4);
            hart.store(address, 4, sum);
            hart.poll();
            sum += hart.load(address + 0x500, 4);
            hart.store(address + 0x500, 4, sum);
            sum += io.mmioRead(address, 4);
            io.mmioWrite(address, 4, sum);
            sum += io.pioRead(address >>> 9 & ~7, 4);
            io.pioWrite(address >>> 9 & ~7, 4, sum);
        }
        return sum;
    }

    /** Holds one value and remembers nothing. */
    private static final class QuietDevice extends TestDevice {
        QuietDevice(String label) {
            super(label);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return value;
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            this.value = value;
        }

        @Override
        public long pioRead(int base, int offset, int size) {
            return value;
        }

        @Override
        public void pioWrite(int base, int offset, int size, long value) {
            this.value = value;
        }
    }
}
