package dev.dalang.storage.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

final class PiecesTest {
    private static List<MemorySegment> places(int... bytes) {
        List<MemorySegment> places = new ArrayList<>();
        for (int size : bytes) {
            places.add(Arena.ofAuto().allocate(size));
        }
        return places;
    }

    private static List<Long> sizes(Pieces pieces) {
        return pieces.prepared().stream().map(MemorySegment::byteSize).toList();
    }

    @Test
    void onePlaceThatFitsIsGivenAsItIs() {
        List<MemorySegment> places = places(100);
        Pieces pieces = new Pieces(places);
        assertThat(pieces.prepare(100)).isEqualTo(100);
        assertThat(pieces.prepared()).isSameAs(places);
        pieces.advance(100);
        assertThat(pieces.isEmpty()).isTrue();
    }

    @Test
    void placesAreCutAtTheLimitAndGoneOnWith() {
        Pieces pieces = new Pieces(places(10, 20, 30));
        assertThat(pieces.prepare(25)).isEqualTo(25);
        assertThat(sizes(pieces)).containsExactly(10L, 15L);
        pieces.advance(12);
        assertThat(pieces.prepare(25)).isEqualTo(25);
        assertThat(sizes(pieces)).containsExactly(18L, 7L);
        pieces.advance(25);
        assertThat(pieces.prepare(1000)).isEqualTo(23);
        pieces.advance(23);
        assertThat(pieces.isEmpty()).isTrue();
    }

    @Test
    void emptyPlacesAreLeftOut() {
        assertThat(new Pieces(List.of()).isEmpty()).isTrue();
        assertThat(new Pieces(places(0, 0)).isEmpty()).isTrue();
        Pieces pieces = new Pieces(places(0, 5, 0, 6, 0));
        assertThat(pieces.prepare(100)).isEqualTo(11);
        assertThat(sizes(pieces)).containsExactly(5L, 6L);
        pieces.advance(11);
        assertThat(pieces.isEmpty()).isTrue();
    }

    @Test
    void noMorePlacesAreGivenThanTheHostTakes() {
        Pieces pieces = new Pieces(Collections.nCopies(600, Arena.ofAuto().allocate(2)));
        assertThat(pieces.prepare(Long.MAX_VALUE)).isEqualTo(2 * Pieces.MAX_PLACES);
    }

    @Test
    void whateverTheSizesEachByteIsGivenOnceInOrder() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 500; round++) {
            int[] bytes = random.ints(random.nextInt(1, 8), 0, 40).toArray();
            List<MemorySegment> places = places(bytes);
            byte next = 0;
            for (MemorySegment place : places) {
                for (long i = 0; i < place.byteSize(); i++) {
                    place.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, next++);
                }
            }
            Pieces pieces = new Pieces(places);
            byte expected = 0;
            while (!pieces.isEmpty()) {
                long chosen = pieces.prepare(random.nextInt(1, 50));
                long taken = random.nextLong(1, chosen + 1);
                long seen = 0;
                for (MemorySegment piece : pieces.prepared()) {
                    for (long i = 0; i < piece.byteSize() && seen < taken; i++, seen++) {
                        assertThat(piece.get(java.lang.foreign.ValueLayout.JAVA_BYTE, i))
                                .isEqualTo(expected++);
                    }
                }
                pieces.advance(taken);
            }
            assertThat(expected).isEqualTo(next);
        }
    }
}
