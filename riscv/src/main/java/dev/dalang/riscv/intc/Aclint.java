package dev.dalang.riscv.intc;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;

/**
 * The machine timer and the machine software interrupts (RISC-V ACLINT 1.0, in the layout of the
 * SiFive CLINT): {@code msip} of hart <i>h</i> at {@code 4h}, its {@code mtimecmp} at {@code 0x4000
 * + 8h}, {@code mtime} at 0xBFF8.
 *
 * <p>{@code mtime} counts 100 ns of the machine's clock (10 MHz) plus an offset that a guest sets
 * by writing it. MTIP of a hart is high while {@code mtime >= mtimecmp}, unsigned; after reset
 * {@code mtimecmp} is all ones, so that it is low. {@code msip} takes aligned 4-byte accesses, the
 * timer's registers aligned 4- and 8-byte ones. Any thread.
 */
public final class Aclint implements DeviceMmio, Suspendable {
    /** Bytes of address space. */
    public static final int SIZE_BYTES = 0x1_0000;

    /** Nanoseconds per tick of {@code mtime}. */
    public static final long NANOS_PER_TICK = 100;

    /** The most harts that the layout has room for. */
    public static final int MAX_HARTS = 4095;

    private static final String TYPE = "riscv-aclint";
    private static final int VERSION = 1;
    private static final int MTIMECMP = 0x4000;
    private static final int MTIME = 0xbff8;
    private static final long LAST_TICK = Long.MAX_VALUE / NANOS_PER_TICK;

    private final Object lock = new Object();
    private final String label;
    private final VirtualClock clock;
    private final OutputWire[] software;
    private final OutputWire[] timer;
    private final VirtualClock.Timer[] alarms;
    private final int[] msip;
    private final long[] mtimecmp;
    private final LongConsumer timeOffset;
    private volatile long offset;
    private boolean asleep;

    private Aclint(Builder builder) {
        int harts = builder.software.size();
        label = builder.label;
        clock = builder.clock;
        timeOffset = builder.timeOffset;
        software = new OutputWire[harts];
        timer = new OutputWire[harts];
        alarms = new VirtualClock.Timer[harts];
        msip = new int[(harts + 31) / 32];
        mtimecmp = new long[harts];
        for (int i = 0; i < harts; i++) {
            int hart = i;
            software[i] = new OutputWire(builder.software.get(i));
            timer[i] = new OutputWire(builder.timer.get(i));
            alarms[i] = clock.newTimer(() -> expired(hart));
            mtimecmp[i] = -1;
        }
    }

