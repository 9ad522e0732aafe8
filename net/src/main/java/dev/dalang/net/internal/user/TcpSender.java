package dev.dalang.net.internal.user;

/**
 * One connection's stream from the host to the guest: what the guest has not acknowledged yet, how
 * much of it may be on its way, and when it is sent again (RFC 9293 §3.8, RFC 6298, RFC 6582). The
 * link loses nothing by itself: the congestion window is open until a guest drops frames.
 */
final class TcpSender {
    private static final long INITIAL_TIMEOUT = 1_000_000_000L;
    private static final long MIN_TIMEOUT = 200_000_000L;
    private static final long MAX_TIMEOUT = 60_000_000_000L;
    private static final int UNLIMITED = 1 << 30;
    private static final int DUPLICATES = 3;

    /** How much is sent again at once, in segments: the guest may have lost a long one. */
    private static final int REPAIR_SEGMENTS = 16;

    /** What the host has sent and the guest has not acknowledged; its first byte is number una. */
    final StreamBuffer buffer;

    /** SND.UNA, SND.NXT, and the highest that SND.NXT ever was. */
    int una;

    int next;
    int max;

    /** The largest payload of a segment. */
    int segmentBytes = 536;

    /** The host will send no more. */
    boolean finished;

    private int window;
    private int windowScale;
    private int largestWindow;
    private int lastSequence;
    private int lastAcknowledgment;
    private int congestionWindow = UNLIMITED;
    private int threshold = UNLIMITED;
    private int duplicates;
    private boolean recovering;
    private int recover;
    private boolean repairDue;
    private boolean finAcknowledged;

    private long timeout = INITIAL_TIMEOUT;
    private long smoothed;
    private long variation;
    private boolean timing;
    private int timedSequence;
    private long timedSince;
    int retries;

    TcpSender(BufferPool pool, int capacity) {
        buffer = new StreamBuffer(pool, capacity);
    }

    /** Begins with the number of the segment with SYN. */
    void begin(int sequence) {
        una = sequence;
        next = sequence + 1;
        max = next;
    }

    /** The guest has acknowledged our SYN; its window is not scaled in a segment with SYN. */
    void synAcknowledged(TcpHeader header, int scale) {
        una = next;
        windowScale = scale;
        window = header.has(TcpHeader.SYN) ? header.window : header.window << scale;
        largestWindow = window;
        lastSequence = header.sequence;
        lastAcknowledgment = header.acknowledgment;
        retries = 0;
    }

    /** Bytes, and the end, that were sent and not acknowledged. */
    int inFlight() {
        return next - una;
    }

    boolean isFinAcknowledged() {
        return finAcknowledged;
    }

    boolean isWindowClosed() {
        return window == 0;
    }

    long timeout() {
        return timeout;
    }

    /** Whether an acknowledgment is of something that was never sent. */
    boolean isBeyond(int acknowledgment) {
        return acknowledgment - max > 0;
    }

    /** Takes a segment's acknowledgment and window. */
    void acknowledge(TcpHeader header, long now) {
        int acknowledgment = header.acknowledgment;
        int acked = acknowledgment - una;
        int newWindow = header.window << windowScale;
        if (acked > 0) {
            advance(acknowledgment, acked, now);
        } else if (acked == 0
                && header.dataBytes == 0
                && !header.has(TcpHeader.FIN)
                && newWindow == window
                && max != una) {
            duplicate();
        }
        boolean recent =
                header.sequence - lastSequence > 0
                        || header.sequence == lastSequence
                                && acknowledgment - lastAcknowledgment >= 0;
        if (acked >= 0 && recent) {
            window = newWindow;
            largestWindow = Math.max(largestWindow, newWindow);
            lastSequence = header.sequence;
            lastAcknowledgment = acknowledgment;
        }
    }

