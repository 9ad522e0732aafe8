package dev.dalang.storage.internal;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Goes through memory in several places, some bytes at a time. One thread. */
public final class Pieces {
    /** Places that are given at once; not more than the host takes in one call. */
    static final int MAX_PLACES = 256;

    private final List<MemorySegment> places;
    private List<MemorySegment> prepared = List.of();

    /** The place where it goes on, and how much of it has been given. */
    private int at;

    private long given;

    /** Begins at the first byte. */
    public Pieces(List<MemorySegment> places) {
        this.places = places;
        skipEmpty();
    }

    private void skipEmpty() {
        while (at < places.size() && given == places.get(at).byteSize()) {
            at++;
            given = 0;
        }
    }

    /** True if all has been given. */
    public boolean isEmpty() {
        return at == places.size();
    }

    /**
     * Chooses the next bytes, without going on; there are some.
     *
     * @param limit how many at most
     * @return how many they are
     */
    public long prepare(long limit) {
        MemorySegment first = places.get(at);
        if (at == places.size() - 1 && given == 0 && first.byteSize() <= limit) {
            prepared = at == 0 ? places : List.of(first); // nothing to cut
            return first.byteSize();
        }
        List<MemorySegment> chosen = new ArrayList<>();
        long bytes = 0;
        long from = given;
        for (int i = at; i < places.size() && bytes < limit && chosen.size() < MAX_PLACES; i++) {
            MemorySegment place = places.get(i);
            long step = Math.min(place.byteSize() - from, limit - bytes);
            if (step > 0) {
                chosen.add(place.asSlice(from, step));
                bytes += step;
            }
            from = 0;
        }
        prepared = chosen;
        return bytes;
    }

    /** What {@link #prepare} chose: one place at least, none of them empty. */
    public List<MemorySegment> prepared() {
        return prepared;
    }

    /** Goes on by some bytes, at most those that were chosen. */
    public void advance(long bytes) {
        for (long left = bytes; left > 0; ) {
            long step = Math.min(places.get(at).byteSize() - given, left);
            given += step;
            left -= step;
            skipEmpty();
        }
    }
}
