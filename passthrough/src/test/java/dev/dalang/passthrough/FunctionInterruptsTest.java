package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.pci.BarRange;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciConfiguration;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciHost;
import dev.dalang.pci.PciInterrupts;
import dev.dalang.pci.PciRoot;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/** The wire, between the thread that tells of the device's and one of the guest's. */
class FunctionInterruptsTest {
    private final ScriptedBackend backend = Devices.rich().build();
    private final PassthroughDevice device = Devices.open(backend);
    private final PassthroughVm vm = PassthroughVm.of(1, 0, GuestMemory.of(List.of()));
    private final FunctionInterrupts interrupts = new FunctionInterrupts(device, vm, true);

    /** A wire that takes its time to rise. */
    private static final class SlowWire implements PciInterrupts {
        final CountDownLatch rising = new CountDownLatch(1);
        final CountDownLatch mayRise = new CountDownLatch(1);
        volatile boolean level;

        @Override
        public void raise() {
            rising.countDown();
            try {
                mayRise.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            level = true;
        }

        @Override
        public void lower() {
            level = false;
        }

        @Override
        public boolean triggerMessage(int vector) {
            return false;
        }

        @Override
        public boolean isMessageSignalled() {
            return false;
        }

        @Override
        public int vectors() {
            return 0;
        }
    }

    /** A place that has no more than a wire. */
    private record Wired(PciInterrupts interrupts) implements PciHost {
        @Override
        public PciAddress address() {
            throw new UnsupportedOperationException();
        }

        @Override
        public PciDma memory() {
            throw new UnsupportedOperationException();
        }

        @Override
        public VirtualClock clock() {
            throw new UnsupportedOperationException();
        }

        @Override
        public DeviceExecutor executor() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<PciRoot> tree() {
            return Optional.empty();
        }

        @Override
        public PciConfiguration configuration() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void signalWake() {}

        @Override
        public Optional<BarRange> bar(int bar) {
            return Optional.empty();
        }
    }

    @Test
    void aWireThatIsServedWhileItRisesDoesNotStayUp() throws InterruptedException {
        SlowWire wire = new SlowWire();
        device.assign(vm);
        interrupts.enter(new Wired(wire));
        assertThat(interrupts.arm()).isNull();
        Thread teller = Thread.ofPlatform().daemon().start(() -> backend.wire(true));
        wire.rising.await();
        backend.wire(false);
        Thread guest = Thread.ofPlatform().daemon().start(interrupts::serveWire);
        while (guest.getState() != Thread.State.BLOCKED && guest.isAlive()) {
            Thread.onSpinWait();
        }
        wire.mayRise.countDown();
        teller.join();
        guest.join();

        interrupts.serveWire(); // as the guest does at the next access, if it is up still
        assertThat(wire.level).isFalse();
    }
}