    private void advance(int acknowledgment, int acked, long now) {
        int data = Math.min(acked, buffer.size());
        buffer.consume(data);
        finAcknowledged |= acked > data;
        una = acknowledgment;
        if (next - una < 0) {
            next = una;
        }
        retries = 0;
        duplicates = 0;
        if (timing && una - timedSequence > 0) {
            timing = false;
            measured(now - timedSince);
        } else {
            settle();
        }
        if (recovering) {
            if (una - recover >= 0) {
                recovering = false;
                congestionWindow = threshold;
            } else {
                repairDue = true; // what comes after the hole is the next hole
                congestionWindow = Math.max(congestionWindow - acked, 0) + segmentBytes;
            }
        } else if (congestionWindow < UNLIMITED) {
            int gain =
                    congestionWindow < threshold
                            ? acked
                            : (int) Math.max(1, (long) segmentBytes * acked / congestionWindow);
            congestionWindow = Math.min(UNLIMITED, congestionWindow + gain);
        }
    }

    private void duplicate() {
        duplicates++;
        if (recovering) {
            congestionWindow = Math.min(UNLIMITED, congestionWindow + segmentBytes);
        } else if (duplicates == DUPLICATES) {
            recovering = true;
            recover = max;
            repairDue = true;
            timing = false;
            threshold = Math.max(inFlight() / 2, 2 * segmentBytes);
            congestionWindow = threshold + DUPLICATES * segmentBytes;
        }
    }

    /** RFC 6298 §2. */
    private void measured(long sample) {
        if (smoothed == 0) {
            smoothed = Math.max(sample, 1);
            variation = sample / 2;
        } else {
            variation += (Math.abs(smoothed - sample) - variation) / 4;
            smoothed += (sample - smoothed) / 8;
        }
        settle();
    }

    private void settle() {
        if (smoothed != 0) {
            timeout = Math.clamp(smoothed + 4 * variation, MIN_TIMEOUT, MAX_TIMEOUT);
        }
    }

    /** What is sent next by sequence number, at {@link #next}; -1: nothing now. */
    int nextBytes(int longest) {
        int offset = next - una;
        int unsent = buffer.size() - offset;
        int allowed = Math.min(window, congestionWindow) - offset;
        int bytes = Math.min(Math.min(unsent, allowed), longest);
        if (bytes <= 0) {
            // The end alone: it needs room in the window too, unless nothing else would ask.
            return isEndDue() && unsent == 0 && (allowed > 0 || offset == 0) ? 0 : -1;
        }
        if (bytes < unsent && bytes < segmentBytes) {
            // A crumb: wait for the window, unless it will never be larger (RFC 9293 §3.8.6.2.1).
            return offset == 0 && bytes >= largestWindow / 2 ? bytes : -1;
        }
        if (bytes < unsent && bytes > segmentBytes) {
            bytes -= bytes % segmentBytes;
        }
        return bytes;
    }

    private boolean isEndDue() {
        return finished && !finAcknowledged && next - una <= buffer.size();
    }

    /** Whether a segment of so many bytes at {@link #next} carries the end. */
    boolean carriesEnd(int bytes) {
        return finished && next - una + bytes == buffer.size();
    }

    /** A segment went out; gives true if it had been sent before. */
    boolean sent(int bytes, boolean end, long now) {
        boolean again = next - max < 0;
        if (!timing && !again) {
            timing = true;
            timedSequence = next;
            timedSince = now;
        }
        next += bytes + (end ? 1 : 0);
        if (next - max > 0) {
            max = next;
        }
        return again;
    }

    /** How much of what the guest lost is sent again, at {@link #una}; 0: nothing. */
    int repairBytes(int longest) {
        if (!repairDue) {
            return 0;
        }
        int bytes = Math.min(Math.min(longest, REPAIR_SEGMENTS * segmentBytes), buffer.size());
        return Math.min(bytes, Math.max(recover - una, 0));
    }

    /** That was done, or there is nothing to do. */
    void repaired() {
        repairDue = false;
    }

    /** Nothing came back in time: begin again from what is acknowledged. */
    void timedOut() {
        retries++;
        timing = false;
        threshold = Math.max(inFlight() / 2, 2 * segmentBytes);
        congestionWindow = segmentBytes;
        recovering = false;
        repairDue = false;
        duplicates = 0;
        next = una;
        backOff();
    }

    void backOff() {
        timeout = Math.min(timeout * 2, MAX_TIMEOUT);
    }

    /** Whether there is something that the guest's window does not let out. */
    boolean isHeldByWindow() {
        return next == una && (buffer.size() > 0 || finished && !finAcknowledged);
    }
}
