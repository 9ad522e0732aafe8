package dev.dalang.virtio;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.pci.PciCapConfig;
import dev.dalang.pci.PciCapStatus;

/**
 * The live part of the capability through which a driver that cannot map BARs reaches the device's
 * structures (virtio 1.3 §4.1.4.9): it says where, and then reads or writes the data. An access
 * that is not 1, 2 or 4 bytes long, not aligned, or not inside the structures reads 0 and writes
 * nothing.
 */
final class PciConfigWindow implements PciCapConfig, Suspendable {
    private static final String TYPE = "virtio-pci-window";
    private static final int VERSION = 1;
    private static final int REGISTERS = 5;
    private static final int PLACE = 1;
    private static final int OFFSET = 2;
    private static final int LENGTH = 3;
    private static final int DATA = 4;

    /** The structures of a device, as through BAR 0. */
    interface Structures {
        long read(long offset, int size);

        void write(long offset, int size, long value);
    }

    private final Structures structures;
    private int bar;
    private int offset;
    private int length;
    private int data;

    PciConfigWindow(Structures structures) {
        this.structures = structures;
    }

    @Override
    public int registers() {
        return REGISTERS;
    }

    @Override
    public int readMask(int register) {
        return register == DATA ? -1 : 0;
    }

    @Override
    public boolean hasReadEffects(int register) {
        return register == DATA;
    }

    @Override
    public int readRegister(int register) {
        if (register != DATA) {
            return 0;
        }
        long at;
        int size;
        synchronized (this) {
            if (!isLegal()) {
                return 0;
            }
            at = offset & 0xffff_ffffL;
            size = length;
        }
        return (int) structures.read(at, size);
    }

    @Override
    public PciCapStatus writeRegister(int register, int first, int size, int value) {
        int lanes = -1 >>> 32 - 8 * size << 8 * first;
        int bits = value << 8 * first;
        long at;
        int bytes;
        int written;
        synchronized (this) {
            switch (register) {
                case PLACE -> bar = (bar & ~lanes | bits & lanes) & 0xff;
                case OFFSET -> offset = offset & ~lanes | bits & lanes;
                case LENGTH -> length = length & ~lanes | bits & lanes;
                case DATA -> data = data & ~lanes | bits & lanes;
                default -> {}
            }
            if (register != DATA || !isLegal()) {
                return PciCapStatus.NONE;
            }
            at = offset & 0xffff_ffffL;
            bytes = length;
            written = data;
        }
        structures.write(at, bytes, written & 0xffff_ffffL >>> 32 - 8 * bytes);
        return PciCapStatus.NONE;
    }

    private boolean isLegal() {
        return bar == VirtioPciLayout.BAR
                && (length == 1 || length == 2 || length == 4)
                && (offset & length - 1) == 0
                && (offset & 0xffff_ffffL) < VirtioPciLayout.MSIX_TABLE;
    }

    @Override
    public synchronized void reset() {
        bar = 0;
        offset = 0;
        length = 0;
        data = 0;
    }

    @Override
    public void sleep() {}

    @Override
    public void wake() {}

    @Override
    public synchronized Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("bar", bar)
                .put("offset", offset)
                .put("length", length)
                .put("data", data)
                .build();
    }

    @Override
    public synchronized void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        int savedBar = snapshot.getInt("bar", 0, 0xff);
        int savedOffset = snapshot.getInt("offset", Integer.MIN_VALUE, Integer.MAX_VALUE);
        int savedLength = snapshot.getInt("length", Integer.MIN_VALUE, Integer.MAX_VALUE);
        data = snapshot.getInt("data", Integer.MIN_VALUE, Integer.MAX_VALUE);
        bar = savedBar;
        offset = savedOffset;
        length = savedLength;
    }
}
