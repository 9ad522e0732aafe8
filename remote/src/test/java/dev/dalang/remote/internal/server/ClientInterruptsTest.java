package dev.dalang.remote.internal.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.pci.PciInterrupts;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** What cannot be brought about from the other side of a socket. */
final class ClientInterruptsTest {
    private final PciInterrupts own =
            new PciInterrupts() {
                @Override
                public boolean triggerMessage(int vector) {
                    return false;
                }

                @Override
                public void raise() {}

                @Override
                public void lower() {}

                @Override
                public boolean isMessageSignalled() {
                    return false;
                }

                @Override
                public int vectors() {
                    return 1;
                }
            };

    private final ClientInterrupts interrupts =
            new ClientInterrupts(own, 1, 1, 0, this::messageDelivered);
    private Runnable withTheLock = () -> {};

    private void messageDelivered() {
        withTheLock.run();
    }

    private void set(Action action, int kind, EventDescriptor... events) {
        interrupts.set(
                new SetIrqs(
                        events.length == 0 ? Data.NONE : Data.EVENTFD,
                        action,
                        kind,
                        0,
                        events.length),
                Arrays.stream(events).map(EventDescriptor::descriptor).toList());
    }

    private static List<Thread> watches() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("vfio-user wire"))
                .toList();
    }

    private static void awaitWatches(Predicate<List<Thread>> condition) {
        while (!condition.test(watches())) {
            Thread.onSpinWait();
        }
    }

    /** The thread has taken the signal, and gets the lock when all is set up anew. */
    @Test
    void anEventThatIsWatchedNoMoreUnmasksNothing() throws HostIoException {
        assumeThat(Linux.isAvailable()).isTrue();
        awaitWatches(List::isEmpty); // those of other tests
        EventDescriptor wire = EventDescriptor.create("a wire");
        EventDescriptor unmask = EventDescriptor.create("its unmasking");
        interrupts.setLevel(true);
        set(Action.TRIGGER, ClientInterrupts.INTX, EventDescriptor.create("a wire before"));
        set(Action.UNMASK, ClientInterrupts.INTX, unmask);
        set(Action.TRIGGER, ClientInterrupts.MSI, EventDescriptor.create("a message"));

        withTheLock =
                () -> {
                    unmask.signal();
                    awaitWatches(all -> all.getFirst().getState() == Thread.State.BLOCKED);
                    set(Action.TRIGGER, ClientInterrupts.INTX);
                    set(Action.TRIGGER, ClientInterrupts.INTX, wire);
                };
        interrupts.triggerMessage(0);

        awaitWatches(List::isEmpty);
        assertThat(wire.await(0)).as("signals of what is masked since the first").isEqualTo(1);
        interrupts.clear();
    }
}