    /**
     * Begins an ACLINT whose time is {@code clock}.
     *
     * @param clock the machine's time
     * @return the builder
     */
    public static Builder builder(VirtualClock clock) {
        return new Builder(clock);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /**
     * The value of {@code mtime}, in ticks of 100 ns: what a hart's {@code time} CSR shows.
     *
     * @return ticks, unsigned
     */
    public long mtime() {
        return clock.nanos() / NANOS_PER_TICK + offset;
    }

    /**
     * How often the timer interrupt of {@code hart} was raised.
     *
     * @param hart the hart's index, from 0
     * @return a count since it was built
     */
    public long timerInterrupts(int hart) {
        synchronized (lock) {
            return timer[Objects.checkIndex(hart, timer.length)].raised();
        }
    }

    /**
     * How often the software interrupt of {@code hart} was raised.
     *
     * @param hart the hart's index, from 0
     * @return a count since it was built
     */
    public long softwareInterrupts(int hart) {
        synchronized (lock) {
            return software[Objects.checkIndex(hart, software.length)].raised();
        }
    }

    @Override
    public long mmioRead(long base, long at, int size) {
        if (!isRegister(at, size)) {
            return 0;
        }
        int register = (int) at;
        if (register < MTIMECMP) {
            int hart = register >>> 2;
            synchronized (lock) {
                return hart < timer.length && Arrays32.get(msip, hart) ? 1 : 0;
            }
        }
        long value = timerRegister(register & ~7);
        if (size == 8) {
            return value;
        }
        return (register & 4) == 0 ? value & 0xffff_ffffL : value >>> 32;
    }

    @Override
    public void mmioWrite(long base, long at, int size, long value) {
        if (!isRegister(at, size)) {
            return;
        }
        int register = (int) at;
        synchronized (lock) {
            if (register < MTIMECMP) {
                writeMsip(register >>> 2, (value & 1) != 0);
                return;
            }
            int first = register & ~7;
            long whole = value;
            if (size == 4) {
                long old = timerRegister(first);
                whole =
                        (register & 4) == 0
                                ? old & ~0xffff_ffffL | value & 0xffff_ffffL
                                : old & 0xffff_ffffL | value << 32;
            }
            writeTimerRegister(first, whole);
        }
    }

    /** Aligned, inside, and of a size that the register there takes. */
    private static boolean isRegister(long at, int size) {
        if (at < 0 || at >= SIZE_BYTES || (at & size - 1) != 0) {
            return false;
        }
        return size == 4 || size == 8 && at >= MTIMECMP;
    }

    private long timerRegister(int register) {
        if (register == MTIME) {
            return mtime();
        }
        int hart = register - MTIMECMP >>> 3;
        if (hart >= mtimecmp.length) {
            return 0;
        }
        synchronized (lock) {
            return mtimecmp[hart];
        }
    }

    private void writeMsip(int hart, boolean level) {
        if (hart < software.length) {
            Arrays32.set(msip, hart, level);
            software[hart].set(level);
        }
    }

    private void writeTimerRegister(int register, long value) {
        if (register == MTIME) {
            setOffset(value - clock.nanos() / NANOS_PER_TICK);
            evaluateAll();
            return;
        }
        int hart = register - MTIMECMP >>> 3;
        if (hart < mtimecmp.length) {
            mtimecmp[hart] = value;
            evaluate(hart);
        }
    }

    private void setOffset(long ticks) {
        offset = ticks;
        timeOffset.accept(ticks);
    }

    private void expired(int hart) {
        synchronized (lock) {
            evaluate(hart);
        }
    }

    private void evaluateAll() {
        for (int hart = 0; hart < mtimecmp.length; hart++) {
            evaluate(hart);
        }
    }

    /** Drives the hart's MTIP and sets its alarm to the next change of it. */
    private void evaluate(int hart) {
        if (asleep) {
            return;
        }
        long ticks = clock.nanos() / NANOS_PER_TICK;
        long now = ticks + offset;
        long compare = mtimecmp[hart];
        boolean due = Long.compareUnsigned(now, compare) >= 0;
        timer[hart].set(due);
        // MTIP falls when mtime wraps to zero, which a guest can bring about by writing mtime.
        long distance = due ? -now : compare - now;
        boolean never = due && compare == 0;
        if (never || Long.compareUnsigned(distance, LAST_TICK - ticks) > 0) {
            alarms[hart].cancel();
        } else {
            alarms[hart].arm((ticks + distance) * NANOS_PER_TICK);
        }
    }

    /**
     * Back to the state after power-on: {@code mtimecmp} all ones, lines low, and {@code mtime}
     * without offset, so that it agrees with the harts' {@code time} whatever a guest wrote.
     */
    public void reset() {
        synchronized (lock) {
            setOffset(0);
            for (int hart = 0; hart < mtimecmp.length; hart++) {
                mtimecmp[hart] = -1;
                writeMsip(hart, false);
            }
            evaluateAll();
        }
    }

    /** Stops the alarms; the lines keep their levels. */
    @Override
    public void sleep() {
        synchronized (lock) {
            asleep = true;
            for (VirtualClock.Timer alarm : alarms) {
                alarm.cancel();
            }
        }
    }

    /** {@inheritDoc} {@code mtime} is kept as its offset, so the clock is saved with it. */
    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            return Snapshot.builder(TYPE, VERSION)
                    .put("offset", offset)
                    .put("msip", Arrays32.toBytes(msip))
                    .put("mtimecmp", Arrays32.toBytes(mtimecmp))
                    .build();
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        long newOffset = snapshot.getLong("offset");
        int[] newMsip = Arrays32.ints(snapshot, "msip", msip.length);
        long[] newMtimecmp = Arrays32.longs(snapshot, "mtimecmp", mtimecmp.length);
        int spare = -mtimecmp.length & 31;
        Arrays32.require(
                (newMsip[msip.length - 1] & ~(-1 >>> spare)) == 0,
                snapshot,
                "msip",
                "no bits above the last hart");
        synchronized (lock) {
            setOffset(newOffset);
            System.arraycopy(newMtimecmp, 0, mtimecmp, 0, mtimecmp.length);
            for (int hart = 0; hart < mtimecmp.length; hart++) {
                writeMsip(hart, Arrays32.get(newMsip, hart));
            }
        }
    }

    /** Drives the harts' lines again and sets the alarms. */
    @Override
    public void wake() {
        synchronized (lock) {
            asleep = false;
            evaluateAll();
            for (int hart = 0; hart < mtimecmp.length; hart++) {
                software[hart].repeat();
                timer[hart].repeat();
            }
        }
    }

    /** Collects what an ACLINT is built from. */
    public static final class Builder {
        private final VirtualClock clock;
        private final List<InterruptLine> software = new ArrayList<>();
        private final List<InterruptLine> timer = new ArrayList<>();
        private LongConsumer timeOffset = ticks -> {};
        private String label = "aclint";

        private Builder(VirtualClock clock) {
            this.clock = clock;
        }

        /**
         * The device's label; default {@code aclint}.
         *
         * @param label a short name for logs
         * @return this
         */
        public Builder label(String label) {
            this.label = label;
            return this;
        }

        /**
         * Who has to follow {@code mtime}: the harts' {@code time} CSRs mirror it.
         *
         * @param listener told the difference between {@code mtime} and the clock, in ticks,
         *     whenever it changes; called on any thread, with the device's lock held
         * @return this
         */
        public Builder onTimeOffset(LongConsumer listener) {
            this.timeOffset = listener;
            return this;
        }

        /**
         * Adds the next hart, by its MSIP and MTIP inputs.
         *
         * @param machineSoftware bit 3 of its {@code mip}
         * @param machineTimer bit 7 of its {@code mip}
         * @return this
         * @throws IllegalArgumentException if there are {@link #MAX_HARTS} already
         */
        public Builder hart(InterruptLine machineSoftware, InterruptLine machineTimer) {
            if (software.size() == MAX_HARTS) {
                throw new IllegalArgumentException(
                        "ACLINT: expected at most " + MAX_HARTS + " harts, got one more");
            }
            software.add(machineSoftware);
            timer.add(machineTimer);
            return this;
        }

        /**
         * The ACLINT, reset.
         *
         * @return it
         * @throws IllegalArgumentException if no hart was added
         */
        public Aclint build() {
            if (software.isEmpty()) {
                throw new IllegalArgumentException("ACLINT: expected at least one hart, got none");
            }
            return new Aclint(this);
        }
    }
}
