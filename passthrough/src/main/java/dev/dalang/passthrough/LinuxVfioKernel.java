package dev.dalang.passthrough;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.DeviceFile;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.linux.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** The calls of the Linux that this runs on. One thread waits for all events. */
final class LinuxVfioKernel implements VfioKernel {
    /** An event, and who is told of it. */
    private record Watched(EventDescriptor event, Runnable signalled) {}

    /** Open files by number. Guarded by itself. */
    private final Map<Integer, Descriptor> files = new TreeMap<>();

    /** Held while a signal is told, and while what is watched changes. */
    private final Object watching = new Object();

    private final Map<Integer, Watched> watched = new LinkedHashMap<>();

    /** Waits for all that is watched; null if none does yet. */
    private @Nullable Waiter waiter;

    /** The one that the thread waits in, and closes if it is not the above afterwards. */
    private @Nullable Waiter entered;

    private @Nullable Thread thread;

    @Override
    public int open(String path) throws BackendException {
        try {
            return keep(DeviceFile.open(path));
        } catch (HostIoException failure) {
            throw BackendException.of("open " + path, failure);
        }
    }

    private int keep(Descriptor descriptor) throws HostIoException {
        int number = descriptor.acquire();
        descriptor.release();
        synchronized (files) {
            files.put(number, descriptor);
        }
        return number;
    }

    @Override
    public void adopt(int file, String subject) {
        synchronized (files) {
            files.put(file, Descriptor.of(file, subject));
        }
    }

    private Descriptor file(int number) throws BackendException {
        Descriptor found;
        synchronized (files) {
            found = files.get(number);
        }
        if (found == null) {
            throw BackendException.lost("use descriptor " + number, "it is closed");
        }
        return found;
    }

    @Override
    public void close(int file) {
        Descriptor found;
        synchronized (files) {
            found = files.remove(file);
        }
        if (found != null) {
            found.close();
        }
    }

    @Override
    public int control(int file, String call, long request, MemorySegment argument)
            throws BackendException {
        try {
            return DeviceFile.control(file(file), call, request, argument);
        } catch (HostIoException failure) {
            throw BackendException.of(call, failure);
        }
    }

    @Override
    public void read(int file, long offset, MemorySegment target) throws BackendException {
        try {
            DeviceFile.read(file(file), offset, target);
        } catch (HostIoException failure) {
            throw BackendException.of("read at 0x" + Long.toHexString(offset), failure);
        }
    }

    @Override
    public void write(int file, long offset, MemorySegment source) throws BackendException {
        try {
            DeviceFile.write(file(file), offset, source);
        } catch (HostIoException failure) {
            throw BackendException.of("write at 0x" + Long.toHexString(offset), failure);
        }
    }

    @Override
    public MemorySegment map(int file, long offset, long bytes, boolean isWritable, Arena arena)
            throws BackendException {
        try {
            return SharedMemory.map(file(file), offset, bytes, isWritable, arena);
        } catch (HostIoException failure) {
            throw BackendException.of("map at 0x" + Long.toHexString(offset), failure);
        }
    }

    // ---------------------------------------------------------------- events

    @Override
    public int watch(Runnable signalled) throws BackendException {
        try {
            EventDescriptor event = EventDescriptor.create("an interrupt");
            int number;
            try {
                number = event.descriptor().acquire();
                event.descriptor().release();
                synchronized (watching) {
                    watched.put(number, new Watched(event, signalled));
                    try {
                        waitAnew();
                    } catch (HostIoException | RuntimeException | Error failed) {
                        watched.remove(number);
                        throw failed;
                    }
                }
            } catch (HostIoException | RuntimeException | Error failed) {
                event.close();
                throw failed;
            }
            return number;
        } catch (HostIoException failure) {
            throw BackendException.of("make an event", failure);
        }
    }

    @Override
    public void unwatch(int event) {
        Watched found;
        synchronized (watching) {
            found = watched.remove(event);
            if (found == null) {
                return;
            }
            replaceWaiter(null);
        }
        found.event.close();
    }

    /** What is waited for has changed. With the lock held. */
    private void waitAnew() throws HostIoException {
        replaceWaiter(waiterOf());
        if (thread == null) {
            Thread started = new Thread(this::run, "vfio-interrupts");
            started.setDaemon(true);
            thread = started;
            started.start();
        }
    }

    /** Has the thread wait otherwise. With the lock held. */
    private void replaceWaiter(@Nullable Waiter next) {
        Waiter old = waiter;
        waiter = next;
        if (old != null && old == entered) {
            old.wakeUp();
        } else if (old != null) {
            old.close(); // nobody is in it, nor will be
        }
    }

    private Waiter waiterOf() throws HostIoException {
        Descriptor[] descriptors =
                watched.values().stream()
                        .map(each -> each.event.descriptor())
                        .toArray(Descriptor[]::new);
        Waiter made = Waiter.of(descriptors);
        for (int k = 0; k < descriptors.length; k++) {
            made.interest(k, true, false);
        }
        return made;
    }

    private void run() {
        while (true) {
            Waiter now;
            synchronized (watching) {
                now = waiter;
                if (now == null) {
                    if (watched.isEmpty()) {
                        thread = null;
                        return;
                    }
                    try {
                        now = waiterOf();
                        waiter = now;
                    } catch (HostIoException exhausted) {
                        thread = null;
                        return;
                    }
                }
                entered = now;
            }
            try {
                now.await(-1);
            } catch (HostIoException closedMeanwhile) {
                // What it waited for is another now.
            }
            synchronized (watching) {
                entered = null;
                if (now != waiter) {
                    now.close();
                }
                for (Watched each : watched.values()) {
                    tell(each);
                }
            }
        }
    }

    private static void tell(Watched each) {
        try {
            if (each.event.await(0) > 0) {
                each.signalled.run();
            }
        } catch (HostIoException closed) {
            // It is not watched any more in a moment.
        }
    }

    @Override
    public void closeAll() {
        Map<Integer, Watched> ending;
        synchronized (watching) {
            ending = new LinkedHashMap<>(watched);
        }
        ending.keySet().forEach(this::unwatch);
        Map<Integer, Descriptor> open;
        synchronized (files) {
            open = new TreeMap<>(files);
            files.clear();
        }
        open.values().forEach(Descriptor::close);
    }
}
