package dev.dalang.vm.internal.machine;

import dev.dalang.bus.AccessWatch;
import dev.dalang.bus.IoManager;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Names devices that hold up a hart, with the stack of the hart's thread, once for each device. The
 * access itself goes on: there is no way to end it from outside. Its own thread.
 */
public final class AccessWatchdog implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AccessWatchdog.class.getName());

    /** An access that is seen at two looks has lasted so long at the least. */
    static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);

    private static final int MAX_FRAMES = 24;

    private final AccessWatch watch;
    private final Consumer<String> log;
    private final Set<String> told = new HashSet<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    private AccessWatchdog(AccessWatch watch, Consumer<String> log) {
        this.watch = watch;
        this.log = log;
    }

    /** Watches a machine's harts until it is closed, and logs. */
    static AccessWatchdog start(String machine, IoManager io) {
        return start(machine, io, text -> LOG.log(System.Logger.Level.WARNING, text));
    }

    /**
     * Watches a machine's harts until it is closed.
     *
     * @param machine the machine's name, for the thread
     * @param io its devices
     * @param log gets a text for each device that is named
     * @return the watchdog
     */
    public static AccessWatchdog start(String machine, IoManager io, Consumer<String> log) {
        var watchdog = new AccessWatchdog(io.watchAccesses(), log);
        Thread.ofPlatform().daemon().name(machine + "-watchdog").start(watchdog::run);
        return watchdog;
    }

    private void run() {
        try {
            while (!ended.await(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS)) {
                watch.look().forEach(this::tell);
            }
        } catch (InterruptedException _) {
            // Nobody else knows this thread: whoever interrupts it wants it to end.
            return;
        }
    }

    private void tell(AccessWatch.Stall stall) {
        if (told.add(stall.device())) {
            log.accept(text(stall));
        }
    }

    private static String text(AccessWatch.Stall stall) {
        var text = new StringBuilder();
        text.append(
                "device %s (%s) holds up %s"
                        .formatted(stall.device(), stall.typeId(), stall.hart().getName()));
        text.append(" for more than ").append(BETWEEN_LOOKS.toSeconds());
        text.append(" s; it is told once. Where the access is:");
        StackTraceElement[] frames = stall.hart().getStackTrace();
        for (int i = 0; i < frames.length && i < MAX_FRAMES; i++) {
            text.append("\n\tat ").append(frames[i]);
        }
        return text.toString();
    }

    /** Ends it. */
    @Override
    public void close() {
        ended.countDown();
    }
}
