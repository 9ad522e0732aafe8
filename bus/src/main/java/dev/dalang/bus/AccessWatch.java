package dev.dalang.bus;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds accesses that do not end, because a device waits for something or loops: the hart that made
 * one executes nothing meanwhile. Who looks now and then learns of those that were under way both
 * times. One thread.
 */
public final class AccessWatch {
    private record Access(int place, long number) {}

    private final List<HartIo> harts;
    private final IoCounters counters;
    private Map<HartIo, Access> before = new HashMap<>();

    /**
     * An access that goes on.
     *
     * @param device label of the device
     * @param typeId type of the device
     * @param hart the thread that is inside
     */
    public record Stall(String device, String typeId, Thread hart) {}

    AccessWatch(List<HartIo> harts, IoCounters counters) {
        this.harts = harts;
        this.counters = counters;
    }

    /**
     * Looks at what the harts do.
     *
     * @return the accesses that were under way when this was last called, and still are
     */
    public List<Stall> look() {
        Map<HartIo, Access> now = new HashMap<>();
        List<Stall> stalls = new ArrayList<>();
        for (HartIo hart : harts) {
            int place = hart.lastInside();
            Thread thread = hart.lastThread();
            if (place <= Participant.OUTSIDE || thread == null) {
                continue;
            }
            Access access = new Access(place, hart.accesses(place));
            now.put(hart, access);
            if (access.equals(before.get(hart))) {
                DeviceSlot slot = counters.slotAt(place - 1);
                stalls.add(new Stall(slot.id, slot.typeId, thread));
            }
        }
        before = now;
        return stalls;
    }
}
