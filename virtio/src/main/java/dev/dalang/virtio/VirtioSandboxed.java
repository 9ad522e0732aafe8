package dev.dalang.virtio;

import java.util.List;

/** The ability to work inside a sandbox that closes what it was not told to leave open. */
public interface VirtioSandboxed {
    /**
     * Names the file descriptors that must stay open. Asked before the sandbox is entered.
     *
     * @return descriptors
     */
    List<Integer> keepDescriptors();

    /** Tells that the sandbox has been entered. Called before the first access. */
    default void onDeviceSandboxed() {}
}
