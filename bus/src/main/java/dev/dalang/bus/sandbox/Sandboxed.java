package dev.dalang.bus.sandbox;

import java.util.List;

/**
 * The ability to live in a process that has given up what it does not need. {@link Jail#enter}
 * makes the calls, once for a device, on one thread.
 */
public interface Sandboxed {
    /**
     * Names the descriptors that the device needs and has open. Asked before anything is closed.
     *
     * @return the descriptors' numbers, 0 or more; those that come more than once count once
     */
    default List<Integer> keepDescriptors() {
        return List.of();
    }

    /**
     * Tells that the jail is closed, or that there is none. Comes before the first request; from
     * here on the device may start threads, which are inside then.
     */
    default void onSandboxed() {}
}
