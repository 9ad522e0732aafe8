package dev.dalang.bus.time;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

/**
 * Holds a device to so many operations and so many bytes a second, each with a burst: two token
 * buckets, filled by virtual time. An operation that is larger than its bucket passes when the
 * bucket is full, and leaves a debt, so that nothing is refused for ever.
 *
 * <p>The level of a bucket is kept in units of one token per second and nanosecond, so that no part
 * of a token is lost to rounding, whatever the rate. Any thread; does not allocate.
 */
public final class RateLimiter implements Suspendable {
    /** The greatest rate and the greatest burst. */
    public static final long MAX = 1L << 40;

    private static final String TYPE = "rate-limiter";
    private static final int VERSION = 1;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /**
     * A rate.
     *
     * @param perSecond tokens a second, 1 to {@link #MAX}; 0: without limit
     * @param burst the tokens that may be taken at once after a pause, 1 to {@link #MAX}; ignored
     *     without limit
     */
    public record Rate(long perSecond, long burst) {
        /** No limit. */
        public static final Rate UNLIMITED = new Rate(0, 0);

        /** Checks the numbers. */
        public Rate {
            if (perSecond < 0 || perSecond > MAX) {
                throw new IllegalArgumentException(
                        "expected a rate of 0.." + MAX + " a second, got " + perSecond);
            }
            if (perSecond > 0 && (burst < 1 || burst > MAX)) {
                throw new IllegalArgumentException(
                        "expected a burst of 1.." + MAX + ", got " + burst);
            }
        }

        /**
         * A rate with the burst of one second.
         *
         * @param perSecond tokens a second, 1 to {@link #MAX}
         * @return the rate
         */
        public static Rate of(long perSecond) {
            return new Rate(perSecond, Math.max(1, perSecond));
        }
    }

    private final VirtualClock clock;
    private final VirtualClock.Timer timer;
    private final Bucket operations;
    private final Bucket bytes;
    private long lastNanos;
    private boolean refused;

    /**
     * Makes a limiter with full buckets.
     *
     * @param clock fills the buckets
     * @param operationRate operations a second
     * @param byteRate bytes a second
     * @param onReady called on the clock's thread when there are tokens again after {@link
     *     #tryAcquire} refused
     */
    public RateLimiter(VirtualClock clock, Rate operationRate, Rate byteRate, Runnable onReady) {
        this.clock = clock;
        this.operations = new Bucket(operationRate);
        this.bytes = new Bucket(byteRate);
        this.lastNanos = clock.nanos();
        this.timer = clock.newTimer(onReady);
    }

    /**
     * Takes the tokens of one operation, all or none.
     *
     * @param byteCount its bytes, at least 0
     * @return true if it may go on; false if it has to wait for {@code onReady}
     */
    public synchronized boolean tryAcquire(long byteCount) {
        if (byteCount < 0) {
            throw new IllegalArgumentException("expected at least 0 bytes, got " + byteCount);
        }
        refill();
        long wait = Math.max(operations.nanosUntil(1), bytes.nanosUntil(byteCount));
        refused = wait > 0;
        if (refused) {
            timer.arm(lastNanos + wait);
            return false;
        }
        operations.take(1);
        bytes.take(byteCount);
        return true;
    }

    private void refill() {
        long now = clock.nanos();
        long elapsed = now - lastNanos;
        if (elapsed > 0) {
            operations.fill(elapsed);
            bytes.fill(elapsed);
            lastNanos = now;
        }
    }

    /** Stops the timer; virtual time stands still by itself. */
    @Override
    public synchronized void sleep() {
        timer.cancel();
    }

    @Override
    public synchronized Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("operations", operations.missing)
                .put("operations-parts", operations.missingParts)
                .put("bytes", bytes.missing)
                .put("bytes-parts", bytes.missingParts)
                .put("refused", refused)
                .build();
    }

    @Override
    public synchronized void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        long missingOperations = missing(snapshot, "operations");
        long missingBytes = missing(snapshot, "bytes");
        int operationParts = snapshot.getInt("operations-parts", 0, (int) NANOS_PER_SECOND - 1);
        int byteParts = snapshot.getInt("bytes-parts", 0, (int) NANOS_PER_SECOND - 1);
        boolean wasRefused = snapshot.getBoolean("refused");
        operations.missing = missingOperations;
        operations.missingParts = operationParts;
        bytes.missing = missingBytes;
        bytes.missingParts = byteParts;
        refused = wasRefused;
        lastNanos = clock.nanos();
    }

    private static long missing(Snapshot snapshot, String name) {
        long value = snapshot.getLong(name);
        if (value < 0 || value > Bucket.MAX_DEBT) {
            throw new SnapshotException(
                    TYPE + "." + name + ": expected 0.." + Bucket.MAX_DEBT + ", got " + value);
        }
        return value;
    }

    /** Counts on; who waits is told at once, and asks again. */
    @Override
    public synchronized void wake() {
        lastNanos = clock.nanos();
        if (refused) {
            timer.arm(lastNanos);
        }
    }

    /** How many tokens are missing from a full bucket, with the parts of the last one. */
    private static final class Bucket {
        /** A request takes at most the bytes of a {@code long}'s half from a full bucket. */
        static final long MAX_DEBT = Long.MAX_VALUE / 2;

        final long perSecond;
        final long burst;
        long missing;

        /** Billionths of a token that are missing beside {@link #missing}. */
        long missingParts;

        Bucket(Rate rate) {
            this.perSecond = rate.perSecond;
            this.burst = rate.burst;
        }

        /** Nanoseconds until {@code count} tokens, or a full bucket if it is smaller, are there. */
        long nanosUntil(long count) {
            if (perSecond == 0) {
                return 0;
            }
            long allowed = burst - Math.min(count, burst);
            if (missing < allowed || missing == allowed && missingParts == 0) {
                return 0;
            }
            long tokens = missing - allowed;
            long seconds = tokens / perSecond;
            if (seconds > Integer.MAX_VALUE) {
                return Integer.MAX_VALUE * NANOS_PER_SECOND;
            }
            // The rest is below one second's tokens, at most 2^40: its product needs 128 bits.
            double rest = (tokens % perSecond * 1e9 + missingParts) / perSecond;
            return seconds * NANOS_PER_SECOND + (long) rest + 1;
        }

        void take(long count) {
            if (perSecond != 0) {
                missing = Math.min(missing + Math.min(count, MAX_DEBT / 2), MAX_DEBT);
            }
        }

        void fill(long nanos) {
            if (perSecond == 0 || missing == 0 && missingParts == 0) {
                return;
            }
            // nanos * perSecond billionths of a token come in; the product may need 128 bits.
            long high = Math.multiplyHigh(nanos, perSecond);
            long low = nanos * perSecond;
            if (high != 0 || low < 0) {
                long whole = (long) ((double) nanos * perSecond / 1e9);
                fillWhole(whole, 0);
            } else {
                fillWhole(low / NANOS_PER_SECOND, low % NANOS_PER_SECOND);
            }
        }

        private void fillWhole(long tokens, long parts) {
            missing -= Math.min(tokens, missing + 1);
            missingParts -= parts;
            if (missingParts < 0) {
                missingParts += NANOS_PER_SECOND;
                missing--;
            }
            if (missing < 0) {
                missing = 0;
                missingParts = 0;
            }
        }
    }
}
