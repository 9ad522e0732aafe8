package dev.dalang.passthrough;

import dev.dalang.pci.PciCapConfig;
import dev.dalang.pci.PciCapStatus;
import dev.dalang.pci.PciCapability;

import java.util.Arrays;

/**
 * A capability of the device's, shown to the guest wherever there is room for it: reads come from
 * the device, writes go there as far as they may.
 */
class ForwardedCapability implements PciCapability, PciCapConfig {
    private final OwnedRegisters device;
    private final CapabilityWalk.Found found;
    private final int registers;

    /** The bits that a guest writes, and those that it clears by a one, of each register. */
    private final int[] writable;

    private final int[] clearable;

    /**
     * Shows a capability.
     *
     * @param registers how many of its registers, at least 1
     * @param isWritable whether the guest may write behind the header
     */
    ForwardedCapability(
            OwnedRegisters device, CapabilityWalk.Found found, int registers, boolean isWritable) {
        this.device = device;
        this.found = found;
        this.registers = registers;
        writable = new int[registers];
        clearable = new int[registers];
        if (isWritable) {
            Arrays.fill(writable, -1);
            writable[0] = found.isExtended() ? 0 : 0xffff_0000;
        }
    }

    final void allow(int register, int write, int clear) {
        if (register < registers) {
            writable[register] = write;
            clearable[register] = clear;
        }
    }

    @Override
    public final int id() {
        return found.id();
    }

    @Override
    public final int version() {
        return Math.max(found.version(), 1);
    }

    @Override
    public final int[] image() {
        return new int[registers];
    }

    @Override
    public final int[] writableMask() {
        return new int[registers];
    }

    @Override
    public final int registers() {
        return registers;
    }

    @Override
    public final int readMask(int register) {
        return register > 0 ? -1 : found.isExtended() ? 0 : 0xffff_0000;
    }

    @Override
    public int readRegister(int register) {
        return (int) device.read(BackendRegion.CONFIG, found.offset() + 4L * register, 4);
    }

    /** True: the device is asked when the guest asks, and at no other time. */
    @Override
    public final boolean hasReadEffects(int register) {
        return true;
    }

    @Override
    public PciCapStatus writeRegister(int register, int offset, int size, int value) {
        int lanes = -1 >>> 32 - 8 * size << 8 * offset;
        int free = writable[register] & lanes;
        int clear = clearable[register] & lanes;
        if ((free | clear) == 0) {
            return PciCapStatus.NONE;
        }
        int data = value << 8 * offset & lanes;
        int bits = data & (free | clear);
        if ((free | clear) != lanes) {
            bits |= readRegister(register) & lanes & ~free & ~clear;
        }
        long at = found.offset() + 4L * register + offset;
        device.write(BackendRegion.CONFIG, at, size, (bits >>> 8 * offset) & -1L >>> 64 - 8 * size);
        return PciCapStatus.NONE;
    }
}
