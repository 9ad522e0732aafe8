package dev.dalang.testkit.virtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import org.junit.jupiter.api.Test;

import java.util.List;

/**
 * The life-cycle tests that every virtio device runs, behind a transport, from its driver's side. A
 * test class implements this interface and inherits them; {@code M} is whatever holds a device, its
 * transport and its memory together.
 *
 * @param <M> a machine with one device
 */
public interface VirtioDeviceLifeCycle<M> {
    /**
     * Makes a machine. Every call makes one of the same configuration.
     *
     * @return a machine whose device nobody has driven
     */
    M create();

    /**
     * Gives the transport of a machine's device.
     *
     * @param machine what {@link #create} made
     * @return the transport
     */
    Suspendable transport(M machine);

    /**
     * Gives a driver of the device.
     *
     * @param machine what {@link #create} made
     * @return the driver
     */
    VirtioTransportDriver driver(M machine);

    /**
     * Gives room for queues in a machine's memory.
     *
     * @param machine what {@link #create} made
     * @return the room
     */
    GuestHeap heap(M machine);

    /**
     * Says how many queues the device has.
     *
     * @return their number
     */
    int queues();

    /**
     * Changes the state of an active device, so that its snapshot changes. Called while it is
     * awake.
     *
     * @param machine what {@link #create} made
     */
    void mutate(M machine);

    /**
     * Called after each test with every machine that it used; closes what must be closed.
     *
     * @param machine what {@link #create} made
     */
    default void dispose(M machine) {}

    /**
     * Brings a device up with all its queues, of eight entries each.
     *
     * @param machine what {@link #create} made
     */
    default void start(M machine) {
        VirtioTransportDriver driver = driver(machine);
        long features = driver.negotiate(0);
        GuestHeap heap = heap(machine);
        for (int index = 0; index < queues(); index++) {
            int size = Math.min(8, driver.maxQueueSize(index));
            long base = heap.take(DriverQueue.bytes(size, features), 4096);
            DriverQueue queue = DriverQueue.of(heap.memory(), base, size, features);
            driver.placeQueue(
                    index,
                    size,
                    queue.descriptorAddress(),
                    queue.driverAddress(),
                    queue.deviceAddress());
            driver.enableQueue(index, true);
        }
        driver.ready();
        assertEquals(0xf, driver.status());
    }

    /** A device that nobody has driven sleeps, is saved, and wakes. */
    @Test
    default void aNewDeviceSleepsIsSavedAndWakes() {
        M machine = create();
        transport(machine).sleep();
        Snapshot taken = transport(machine).snapshot();
        assertEquals(taken, transport(machine).snapshot());
        transport(machine).wake();
        start(machine);
        dispose(machine);
    }

    /** A device at work sleeps, is saved, wakes, and can be driven anew. */
    @Test
    default void anActiveDeviceSleepsIsSavedAndWakes() {
        M machine = create();
        start(machine);
        transport(machine).sleep();
        Snapshot taken = transport(machine).snapshot();
        transport(machine).wake();
        transport(machine).sleep();
        assertEquals(taken.type(), transport(machine).snapshot().type());
        transport(machine).wake();
        assertEquals(0xf, driver(machine).status());
        start(machine);
        dispose(machine);
    }

    /** Awake, nothing is saved. */
    @Test
    default void aDeviceThatIsAwakeIsNotSaved() {
        M machine = create();
        assertThrows(RuntimeException.class, () -> transport(machine).snapshot());
        start(machine);
        assertThrows(RuntimeException.class, () -> transport(machine).snapshot());
        dispose(machine);
    }

    /** What a device at work was is what a fresh one becomes. */
    @Test
    default void anActiveDeviceIsRestoredIntoAFreshOne() {
        M from = create();
        start(from);
        transport(from).sleep();
        Snapshot before = transport(from).snapshot();
        transport(from).wake();
        mutate(from);
        transport(from).sleep();
        Snapshot taken = transport(from).snapshot();
        assertNotEquals(before, taken);
        M to = create();
        copyMemory(heap(from).memory(), heap(to).memory());
        transport(to).sleep();
        transport(to).restore(taken);
        assertEquals(taken, transport(to).snapshot());
        transport(to).wake();
        assertEquals(0xf, driver(to).status());
        driver(to).reset();
        dispose(from);
        dispose(to);
    }

    /** What nobody has driven, or nobody drives any more, is restored as that. */
    @Test
    default void anIdleDeviceIsRestoredIntoAFreshOne() {
        M fresh = create();
        M used = create();
        start(used);
        driver(used).reset();
        for (M from : List.of(fresh, used)) {
            transport(from).sleep();
            Snapshot taken = transport(from).snapshot();
            M to = create();
            transport(to).sleep();
            transport(to).restore(taken);
            assertEquals(taken, transport(to).snapshot());
            transport(to).wake();
            assertEquals(0, driver(to).status());
            start(to);
            dispose(from);
            dispose(to);
        }
    }

    /** A device at work is not restored over. */
    @Test
    default void aDeviceAtWorkIsNotRestored() {
        M machine = create();
        start(machine);
        transport(machine).sleep();
        Snapshot taken = transport(machine).snapshot();
        assertThrows(SnapshotException.class, () -> transport(machine).restore(taken));
        assertEquals(taken, transport(machine).snapshot());
        transport(machine).wake();
        dispose(machine);
    }

    private static void copyMemory(GuestMemory from, GuestMemory to) {
        for (MemoryRegion region : from.regions()) {
            to.copyIn(region.base(), region.segment());
        }
    }
}
