package dev.dalang.riscv.intc;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.riscv.ImsicFile;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One interrupt file (AIA 1.0 §3).
 *
 * <p>Every thread that changes the state drives the line afterwards to the level that the state
 * then has, and looks again: if the level has changed meanwhile it repeats. So the thread whose
 * call of the line is the last one saw, after that call, the state agree with it; and whoever
 * changes the state later calls the line later. No wake-up is lost, nobody waits, and when all
 * calls have returned the line equals the state. All accesses are volatile: the argument needs one
 * order of state changes and line calls.
 */
final class InterruptFile implements ImsicFile {
    private static final String TYPE = "riscv-imsic-file";
    private static final int VERSION = 1;

    // siselect values (AIA 1.0 §3.7).
    private static final int EIDELIVERY = 0x70;
    private static final int EITHRESHOLD = 0x72;
    private static final int EIP0 = 0x80;
    private static final int EIE0 = 0xc0;
    private static final int LAST = 0xff;

    private static final long DELIVER_NONE = 0;
    private static final long DELIVER_FILE = 1;
    private static final long DELIVER_DIRECT = 0x4000_0000;
    private static final int THRESHOLD_MASK = 0x7ff;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    private final int identities;
    private volatile InterruptLine line;
    private final boolean directDelivery;
    private final long[] pending;
    private final long[] enabled;
    private final long[] claims;
    private volatile long delivery;
    private volatile int threshold;
    private volatile boolean directLevel;

    /** The values of a snapshot, checked. */
    static final class State {
        private final long[] pending;
        private final long[] enabled;
        private final long delivery;
        private final int threshold;
        private final boolean directLevel;

        State(long[] pending, long[] enabled, long delivery, int threshold, boolean directLevel) {
            this.pending = pending;
            this.enabled = enabled;
            this.delivery = delivery;
            this.threshold = threshold;
            this.directLevel = directLevel;
        }
    }

    InterruptFile(int identities, InterruptLine line, boolean directDelivery) {
        this.identities = identities;
        this.line = line;
        this.directDelivery = directDelivery;
        pending = new long[(identities + 1) / 64];
        enabled = new long[pending.length];
        claims = new long[identities + 1];
        delivery = resetDelivery();
    }

    @Override
    public void setPending(int identity) {
        if (identity <= 0 || identity > identities) {
            return;
        }
        int word = identity >>> 6;
        long bit = 1L << identity;
        if (((long) WORD.getAndBitwiseOr(pending, word, bit) & bit) != 0) {
            // Whoever set it has driven the line, or is about to.
            return;
        }
        if (((long) WORD.getVolatile(enabled, word) & bit) == 0 || delivery != DELIVER_FILE) {
            // The level cannot have changed; what enables the identity will look again.
            return;
        }
        int limit = threshold;
        if (limit == 0 || identity < limit) {
            // Upwards at once: a thread that went down first, for a level it saw a while ago, and
            // was then preempted would leave the hart asleep.
            line.raise();
            if (!isAsserted()) {
                settle();
            }
        }
    }

    @Override
    public long readRegister(int select) {
        if (select == EIDELIVERY) {
            return delivery;
        }
        if (select == EITHRESHOLD) {
            return threshold;
        }
        int word = word(select);
        return word < 0 ? 0 : (long) WORD.getVolatile(select < EIE0 ? pending : enabled, word);
    }

    @Override
    public long updateRegister(int select, long value, long mask) {
        if (select == EIDELIVERY) {
            long old = delivery;
            delivery = legalDelivery(old & ~mask | value & mask);
            settle();
            return old;
        }
        if (select == EITHRESHOLD) {
            long old = threshold;
            threshold = (int) (old & ~mask | value & mask) & THRESHOLD_MASK;
            settle();
            return old;
        }
        int word = word(select);
        if (word < 0) {
            return 0;
        }
        long writable = word == 0 ? mask & ~1L : mask;
        long[] words = select < EIE0 ? pending : enabled;
        long old;
        long updated;
        do {
            old = (long) WORD.getVolatile(words, word);
            updated = old & ~writable | value & writable;
        } while (!WORD.compareAndSet(words, word, old, updated));
        if (old != updated) {
            settle();
        }
        return old;
    }

    @Override
    public boolean hasRegister(int select) {
        return select >= EIDELIVERY && select <= LAST && (select < EIP0 || (select & 1) == 0);
    }

