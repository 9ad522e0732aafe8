package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The functions of the C library that are used. Each method makes its call once and gives what the
 * function gave; {@link #errno} tells why it was negative. Handles are constants, or each call
 * would cost twice as much.
 */
final class Calls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /** Where a thread's calls leave errno; it lives as long as the thread. */
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private static final MethodHandle OPEN =
            variadic("open", 2, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE =
            function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle STATX =
            function(
                    "statx",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle PREAD = transfer("pread");
    private static final MethodHandle PWRITE = transfer("pwrite");
    private static final MethodHandle PREADV = vectored("preadv");
    private static final MethodHandle PWRITEV = vectored("pwritev");
    private static final @Nullable MethodHandle PREADV2 = flagged("preadv2");
    private static final MethodHandle LSEEK =
            function("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle FDATASYNC =
            function("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FSYNC =
            function("fsync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FTRUNCATE =
            function("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FALLOCATE =
            function(
                    "fallocate",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle IOCTL =
            variadic("ioctl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle FCNTL =
            variadic("fcntl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));

    private Calls() {}

    /** A function of the C library; each call captures errno. */
    static MethodHandle function(
            String name, FunctionDescriptor descriptor, Linker.Option... options) {
        Linker.Option[] all = new Linker.Option[options.length + 1];
        all[0] = CAPTURE;
        System.arraycopy(options, 0, all, 1, options.length);
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, all);
    }

    private static MethodHandle variadic(String name, int first, FunctionDescriptor descriptor) {
        return function(name, descriptor, Linker.Option.firstVariadicArg(first));
    }

    private static MethodHandle transfer(String name) {
        return function(
                name, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    }

    private static MethodHandle vectored(String name) {
        return function(
                name, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG));
    }

    /** A function that not every C library has. */
    private static @Nullable MethodHandle flagged(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .map(
                        symbol ->
                                LINKER.downcallHandle(
                                        symbol,
                                        FunctionDescriptor.of(
                                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG,
                                                JAVA_INT),
                                        CAPTURE))
                .orElse(null);
    }

    /** Where this thread's calls leave errno, which is their first argument. */
    static MemorySegment captured() {
        return CAPTURED.get();
    }

    /** True: this class could be initialized. */
    static boolean isLinked() {
        return ERRNO.varType() == int.class;
    }

    /** Why this thread's last call failed. */
    static int errno() {
        return (int) ERRNO.get(CAPTURED.get(), 0L);
    }

    static int open(MemorySegment path, int flags, int mode) {
        try {
            return (int) OPEN.invokeExact(CAPTURED.get(), path, flags, mode);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int close(int descriptor) {
        try {
            return (int) CLOSE.invokeExact(CAPTURED.get(), descriptor);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int statx(int descriptor, MemorySegment path, int flags, int mask, MemorySegment out) {
        try {
            return (int) STATX.invokeExact(CAPTURED.get(), descriptor, path, flags, mask, out);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static long pread(int descriptor, MemorySegment target, long bytes, long offset) {
        try {
            return (long) PREAD.invokeExact(CAPTURED.get(), descriptor, target, bytes, offset);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static long pwrite(int descriptor, MemorySegment source, long bytes, long offset) {
        try {
            return (long) PWRITE.invokeExact(CAPTURED.get(), descriptor, source, bytes, offset);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static long preadv(int descriptor, MemorySegment vector, int count, long offset) {
        try {
            return (long) PREADV.invokeExact(CAPTURED.get(), descriptor, vector, count, offset);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static long pwritev(int descriptor, MemorySegment vector, int count, long offset) {
        try {
            return (long) PWRITEV.invokeExact(CAPTURED.get(), descriptor, vector, count, offset);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    /** True if there is {@link #preadv2}. */
    static boolean hasPreadv2() {
        return PREADV2 != null;
    }

    static long preadv2(int descriptor, MemorySegment vector, int count, long offset, int flags) {
        MethodHandle handle = PREADV2;
        if (handle == null) {
            throw new IllegalStateException("this C library has no preadv2");
        }
        try {
            return (long)
                    handle.invokeExact(CAPTURED.get(), descriptor, vector, count, offset, flags);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static long lseek(int descriptor, long offset, int whence) {
        try {
            return (long) LSEEK.invokeExact(CAPTURED.get(), descriptor, offset, whence);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int fdatasync(int descriptor) {
        try {
            return (int) FDATASYNC.invokeExact(CAPTURED.get(), descriptor);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int fsync(int descriptor) {
        try {
            return (int) FSYNC.invokeExact(CAPTURED.get(), descriptor);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int ftruncate(int descriptor, long bytes) {
        try {
            return (int) FTRUNCATE.invokeExact(CAPTURED.get(), descriptor, bytes);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int fallocate(int descriptor, int mode, long offset, long bytes) {
        try {
            return (int) FALLOCATE.invokeExact(CAPTURED.get(), descriptor, mode, offset, bytes);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int ioctl(int descriptor, long request, MemorySegment argument) {
        try {
            return (int) IOCTL.invokeExact(CAPTURED.get(), descriptor, request, argument);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    static int fcntl(int descriptor, int command, MemorySegment argument) {
        try {
            return (int) FCNTL.invokeExact(CAPTURED.get(), descriptor, command, argument);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    /** What leaves a handle is the caller's: a closed segment, for one. */
    static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException mistake) {
            return mistake;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        throw new AssertionError(thrown);
    }
}
