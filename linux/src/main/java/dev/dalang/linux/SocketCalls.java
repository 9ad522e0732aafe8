package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** As {@link Calls}, of sockets, events and memory. */
final class SocketCalls {
    private static final MethodHandle SOCKET =
            Calls.function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SOCKETPAIR =
            Calls.function(
                    "socketpair",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle BIND = address("bind");
    private static final MethodHandle CONNECT = address("connect");
    private static final MethodHandle LISTEN =
            Calls.function("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle ACCEPT =
            Calls.function(
                    "accept4",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    private static final MethodHandle SHUTDOWN =
            Calls.function("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SENDMSG = message("sendmsg");
    private static final MethodHandle RECVMSG = message("recvmsg");
    private static final MethodHandle SENDTO =
            Calls.function(
                    "sendto",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle RECVFROM =
            Calls.function(
                    "recvfrom",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle POLL =
            Calls.function("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle EPOLL_CREATE =
            Calls.function("epoll_create1", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle EPOLL_CTL =
            Calls.function(
                    "epoll_ctl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle EPOLL_WAIT =
            Calls.function(
                    "epoll_wait",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle EVENTFD =
            Calls.function("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle READ = plain("read");
    private static final MethodHandle WRITE = plain("write");
    private static final MethodHandle MEMFD_CREATE =
            Calls.function("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle MMAP =
            Calls.function(
                    "mmap",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                            JAVA_LONG));
    private static final MethodHandle MUNMAP =
            Calls.function("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    private static final MethodHandle MADVISE =
            Calls.function(
                    "madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));

    private SocketCalls() {}

    private static MethodHandle address(String name) {
        return Calls.function(name, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static MethodHandle message(String name) {
        return Calls.function(name, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static MethodHandle plain(String name) {
        return Calls.function(name, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    }

    static int socket(int domain, int type, int protocol) {
        try {
            return (int) SOCKET.invokeExact(Calls.captured(), domain, type, protocol);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int socketpair(int domain, int type, int protocol, MemorySegment pair) {
        try {
            return (int) SOCKETPAIR.invokeExact(Calls.captured(), domain, type, protocol, pair);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int bind(int socket, MemorySegment address, int bytes) {
        try {
            return (int) BIND.invokeExact(Calls.captured(), socket, address, bytes);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int connect(int socket, MemorySegment address, int bytes) {
        try {
            return (int) CONNECT.invokeExact(Calls.captured(), socket, address, bytes);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int listen(int socket, int backlog) {
        try {
            return (int) LISTEN.invokeExact(Calls.captured(), socket, backlog);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int accept(int socket, int flags) {
        try {
            return (int)
                    ACCEPT.invokeExact(
                            Calls.captured(),
                            socket,
                            MemorySegment.NULL,
                            MemorySegment.NULL,
                            flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int shutdown(int socket, int how) {
        try {
            return (int) SHUTDOWN.invokeExact(Calls.captured(), socket, how);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long sendmsg(int socket, MemorySegment message, int flags) {
        try {
            return (long) SENDMSG.invokeExact(Calls.captured(), socket, message, flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long recvmsg(int socket, MemorySegment message, int flags) {
        try {
            return (long) RECVMSG.invokeExact(Calls.captured(), socket, message, flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long sendto(
            int descriptor, MemorySegment source, long bytes, MemorySegment address, int length) {
        try {
            return (long)
                    SENDTO.invokeExact(
                            Calls.captured(), descriptor, source, bytes, 0, address, length);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long recvfrom(
            int descriptor,
            MemorySegment target,
            long bytes,
            MemorySegment address,
            MemorySegment length) {
        try {
            return (long)
                    RECVFROM.invokeExact(
                            Calls.captured(), descriptor, target, bytes, 0, address, length);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int poll(MemorySegment entries, long count, int milliseconds) {
        try {
            return (int) POLL.invokeExact(Calls.captured(), entries, count, milliseconds);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int epollCreate(int flags) {
        try {
            return (int) EPOLL_CREATE.invokeExact(Calls.captured(), flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int epollControl(int poll, int operation, int descriptor, MemorySegment event) {
        try {
            return (int)
                    EPOLL_CTL.invokeExact(Calls.captured(), poll, operation, descriptor, event);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int epollWait(int poll, MemorySegment events, int most, int milliseconds) {
        try {
            return (int) EPOLL_WAIT.invokeExact(Calls.captured(), poll, events, most, milliseconds);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int eventfd(int initial, int flags) {
        try {
            return (int) EVENTFD.invokeExact(Calls.captured(), initial, flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long read(int descriptor, MemorySegment target, long bytes) {
        try {
            return (long) READ.invokeExact(Calls.captured(), descriptor, target, bytes);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static long write(int descriptor, MemorySegment source, long bytes) {
        try {
            return (long) WRITE.invokeExact(Calls.captured(), descriptor, source, bytes);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int memfdCreate(MemorySegment name, int flags) {
        try {
            return (int) MEMFD_CREATE.invokeExact(Calls.captured(), name, flags);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    /** The address, or -1. */
    static long mmap(long address, long bytes, int access, int flags, int descriptor, long offset) {
        try {
            return (long)
                    MMAP.invokeExact(
                            Calls.captured(), address, bytes, access, flags, descriptor, offset);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int munmap(long address, long bytes) {
        try {
            return (int) MUNMAP.invokeExact(Calls.captured(), address, bytes);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }

    static int madvise(long address, long bytes, int advice) {
        try {
            return (int) MADVISE.invokeExact(Calls.captured(), address, bytes, advice);
        } catch (Throwable impossible) {
            throw Calls.unexpected(impossible);
        }
    }
}
