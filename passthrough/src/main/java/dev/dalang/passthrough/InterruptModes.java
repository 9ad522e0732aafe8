package dev.dalang.passthrough;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Which of its interrupts a device uses, as the guest programs its function: none, the wire, MSI or
 * MSI-X, one at a time (PCIe 6.0 §6.1.4). Vectors of MSI-X are armed when the guest unmasks them
 * for the first time, and stay so, because what comes while they are masked becomes a pending bit.
 * Guarded by its device's lock.
 */
final class InterruptModes {
    private final PassthroughBackend backend;
    private final BitSet armed = new BitSet();
    private final Set<InterruptKind> watched = EnumSet.noneOf(InterruptKind.class);

    /** Those that something may be armed of. */
    private final Set<InterruptKind> live = EnumSet.noneOf(InterruptKind.class);

    private @Nullable InterruptKind mode;

    InterruptModes(PassthroughBackend backend) {
        this.backend = backend;
    }

    /** How many of MSI or MSI-X are armed. */
    int armed() {
        return armed.cardinality();
    }

    /** What the device uses; null if nothing. */
    @Nullable InterruptKind mode() {
        return mode;
    }

    /** Takes errors, or requests, from the device, if it has such. */
    void watch(InterruptKind kind, InterruptSink sink) throws BackendException {
        if (backend.interrupts(kind).count() > 0 && !watched.contains(kind)) {
            backend.arm(kind, 0, 1, sink);
            watched.add(kind);
        }
    }

    /** Uses nothing. */
    void none() throws BackendException {
        mode = null;
        armed.clear();
        // What could not be disabled stays on the list: it is tried again before anything is armed.
        for (InterruptKind kind : List.copyOf(live)) {
            backend.disable(kind);
            live.remove(kind);
        }
    }

    /** Uses the wire. */
    void wire(InterruptSink sink) throws BackendException {
        if (mode == InterruptKind.INTX) {
            return;
        }
        none();
        if (backend.interrupts(InterruptKind.INTX).count() == 0) {
            return;
        }
        live.add(InterruptKind.INTX);
        backend.arm(InterruptKind.INTX, 0, 1, sink);
        mode = InterruptKind.INTX;
        if (backend.interrupts(InterruptKind.INTX).isMaskable()) {
            // What came before anybody could take it as a level is asked for anew.
            backend.mask(InterruptKind.INTX, 0, 1);
            backend.unmask(InterruptKind.INTX, 0, 1);
        }
    }

    /** Uses so many vectors of MSI. */
    void msi(int count, InterruptSink sink) throws BackendException {
        int vectors = Math.min(count, backend.interrupts(InterruptKind.MSI).count());
        if (mode == InterruptKind.MSI && armed.cardinality() == vectors) {
            return;
        }
        none();
        if (vectors > 0) {
            live.add(InterruptKind.MSI);
            backend.arm(InterruptKind.MSI, 0, vectors, sink);
            mode = InterruptKind.MSI;
            armed.set(0, vectors);
        }
    }

    /**
     * Uses MSI-X, with at least these vectors. If there are none yet, the first is armed all the
     * same: the device would go on using its wire.
     */
    void msix(BitSet wanted, InterruptSink sink) throws BackendException {
        InterruptInfo info = backend.interrupts(InterruptKind.MSIX);
        BitSet missing = (BitSet) wanted.clone();
        missing.clear(info.count(), Math.max(info.count(), missing.length()));
        if (mode != InterruptKind.MSIX) {
            none();
            missing.set(0);
        }
        missing.andNot(armed);
        if (missing.isEmpty()) {
            return;
        }
        if (info.isFixed()) {
            int count = Math.max(missing.length(), armed.length());
            none();
            arm(0, count, sink);
            return;
        }
        for (int start = missing.nextSetBit(0); start >= 0; ) {
            int end = missing.nextClearBit(start);
            arm(start, end - start, sink);
            start = missing.nextSetBit(end);
        }
    }

    private void arm(int start, int count, InterruptSink sink) throws BackendException {
        live.add(InterruptKind.MSIX);
        backend.arm(InterruptKind.MSIX, start, count, sink);
        mode = InterruptKind.MSIX;
        armed.set(start, start + count);
    }

    /** Disables everything; what went wrong first, if anything. */
    @Nullable BackendException stop() {
        BackendException first = null;
        try {
            none();
        } catch (BackendException failure) {
            first = failure;
        }
        for (InterruptKind kind : List.copyOf(watched)) {
            watched.remove(kind);
            try {
                backend.disable(kind);
            } catch (BackendException failure) {
                first = first == null ? failure : first;
            }
        }
        return first;
    }
}