    @Override
    public long topei() {
        long identity = top();
        return identity << 16 | identity;
    }

    @Override
    public long claimTopei() {
        int identity;
        long old;
        do {
            identity = top();
            if (identity == 0) {
                settle();
                return 0;
            }
            old = (long) WORD.getAndBitwiseAnd(pending, identity >>> 6, ~(1L << identity));
            // Only the hart clears; the loop is for a state that a debugger changes meanwhile.
        } while ((old >>> identity & 1) == 0);
        WORD.setOpaque(claims, identity, (long) WORD.getOpaque(claims, identity) + 1);
        settle();
        return (long) identity << 16 | identity;
    }

    long claims(int identity) {
        return (long) WORD.getOpaque(claims, identity);
    }

    InterruptLine directLine() {
        return new InterruptLine() {
            @Override
            public void raise() {
                set(true);
            }

            @Override
            public void lower() {
                set(false);
            }

            @Override
            public void set(boolean level) {
                if (!directDelivery) {
                    return;
                }
                directLevel = level;
                if (delivery == DELIVER_DIRECT) {
                    settle();
                }
            }
        };
    }

    /** From here on the file drives {@code newLine}, beginning with its present level. */
    void connect(InterruptLine newLine) {
        line = newLine;
        settle();
    }

    /** Drives the line to the state's level; see the class comment. */
    void settle() {
        boolean level;
        do {
            level = isAsserted();
            line.set(level);
        } while (isAsserted() != level);
    }

    private boolean isAsserted() {
        long mode = delivery;
        if (mode == DELIVER_FILE) {
            return top() != 0;
        }
        return mode == DELIVER_DIRECT && directLevel;
    }

    /** The lowest identity that is pending, enabled and below the threshold, or 0. */
    private int top() {
        for (int word = 0; word < pending.length; word++) {
            long both =
                    (long) WORD.getVolatile(pending, word) & (long) WORD.getVolatile(enabled, word);
            if (both != 0) {
                int identity = word << 6 | Long.numberOfTrailingZeros(both);
                int limit = threshold;
                return limit == 0 || identity < limit ? identity : 0;
            }
        }
        return 0;
    }

    /** The index of the word behind an even {@code eip} or {@code eie} register, or -1. */
    private int word(int select) {
        if (select < EIP0 || select > LAST || (select & 1) != 0) {
            return -1;
        }
        int word = (select & 0x3f) >>> 1;
        return word < pending.length ? word : -1;
    }

    private long legalDelivery(long value) {
        if (value == DELIVER_DIRECT && directDelivery) {
            return DELIVER_DIRECT;
        }
        return value & DELIVER_FILE;
    }

    private long resetDelivery() {
        return directDelivery ? DELIVER_DIRECT : DELIVER_NONE;
    }

    void reset() {
        load(
                new State(
                        new long[pending.length],
                        new long[pending.length],
                        resetDelivery(),
                        0,
                        directLevel));
    }

    Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("pending", Arrays32.toBytes(pending))
                .put("enabled", Arrays32.toBytes(enabled))
                .put("delivery", delivery)
                .put("threshold", threshold)
                .put("direct", directLevel)
                .build();
    }

    /** Checks a snapshot without taking it. */
    State parse(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        State state =
                new State(
                        Arrays32.longs(snapshot, "pending", pending.length),
                        Arrays32.longs(snapshot, "enabled", pending.length),
                        snapshot.getLong("delivery"),
                        snapshot.getInt("threshold", 0, THRESHOLD_MASK),
                        snapshot.getBoolean("direct"));
        Arrays32.require((state.pending[0] & 1) == 0, snapshot, "pending", "identity 0 clear");
        Arrays32.require((state.enabled[0] & 1) == 0, snapshot, "enabled", "identity 0 clear");
        Arrays32.require(
                legalDelivery(state.delivery) == state.delivery,
                snapshot,
                "delivery",
                "0, 1 or, where supported, 0x40000000");
        Arrays32.require(
                directDelivery || !state.directLevel, snapshot, "direct", "0, not being supported");
        return state;
    }

    void load(State state) {
        for (int word = 0; word < pending.length; word++) {
            WORD.setVolatile(pending, word, state.pending[word]);
            WORD.setVolatile(enabled, word, state.enabled[word]);
        }
        delivery = state.delivery;
        threshold = state.threshold;
        directLevel = state.directLevel;
        settle();
    }
}
