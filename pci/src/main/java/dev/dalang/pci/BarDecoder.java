package dev.dalang.pci;

import dev.dalang.bus.BusException;
import dev.dalang.bus.BusRange;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * Makes the bus follow what guests write into BARs, command registers and bridges' windows. It
 * looks at the present state each time, so that it does not matter who looks last.
 *
 * <p>A BAR that cannot go where its register says stays where it is, and is <em>displaced</em>. A
 * displaced BAR gives way to any other that is rightly there, and is tried again whenever room may
 * have come: two BARs may so change places in any order of writes.
 *
 * <p>Lock order: this object's lock, then those of configuration spaces, then the bus's. Devices
 * are told of changes under none of them. Any thread.
 */
final class BarDecoder {
    private record Change(BarWindow window, Optional<BarRange> range) {}

    private final IoManager io;
    private final Set<BarWindow> displaced = new LinkedHashSet<>();
    private final LongAdder moves = new LongAdder();
    private final LongAdder failures = new LongAdder();

    BarDecoder(IoManager io) {
        this.io = io;
    }

    /** How often a range began to answer, ceased to, or moved. */
    long moves() {
        return moves.sum();
    }

    /** How often a BAR could not go where a guest wanted it. */
    long failures() {
        return failures.sum();
    }

    /** Follows one function. */
    void sync(PciFunction function) {
        sync(List.of(function.windows()));
    }

    /** Follows all functions of a bus, and of the buses below. */
    void sync(PciBus bus) {
        List<BarWindow> windows = new ArrayList<>();
        bus.forEach(function -> windows.addAll(List.of(function.windows())));
        sync(windows);
    }

    private void sync(Collection<BarWindow> windows) {
        List<Change> changes = new ArrayList<>();
        synchronized (this) {
            for (BarWindow window : windows) {
                window.wanted = window.function.wanted(window);
                if (Objects.equals(window.wanted, window.mapped)) {
                    displaced.remove(window);
                } else {
                    displaced.add(window);
                }
            }
            settle(changes);
            for (BarWindow window : windows) {
                if (displaced.contains(window)) {
                    failures.increment();
                    window.function.countFailedMove();
                }
            }
        }
        tell(changes);
    }

    /** Takes functions off the bus for good; gives the functions that are told. */
    void release(Collection<PciFunction> functions) {
        List<Change> changes = new ArrayList<>();
        synchronized (this) {
            for (PciFunction function : functions) {
                for (BarWindow window : function.windows()) {
                    window.wanted = null;
                    if (window.mapped != null) {
                        unmap(window, changes);
                    }
                    displaced.remove(window);
                }
            }
            settle(changes);
        }
        // Who is gone hears of it by being detached.
        changes.removeIf(change -> functions.contains(change.window.function));
        tell(changes);
    }

    /** Brings every displaced window where it belongs, as far as there is room. */
    private void settle(List<Change> changes) {
        boolean progress = true;
        while (progress) {
            progress = false;
            for (BarWindow window : List.copyOf(displaced)) {
                if (!displaced.contains(window)) {
                    continue;
                }
                BusRange wanted = window.wanted;
                if (wanted == null) {
                    if (window.mapped != null) {
                        unmap(window, changes);
                    }
                    displaced.remove(window);
                    progress = true;
                } else if (place(window, wanted, changes)) {
                    displaced.remove(window);
                    progress = true;
                }
            }
        }
    }

    private boolean place(BarWindow window, BusRange wanted, List<Change> changes) {
        if (!window.function.bus().root().admits(wanted)) {
            return false;
        }
        while (true) {
            try {
                map(window, wanted);
                moves.increment();
                changes.add(new Change(window, Optional.of(range(window, wanted))));
                return true;
            } catch (BusException refused) {
                if (!evict(window, wanted, changes)) {
                    return false;
                }
            }
        }
    }

    private void map(BarWindow window, BusRange wanted) {
        BusRange mapped = window.mapped;
        if (mapped == null) {
            switch (wanted) {
                case MmioRange memory -> io.registerMmio(memory, window);
                case PioRange ports -> io.registerPio(ports, window);
            }
        } else {
            switch (mapped) {
                case MmioRange memory -> io.moveMmio(memory, window, wanted.base());
                case PioRange ports -> io.movePio(ports, window, wanted.base());
            }
        }
        window.mapped = wanted;
    }

    /** Takes displaced windows away that are in the way; false if there were none. */
    private boolean evict(BarWindow newcomer, BusRange wanted, List<Change> changes) {
        boolean found = false;
        for (BarWindow window : displaced) {
            BusRange stale = window.mapped;
            if (window != newcomer
                    && stale != null
                    && stale.getClass() == wanted.getClass()
                    && stale.overlaps(wanted)) {
                unmap(window, changes);
                found = true;
            }
        }
        return found;
    }

    private void unmap(BarWindow window, List<Change> changes) {
        BusRange mapped = Objects.requireNonNull(window.mapped);
        io.deregisterResources(window, List.of(mapped));
        window.mapped = null;
        moves.increment();
        changes.add(new Change(window, Optional.empty()));
    }

    private static void tell(List<Change> changes) {
        for (Change change : changes) {
            change.window.function.barChanged(change.window.bar.index(), change.range);
        }
    }

    /** Where a window answers, as a device sees it. */
    static BarRange range(BarWindow window, BusRange range) {
        return new BarRange(window.bar.index(), window.bar.space(), range.base(), range.size());
    }
}
