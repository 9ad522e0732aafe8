package dev.dalang.virtio;

/** A call that a device's state does not allow. Nothing was done. */
public final class VirtioStateException extends VirtioException {
    private static final long serialVersionUID = 1L;

    private final VirtioState state;
    private final String call;

    VirtioStateException(String label, VirtioState state, String call, String why) {
        super("%s: %s while %s%s".formatted(label, call, state, why.isEmpty() ? "" : ": " + why));
        this.state = state;
        this.call = call;
    }

    /** {@return the state that the device is in} */
    public VirtioState state() {
        return state;
    }

    /** {@return the call that it does not allow} */
    public String call() {
        return call;
    }
}
