package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.pci.MsiRouterException.Kind;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Routes messages to an {@link MsiTarget}, such as the IMSIC of the embedded machine. A handle is a
 * slot that holds the message. Any thread; a signal takes no lock.
 */
public final class MsiTargetRouter implements MsiRouter {
    /** The greatest number of handles: those of 32 functions with all the vectors MSI-X allows. */
    public static final int MAX_HANDLES = 32 * 2048;

    private final MsiTarget target;
    private final AtomicReferenceArray<MsiMessage> routes;

    /** Guards {@link #inUse}, and what is written to {@link #routes}. */
    private final Object lock = new Object();

    private final BitSet inUse = new BitSet();

    private MsiTargetRouter(MsiTarget target, int handles) {
        this.target = target;
        this.routes = new AtomicReferenceArray<>(handles);
    }

    /**
     * Makes a router.
     *
     * @param target where messages go
     * @param handles how many handles there are: vectors that may be live at a time, over all
     *     functions that use this router; 1..65,536
     * @return the router, with no handle given out
     * @throws PciException if the number of handles is outside that range
     */
    public static MsiTargetRouter create(MsiTarget target, int handles) {
        if (handles < 1 || handles > MAX_HANDLES) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    "MSI router",
                    "expected 1.." + MAX_HANDLES + " handles, got " + handles);
        }
        return new MsiTargetRouter(target, handles);
    }

    /** {@return how many handles there are} */
    public int handles() {
        return routes.length();
    }

    /** {@return how many handles are given out} */
    public int handlesInUse() {
        synchronized (lock) {
            return inUse.cardinality();
        }
    }

    @Override
    public int allocate(MsiSource source, int vector) {
        synchronized (lock) {
            int handle = inUse.nextClearBit(0);
            if (handle >= routes.length()) {
                throw new MsiRouterException(
                        Kind.EXHAUSTED,
                        source.label()
                                + ": no handle is left for vector "
                                + vector
                                + ": all "
                                + routes.length()
                                + " of the machine are given out");
            }
            inUse.set(handle);
            return handle;
        }
    }

    @Override
    public void allocateAt(MsiSource source, int vector, int handle) {
        synchronized (lock) {
            requireInRange(source.label() + ": vector " + vector, handle);
            if (inUse.get(handle)) {
                throw new MsiRouterException(
                        Kind.HANDLE_IN_USE,
                        source.label()
                                + ": vector "
                                + vector
                                + ": handle "
                                + handle
                                + " is given out already");
            }
            inUse.set(handle);
        }
    }

    @Override
    public void route(MsiSource source, int handle, MsiMessage message) {
        synchronized (lock) {
            requireInUse(source.label(), handle);
            routes.set(handle, message);
        }
    }

    @Override
    public void release(int handle) {
        synchronized (lock) {
            requireInUse("release", handle);
            routes.set(handle, null);
            inUse.clear(handle);
        }
    }

    @Override
    public boolean signal(int handle) {
        if (handle < 0 || handle >= routes.length()) {
            return false;
        }
        // The reference is read once: an address and the data that belongs to it.
        MsiMessage message = routes.getAcquire(handle);
        return message != null && target.signal(message.address(), message.data());
    }

    private void requireInUse(String who, int handle) {
        requireInRange(who, handle);
        if (!inUse.get(handle)) {
            throw new MsiRouterException(
                    Kind.UNKNOWN_HANDLE, who + ": handle " + handle + " is not given out");
        }
    }

    private void requireInRange(String who, int handle) {
        if (handle < 0 || handle >= routes.length()) {
            throw new MsiRouterException(
                    Kind.UNKNOWN_HANDLE,
                    who + ": expected a handle of 0.." + (routes.length() - 1) + ", got " + handle);
        }
    }
}
