package dev.dalang.pci;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * The virtual configuration space: a second file of registers for each function, of this machine's
 * own making, beside the one that PCI defines. A function has 8 KiB: a page whose registers the
 * device answers ({@link PciDevice#readVirtualConfig}), and a page that guest and device share
 * ({@link PciDevice#virtualConfigSharedPage}). Where the shared page is part of guest memory
 * ({@link #sharedPages}), an access to it reaches no device.
 *
 * <p>Only aligned accesses of four bytes are taken; others read 0 and write nothing, as does the
 * host bridge at 00:00.0 and a function that is not there. Any thread.
 */
public final class PciVirtualConfigMmio implements DeviceMmio, Suspendable {
    /** Bytes of a function: one page that traps, and one that is shared. */
    public static final int FUNCTION_BYTES = 1 << PciAddress.VIRTUAL_CONFIG_REGISTER_BITS;

    /** Bytes of a page. */
    public static final int PAGE_BYTES = FUNCTION_BYTES / 2;

    private static final String TYPE = "pci-virtual-config-mmio";
    private static final int VERSION = 1;
    private static final long MIN_BASE = 1L << 32;
    private static final long RAM_GRANULE = 2L << 20;

    /**
     * Where the space lies.
     *
     * @param base its first address, unsigned
     * @param size its bytes
     */
    public record Region(long base, long size) {
        /** {@return the first address behind it, unsigned} */
        public long end() {
            return base + size;
        }
    }

    private final PciRoot root;
    private final GuestLog log = new GuestLog();
    private int registerBits;

    private PciVirtualConfigMmio(PciRoot root, int registerBits) {
        this.root = root;
        this.registerBits = PciAddress.checkRegisterBits(registerBits);
    }

    /**
     * Makes the window onto a tree.
     *
     * @param root the tree
     * @return the window, to be registered on the bus
     */
    public static PciVirtualConfigMmio of(PciRoot root) {
        return new PciVirtualConfigMmio(root, PciAddress.VIRTUAL_CONFIG_REGISTER_BITS);
    }

    /**
     * Makes a window with another layout onto a tree.
     *
     * @param root the tree
     * @param registerBits bits of register offset: 8, 12 or 13
     * @return the window, to be registered on the bus
     * @throws IllegalArgumentException if {@code registerBits} is another number
     */
    public static PciVirtualConfigMmio of(PciRoot root, int registerBits) {
        return new PciVirtualConfigMmio(root, registerBits);
    }

    /**
     * Says where the space goes: behind memory, at 4 GiB or above, with 8 KiB for each function
     * that ECAM has 4 KiB for.
     *
     * @param ramEnd the first address behind memory, unsigned
     * @param ecamBytes bytes of the ECAM window
     * @return the place
     */
    public static Region place(long ramEnd, long ecamBytes) {
        long aligned = (ramEnd + (RAM_GRANULE - 1)) & -RAM_GRANULE;
        long base = Long.compareUnsigned(aligned, MIN_BASE) < 0 ? MIN_BASE : aligned;
        return new Region(base, 2 * ecamBytes);
    }

    /**
     * Gives the shared pages of the functions on the root bus as regions of guest memory, for a
     * machine to build its memory with. Other functions' pages move with their bus numbers: they
     * trap.
     *
     * @param root the tree
     * @param base where the space lies
     * @return the regions, in the order of their addresses
     */
    public static List<MemoryRegion> sharedPages(PciRoot root, long base) {
        List<MemoryRegion> regions = new ArrayList<>();
        for (PciFunction function : root.bus().functions()) {
            function.sharedPage()
                    .ifPresent(
                            page ->
                                    regions.add(
                                            new MemoryRegion(
                                                    sharedPageAddress(base, function.address()),
                                                    page)));
        }
        return regions;
    }

    /**
     * Tells where a function's shared page lies.
     *
     * @param base where the space lies
     * @param address the function
     * @return guest physical address of the page
     */
    public static long sharedPageAddress(long base, PciAddress address) {
        int first = GuestMemory.PAGE_BYTES / Integer.BYTES;
        int offset = address.toConfigAddress(first, PciAddress.VIRTUAL_CONFIG_REGISTER_BITS);
        return base + (offset & 0xffff_ffffL);
    }

    @Override
    public String label() {
        return "pci virtual config mmio";
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (!isLegal(offset, size)) {
            refuse("read", offset, size);
            return 0;
        }
        return root.readVirtualConfig(
                PciAddress.requesterIdOf((int) offset, registerBits),
                PciAddress.registerOf((int) offset, registerBits));
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (!isLegal(offset, size)) {
            refuse("write", offset, size);
            return;
        }
        root.writeVirtualConfig(
                PciAddress.requesterIdOf((int) offset, registerBits),
                PciAddress.registerOf((int) offset, registerBits),
                (int) value);
    }

    private boolean isLegal(long offset, int size) {
        return size == Integer.BYTES && (offset & 3) == 0 && offset >>> registerBits + 16 == 0;
    }

    private void refuse(String what, long offset, int size) {
        Supplier<String> text =
                () ->
                        "refused a %s of %d bytes at 0x%x: expected four bytes, aligned"
                                .formatted(what, size, offset);
        log.warn(label(), text);
    }

    /** {@return accesses that were refused because of their shape} */
    public long refused() {
        return log.count();
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
        registerBits = registerBits(snapshot.expect(TYPE, VERSION));
    }

    /** Does nothing. */
    @Override
    public void wake() {}

    static int registerBits(Snapshot snapshot) {
        int bits = snapshot.getInt("register-bits", 0, Integer.MAX_VALUE);
        try {
            return PciAddress.checkRegisterBits(bits);
        } catch (IllegalArgumentException wrong) {
            throw new SnapshotException(snapshot.type() + ".register-bits: " + wrong.getMessage());
        }
    }
}
