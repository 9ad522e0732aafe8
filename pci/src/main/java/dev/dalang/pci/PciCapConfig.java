package dev.dalang.pci;

/**
 * The live part of a capability. Registers of the capability are numbered from 0, its first.
 *
 * <p>A guest reads the bits of {@link #readMask} from {@link #readRegister}, and all others from
 * configuration space. A write changes the writable bits of configuration space, then comes here as
 * it was made. Calls come on the accessing hart's thread; the configuration space holds none of its
 * locks meanwhile, so that an implementation may hold its own while it calls {@link PciCapMapping}.
 * Nothing that a guest writes may make a method throw.
 *
 * <p>An implementation with state is {@link dev.dalang.bus.snapshot.Suspendable} as well: it is
 * then saved, restored, put to sleep and woken with the configuration space that it belongs to.
 */
public interface PciCapConfig {
    /** {@return the number of registers that have live bits or take writes, from the first on} */
    int registers();

    /**
     * Tells which bits are live. Constant.
     *
     * @param register register of the capability, below {@link #registers}
     * @return the bits that {@link #readRegister} supplies
     */
    int readMask(int register);

    /**
     * Gives the live bits of a register. Any thread.
     *
     * @param register register of the capability, below {@link #registers}
     * @return its value; bits outside {@link #readMask} are ignored
     */
    int readRegister(int register);

    /**
     * Tells whether reading a register does something, as that of a window onto a BAR does. Then it
     * is read when a guest reads it, and at no other time; a configuration page that mirrored it
     * would not do, so that its device asks for {@link
     * PciDeviceSpec.Builder#withoutConfigurationMapping}. Constant.
     *
     * @param register register of the capability, below {@link #registers}
     * @return true if {@link #readRegister} has effects
     */
    default boolean hasReadEffects(int register) {
        return false;
    }

    /**
     * Takes a guest's write of any legal shape.
     *
     * @param register register of the capability, below {@link #registers}
     * @param offset first byte within the register, 0..3, a multiple of {@code size}
     * @param size 1, 2 or 4
     * @param value the value written, zero-extended: its bit 0 is bit 8 × {@code offset} of the
     *     register
     * @return what the function that owns the capability must know; else {@link PciCapStatus#NONE}
     */
    PciCapStatus writeRegister(int register, int offset, int size, int value);

    /**
     * Receives the way to tell of changes that no guest's write made. Called once, when the
     * capability is added. Who has live bits that change by themselves keeps the mapping and uses
     * it at each change, else a mapped configuration page grows stale.
     *
     * @param mapping the capability's registers in configuration space
     */
    default void setCapMapping(PciCapMapping mapping) {}

    /** Goes back to the state at power-on: the function was reset. */
    default void reset() {}
}
