package dev.dalang.devices.nvme;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciCapStatus;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciHost;
import dev.dalang.storage.BlockBackend;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * A disk behind an NVM Express controller, 1234:4e56, as every operating system has a driver for:
 * version 2.0 with the NVM command set, one namespace, and an interrupt vector for each pair of
 * queues. Commands go to the back end as they come, many at a time, and are completed in the order
 * in which they are done.
 *
 * <p>Registers and doorbells are in BAR 0, and the tables of MSI-X behind them. What a driver does
 * wrong is answered with the status that the specification has for it, and counted. Before the
 * device sleeps it waits for what is in flight; at a reset it takes back what has not begun, and
 * waits for the rest.
 *
 * <p>The format of the namespace, which a driver may change, is kept as long as the device: a raw
 * image has no place for it.
 */
public final class NvmeDevice implements PciDevice {
    /** The greatest number of pairs of queues, beside the admin queues. */
    public static final int MAX_QUEUES = 64;

    /** How many pairs of queues there are, unless another number is asked for. */
    public static final int DEFAULT_QUEUES = 16;

    /** The greatest doorbell stride, as the exponent that the specification has. */
    public static final int MAX_DOORBELL_STRIDE = 6;

    private static final int MASS_STORAGE_NVM_EXPRESS = 0x01_0802;
    private static final int PAGE = 4096;
    private static final int MSIX_ENTRY_BYTES = 16;
    private static final int DOORBELL_SHIFT = 2;

    private final NvmeCounters counters = new NvmeCounters();
    private final NvmeNamespace namespace;
    private final NvmeController controller;
    private final NvmeSnapshots snapshots;
    private final int vectors;
    private final int strideShift;

    private NvmeDevice(Builder builder) {
        namespace = new NvmeNamespace(builder.backend, builder.blockBytes);
        vectors = builder.queues + 1;
        strideShift = DOORBELL_SHIFT + builder.doorbellStride;
        controller =
                new NvmeController(
                        namespace,
                        new NvmeIdentity(namespace, builder.serial, builder.uuid()),
                        builder.queues,
                        builder.doorbellStride,
                        counters);
        snapshots = new NvmeSnapshots(controller);
    }

    /**
     * Begins a disk.
     *
     * @param backend what stands behind it; the disk closes it when it is detached
     * @return its options
     */
    public static Builder builder(BlockBackend backend) {
        return new Builder(backend);
    }

    /** {@return what stands behind the disk} */
    public BlockBackend backend() {
        return namespace.backend();
    }

    /**
     * Tells how often something happened. Any thread.
     *
     * @param event what happened
     * @return how often
     */
    public long count(NvmeEvent event) {
        return counters.get(event);
    }

    /**
     * Makes the disk larger; its driver hears of it. Any thread.
     *
     * @param sizeBytes as of {@link BlockBackend#resize}
     * @throws IOException if the host refuses
     * @throws IllegalArgumentException if the disk cannot be of that size
     */
    public void resize(long sizeBytes) throws IOException {
        namespace.backend().resize(sizeBytes);
    }

    // ---------------------------------------------------------------- what it is

    /** {@return what a disk is that has the default options} */
    public static PciDeviceSpec defaultSpec() {
        return spec(DEFAULT_QUEUES + 1, DOORBELL_SHIFT);
    }

    @Override
    public PciDeviceSpec spec() {
        return spec(vectors, strideShift);
    }

    private static PciDeviceSpec spec(int vectors, int strideShift) {
        int doorbellsEnd = NvmeRegisters.DOORBELLS + (2 * vectors << strideShift);
        int table = roundUp(doorbellsEnd);
        int pending = table + roundUp(MSIX_ENTRY_BYTES * vectors);
        long size = Long.highestOneBit(2L * (pending + PAGE) - 1);
        return PciDeviceSpec.builder("nvme", NvmeIdentity.VENDOR, NvmeIdentity.DEVICE)
                .classCode(MASS_STORAGE_NVM_EXPRESS)
                .subsystem(NvmeIdentity.VENDOR, NvmeIdentity.DEVICE)
                .memoryBar64(0, size)
                .registers(0, NvmeRegisters.NAMES)
                .msix(vectors, 0, table, pending)
                .intx()
                .express()
                .concurrent()
                .build();
    }

    private static int roundUp(int bytes) {
        return (bytes + PAGE - 1) / PAGE * PAGE;
    }

    @Override
    public String bootorderNode(String unit) {
        // Firmware knows a namespace by this name, whatever the controller's ids: by its number and
        // its EUI-64, of which it has none.
        return "pci8086,5845@" + unit + "/namespace@1,0";
    }

    // ---------------------------------------------------------------- accesses

    @Override
    public void attach(PciHost given) {
        controller.attach(given);
        namespace.backend().onResize(controller::resized);
    }

