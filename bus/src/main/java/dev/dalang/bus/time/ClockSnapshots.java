package dev.dalang.bus.time;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

/** One format for every clock, so that a machine may be restored under another kind of clock. */
final class ClockSnapshots {
    private static final String TYPE = "virtual-clock";
    private static final int VERSION = 1;

    /** What a clock shows. */
    record Reading(long nanos, long wallClockAtZero) {}

    private ClockSnapshots() {}

    static Snapshot save(Reading reading) {
        return Snapshot.builder(TYPE, VERSION)
                .put("nanos", reading.nanos)
                .put("wall-clock-at-zero", reading.wallClockAtZero)
                .build();
    }

    static Reading load(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        long nanos = snapshot.getLong("nanos");
        if (nanos < 0) {
            throw new SnapshotException(TYPE + ".nanos: expected at least 0, got " + nanos);
        }
        return new Reading(nanos, snapshot.getLong("wall-clock-at-zero"));
    }
}
