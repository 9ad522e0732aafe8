package dev.dalang.pci;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

/**
 * Configuration space as memory: with 12 register bits the enhanced mechanism of PCI Express (ECAM,
 * PCIe 6.0 §7.2.2), with 8 bits the same in the layout of the older one. Register it for {@link
 * #bytes} of its number of buses, at a multiple of that.
 *
 * <p>An access that crosses a register's end reads all ones and writes nothing; so does one to a
 * function that is not there. Any thread.
 */
public final class PciConfigMmio implements DeviceMmio, Suspendable {
    private static final String TYPE = "pci-config-mmio";
    private static final int VERSION = 1;

    private final PciRoot root;
    private int registerBits;

    private PciConfigMmio(PciRoot root, int registerBits) {
        this.root = root;
        this.registerBits = PciAddress.checkRegisterBits(registerBits);
    }

    /**
     * Makes a window onto a tree.
     *
     * @param root the tree
     * @param registerBits bits of register offset: 12 for ECAM, 8 or 13
     * @return the window, to be registered on the bus
     * @throws IllegalArgumentException if {@code registerBits} is another number
     */
    public static PciConfigMmio of(PciRoot root, int registerBits) {
        return new PciConfigMmio(root, registerBits);
    }

    /**
     * Makes an ECAM window onto a tree.
     *
     * @param root the tree
     * @return the window, to be registered on the bus
     */
    public static PciConfigMmio ecam(PciRoot root) {
        return of(root, PciAddress.ECAM_REGISTER_BITS);
    }

    /**
     * Tells how large a window is.
     *
     * @param buses number of buses, 1..256
     * @param registerBits bits of register offset: 8, 12 or 13
     * @return bytes: of ECAM 1 MiB for each bus
     * @throws PciException if there cannot be so many buses
     */
    public static long bytes(int buses, int registerBits) {
        if (buses < 1 || buses > 256) {
            throw new PciException(
                    PciException.Kind.BUS_NUMBER,
                    "PCI configuration window",
                    "expected 1..256 buses, got " + buses);
        }
        return (long) buses << PciAddress.checkRegisterBits(registerBits) + 8;
    }

    @Override
    public String label() {
        return "pci config mmio";
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (!isInside(offset, size)) {
            return -1;
        }
        int requester = PciAddress.requesterIdOf((int) offset, registerBits);
        int register = PciAddress.registerOf((int) offset, registerBits);
        long value = root.readConfig(requester, register) & 0xffff_ffffL;
        return value >>> 8 * ((int) offset & 3);
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (isInside(offset, size)) {
            int requester = PciAddress.requesterIdOf((int) offset, registerBits);
            int register = PciAddress.registerOf((int) offset, registerBits);
            root.writeConfig(requester, register, (int) offset & 3, size, (int) value);
        }
    }

    private boolean isInside(long offset, int size) {
        return (offset >>> registerBits + 16) == 0 && ((int) offset & 3) + size <= Integer.BYTES;
    }

    /** Does nothing: the window itself is never active. */
    @Override
    public void sleep() {}

    /** {@return the layout} The tree saves itself. */
    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION).put("register-bits", registerBits).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        registerBits = PciVirtualConfigMmio.registerBits(snapshot.expect(TYPE, VERSION));
    }

    /** Does nothing. */
    @Override
    public void wake() {}
}
