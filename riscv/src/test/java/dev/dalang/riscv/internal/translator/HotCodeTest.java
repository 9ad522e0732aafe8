package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.CodePages;
import dev.dalang.riscv.internal.translator.HotRegion.Page;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32C;

/** What a run remembers for the next, as bytes, from whomever they come. */
class HotCodeTest {
    private static final CodePage PAGE = CodePages.of(0x8000_0000L, new byte[] {1, 2, 3, 4});
    private static final int MUTATIONS = 20_000;

    /** Where the fields of the only region of {@link #one} are. */
    private static final int COUNT = 4;

    private static final int GENERATION = 8;
    private static final int PAGES = 20;
    private static final int FIRST_PAGE = 24;
    private static final int WANTED = 36;
    private static final int FIRST_WANTED = 40;

    private static HotRegion region(long hash, int slot, long weight) {
        return new HotRegion(List.of(new Page(0, hash)), List.of(slot), Set.of(slot), 1, weight);
    }

    private static HotCode of(HotRegion... regions) {
        return HotCode.NONE.and(List.of(regions));
    }

    private static byte[] one() {
        return of(region(PAGE.hash(), 5, 100)).encode();
    }

    private static byte[] signed(byte[] bytes) {
        var crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - 4);
        ByteBuffer.wrap(bytes).putInt(bytes.length - 4, (int) crc.getValue());
        return bytes;
    }

    private static boolean isRefused(int offset, int value) {
        byte[] bytes = one();
        ByteBuffer.wrap(bytes).putInt(offset, value);
        return HotCode.decode(signed(bytes)).isEmpty();
    }

    @Test
    void whatWasEncodedComesBack() {
        HotRegion small = region(PAGE.hash(), 5, 100);
        HotRegion large =
                new HotRegion(
                        List.of(new Page(0, PAGE.hash()), new Page(-1, 42), new Page(3, -7)),
                        List.of(9, -40, 7000),
                        Set.of(9, 11, -40, 7000),
                        3,
                        Long.MAX_VALUE);

        HotCode decoded = HotCode.decode(of(small, large).encode());

        assertThat(decoded.in(PAGE)).containsExactlyInAnyOrder(small, large);
        assertThat(decoded.size()).isEqualTo(2);
    }

    @Test
    void nothingIsEncodedToo() {
        assertThat(HotCode.decode(HotCode.NONE.encode()).isEmpty()).isTrue();
        assertThat(HotCode.decode(new byte[0]).isEmpty()).isTrue();
    }

    @Test
    void pagesWithOtherBytesAreNotKnown() {
        CodePage other = CodePages.of(PAGE.address(), new byte[] {1, 2, 3, 5});

        assertThat(HotCode.decode(one()).in(other)).isEmpty();
    }

    @Test
    void everyDamagedByteIsNoticed() {
        for (int n = 0; n < one().length; n++) {
            byte[] bytes = one();
            bytes[n] ^= 0x10;
            assertThat(HotCode.decode(bytes).isEmpty()).as("byte %d", n).isTrue();
        }
    }

    @Test
    void everyMissingEndIsNoticed() {
        byte[] whole = one();
        for (int length = 0; length < whole.length - 4; length++) {
            byte[] bytes = Arrays.copyOf(whole, length);
            assertThat(HotCode.decode(bytes).isEmpty()).as("%d bytes", length).isTrue();
            if (length >= 4) {
                assertThat(HotCode.decode(signed(bytes)).isEmpty())
                        .as("%d bytes with a checksum", length)
                        .isTrue();
            }
        }
    }

    @Test
    void anotherVersionIsNothing() {
        assertThat(isRefused(0, 0x44484332)).isTrue();
    }

    @Test
    void numbersBeyondTheirBoundsAreRefused() {
        for (int value : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 20}) {
            assertThat(isRefused(COUNT, value)).as("regions").isTrue();
            assertThat(isRefused(GENERATION, value)).as("generation").isTrue();
            assertThat(isRefused(PAGES, value)).as("pages").isTrue();
            assertThat(isRefused(WANTED, value)).as("entries").isTrue();
            assertThat(isRefused(FIRST_WANTED, value)).as("first entry").isTrue();
        }
        assertThat(isRefused(COUNT, 2)).isTrue();
        assertThat(isRefused(PAGES, 0)).isTrue();
        assertThat(isRefused(FIRST_PAGE, 1)).as("no first page").isTrue();
        assertThat(isRefused(WANTED, 0)).as("no entry").isTrue();
        assertThat(isRefused(FIRST_WANTED, CodePage.SLOTS)).isTrue();
        assertThat(isRefused(FIRST_WANTED, CodePage.SLOTS - 1)).as("the last slot").isFalse();
    }

    @Test
    void aNegativeWeightIsNone() {
        byte[] bytes = one();
        ByteBuffer.wrap(bytes).putLong(12, -1);

        assertThat(HotCode.decode(signed(bytes)).in(PAGE))
                .containsExactly(region(PAGE.hash(), 5, 0));
    }

    @Test
    void whateverIsInAFileNothingIsThrown() {
        long seed = Long.getLong("dalang.seed", 1);
        Random random = new Random(seed);
        byte[] whole = of(region(PAGE.hash(), 5, 1), region(7, 6, 2), region(8, 7, 3)).encode();
        int accepted = 0;
        for (int n = 0; n < MUTATIONS; n++) {
            byte[] bytes = Arrays.copyOf(whole, Math.max(4, whole.length - random.nextInt(9) + 4));
            for (int count = random.nextInt(4); count >= 0; count--) {
                int at = random.nextInt(bytes.length);
                bytes[at] = (byte) (random.nextBoolean() ? random.nextInt() : bytes[at] + 1);
            }
            HotCode decoded = HotCode.decode(signed(bytes));
            accepted += decoded.isEmpty() ? 0 : 1;
            assertThat(decoded.size()).as("seed %d, mutation %d", seed, n).isLessThan(4);
            assertThat(HotCode.decode(decoded.encode()).size()).isEqualTo(decoded.size());
        }
        // Otherwise all of them were refused at the first look.
        assertThat(accepted).isBetween(1, MUTATIONS - 1);
    }

    @Test
    void whatARunDidNotComeToWeighsHalf() {
        HotCode merged =
                of(region(PAGE.hash(), 5, 100), region(PAGE.hash(), 6, 100))
                        .and(List.of(region(PAGE.hash(), 6, 10), region(PAGE.hash(), 7, 1)));

        assertThat(merged.in(PAGE))
                .extracting(HotRegion::weight)
                .containsExactlyInAnyOrder(50L, 50L, 1L);
    }

    @Test
    void theLatestShapeOfARegionStays() {
        HotRegion later =
                new HotRegion(List.of(new Page(0, PAGE.hash())), List.of(5, 8), Set.of(5, 8), 2, 1);

        assertThat(of(region(PAGE.hash(), 5, 100)).and(List.of(later)).in(PAGE))
                .containsExactly(later.withWeight(50));
    }

    @Test
    void onlyTheHottestStay() {
        List<HotRegion> many = new ArrayList<>();
        for (int n = 0; n < HotCode.MAX_REGIONS + 100; n++) {
            many.add(region(n, 0, n));
        }

        HotCode merged = HotCode.NONE.and(many);

        assertThat(merged.size()).isEqualTo(HotCode.MAX_REGIONS);
        HotCode decoded = HotCode.decode(merged.encode());
        assertThat(decoded.size()).isEqualTo(HotCode.MAX_REGIONS);
        HotCode hotter = decoded.and(List.of(region(PAGE.hash(), 0, 1 << 20)));
        assertThat(hotter.size()).isEqualTo(HotCode.MAX_REGIONS);
        assertThat(hotter.in(PAGE)).hasSize(1);
    }

    @Test
    void theColdestGoFirst() {
        List<HotRegion> many = new ArrayList<>();
        many.add(region(PAGE.hash(), 0, 0));
        for (int n = 0; n < HotCode.MAX_REGIONS; n++) {
            many.add(region(n, 0, 1));
        }

        assertThat(HotCode.NONE.and(many).in(PAGE)).isEmpty();
    }
}
