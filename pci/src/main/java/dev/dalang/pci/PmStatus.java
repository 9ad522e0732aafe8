package dev.dalang.pci;

/**
 * What a write to power management control did.
 *
 * @param before the state that the function was in
 * @param after the state that it is in now
 * @param wakeEnabled true if PME is to be signalled from now on
 * @param resets true if the function goes through a reset: it left D3hot, and does not keep its
 *     state there
 * @param wakeSignalled true if PME had waited for being enabled, and is to be signalled now
 */
public record PmStatus(
        PowerState before,
        PowerState after,
        boolean wakeEnabled,
        boolean resets,
        boolean wakeSignalled)
        implements PciCapStatus {
    /** {@return true if the function went from one power state to another} */
    public boolean isPowerChanged() {
        return before != after;
    }

    /** The states that our functions have. */
    public enum PowerState {
        /** On. */
        D0,
        /** Off as far as software can switch it: only configuration space answers. */
        D3HOT
    }
}
