package dev.dalang.vm.internal.board;

import dev.dalang.riscv.intc.AplicDomain;

/**
 * What M-mode firmware does with the machine-level APLIC domain before it enters S-mode: every
 * source is delegated to the supervisor's domain, and the domain that alone may do so says where
 * the harts' interrupt files are (AIA 1.0 §4.5.3, §4.5.4, §4.9.1).
 */
final class AplicDelegation {
    private static final int SOURCECFG = 0x0004;
    private static final int MMSIADDRCFG = 0x1BC0;
    private static final int MMSIADDRCFGH = 0x1BC4;
    private static final int SMSIADDRCFG = 0x1BC8;
    private static final int SMSIADDRCFGH = 0x1BCC;

    /** D, with child index 0. */
    private static final int DELEGATE = 1 << 10;

    private static final int PAGE_SHIFT = 12;
    private static final int LHXW_SHIFT = 12;

    private AplicDelegation() {}

    static void apply(AplicDomain machine, int harts) {
        // One page for each hart: the hart's number stands right above the page offset (LHXS 0);
        // there are no groups.
        write(machine, MMSIADDRCFG, (int) (VirtMap.IMSIC_M >>> PAGE_SHIFT));
        write(machine, MMSIADDRCFGH, hartIndexBits(harts) << LHXW_SHIFT);
        write(machine, SMSIADDRCFG, (int) (VirtMap.IMSIC_S >>> PAGE_SHIFT));
        write(machine, SMSIADDRCFGH, 0);
        for (int wire = 1; wire <= VirtMap.WIRES; wire++) {
            write(machine, SOURCECFG + 4 * (wire - 1), DELEGATE);
        }
    }

    /** How many bits the number of a hart takes in the address of its file. */
    static int hartIndexBits(int harts) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(harts - 1);
    }

    private static void write(AplicDomain domain, int register, int value) {
        domain.mmioWrite(VirtMap.APLIC_M, register, 4, Integer.toUnsignedLong(value));
    }
}
