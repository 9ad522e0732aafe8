package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * A hart's way to the memory bus. While attached it remembers where pages were found, counts for
 * itself, and announces only where it polls: an access takes no lock, no fence, and no allocation.
 */
final class HartIo extends Participant implements GuestIo {
    private static final int PAGE_SHIFT = 12;
    private static final int REMEMBERED = 1024;

    /** All that an access needs to know, in one object. */
    static final class Route extends RangeMap.Entry<MmioRange, Port.Mmio> {
        final DeviceMmio target;
        final int counter;
        final byte site;

        Route(MmioRange range, Port.Mmio port) {
            super(range, port);
            target = port.target;
            counter = port.counter;
            site = (byte) port.site;
        }
    }

    private final Lane<MmioRange, Port.Mmio> lane;
    private final Bus<MmioRange, Port.Mmio> bus;
    private final IoCounters.HartCounts counts;

    // The hart's thread only, from here on.
    private boolean attached;

    /** The map that {@link #found} was filled from. */
    private @Nullable RangeMap<MmioRange, Port.Mmio> map;

    /** By low bits of the page's number: the route that an access to such a page took last. */
    private final @Nullable Route[] found = new @Nullable Route[REMEMBERED];

    /** The call site of the device in {@link #found}: at hand before the device itself is. */
    private final byte[] sites = new byte[REMEMBERED];

    HartIo(Lane<MmioRange, Port.Mmio> lane, Quiescence quiescence, IoCounters counters) {
        super(quiescence);
        this.lane = lane;
        this.bus = lane.bus;
        this.counts = counters.newHart();
        quiescence.join(this);
    }

    /** How often the hart has accessed the device of a {@link Participant#inside}. */
    long accesses(int place) {
        return counts.accesses(place - 1);
    }

    @Override
    public void attach() {
        attached = true;
        begin();
    }

    @Override
    public void poll() {
        announce();
    }

    @Override
    public void detach() {
        attached = false;
        forget();
        end();
    }

    @Override
    public long load(long address, int size) {
        if (!attached) {
            return lane.load(address, size);
        }
        int index = index(address);
        Route route = find(address, index);
        if (route == null || !route.holds(address - route.base, size)) {
            counts.miss(IoCounters.READ);
            return BulkAccess.ones(size);
        }
        long offset = address - route.base;
        long ones = BulkAccess.ones(size);
        counts.access(route.counter + IoCounters.READ);
        int nested = inside;
        inside = route.counter + 1;
        try {
            return CallSites.read(sites[index], route.target, route.base, offset, size) & ones;
        } catch (Throwable failure) {
            route.device.slot.failed("read", route.base, offset, size, failure);
            return ones;
        } finally {
            inside = nested;
        }
    }

    @Override
    public void store(long address, int size, long value) {
        if (!attached) {
            lane.store(address, size, value);
            return;
        }
        int index = index(address);
        Route route = find(address, index);
        if (route == null || !route.holds(address - route.base, size)) {
            counts.miss(IoCounters.WRITE);
            return;
        }
        long offset = address - route.base;
        long kept = value & BulkAccess.ones(size);
        counts.access(route.counter + IoCounters.WRITE);
        int nested = inside;
        inside = route.counter + 1;
        try {
            CallSites.write(sites[index], route.target, route.base, offset, size, kept);
        } catch (Throwable failure) {
            route.device.slot.failed("write", route.base, offset, size, failure);
        } finally {
            inside = nested;
        }
    }

    private static int index(long address) {
        return (int) (address >>> PAGE_SHIFT) & (REMEMBERED - 1);
    }

    private @Nullable Route find(long address, int index) {
        RangeMap<MmioRange, Port.Mmio> now = bus.map();
        Route route = found[index];
        if (now == map && route != null && route.contains(address)) {
            return route;
        }
        return search(now, address, index);
    }

    private @Nullable Route search(RangeMap<MmioRange, Port.Mmio> now, long address, int index) {
        if (now != map) {
            forget();
            map = now;
        }
        Route route = (Route) now.find(address);
        if (route != null) {
            found[index] = route;
            sites[index] = route.site;
        }
        return route;
    }

    private void forget() {
        if (map != null) {
            map = null;
            Arrays.fill(found, null);
        }
    }
}
