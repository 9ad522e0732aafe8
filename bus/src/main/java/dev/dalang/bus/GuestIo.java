package dev.dalang.bus;

/**
 * How a hart reaches what is not memory: the machine's policy above the buses. A load that finds no
 * device gives all ones, a store that finds none is dropped, and both are counted. Nothing is ever
 * thrown to the hart.
 *
 * <p>A hart has an object of its own ({@link IoManager#hartIo}). Its thread calls {@link #attach}
 * when it begins to run, {@link #poll} wherever it polls for interrupts, and {@link #detach} when
 * it is about to wait or has stopped; from these calls the machine knows when a device that was
 * removed is at rest. Between attach and detach only that thread may load and store, otherwise any
 * thread. An object that is never attached works as well, and any number of threads may share it,
 * but each access costs more.
 */
public interface GuestIo {
    /**
     * A guest's load from a device.
     *
     * @param address guest physical address, unsigned
     * @param size 1, 2, 4 or 8
     * @return the value, zero-extended; all ones (of {@code size} bytes) where nothing answers
     */
    long load(long address, int size);

    /**
     * A guest's store to a device.
     *
     * @param address guest physical address, unsigned
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void store(long address, int size, long value);

    /** The calling thread begins to run guest code: from now on it polls. */
    default void attach() {}

    /**
     * The attached thread is outside any access. A load and a compare unless something was removed
     * since the last call. Where the time between two calls is not bounded, a removal may wait
     * without bound.
     */
    default void poll() {}

    /** The attached thread will not load, store or poll until it attaches again. */
    default void detach() {}
}
