package dev.dalang.riscv.debug;

import dev.dalang.riscv.HartDebugger.Stop;
import dev.dalang.riscv.HartTraps;
import dev.dalang.riscv.HartTraps.Watchpoint;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The break- and watchpoints that a debugger has set. Software and hardware breakpoints are the
 * same here: guest memory is not changed for either.
 */
final class Breakpoints {
    /** How many of all kinds there may be: each is looked at when its page is accessed. */
    static final int MAX = 1024;

    /** The longest stretch of bytes that is watched. */
    static final int MAX_WATCHED_BYTES = 1 << 16;

    private static final int SOFTWARE = 0;
    private static final int HARDWARE = 1;
    private static final int WRITE = 2;
    private static final int READ = 3;
    private static final int ACCESS = 4;

    private final Set<Long> software = new HashSet<>();
    private final Set<Long> hardware = new HashSet<>();
    private final Set<Watchpoint> watchpoints = new LinkedHashSet<>();

    void clear() {
        software.clear();
        hardware.clear();
        watchpoints.clear();
    }

    HartTraps traps() {
        Set<Long> addresses = new HashSet<>(software);
        addresses.addAll(hardware);
        return HartTraps.of(addresses, watchpoints);
    }

    /**
     * {@code Z}, {@code z}: sets or clears one.
     *
     * @param type 0 software, 1 hardware, 2 write, 3 read, 4 access
     * @param length bytes watched
     * @return empty if there are no such, false if it cannot be
     */
    Optional<Boolean> change(boolean set, int type, long address, long length) {
        return switch (type) {
            case SOFTWARE -> Optional.of(change(set, software, address));
            case HARDWARE -> Optional.of(change(set, hardware, address));
            case WRITE, READ, ACCESS -> {
                if (length < 1 || length > MAX_WATCHED_BYTES) {
                    yield Optional.of(false);
                }
                yield Optional.of(
                        change(
                                set,
                                watchpoints,
                                new Watchpoint(address, length, type != WRITE, type != READ)));
            }
            default -> Optional.empty();
        };
    }

    private <T> boolean change(boolean set, Set<T> those, T one) {
        if (!set) {
            those.remove(one);
            return true;
        }
        if (those.contains(one)) {
            return true;
        }
        return software.size() + hardware.size() + watchpoints.size() < MAX && those.add(one);
    }

    /** What a stop reply says of why the hart stopped. */
    String reason(Stop stop) {
        return switch (stop) {
            case Stop.AtBreakpoint(long address) ->
                    software.contains(address)
                            ? "swbreak:;"
                            : hardware.contains(address) ? "hwbreak:;" : "";
            case Stop.AtWatchpoint(long address, boolean write) -> watched(address, write);
        };
    }

    private String watched(long address, boolean write) {
        // The size of the access is not known here; it is eight bytes at the most.
        Optional<Watchpoint> hit = traps().find(address, Long.BYTES, write);
        if (hit.isEmpty()) {
            return "";
        }
        Watchpoint watchpoint = hit.get();
        String kind = !watchpoint.reads() ? "watch" : watchpoint.writes() ? "awatch" : "rwatch";
        boolean before =
                Long.compareUnsigned(address - watchpoint.address(), watchpoint.length()) >= 0;
        return "%s:%x;".formatted(kind, before ? watchpoint.address() : address);
    }
}
