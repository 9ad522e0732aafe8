package dev.dalang.bus.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.GuestIo;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.time.ManualVirtualClock;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Two devices of one type on a bus, with the lines that are told of them. */
class LineTracerTest {
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final List<String> lines = new ArrayList<>();

    /** Keeps what was written; its last register fails. */
    private static final class Cell implements DeviceMmio, RegisterNames {
        private final String label;
        private final long[] kept = new long[4];

        Cell(String label) {
            this.label = label;
        }

        @Override
        public String label() {
            return label;
        }

        @Override
        public String typeId() {
            return "cell";
        }

        @Override
        public String registerName(long base, long offset, boolean write) {
            return "CELL" + offset / 8;
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            if (offset >= 24) {
                throw new IllegalStateException("broken");
            }
            return kept[(int) offset / 8];
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            if (offset >= 24) {
                throw new IllegalStateException("broken");
            }
            kept[(int) offset / 8] = value;
        }
    }

    private IoManager io(String... names) {
        return io(LineTracer.of(List.of(names), clock, lines::add));
    }

    private static IoManager io(LineTracer tracer) {
        IoManager io = IoManager.create(tracer);
        io.registerMmio(new MmioRange(0x1000, 32), new Cell("a"));
        io.registerMmio(new MmioRange(0x2000, 32), new Cell("b"));
        return io;
    }

    @Test
    void accessesOfHartsAndOthersAreToldWithNamesAndTime() {
        IoManager io = io("a");
        clock.advance(1_204_518_100L);
        io.mmioWrite(0x1008, 4, 0xffff_ffff_1234_5678L);
        GuestIo hart = io.hartIo();
        hart.attach();
        assertThat(hart.load(0x1008, 2)).isEqualTo(0x5678);
        hart.store(0x2000, 4, 1);
        hart.detach();
        assertThat(lines)
                .containsExactly(
                        "    1.204518100 a: write 4 CELL1 = 0x12345678",
                        "    1.204518100 a: read  2 CELL1 = 0x5678");
    }

    @Test
    void devicesAreKnownByTheirTypeToo() {
        IoManager io = io("cell");
        io.mmioWrite(0x1000, 1, 1);
        io.mmioWrite(0x2000, 1, 2);
        assertThat(lines).hasSize(2);
        assertThat(lines.getLast()).endsWith("b: write 1 CELL0 = 0x2");
    }

    @Test
    void repeatedLinesAreCounted() {
        LineTracer tracer = LineTracer.of(List.of("a"), clock, lines::add);
        IoManager io = io(tracer);
        for (int i = 0; i < 1001; i++) {
            io.mmioRead(0x1000, 4);
            clock.advance(10);
        }
        io.mmioWrite(0x1000, 4, 1);
        io.mmioWrite(0x1000, 4, 1);
        tracer.finish();
        tracer.finish();
        assertThat(lines)
                .containsExactly(
                        "    0.000000000 a: read  4 CELL0 = 0x0",
                        "                the same again, 1,000 times",
                        "    0.000010010 a: write 4 CELL0 = 0x1",
                        "                the same again, 1 times");
    }

    @Test
    void failuresAndWiresAreTold() {
        IoManager io = io("a");
        assertThat(io.mmioRead(0x1018, 4)).isEqualTo(0xffff_ffffL);
        io.mmioWrite(0x1018, 4, 0);
        assertThat(io.counters().devices().getFirst().errors()).isEqualTo(2);
        InterruptLine line =
                io.counters()
                        .counting(
                                new Cell("a"),
                                new InterruptLine() {
                                    @Override
                                    public void raise() {}

                                    @Override
                                    public void lower() {}
                                });
        line.raise();
        line.raise();
        line.lower();
        line.lower();
        assertThat(lines)
                .extracting(line1 -> line1.substring(16))
                .containsExactly(
                        "a: read of CELL3 failed: java.lang.IllegalStateException: broken",
                        "a: write 4 CELL3 = 0x0",
                        "a: write of CELL3 failed: java.lang.IllegalStateException: broken",
                        "a: wire raised",
                        "a: wire lowered");
    }

    @Test
    void bulkAccessesAreToldByTheirLength() {
        IoManager io = io("a");
        io.mmioRead(0x1000, MemorySegment.ofArray(new byte[16]));
        io.mmioWrite(0x1000, MemorySegment.ofArray(new byte[12]));
        assertThat(lines)
                .extracting(line -> line.substring(16))
                .containsExactly("a: read 16 bytes from CELL0", "a: write 12 bytes to CELL0");
    }

    @Test
    void deviceThatIsTracedStaysItsOwnOwner() {
        LineTracer tracer = LineTracer.of(List.of("a"), clock, lines::add);
        IoManager io = IoManager.create(tracer);
        Cell device = new Cell("a");
        io.registerMmio(new MmioRange(0x1000, 32), device);
        assertThat(io.mmioDevice(0x1000).orElseThrow().device()).isSameAs(device);
        io.moveMmio(new MmioRange(0x1000, 32), device, 0x4000);
        io.mmioRead(0x4000, 1);
        assertThat(lines).hasSize(1);
        assertThat(io.deregister(device).isDone()).isTrue();
        assertThatThrownBy(() -> io.mmioRead(0x4000, 1)).hasMessageContaining("0x4000");
    }

    @Test
    void namesThatNobodyHasAreKnown() {
        LineTracer tracer = LineTracer.of(List.of("a", "cell", "c"), clock, lines::add);
        io(tracer);
        assertThat(tracer.unusedNames()).containsExactly("c");
        assertThat(tracer.labels()).containsExactly("a", "b");
    }
}
