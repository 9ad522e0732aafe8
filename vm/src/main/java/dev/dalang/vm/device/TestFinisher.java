package dev.dalang.vm.device;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

import java.util.concurrent.atomic.AtomicLong;

/**
 * SiFive's test finisher ({@code sifive,test1}), which is also the board's power switch: one
 * register at offset 0 whose low 16 bits say what happens, and whose upper 16 bits carry the code
 * of a failure. It reads as zero. Other values and other offsets are dropped and counted.
 *
 * <p>Any thread; it has no state.
 */
public final class TestFinisher implements DeviceMmio, Suspendable {
    /** Value that ends the run with success, and switches the machine off. */
    public static final int FINISHER_PASS = 0x5555;

    /** Value that ends the run with a failure. */
    public static final int FINISHER_FAIL = 0x3333;

    /** Value that resets the machine. */
    public static final int FINISHER_RESET = 0x7777;

    private static final String TYPE = "sifive-test";
    private static final int VERSION = 1;

    private final String label;
    private final Listener listener;
    private final AtomicLong invalidAccesses = new AtomicLong();

    /**
     * What the machine does when the guest asks for it. Called on the hart that wrote, which goes
     * on executing afterwards: a listener notes the wish, has the harts stopped, and does not wait
     * for it.
     */
    public interface Listener {
        /** The guest switches the machine off. */
        void poweredOff();

        /**
         * The guest ends its run with a failure.
         *
         * @param code its number for the failure, 0..65535
         */
        void failed(int code);

        /** The guest resets the machine. */
        void resetRequested();
    }

    /**
     * A finisher.
     *
     * @param label its name, such as {@code finisher}
     * @param listener who switches the machine off
     */
    public TestFinisher(String label, Listener listener) {
        this.label = label;
        this.listener = listener;
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /** {@return how many writes had no meaning} */
    public long invalidAccesses() {
        return invalidAccesses.get();
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        return 0;
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        int command = (int) value & 0xffff;
        if (offset == 0 && command == FINISHER_PASS) {
            listener.poweredOff();
        } else if (offset == 0 && command == FINISHER_FAIL) {
            listener.failed((int) (value >>> 16) & 0xffff);
        } else if (offset == 0 && command == FINISHER_RESET) {
            listener.resetRequested();
        } else {
            invalidAccesses.incrementAndGet();
        }
    }

    @Override
    public void sleep() {
        // It never acts of its own accord.
    }

    @Override
    public void wake() {
        // As above.
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
    }
}
