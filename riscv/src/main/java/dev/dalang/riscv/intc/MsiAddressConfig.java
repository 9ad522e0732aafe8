package dev.dalang.riscv.intc;

import dev.dalang.bus.snapshot.Snapshot;

/**
 * Where an APLIC sends its messages: the registers {@code mmsiaddrcfg}, {@code mmsiaddrcfgh},
 * {@code smsiaddrcfg} and {@code smsiaddrcfgh} of the root domain (AIA 1.0 §4.5.3, §4.5.4), and the
 * addresses that follow from them (§4.9.1). Guarded by the APLIC's lock.
 */
final class MsiAddressConfig {
    private static final int LOCKED = 1 << 31;
    private static final int MACHINE_HIGH_MASK = LOCKED | 0x1f77_ffff;
    private static final int SUPERVISOR_HIGH_MASK = 0x0070_0fff;
    private static final long PPN_MASK = (1L << 44) - 1;

    /** In the order of their offsets. */
    private final int[] registers;

    MsiAddressConfig() {
        registers = new int[4];
    }

    /** Checks what {@link #toBytes} gave. */
    MsiAddressConfig(Snapshot snapshot, String name) {
        registers = Arrays32.ints(snapshot, name, 4);
        for (int index = 0; index < 4; index++) {
            Arrays32.require(
                    (registers[index] & ~mask(index)) == 0, snapshot, name, "no reserved bits");
        }
    }

    boolean isZero() {
        return (registers[0] | registers[1] | registers[2] | registers[3]) == 0;
    }

    byte[] toBytes() {
        return Arrays32.toBytes(registers);
    }

    int read(int index) {
        return registers[index];
    }

    /** A write; ignored once the lock bit is set. */
    void write(int index, int value) {
        if ((registers[1] & LOCKED) == 0) {
            registers[index] = value & mask(index);
        }
    }

    private static int mask(int index) {
        return switch (index) {
            case 1 -> MACHINE_HIGH_MASK;
            case 3 -> SUPERVISOR_HIGH_MASK;
            default -> -1;
        };
    }

    long machineAddress(int hartIndex) {
        return address(registers[0], registers[1], hartIndex, 0);
    }

    long supervisorAddress(int hartIndex, int guestIndex) {
        return address(registers[2], registers[3], hartIndex, guestIndex);
    }

    /** The widths and the group's shift are the machine level's for both. */
    private long address(int low, int high, int hartIndex, int guestIndex) {
        int groupWidth = registers[1] >>> 16 & 7;
        int groupShift = (registers[1] >>> 24 & 0x1f) + 12;
        int hartWidth = registers[1] >>> 12 & 0xf;
        int hartShift = high >>> 20 & 7;
        long group = (hartIndex & 0xffff_ffffL) >>> hartWidth & (1L << groupWidth) - 1;
        long hart = hartIndex & (1L << hartWidth) - 1;
        long base = (high & 0xfffL) << 32 | low & 0xffff_ffffL;
        long page = base | group << groupShift | hart << hartShift | guestIndex;
        return (page & PPN_MASK) << 12;
    }
}
