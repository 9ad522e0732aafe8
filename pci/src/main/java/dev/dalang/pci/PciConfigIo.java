package dev.dalang.pci;

import dev.dalang.bus.DevicePio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

/**
 * Configuration space through ports (PCI Local Bus 3.0 §3.2.2.3.2): an address register at 0xcf8
 * and the register that it selects at 0xcfc. Register it for ports 0xcf8..0xcff. A byte with bit 2
 * set, written to port 0xcf9, resets the machine. Any thread, but two harts that use the pair at
 * once must agree on it themselves, as on any machine.
 */
public final class PciConfigIo implements DevicePio, Suspendable {
    /** The first port. */
    public static final int BASE = 0xcf8;

    /** How many ports there are. */
    public static final int PORTS = 8;

    private static final String TYPE = "pci-config-io";
    private static final int VERSION = 1;
    private static final int DATA = 4;
    private static final int RESET_OFFSET = 1;
    private static final int RESET_BIT = 0x4;
    private static final int ENABLE = 1 << 31;

    private final PciRoot root;
    private final Runnable onReset;
    private volatile int address;

    private PciConfigIo(PciRoot root, Runnable onReset) {
        this.root = root;
        this.onReset = onReset;
    }

    /**
     * Makes the pair of registers of a tree.
     *
     * @param root the tree
     * @param onReset called when the guest asks for a reset, on the hart's thread; must not wait
     * @return the ports, to be registered on the bus
     */
    public static PciConfigIo of(PciRoot root, Runnable onReset) {
        return new PciConfigIo(root, onReset);
    }

    @Override
    public String label() {
        return "pci config io";
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    @Override
    public long pioRead(int base, int offset, int size) {
        int lane = offset & 3;
        if (lane + size > Integer.BYTES) {
            return -1;
        }
        int selected = address;
        if (offset < DATA) {
            return (selected & 0xffff_ffffL) >>> 8 * lane;
        }
        if ((selected & ENABLE) == 0) {
            return -1;
        }
        int value =
                root.readConfig(
                        PciAddress.requesterIdOf(selected, PciAddress.CAM_REGISTER_BITS),
                        PciAddress.registerOf(selected, PciAddress.CAM_REGISTER_BITS));
        return (value & 0xffff_ffffL) >>> 8 * lane;
    }

    @Override
    public void pioWrite(int base, int offset, int size, long value) {
        int lane = offset & 3;
        if (lane + size > Integer.BYTES) {
            return;
        }
        if (offset == RESET_OFFSET && size == 1) {
            if ((value & RESET_BIT) != 0) {
                onReset.run();
            }
        } else if (offset < DATA) {
            writeAddress(lane, size, (int) value);
        } else if ((address & ENABLE) != 0) {
            int selected = address;
            root.writeConfig(
                    PciAddress.requesterIdOf(selected, PciAddress.CAM_REGISTER_BITS),
                    PciAddress.registerOf(selected, PciAddress.CAM_REGISTER_BITS),
                    lane,
                    size,
                    (int) value);
        }
    }

    private synchronized void writeAddress(int lane, int size, int value) {
        int mask = (int) (-1L >>> 64 - 8 * size) << 8 * lane;
        address = address & ~mask | value << 8 * lane & mask;
    }

    /** The machine was reset. */
    public void reset() {
        address = 0;
    }

    /** Does nothing: the ports are never active by themselves. */
    @Override
    public void sleep() {}

    /** {@return the address register} The tree saves itself. */
    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION).put("address", address & 0xffff_ffffL).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        long saved = snapshot.expect(TYPE, VERSION).getLong("address");
        if (saved >>> 32 != 0) {
            throw new SnapshotException(
                    TYPE + ".address: expected 32 bits, got 0x" + Long.toHexString(saved));
        }
        address = (int) saved;
    }

    /** Does nothing. */
    @Override
    public void wake() {}
}
