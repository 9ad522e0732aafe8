package dev.dalang.pci;

import org.jspecify.annotations.Nullable;

/**
 * The interrupts of one function over its MSI-X, MSI and wired interrupt, as many of these as it
 * has. MSI-X comes before MSI: a guest that enables both violates PCIe 6.0 §6.1.4. Any thread.
 */
public final class FunctionInterrupts implements PciInterrupts {
    private final @Nullable MsixConfig msix;
    private final @Nullable MsiConfig msi;
    private final IntxLine intx;

    private FunctionInterrupts(@Nullable MsixConfig msix, @Nullable MsiConfig msi, IntxLine intx) {
        this.msix = msix;
        this.msi = msi;
        this.intx = intx;
    }

    /**
     * Joins a function's interrupts. From here on the wired one is inactive while messages are
     * used.
     *
     * @param msix null if the function has none
     * @param msi null if the function has none
     * @param intx the wired interrupt; connected to nothing if the function has none
     * @return the interrupts
     */
    public static FunctionInterrupts of(
            @Nullable MsixConfig msix, @Nullable MsiConfig msi, IntxLine intx) {
        FunctionInterrupts interrupts = new FunctionInterrupts(msix, msi, intx);
        if (msix != null) {
            msix.onEnableChange(interrupts::modeChanged);
        }
        if (msi != null) {
            msi.onEnableChange(interrupts::modeChanged);
        }
        interrupts.modeChanged();
        return interrupts;
    }

    /** Two harts may enable and disable at once: whoever comes last here has seen how it ended. */
    private void modeChanged() {
        boolean messages;
        do {
            messages = isMessageSignalled();
            intx.useMessages(messages);
        } while (messages != isMessageSignalled());
    }

    @Override
    public boolean triggerMessage(int vector) {
        if (vector == NO_VECTOR) {
            return isMessageSignalled();
        }
        if (msix != null && msix.triggerIfEnabled(vector)) {
            return true;
        }
        return msi != null && msi.triggerIfEnabled(messageOf(vector));
    }

    /** With fewer MSI than MSI-X vectors, several of the latter share one of the former. */
    private int messageOf(int vector) {
        return msi != null && vector >= 0 && vector < vectors()
                ? vector & msi.numVectors() - 1
                : vector;
    }

    @Override
    public void raise() {
        intx.raise();
    }

    @Override
    public void lower() {
        intx.lower();
    }

    @Override
    public boolean isMessageSignalled() {
        return msix != null && msix.isEnabled() || msi != null && msi.isEnabled();
    }

    @Override
    public int vectors() {
        int count = 1;
        if (msix != null) {
            count = Math.max(count, msix.numVectors());
        }
        if (msi != null) {
            count = Math.max(count, msi.numVectors());
        }
        return count;
    }

    /** {@return the wired interrupt} */
    public IntxLine intx() {
        return intx;
    }
}
