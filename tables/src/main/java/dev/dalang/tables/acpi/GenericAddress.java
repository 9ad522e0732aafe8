package dev.dalang.tables.acpi;

/**
 * Where a register is (Generic Address Structure, ACPI 6.6 §5.2.3.2).
 *
 * @param space 0 memory, 1 ports, 2 PCI configuration
 * @param bitWidth the register's width, 0..255
 * @param bitOffset its first bit, 0..255
 * @param accessSize 0 undefined, 1 byte, 2 word, 3 dword, 4 qword
 * @param address where, 64 bits unsigned
 */
public record GenericAddress(int space, int bitWidth, int bitOffset, int accessSize, long address) {
    private static final int SYSTEM_MEMORY = 0;

    /** No register. */
    public static final GenericAddress NONE = new GenericAddress(0, 0, 0, 0, 0);

    /** Checks the fields' widths. */
    public GenericAddress {
        if ((space | bitWidth | bitOffset) >>> Byte.SIZE != 0 || accessSize < 0 || accessSize > 4) {
            throw new AcpiException(
                    ("a register's address: expected space, width and offset 0..255 and an access"
                                    + " size 0..4, got %d, %d, %d and %d")
                            .formatted(space, bitWidth, bitOffset, accessSize));
        }
    }

    /**
     * {@return registers of a byte each in memory}
     *
     * @param address the first one
     */
    public static GenericAddress memoryBytes(long address) {
        return new GenericAddress(SYSTEM_MEMORY, Byte.SIZE, 0, 1, address);
    }
}
