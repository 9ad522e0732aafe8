package dev.dalang.pci;

/**
 * Where a capability came to lie.
 *
 * @param id the capability's id
 * @param offset first byte in configuration space, a multiple of 4
 * @param registers number of its registers
 */
public record PciCapabilityHandle(int id, int offset, int registers) {
    /** {@return its first register} */
    public int register() {
        return offset / 4;
    }

    /**
     * Tells whether a register is one of the capability's.
     *
     * @param register register of configuration space
     * @return true if it is
     */
    public boolean contains(int register) {
        return register >= register() && register - register() < registers;
    }
}
