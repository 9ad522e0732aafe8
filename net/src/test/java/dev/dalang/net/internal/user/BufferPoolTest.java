package dev.dalang.net.internal.user;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

final class BufferPoolTest {
    private static final long MEBIBYTE = 1 << 20;

    /** Found by the campaign: large ones that were given back were kept beside new small ones. */
    @ParameterizedTest
    @ValueSource(longs = {1, 3, 4, 8, 9, 100})
    void whatWasEverAllocatedStaysWithinTheBudget(long mebibytes) {
        BufferPool pool = new BufferPool(mebibytes * MEBIBYTE);
        for (int round = 0; round < 3; round++) {
            List<Integer> sizes = new ArrayList<>();
            List<ByteBuffer> taken = new ArrayList<>();
            for (int size = pool.reserve(); size != 0; size = pool.reserve()) {
                sizes.add(size);
                if (round != 0 || size == BufferPool.LARGE_BYTES) {
                    taken.add(pool.take(size));
                    taken.add(pool.take(size));
                }
            }
            assertThat(sizes).hasSizeGreaterThanOrEqualTo((int) Math.min(8, 4 * mebibytes));
            assertThat(pool.allocatedBytes()).isLessThanOrEqualTo(mebibytes * MEBIBYTE);
            taken.forEach(pool::give);
            sizes.forEach(pool::unreserve);
            assertThat(pool.reservedBytes()).isZero();
        }
    }

    @Test
    void nothingIsReservedOfTooLittle() {
        assertThat(new BufferPool(1000).reserve()).isZero();
    }
}
