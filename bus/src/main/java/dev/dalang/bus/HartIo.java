package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

/**
 * A hart's way to the memory bus. While attached it remembers the range that it hit last, counts
 * for itself, and announces only where it polls: an access takes no lock, no fence, and no
 * allocation.
 */
final class HartIo implements GuestIo {
    private final Lane<MmioRange> lane;
    private final Bus<MmioRange, Port> bus;
    private final Quiescence.Participant participant;
    private final IoCounters.HartCounts counts;

    // The hart's thread only.
    private @Nullable RangeMap<MmioRange, Port> lastMap;
    private RangeMap.@Nullable Entry<MmioRange, Port> lastHit;

    HartIo(Lane<MmioRange> lane, Quiescence quiescence, IoCounters counters) {
        this.lane = lane;
        this.bus = lane.bus;
        this.participant = quiescence.join();
        this.counts = counters.newHart();
    }

    @Override
    public void attach() {
        participant.attach();
    }

    @Override
    public void poll() {
        participant.poll();
    }

    @Override
    public void detach() {
        lastMap = null;
        lastHit = null;
        participant.detach();
    }

    @Override
    public long load(long address, int size) {
        if (!participant.isAttached()) {
            return lane.load(address, size);
        }
        RangeMap.Entry<MmioRange, Port> entry = find(address);
        if (entry == null || !entry.holds(address - entry.base, size)) {
            counts.miss(IoCounters.READ);
            return BulkAccess.ones(size);
        }
        Port port = entry.device;
        counts.access(2 * port.slot.index + IoCounters.READ);
        participant.depth++;
        try {
            return port.read(entry.base, address - entry.base, size);
        } finally {
            participant.depth--;
        }
    }

    @Override
    public void store(long address, int size, long value) {
        if (!participant.isAttached()) {
            lane.store(address, size, value);
            return;
        }
        RangeMap.Entry<MmioRange, Port> entry = find(address);
        if (entry == null || !entry.holds(address - entry.base, size)) {
            counts.miss(IoCounters.WRITE);
            return;
        }
        Port port = entry.device;
        counts.access(2 * port.slot.index + IoCounters.WRITE);
        participant.depth++;
        try {
            port.write(entry.base, address - entry.base, size, value);
        } finally {
            participant.depth--;
        }
    }

    private RangeMap.@Nullable Entry<MmioRange, Port> find(long address) {
        RangeMap<MmioRange, Port> map = bus.map();
        RangeMap.Entry<MmioRange, Port> hit = lastHit;
        if (hit != null && map == lastMap && hit.contains(address)) {
            return hit;
        }
        hit = map.find(address);
        lastMap = map;
        lastHit = hit;
        return hit;
    }
}
