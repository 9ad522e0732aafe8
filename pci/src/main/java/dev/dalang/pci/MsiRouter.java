package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;

import java.util.List;

/**
 * What stands between a function's vectors and whoever delivers messages: the interrupt controller
 * of an embedded machine ({@link MsiTargetRouter}), a hypervisor's routing table, a peer's
 * eventfds.
 *
 * <p>A vector that becomes usable gets a <em>handle</em> (a slot, a GSI), the handle gets a
 * <em>route</em> (the message that the guest programmed), and from then on a signal on the handle
 * delivers that message. A route may be replaced at any time; a signal delivers the old message or
 * the new one, never a mixture.
 *
 * <p>Any thread. {@link #signal} comes from devices' threads, concurrently with everything else,
 * and must neither wait nor throw; the other calls come one at a time for one handle, with a lock
 * of the function held, and must not call back into the function.
 */
public interface MsiRouter {
    /**
     * Gives out a handle. It has no route yet.
     *
     * @param source who asks
     * @param vector the vector the handle is for, from 0
     * @return the handle, at least 0
     * @throws MsiRouterException if none can be had; nothing is given out then
     */
    int allocate(MsiSource source, int vector);

    /**
     * Gives out one certain handle, as a snapshot names it. It has no route yet, and is not given
     * out again until it is released.
     *
     * @param source who asks
     * @param vector the vector the handle is for, from 0
     * @param handle the handle
     * @throws MsiRouterException if that handle cannot be had
     */
    void allocateAt(MsiSource source, int vector, int handle);

    /**
     * Sets or replaces the message that a signal on a handle delivers.
     *
     * @param source who asks
     * @param handle a handle that is given out
     * @param message the message
     * @throws MsiRouterException if the route cannot be set; the old one, if any, stays
     */
    void route(MsiSource source, int handle, MsiMessage message);

    /**
     * Takes a handle back, with its route.
     *
     * @param handle a handle that is given out
     * @throws MsiRouterException if it is not
     */
    void release(int handle);

    /**
     * Delivers the message of a handle's route. Does not wait and does not allocate. A handle that
     * is not given out, or has no route, delivers nothing.
     *
     * @param handle the handle
     * @return false if nothing was delivered
     */
    boolean signal(int handle);

    /**
     * The descriptors that a process must keep open to use this router, if it is to give up all
     * others.
     *
     * @return the descriptors' numbers; none by default
     */
    default List<Integer> keepDescriptors() {
        return List.of();
    }
}
