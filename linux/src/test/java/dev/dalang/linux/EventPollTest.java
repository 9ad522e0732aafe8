package dev.dalang.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.concurrent.CompletableFuture;

final class EventPollTest {
    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
    }

    @Test
    void anEventIsToldByItsToken() throws HostIoException {
        try (EventPoll poll = EventPoll.create("test");
                EventDescriptor first = EventDescriptor.create("first");
                EventDescriptor second = EventDescriptor.create("second")) {
            poll.add(7, first);
            poll.add(1L << 40, second);
            assertThat(poll.await(0)).isEmpty();

            second.signal();
            assertThat(poll.await(-1)).containsExactly(1L << 40);
            first.signal();
            second.signal();
            assertThat(poll.await(-1)).containsExactlyInAnyOrder(7, 1L << 40);
        }
    }

    @Test
    void signalsBetweenTwoWaitsAreToldOnceAndTheirCountStays() throws HostIoException {
        try (EventPoll poll = EventPoll.create("test");
                EventDescriptor event = EventDescriptor.create("event")) {
            poll.add(0, event);
            event.signal();
            event.signal();
            assertThat(poll.await(-1)).containsExactly(0);
            assertThat(poll.await(0)).isEmpty();
            event.signal();
            assertThat(poll.await(-1)).containsExactly(0);
            assertThat(event.await(0)).isEqualTo(3);
        }
    }

    @Test
    void whatWasSignalledBeforeItWasAddedIsTold() throws HostIoException {
        try (EventPoll poll = EventPoll.create("test");
                EventDescriptor event = EventDescriptor.create("event")) {
            event.signal();
            poll.add(3, event);
            assertThat(poll.await(-1)).containsExactly(3);
        }
    }

    @Test
    void aRemovedEventIsNotTold() throws HostIoException {
        try (EventPoll poll = EventPoll.create("test");
                EventDescriptor event = EventDescriptor.create("event")) {
            poll.add(3, event);
            assertThatThrownBy(() -> poll.add(3, event))
                    .isInstanceOf(IllegalArgumentException.class);
            poll.remove(3);
            poll.remove(3);
            event.signal();
            assertThat(poll.await(0)).isEmpty();
            poll.add(3, event);
            assertThat(poll.await(-1)).containsExactly(3);
        }
    }

    @Test
    void whatCannotBeWaitedForIsRefused() throws HostIoException {
        try (EventPoll poll = EventPoll.create("test");
                EventDescriptor memory = EventDescriptor.of(SharedMemory.create("memory", 4096))) {
            assertThatThrownBy(() -> poll.add(0, memory))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            refused -> assertThat(refused.is(Errno.EPERM)).isTrue());
            poll.remove(0);
        }
    }

    @Test
    void aWaitIsWokenUpAndEndsWhenItIsClosed() throws Exception {
        EventPoll poll = EventPoll.create("test");
        poll.wakeUp();
        assertThat(poll.await(-1)).isEmpty();

        CompletableFuture<Void> waiting =
                CompletableFuture.runAsync(
                        () ->
                                assertThatThrownBy(
                                                () -> {
                                                    while (true) {
                                                        poll.await(-1);
                                                    }
                                                })
                                        .isInstanceOf(HostIoException.class));
        poll.close();
        poll.close();
        waiting.get();
        poll.wakeUp();
        assertThatThrownBy(() -> poll.await(0)).isInstanceOf(HostIoException.class);
    }
}
