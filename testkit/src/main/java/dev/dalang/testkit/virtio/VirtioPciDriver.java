package dev.dalang.testkit.virtio;

import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A driver of virtio over PCI, modern interface (virtio 1.3 §4.1).
 *
 * {@snippet :
 * VirtioPciDriver rng = new VirtioPciDriver(pci.find(0x1af4, 0x1044).orElseThrow());
 * rng.negotiate(0);
 * rng.placeQueue(0, 8, descriptors, available, used);
 * rng.enableQueue(0, true);
 * rng.ready();
 * }
 */
public final class VirtioPciDriver implements VirtioTransportDriver {
    /** Type of the capability for the common configuration. */
    public static final int COMMON = 1;

    /** Type of the capability for notifications. */
    public static final int NOTIFY = 2;

    /** Type of the capability for the interrupt status. */
    public static final int ISR = 3;

    /** Type of the capability for the device's configuration. */
    public static final int DEVICE = 4;

    /** Type of the capability that is a window onto the others. */
    public static final int WINDOW = 5;

    /** Type of the capability for shared memory. */
    public static final int SHARED_MEMORY = 8;

    private static final int VENDOR_SPECIFIC = 9;
    private static final int QUEUE_SELECT = 0x16;
    private static final int QUEUE_SIZE = 0x18;
    private static final int QUEUE_VECTOR = 0x1a;
    private static final int QUEUE_ENABLE = 0x1c;
    private static final int QUEUE_NOTIFY_OFF = 0x1e;
    private static final int QUEUE_RESET = 0x3a;

    /**
     * One of virtio's capabilities.
     *
     * @param at its offset in configuration space
     * @param bytes its length
     * @param type what it is for
     * @param bar which BAR it points into
     * @param id its id, of those of one type
     * @param offset where in the BAR
     * @param length how many bytes
     */
    public record Structure(
            int at, int bytes, int type, int bar, int id, long offset, long length) {}

    private final PciFunctionDriver function;
    private final List<Structure> structures;
    private final PciBarDriver bar;
    private final long common;
    private final long isr;
    private final long device;
    private final long notify;
    private final int notifyMultiplier;
    private final int window;

    /**
     * Makes a driver.
     *
     * @param function a virtio function
     * @throws AssertionError if it lacks a structure
     */
    public VirtioPciDriver(PciFunctionDriver function) {
        this.function = function;
        structures = structures(function);
        Structure first = structure(COMMON);
        bar = function.bar(first.bar());
        common = first.offset();
        isr = structure(ISR).offset();
        device = structure(DEVICE).offset();
        notify = structure(NOTIFY).offset();
        notifyMultiplier = function.read(structure(NOTIFY).at() + 16, 4);
        window = structure(WINDOW).at();
    }

    private static List<Structure> structures(PciFunctionDriver function) {
        List<Structure> found = new ArrayList<>();
        for (int at : function.capabilities()) {
            if (function.read(at, 1) != VENDOR_SPECIFIC) {
                continue;
            }
            int type = function.read(at + 3, 1);
            long offset = function.read(at + 8, 4) & 0xffff_ffffL;
            long length = function.read(at + 12, 4) & 0xffff_ffffL;
            if (type == SHARED_MEMORY) {
                offset |= (long) function.read(at + 16, 4) << 32;
                length |= (long) function.read(at + 20, 4) << 32;
            }
            found.add(
                    new Structure(
                            at,
                            function.read(at + 2, 1),
                            type,
                            function.read(at + 4, 1),
                            function.read(at + 5, 1),
                            offset,
                            length));
        }
        return found;
    }

    /** {@return virtio's capabilities, in the order of the list} */
    public List<Structure> structures() {
        return structures;
    }

    /**
     * Finds a capability.
     *
     * @param type its type
     * @return the first of that type, if there is one
     */
    public Optional<Structure> find(int type) {
        return structures.stream().filter(each -> each.type() == type).findFirst();
    }

    private Structure structure(int type) {
        return find(type)
                .orElseThrow(
                        () -> new AssertionError(function + " has no structure of type " + type));
    }

    /** {@return the function} */
    public PciFunctionDriver function() {
        return function;
    }

    /** {@return the BAR that holds the common configuration} */
    public PciBarDriver bar() {
        return bar;
    }

    /** {@return by how much notifications of two queues lie apart} */
    public int notifyMultiplier() {
        return notifyMultiplier;
    }

    // ---------------------------------------------------------------- common configuration

    /**
     * Reads from the common configuration.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @return the value
     */
    public long readCommon(int offset, int size) {
        return bar.read(common + offset, size);
    }

    /**
     * Writes to the common configuration.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @param value the value
     */
    public void writeCommon(int offset, int size, long value) {
        bar.write(common + offset, size, value);
    }

    /**
     * Selects a queue.
     *
     * @param queue its index
     */
    public void selectQueue(int queue) {
        writeCommon(QUEUE_SELECT, 2, queue);
    }

