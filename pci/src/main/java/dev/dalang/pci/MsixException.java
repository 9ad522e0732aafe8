package dev.dalang.pci;

import org.jspecify.annotations.Nullable;

/**
 * What a function with MSI-X or MSI could not do. A guest's write never throws this: there it is
 * counted, logged at a bounded rate, and kept ({@link MsixConfig#lastError}).
 */
public final class MsixException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Says that no one vector, or no handle, is concerned. */
    public static final int NONE = -1;

    private final MsixError error;
    private final String label;
    private final int vector;
    private final int handle;

    MsixException(
            MsixError error,
            String label,
            int vector,
            int handle,
            String what,
            @Nullable Throwable cause) {
        super(
                label
                        + ": "
                        + what
                        + (vector == NONE ? "" : ", vector " + vector)
                        + (handle == NONE ? "" : ", handle " + handle)
                        + (cause == null ? "" : ": " + cause.getMessage()),
                cause);
        this.error = error;
        this.label = label;
        this.vector = vector;
        this.handle = handle;
    }

    /** {@return what failed} */
    public MsixError error() {
        return error;
    }

    /** {@return the label of the device} */
    public String label() {
        return label;
    }

    /** {@return the vector, or {@link #NONE}} */
    public int vector() {
        return vector;
    }

    /** {@return the router's handle, or {@link #NONE}} */
    public int handle() {
        return handle;
    }
}
