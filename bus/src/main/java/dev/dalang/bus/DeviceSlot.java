package dev.dalang.bus;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/** Where one device is counted. Outlives the device, so that numbers do not vanish with it. */
final class DeviceSlot {
    private static final System.Logger LOG = System.getLogger(IoManager.class.getName());
    private static final int MAX_LOGGED_TEXT = 200;

    final int index;
    final String id;
    volatile String typeId;
    final LongAdder reads = new LongAdder();
    final LongAdder writes = new LongAdder();
    final LongAdder errors = new LongAdder();
    final LongAdder interrupts = new LongAdder();
    private final AtomicBoolean logged = new AtomicBoolean();

    DeviceSlot(int index, String id, String typeId) {
        this.index = index;
        this.id = id;
        this.typeId = typeId;
    }

    /**
     * Counts an access that the device failed, and logs the first: a guest can repeat it as often
     * as it likes, and must not fill the log.
     */
    void failed(String what, long base, long offset, long size, Throwable failure) {
        errors.increment();
        if (isFirst()) {
            log(
                    "a "
                            + what
                            + " of "
                            + size
                            + " bytes at "
                            + Numbers.hex(base)
                            + " + "
                            + Numbers.hex(offset),
                    failure);
        }
    }

    /** As the other, for what is no access. */
    void failed(String what, Throwable failure) {
        errors.increment();
        if (isFirst()) {
            log(what, failure);
        }
    }

    private boolean isFirst() {
        return !logged.getPlain() && logged.compareAndSet(false, true);
    }

    private void log(String what, Throwable failure) {
        try {
            String text =
                    "device "
                            + id
                            + " ("
                            + typeId
                            + ") failed "
                            + what
                            + ": "
                            + printable(failure.toString())
                            + "; later failures are only counted";
            LOG.log(System.Logger.Level.WARNING, text);
            LOG.log(System.Logger.Level.DEBUG, () -> "where device " + id + " failed", failure);
        } catch (RuntimeException | Error unloggable) {
            // A failure whose text fails too, or a stack with no room left: it is counted.
            return;
        }
    }

    /** A message may hold what the guest wrote: one line, of bounded length, of harmless text. */
    private static String printable(String text) {
        String head = text.substring(0, Math.min(text.length(), MAX_LOGGED_TEXT));
        return head.replaceAll("\\p{Cntrl}", "?");
    }
}
