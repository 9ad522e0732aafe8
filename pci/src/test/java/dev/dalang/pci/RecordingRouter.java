package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Records what a function asks of its router, and hands out 24, 25, 26 and so on. A script says
 * which requests fail. For one thread.
 */
final class RecordingRouter implements MsiRouter {
    private final List<String> requests = new ArrayList<>();
    private final List<Integer> signals = new ArrayList<>();
    private final Map<Integer, MsiMessage> live = new TreeMap<>();
    private Predicate<String> fails = _ -> false;
    private int next = 24;

    private static final MsiMessage UNROUTED = new MsiMessage(0, 0);

    /** From now on requests fail for which this holds; they are recorded all the same. */
    void failWhen(Predicate<String> request) {
        fails = request;
    }

    void failNever() {
        fails = _ -> false;
    }

    private void request(String what) {
        requests.add(what);
        if (fails.test(what)) {
            throw new MsiRouterException(MsiRouterException.Kind.HOST, "scripted: " + what);
        }
    }

    @Override
    public int allocate(MsiSource source, int vector) {
        request("allocate " + vector);
        while (live.containsKey(next)) {
            next++;
        }
        live.put(next, UNROUTED);
        return next++;
    }

    @Override
    public void allocateAt(MsiSource source, int vector, int handle) {
        request("at " + handle);
        if (live.putIfAbsent(handle, UNROUTED) != null) {
            throw new MsiRouterException(MsiRouterException.Kind.HANDLE_IN_USE, "taken");
        }
    }

    @Override
    public void route(MsiSource source, int handle, MsiMessage message) {
        request(
                "route %d %x %x"
                        .formatted(
                                handle, message.address(), Integer.toUnsignedLong(message.data())));
        if (live.replace(handle, message) == null) {
            throw new MsiRouterException(MsiRouterException.Kind.UNKNOWN_HANDLE, "no such");
        }
    }

    @Override
    public void release(int handle) {
        request("release " + handle);
        if (live.remove(handle) == null) {
            throw new MsiRouterException(MsiRouterException.Kind.UNKNOWN_HANDLE, "no such");
        }
    }

    @Override
    public boolean signal(int handle) {
        signals.add(handle);
        return live.containsKey(handle);
    }

    @Override
    public List<Integer> keepDescriptors() {
        return List.of(7);
    }

    /** The requests since the last call. */
    List<String> takeRequests() {
        List<String> taken = List.copyOf(requests);
        requests.clear();
        return taken;
    }

    /** The handles signalled since the last call. */
    List<Integer> takeSignals() {
        List<Integer> taken = List.copyOf(signals);
        signals.clear();
        return taken;
    }

    /** What each handle that is given out is routed to. */
    Map<Integer, MsiMessage> live() {
        return Map.copyOf(live);
    }
}