    /** Registers are read as they are wide, or by halves (NVMe over PCIe 1.0 §3.1). */
    @Override
    public long readBar(int bar, long offset, int size) {
        if (size < Integer.BYTES || offset % size != 0) {
            counters.count(NvmeEvent.INVALID_ACCESS);
            return -1;
        }
        if (offset >= NvmeRegisters.DOORBELLS) {
            return 0; // what doorbells return is not defined
        }
        long low = controller.read((int) offset) & 0xffff_ffffL;
        return size == Integer.BYTES ? low : low | (long) controller.read((int) offset + 4) << 32;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (size < Integer.BYTES || offset % size != 0) {
            counters.count(NvmeEvent.INVALID_ACCESS);
            return;
        }
        write(offset, (int) value);
        if (size == Long.BYTES) {
            write(offset + 4, (int) (value >>> 32));
        }
    }

    private void write(long offset, int value) {
        if (offset < NvmeRegisters.DOORBELLS) {
            controller.write((int) offset, value);
            return;
        }
        long at = offset - NvmeRegisters.DOORBELLS;
        if ((at & (1L << strideShift) - 1) == 0) {
            controller.doorbells().ring((int) (at >>> strideShift), value);
        } else {
            counters.count(NvmeEvent.INVALID_ACCESS);
        }
    }

    /** The wire follows what the driver uses. */
    @Override
    public void capabilityWritten(PciCapStatus status) {
        controller.interrupts().settle();
    }

    // ---------------------------------------------------------------- the life cycle

    @Override
    public void reset() {
        controller.reset();
    }

    @Override
    public void sleep() {
        controller.sleep();
    }

    @Override
    public void wake() {
        controller.wake();
    }

    @Override
    public Snapshot snapshot() {
        return snapshots.save();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshots.restore(snapshot);
    }

    @Override
    public void detach() {
        controller.detach();
    }

    /** The options of a disk. */
    public static final class Builder {
        private static final int MAX_SERIAL = 20;

        private final BlockBackend backend;
        private String serial = "dalang";
        private String identity = "";
        private int queues = DEFAULT_QUEUES;
        private int blockBytes;
        private int doorbellStride;

        private Builder(BlockBackend backend) {
            this.backend = backend;
        }

        private UUID uuid() {
            String name = "dalang nvme " + serial + " " + identity;
            return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8));
        }

        /**
         * Sets the serial number: the guest finds the disk by it, below {@code /dev/disk/by-id}.
         *
         * @param text 1 to 20 printable characters of ASCII; {@code dalang} by default
         * @return this
         */
        public Builder serial(String text) {
            if (text.isEmpty()
                    || text.length() > MAX_SERIAL
                    || !text.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
                throw new IllegalArgumentException(
                        "serial: expected 1 to %d printable characters of ASCII, got %s"
                                .formatted(MAX_SERIAL, text));
            }
            serial = text;
            return this;
        }

        /**
         * Tells disks apart that have the same serial number: a guest refuses two that have the
         * same names. The name of the disk's UUID, with the serial number.
         *
         * @param name anything that is the disk's own, such as the path of its image; nothing by
         *     default
         * @return this
         */
        public Builder identity(String name) {
            identity = name;
            return this;
        }

        /**
         * Sets how many pairs of queues there are, beside the admin queues. A driver makes as many
         * as it has processors.
         *
         * @param count 1 to {@link #MAX_QUEUES}; {@link #DEFAULT_QUEUES} by default
         * @return this
         */
        public Builder queues(int count) {
            if (count < 1 || count > MAX_QUEUES) {
                throw new IllegalArgumentException(
                        "queues: expected 1..%d, got %d".formatted(MAX_QUEUES, count));
            }
            queues = count;
            return this;
        }

        /**
         * Sets the size of blocks that the namespace has at first.
         *
         * @param bytes 512 or 4096, not less than the back end's logical block, which it is by
         *     default
         * @return this
         */
        public Builder blockBytes(int bytes) {
            blockBytes = bytes;
            return this;
        }

        /**
         * Sets how far doorbells are apart: 4 bytes, shifted by this (CAP.DSTRD).
         *
         * @param exponent 0 to {@link #MAX_DOORBELL_STRIDE}; 0 by default
         * @return this
         */
        public Builder doorbellStride(int exponent) {
            if (exponent < 0 || exponent > MAX_DOORBELL_STRIDE) {
                throw new IllegalArgumentException(
                        "doorbellStride: expected 0..%d, got %d"
                                .formatted(MAX_DOORBELL_STRIDE, exponent));
            }
            doorbellStride = exponent;
            return this;
        }

        /**
         * {@return the disk}
         *
         * @throws IllegalArgumentException if the back end cannot have such blocks
         */
        public NvmeDevice build() {
            return new NvmeDevice(this);
        }
    }
}
