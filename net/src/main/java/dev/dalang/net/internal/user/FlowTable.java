package dev.dalang.net.internal.user;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** Flows by their two ends. The guest chooses the ends: the hash has a secret in it. */
final class FlowTable<F extends Flow> {
    private static final long MULTIPLIER = 0x9e37_79b9_7f4a_7c15L;

    private final @Nullable Flow[] buckets;
    private final List<F> flows = new ArrayList<>();
    private final long secret;

    FlowTable(int limit, long secret) {
        this.buckets = new Flow[Integer.highestOneBit(Math.max(16, limit) - 1) * 2];
        this.secret = secret;
    }

    int size() {
        return flows.size();
    }

    /** For loops from the last to the first, which may remove the flow that they are at. */
    F get(int index) {
        return flows.get(index);
    }

    @SuppressWarnings("unchecked") // only add puts something in
    @Nullable F find(long gHi, long gLo, int gPort, long rHi, long rLo, int rPort) {
        Flow flow = buckets[bucket(gHi, gLo, gPort, rHi, rLo, rPort)];
        while (flow != null && !flow.is(gHi, gLo, gPort, rHi, rLo, rPort)) {
            flow = flow.next;
        }
        return (F) flow;
    }

    void add(F flow) {
        int bucket = bucket(flow);
        flow.next = buckets[bucket];
        buckets[bucket] = flow;
        flow.index = flows.size();
        flows.add(flow);
    }

    void remove(F flow) {
        if (flow.index < 0) {
            return;
        }
        int bucket = bucket(flow);
        Flow before = buckets[bucket];
        if (before == flow) {
            buckets[bucket] = flow.next;
        } else {
            while (before != null && before.next != flow) {
                before = before.next;
            }
            if (before != null) {
                before.next = flow.next;
            }
        }
        flow.next = null;
        F last = flows.removeLast();
        if (last != flow) {
            flows.set(flow.index, last);
            last.index = flow.index;
        }
        flow.index = -1;
    }

    private int bucket(Flow flow) {
        return bucket(
                flow.guestHi,
                flow.guestLo,
                flow.guestPort,
                flow.remoteHi,
                flow.remoteLo,
                flow.remotePort);
    }

    private int bucket(long gHi, long gLo, int gPort, long rHi, long rLo, int rPort) {
        long hash = secret;
        hash = mix(hash ^ gHi);
        hash = mix(hash ^ gLo);
        hash = mix(hash ^ rHi);
        hash = mix(hash ^ rLo);
        hash = mix(hash ^ ((long) gPort << 16 | rPort));
        return (int) (hash >>> 32) & buckets.length - 1;
    }

    private static long mix(long value) {
        long mixed = value * MULTIPLIER;
        return mixed ^ mixed >>> 29;
    }
}
