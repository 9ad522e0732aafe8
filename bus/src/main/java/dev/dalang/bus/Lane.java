package dev.dalang.bus;

import java.lang.foreign.MemorySegment;

/**
 * One of an {@link IoManager}'s two buses, for threads that are no attached hart: each access
 * announces itself, and a miss is an exception.
 */
final class Lane<R extends BusRange, P extends Port> {
    final Bus<R, P> bus;
    private final Quiescence quiescence;
    private final IoCounters counters;

    Lane(Bus<R, P> bus, Quiescence quiescence, IoCounters counters) {
        this.bus = bus;
        this.quiescence = quiescence;
        this.counters = counters;
    }

    long read(long address, int size) {
        requireNatural(address, size);
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = lookUpRead(address, size);
            entry.device.slot.reads.increment();
            return entry.device.read(entry.base, address - entry.base, size);
        } finally {
            quiescence.exit(ticket);
        }
    }

    void write(long address, int size, long value) {
        requireNatural(address, size);
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = lookUpWrite(address, size);
            entry.device.slot.writes.increment();
            entry.device.write(entry.base, address - entry.base, size, value);
        } finally {
            quiescence.exit(ticket);
        }
    }

    void read(long address, MemorySegment target) {
        long length = target.byteSize();
        if (BulkAccess.isNatural(length)) {
            int size = (int) length;
            BulkAccess.put(target, 0, size, read(address, size));
            return;
        }
        requireBulk(address, length);
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = lookUpRead(address, length);
            entry.device.slot.reads.increment();
            entry.device.read(entry.base, address - entry.base, target);
        } finally {
            quiescence.exit(ticket);
        }
    }

    void write(long address, MemorySegment source) {
        long length = source.byteSize();
        if (BulkAccess.isNatural(length)) {
            int size = (int) length;
            write(address, size, BulkAccess.get(source, 0, size));
            return;
        }
        requireBulk(address, length);
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = lookUpWrite(address, length);
            entry.device.slot.writes.increment();
            entry.device.write(entry.base, address - entry.base, source);
        } finally {
            quiescence.exit(ticket);
        }
    }

    /** The machine's policy: what no device can take reads as all ones. */
    long load(long address, int size) {
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = bus.map().find(address);
            if (entry == null || !entry.holds(address - entry.base, size)) {
                counters.missedRead();
                return BulkAccess.ones(size);
            }
            entry.device.slot.reads.increment();
            return entry.device.read(entry.base, address - entry.base, size);
        } finally {
            quiescence.exit(ticket);
        }
    }

    /** The machine's policy: what no device can take is dropped. */
    void store(long address, int size, long value) {
        Object ticket = quiescence.enter();
        try {
            RangeMap.Entry<R, P> entry = bus.map().find(address);
            if (entry == null || !entry.holds(address - entry.base, size)) {
                counters.missedWrite();
                return;
            }
            entry.device.slot.writes.increment();
            entry.device.write(entry.base, address - entry.base, size, value);
        } finally {
            quiescence.exit(ticket);
        }
    }

    private RangeMap.Entry<R, P> lookUpRead(long address, long length) {
        try {
            return bus.lookUp(address, length);
        } catch (BusException miss) {
            counters.missedRead();
            throw miss;
        }
    }

    private RangeMap.Entry<R, P> lookUpWrite(long address, long length) {
        try {
            return bus.lookUp(address, length);
        } catch (BusException miss) {
            counters.missedWrite();
            throw miss;
        }
    }

    private static void requireNatural(long address, int size) {
        if (!BulkAccess.isNatural(size)) {
            throw BusException.invalidLength(address, size, "1, 2, 4 or 8 bytes");
        }
    }

    private static void requireBulk(long address, long length) {
        if (length > BulkAccess.MAX_BYTES) {
            throw BusException.invalidLength(
                    address, length, "at most " + BulkAccess.MAX_BYTES + " bytes");
        }
    }
}
