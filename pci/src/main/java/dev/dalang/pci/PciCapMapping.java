package dev.dalang.pci;

/** A capability's registers in configuration space, for the device's side. Any thread. */
@FunctionalInterface
public interface PciCapMapping {
    /**
     * Sets bits of a register, whatever a guest may write, in configuration space and in the page
     * that mirrors it.
     *
     * @param register register of the capability, from 0
     * @param value the bits' new values
     * @param mask the bits to set; the others stay
     * @throws IndexOutOfBoundsException if the capability has no such register
     */
    void setRegister(int register, int value, int mask);
}