    /**
     * Gives a queue a vector.
     *
     * @param queue its index
     * @param vector the vector
     * @return what the device made of it: 0xffff if it has no such vector
     */
    public int setQueueVector(int queue, int vector) {
        selectQueue(queue);
        writeCommon(QUEUE_VECTOR, 2, vector);
        return (int) readCommon(QUEUE_VECTOR, 2);
    }

    /**
     * Gives changes of the configuration a vector.
     *
     * @param vector the vector
     * @return what the device made of it: 0xffff if it has no such vector
     */
    public int setConfigVector(int vector) {
        writeCommon(0x10, 2, vector);
        return (int) readCommon(0x10, 2);
    }

    /** {@return the number of queues} */
    public int queues() {
        return (int) readCommon(0x12, 2);
    }

    @Override
    public int deviceId() {
        return function.device() - 0x1040;
    }

    @Override
    public int status() {
        return (int) readCommon(0x14, 1);
    }

    @Override
    public void setStatus(int value) {
        writeCommon(0x14, 1, value);
    }

    @Override
    public long deviceFeatures() {
        writeCommon(0x00, 4, 1);
        long high = readCommon(0x04, 4);
        writeCommon(0x00, 4, 0);
        return high << 32 | readCommon(0x04, 4);
    }

    @Override
    public void setDriverFeatures(long features) {
        writeCommon(0x08, 4, 0);
        writeCommon(0x0c, 4, features & 0xffff_ffffL);
        writeCommon(0x08, 4, 1);
        writeCommon(0x0c, 4, features >>> 32);
    }

    @Override
    public int configGeneration() {
        return (int) readCommon(0x15, 1);
    }

    @Override
    public int maxQueueSize(int queue) {
        selectQueue(queue);
        return (int) readCommon(QUEUE_SIZE, 2);
    }

    @Override
    public void placeQueue(int queue, int size, long descriptors, long driver, long used) {
        selectQueue(queue);
        writeCommon(QUEUE_SIZE, 2, size);
        writeAddress(0x20, descriptors);
        writeAddress(0x28, driver);
        writeAddress(0x30, used);
    }

    private void writeAddress(int offset, long address) {
        writeCommon(offset, 4, address & 0xffff_ffffL);
        writeCommon(offset + 4, 4, address >>> 32);
    }

    @Override
    public void enableQueue(int queue, boolean enabled) {
        selectQueue(queue);
        writeCommon(QUEUE_ENABLE, 2, enabled ? 1 : 0);
    }

    @Override
    public boolean isQueueEnabled(int queue) {
        selectQueue(queue);
        return readCommon(QUEUE_ENABLE, 2) == 1;
    }

    @Override
    public void resetQueue(int queue) {
        selectQueue(queue);
        writeCommon(QUEUE_RESET, 2, 1);
        if (readCommon(QUEUE_RESET, 2) != 0 || readCommon(QUEUE_ENABLE, 2) != 0) {
            throw new AssertionError("queue " + queue + " is not reset");
        }
    }

    // ---------------------------------------------------------------- the other structures

    @Override
    public void notifyQueue(int queue) {
        notifyAt(queue, 2, queue);
    }

    /**
     * Notifies at the place of a queue, with any value. Any thread.
     *
     * @param place the queue's {@code queue_notify_off}
     * @param size 2 or 4
     * @param value what is written
     */
    public void notifyAt(int place, int size, long value) {
        bar.write(notify + (long) notifyMultiplier * place, size, value);
    }

    /**
     * Reads where a queue is notified.
     *
     * @param queue its index
     * @return {@code queue_notify_off}
     */
    public int notifyOffset(int queue) {
        selectQueue(queue);
        return (int) readCommon(QUEUE_NOTIFY_OFF, 2);
    }

    @Override
    public int acknowledgeInterrupts() {
        return (int) bar.read(isr, 1);
    }

    /**
     * Writes the interrupt status, which no driver needs to do.
     *
     * @param value what is written
     */
    public void writeInterruptStatus(int value) {
        bar.write(isr, 1, value);
    }

    @Override
    public long readConfig(int offset, int size) {
        return bar.read(device + offset, size);
    }

    @Override
    public void writeConfig(int offset, int size, long value) {
        bar.write(device + offset, size, value);
    }

    /**
     * Reads through the window in configuration space (§4.1.4.9).
     *
     * @param barIndex the BAR
     * @param offset byte offset in it
     * @param size 1, 2 or 4
     * @return the value
     */
    public int readWindow(int barIndex, long offset, int size) {
        aimWindow(barIndex, offset, size);
        return function.read(window + 16, size);
    }

    /**
     * Writes through the window in configuration space.
     *
     * @param barIndex the BAR
     * @param offset byte offset in it
     * @param size 1, 2 or 4
     * @param value the value
     */
    public void writeWindow(int barIndex, long offset, int size, int value) {
        aimWindow(barIndex, offset, size);
        function.write(window + 16, size, value);
    }

    /**
     * Says what the window shows, without an access.
     *
     * @param barIndex the BAR
     * @param offset byte offset in it
     * @param length any number
     */
    public void aimWindow(int barIndex, long offset, int length) {
        function.write(window + 4, 1, barIndex);
        function.write(window + 8, 4, (int) offset);
        function.write(window + 12, 4, length);
    }
}
