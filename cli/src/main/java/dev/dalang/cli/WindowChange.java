package dev.dalang.cli;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells that the window of this process's terminal has another size ({@code SIGWINCH}), until it is
 * closed.
 *
 * <p>The JDK has signals only in its module {@code jdk.unsupported}, against whose use the compiler
 * warns without a way to be silenced: hence by name. Where they are missing nothing is told.
 */
final class WindowChange implements AutoCloseable {
    private static final String WINCH = "WINCH";

    private final Method handle;
    private final Object signal;
    private final Runnable listener;

    /** Several changes that come while the listener is on its way are one. */
    private final AtomicBoolean isComing = new AtomicBoolean();

    private @Nullable Object before;

    private WindowChange(Method handle, Object signal, Runnable listener) {
        this.handle = handle;
        this.signal = signal;
        this.listener = listener;
    }

    /**
     * Begins to tell.
     *
     * @param listener called on a thread of the JVM's, once at a time
     * @return empty where there is no such signal
     */
    static Optional<WindowChange> watch(Runnable listener) {
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object signal = type.getConstructor(String.class).newInstance(WINCH);
            WindowChange change =
                    new WindowChange(type.getMethod("handle", type, handler), signal, listener);
            Object proxy =
                    Proxy.newProxyInstance(
                            WindowChange.class.getClassLoader(),
                            new Class<?>[] {handler},
                            (self, method, arguments) ->
                                    switch (method.getName()) {
                                        case "handle" -> change.came();
                                        case "equals" -> self == arguments[0];
                                        case "hashCode" -> System.identityHashCode(self);
                                        default -> "handler of " + WINCH;
                                    });
            change.before = change.handle.invoke(null, signal, proxy);
            return Optional.of(change);
        } catch (ReflectiveOperationException _) {
            // Not this JVM's, not this system's, or the JVM was told to leave signals alone.
            return Optional.empty();
        }
    }

    private @Nullable Object came() {
        if (!isComing.getAndSet(true)) {
            synchronized (this) {
                isComing.set(false);
                listener.run();
            }
        }
        return null;
    }

    /** Tells no more; whoever took the signal before takes it again. */
    @Override
    public synchronized void close() {
        Object restored = before;
        before = null;
        if (restored != null) {
            try {
                handle.invoke(null, signal, restored);
            } catch (IllegalAccessException | InvocationTargetException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }
}
