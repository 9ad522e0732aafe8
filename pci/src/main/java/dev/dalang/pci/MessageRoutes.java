package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntFunction;

/**
 * The handles of a function's vectors and what the router knows of them. Handles are asked for when
 * a vector first becomes usable, and kept until the function is reset, restored or destroyed. Under
 * the lock of the function's configuration.
 */
final class MessageRoutes {
    private static final int NO_HANDLE = MsixException.NONE;

    private final MsiRouter router;
    private final GuestLog log = new GuestLog();
    private MsiSource source;
    private MessageVectors vectors;
    private int[] handles;

    /** Vectors with a handle whose route is not the message that the guest has programmed. */
    private final BitSet stale = new BitSet();

    private volatile @Nullable MsixException lastError;

    MessageRoutes(MsiRouter router, MsiSource source, int count) {
        this.router = router;
        this.source = source;
        vectors = new MessageVectors(router, count);
        handles = noHandles(count);
    }

    private static int[] noHandles(int count) {
        int[] handles = new int[count];
        Arrays.fill(handles, NO_HANDLE);
        return handles;
    }

    MessageVectors vectors() {
        return vectors;
    }

    MsiSource source() {
        return source;
    }

    void source(MsiSource newSource) {
        source = newSource;
    }

    int handle(int vector) {
        return handles[vector];
    }

    long[] handlesAsLongs() {
        return Arrays.stream(handles).asLongStream().toArray();
    }

    @Nullable MsixException lastError() {
        return lastError;
    }

    long errors() {
        return log.count();
    }

    /** The guest has programmed another message for a vector. */
    void messageChanged(int vector) {
        if (handles[vector] != NO_HANDLE) {
            stale.set(vector);
        }
    }

    /**
     * Gives a vector its handle, if it has none, and the router its message, if it has another.
     *
     * @return false if that failed; if the vector had no handle it still has none
     */
    boolean prepare(int vector, MsiMessage message) {
        if (handles[vector] != NO_HANDLE) {
            return !stale.get(vector) || reroute(vector, message);
        }
        int handle;
        try {
            handle = router.allocate(source, vector);
        } catch (RuntimeException e) {
            failed(MsixError.ALLOCATE, vector, NO_HANDLE, "the router gave no handle", e);
            return false;
        }
        if (handle < 0) {
            failed(MsixError.ALLOCATE, vector, handle, "the router gave no valid handle", null);
            return false;
        }
        handles[vector] = handle;
        if (!reroute(vector, message)) {
            stale.clear(vector);
            handles[vector] = NO_HANDLE;
            releaseQuietly(handle);
            return false;
        }
        return true;
    }

    /**
     * Tells the router what a vector's message is. A message to address 0 is one that the guest has
     * not programmed yet: it has no route, and the vector nowhere to send to.
     *
     * @return false if that failed
     */
    boolean reroute(int vector, MsiMessage message) {
        if (message.address() == 0) {
            vectors.disconnect(vector);
            stale.clear(vector);
            return true;
        }
        try {
            router.route(source, handles[vector], message);
        } catch (RuntimeException e) {
            failed(
                    MsixError.ROUTE,
                    vector,
                    handles[vector],
                    "the router did not take the route",
                    e);
            stale.set(vector);
            return false;
        }
        stale.clear(vector);
        vectors.connect(vector, handles[vector]);
        return true;
    }

    /** {@return true if a route has to be set before the vector may send} */
    boolean isStale(int vector) {
        return stale.get(vector);
    }

    /** Gives all handles back, the last one first, whatever the router says. Vectors are closed. */
    void releaseAll() {
        for (int vector = handles.length - 1; vector >= 0; vector--) {
            if (handles[vector] != NO_HANDLE) {
                vectors.disconnect(vector);
                releaseQuietly(handles[vector]);
                handles[vector] = NO_HANDLE;
            }
        }
        stale.clear();
    }

    private void releaseQuietly(int handle) {
        try {
            router.release(handle);
        } catch (RuntimeException e) {
            failed(
                    MsixError.RELEASE,
                    MsixException.NONE,
                    handle,
                    "the router did not take a handle back",
                    e);
        }
    }

    /**
     * Gives all handles back and takes those of a snapshot, all or nothing. The vectors are closed
     * before; after, they are new ones, off and held.
     *
     * @param newSource who asks from now on
     * @param wanted a handle or -1 for each vector of the snapshot
     * @param messages the messages of the snapshot
     * @param present the messages of the present vectors, to go back to
     * @param lost gets the present vectors that are left without a handle where it failed
     * @throws MsixException if it failed
     */
    void replaceAll(
            MsiSource newSource,
            int[] wanted,
            IntFunction<MsiMessage> messages,
            IntFunction<MsiMessage> present,
            BitSet lost) {
        int released = 0;
        int taken = 0;
        try {
            for (; released < handles.length; released++) {
                if (handles[released] != NO_HANDLE) {
                    release(released);
                }
            }
            for (; taken < wanted.length; taken++) {
                if (wanted[taken] != NO_HANDLE) {
                    take(newSource, taken, wanted[taken], messages.apply(taken));
                }
            }
        } catch (MsixException e) {
            while (--taken >= 0) {
                if (wanted[taken] != NO_HANDLE) {
                    releaseQuietly(wanted[taken]);
                }
            }
            for (int vector = 0; vector < released; vector++) {
                if (handles[vector] != NO_HANDLE && !takeBack(vector, present.apply(vector), e)) {
                    lost.set(vector);
                }
            }
            throw e;
        }
        source = newSource;
        handles = wanted.clone();
        stale.clear();
        vectors = new MessageVectors(router, wanted.length);
        for (int vector = 0; vector < wanted.length; vector++) {
            if (wanted[vector] != NO_HANDLE && messages.apply(vector).address() != 0) {
                vectors.connect(vector, wanted[vector]);
            }
        }
    }

    private void release(int vector) {
        try {
            router.release(handles[vector]);
        } catch (RuntimeException e) {
            throw new MsixException(
                    MsixError.RELEASE,
                    source.label(),
                    vector,
                    handles[vector],
                    "the router did not take a handle back",
                    e);
        }
    }

    /** Takes one certain handle and routes it, or neither. */
    private void take(MsiSource who, int vector, int handle, MsiMessage message) {
        try {
            router.allocateAt(who, vector, handle);
        } catch (RuntimeException e) {
            throw new MsixException(
                    MsixError.ALLOCATE,
                    who.label(),
                    vector,
                    handle,
                    "the router did not give the handle that the snapshot names",
                    e);
        }
        if (message.address() == 0) {
            return;
        }
        try {
            router.route(who, handle, message);
        } catch (RuntimeException e) {
            releaseQuietly(handle);
            throw new MsixException(
                    MsixError.ROUTE,
                    who.label(),
                    vector,
                    handle,
                    "the router did not take the route",
                    e);
        }
    }

    /** Undoes a release, with another handle if it must be. */
    private boolean takeBack(int vector, MsiMessage message, MsixException why) {
        try {
            take(source, vector, handles[vector], message);
            stale.clear(vector);
            return true;
        } catch (MsixException e) {
            why.addSuppressed(e);
        }
        vectors.disconnect(vector);
        stale.clear(vector);
        handles[vector] = NO_HANDLE;
        return prepare(vector, message);
    }

    private void failed(
            MsixError error, int vector, int handle, String what, @Nullable Throwable cause) {
        MsixException e = new MsixException(error, source.label(), vector, handle, what, cause);
        lastError = e;
        log.warn("MSI", e::getMessage);
    }
}
