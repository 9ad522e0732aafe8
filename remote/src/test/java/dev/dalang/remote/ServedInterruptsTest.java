package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;

/** The interrupts of a served device: a vector is live if it was given an event. */
final class ServedInterruptsTest extends ServedEduFixture {
    @Test
    void aVectorIsLiveIfItHasAnEvent() throws IOException {
        try (EventDescriptor first = event();
                EventDescriptor second = event()) {
            // As QEMU does: MSI-X on, then events come and go.
            client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
            client.irqs(Data.EVENTFD, Action.TRIGGER, MSIX, 0, 1);
            client.irqs(Data.NONE, Action.TRIGGER, MSIX, 0, 0);
            client.events(MSIX, 0, first, second);
            raise();
            assertThat(second.await(-1)).isEqualTo(1);
            assertThat(first.await(0)).isZero();
            assertThat(server.messagesSent()).isEqualTo(1);

            client.irqs(Data.EVENTFD, Action.TRIGGER, MSIX, RAISED_VECTOR, 1);
            raise();
            assertThat(second.await(0)).isZero();
        }
    }

    @Test
    void whatWasTriggeredBeforeFiresWhenTheEventComes() throws IOException {
        try (EventDescriptor event = event()) {
            client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
            raise();
            raise();
            assertThat(pendingBits()).isEqualTo(1 << RAISED_VECTOR);

            client.events(MSIX, RAISED_VECTOR, event);
            assertThat(event.await(-1)).isEqualTo(1);
            assertThat(pendingBits()).isZero();
        }
    }

    @Test
    void eventsAreEnoughWhateverTheGuestWrote() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSIX, RAISED_VECTOR, event);
            // Masks are the client's business: its guest may write them here too.
            client.write(CONFIGURATION, msix() + 2, 2, 0xc000);
            client.write(TABLE, 16 * RAISED_VECTOR + 12, 4, 1);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theTableStaysWithTheClient() throws IOException {
        client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
        client.write(TABLE, 16 * RAISED_VECTOR + 12, 4, 0);
        assertThat(client.read(TABLE, 16 * RAISED_VECTOR + 12, 4)).isEqualTo(1);
        raise();
        assertThat(pendingBits()).isEqualTo(1 << RAISED_VECTOR);
    }

    @Test
    void oneMessageOfMsiServesAllVectors() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSI, 0, event);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
            client.irqs(Data.NONE, Action.TRIGGER, MSI, 0, 0);
            raise();
            assertThat(event.await(0)).isZero();
        }
    }

    @Test
    void aMaskedMessageWaits() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSI, 0, event);
            client.irqs(Data.NONE, Action.MASK, MSI, 0, 1);
            raise();
            assertThat(event.await(0)).isZero();
            client.irqs(Data.NONE, Action.UNMASK, MSI, 0, 1);
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theWireIsMaskedUntilItIsServed() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(INTX, 0, event);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
            raise();
            assertThat(event.await(0)).isZero();

            // Still active: it is signalled again.
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(event.await(-1)).isEqualTo(1);

            client.write(0, ACKNOWLEDGE, 4, 1);
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(event.await(0)).isZero();
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theWireCanBeMaskedAndDisabled() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(INTX, 0, event);
            client.irqs(Data.NONE, Action.MASK, INTX, 0, 1);
            raise();
            assertThat(event.await(0)).isZero();
            client.call(
                    new SetIrqs(20, Data.BOOL, Action.UNMASK, INTX, 0, 1, ScriptClient.data(1, 1)));
            assertThat(event.await(-1)).isEqualTo(1);

            // Command.Interrupt Disable.
            client.write(0, ACKNOWLEDGE, 4, 1);
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            client.write(CONFIGURATION, 4, 2, 0x400);
            raise();
            assertThat(event.await(0)).isZero();
            assertThat(client.read(CONFIGURATION, 6, 2) & 8).isEqualTo(8);
            client.write(CONFIGURATION, 4, 2, 0);
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void aClientMayTryItsOwnEvents() throws IOException {
        try (EventDescriptor first = event();
                EventDescriptor second = event()) {
            client.events(MSIX, 0, first, second);
            client.irqs(Data.NONE, Action.TRIGGER, MSIX, 1, 1);
            assertThat(second.await(-1)).isEqualTo(1);
            client.call(
                    new SetIrqs(
                            20, Data.BOOL, Action.TRIGGER, MSIX, 0, 2, ScriptClient.data(2, 1)));
            assertThat(first.await(-1)).isEqualTo(1);
            assertThat(second.await(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, 3, 1",
        "2, 0, 4",
        "2, 2, 2",
        "2, 1, -1",
        "2, -1, 2",
        "1, 1, 1",
        "0, 0, 2",
        "3, 0, 1",
        "4, 0, 1",
        "5, 0, 1",
        "-1, 0, 1"
    })
    void interruptsThatThereAreNotAreRefused(int kind, int start, int count) {
        client.refused(Errno.EINVAL, new SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start, count));
        client.refused(Errno.EINVAL, new SetIrqs(Data.NONE, Action.MASK, kind, start, count));
    }

    private int msix() throws IOException {
        int at = (int) client.read(CONFIGURATION, 0x34, 1);
        while (client.read(CONFIGURATION, at, 1) != 0x11) {
            at = (int) client.read(CONFIGURATION, at + 1, 1);
        }
        return at;
    }

    private long pendingBits() throws IOException {
        long place = client.read(CONFIGURATION, msix() + 8, 4);
        return client.read((int) (place & 7), place & ~7, 8);
    }

    // ---------------------------------------------------------------- events that unmask

    @Test
    void theWireIsMaskedAndUnmaskedByEvents() throws IOException {
        try (EventDescriptor wire = event();
                EventDescriptor mask = event();
                EventDescriptor unmask = event();
                Descriptor file = SharedMemory.create("no event", 4096)) {
            SetIrqs masks = new SetIrqs(Data.EVENTFD, Action.MASK, INTX, 0, 1);
            SetIrqs unmasks = new SetIrqs(Data.EVENTFD, Action.UNMASK, INTX, 0, 1);
            client.events(INTX, 0, wire);
            client.call(masks, mask.descriptor());
            client.call(unmasks, unmask.descriptor());
            client.refused(Errno.EINVAL, masks, file);
            client.refused(
                    Errno.EINVAL,
                    new SetIrqs(Data.EVENTFD, Action.UNMASK, MSIX, 0, 1),
                    unmask.descriptor());
            raise();
            assertThat(wire.await(-1)).isEqualTo(1);
            unmask.signal();
            assertThat(wire.await(-1)).isEqualTo(1);

            client.call(unmasks);
            unmask.signal();
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(wire.await(-1)).isEqualTo(1);
            client.call(unmasks, unmask.descriptor());
            // It was signalled before it was given, and its count is still there.
            assertThat(wire.await(-1)).isEqualTo(1);
        }
    }
}
