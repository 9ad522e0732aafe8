package dev.dalang.testkit.pci;

/** A driver of MSI-X (PCI Local Bus 3.0 §6.8.2). One thread. */
public final class MsixDriver {
    private static final int ID = 0x11;
    private static final int CONTROL = 2;
    private static final int ENABLE = 0x8000;
    private static final int FUNCTION_MASK = 0x4000;
    private static final int ENTRY_BYTES = 16;

    private final PciFunctionDriver function;
    private final int capability;
    private final PciBarDriver tableBar;
    private final PciBarDriver pendingBar;
    private final long table;
    private final long pending;

    MsixDriver(PciFunctionDriver function) {
        this.function = function;
        capability = function.requireCapability(ID, "MSI-X");
        int tableAt = function.read(capability + 4, 4);
        int pendingAt = function.read(capability + 8, 4);
        tableBar = function.bar(tableAt & 7);
        pendingBar = function.bar(pendingAt & 7);
        table = tableAt & 0xffff_fff8L;
        pending = pendingAt & 0xffff_fff8L;
    }

    /** {@return the number of vectors} */
    public int vectors() {
        return (function.read(capability + CONTROL, 2) & 0x7ff) + 1;
    }

    /** {@return message control} */
    public int control() {
        return function.read(capability + CONTROL, 2);
    }

    /** Enables MSI-X, without function mask. */
    public void enable() {
        function.write(capability + CONTROL, 2, ENABLE);
    }

    /** Disables MSI-X. */
    public void disable() {
        function.write(capability + CONTROL, 2, 0);
    }

    /**
     * Sets or clears the function mask, with MSI-X enabled.
     *
     * @param masked true to set it
     */
    public void maskFunction(boolean masked) {
        function.write(capability + CONTROL, 2, masked ? ENABLE | FUNCTION_MASK : ENABLE);
    }

    /**
     * Gives a vector its message, and unmasks it.
     *
     * @param vector the vector
     * @param address where the message is written
     * @param data what is written
     */
    public void route(int vector, long address, int data) {
        long entry = table + (long) ENTRY_BYTES * vector;
        tableBar.write(entry, 4, address & 0xffff_ffffL);
        tableBar.write(entry + 4, 4, address >>> 32);
        tableBar.write(entry + 8, 4, data & 0xffff_ffffL);
        mask(vector, false);
    }

    /**
     * Masks or unmasks a vector.
     *
     * @param vector the vector
     * @param masked true to mask it
     */
    public void mask(int vector, boolean masked) {
        tableBar.write(table + (long) ENTRY_BYTES * vector + 12, 4, masked ? 1 : 0);
    }

    /**
     * Reads a pending bit.
     *
     * @param vector the vector
     * @return true if an interrupt waits
     */
    public boolean isPending(int vector) {
        long word = pendingBar.read(pending + vector / 64 * 8L, 8);
        return (word >>> vector & 1) != 0;
    }
}
