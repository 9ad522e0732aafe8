package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * What was hot in earlier runs, found again by the bytes of the code. It says where to begin and in
 * what shapes, and nothing about what code does: with a wrong one a guest is slower, never another.
 * Immutable.
 */
final class HotCode {
    /** Regions at the most; the coldest go first. */
    static final int MAX_REGIONS = 4_096;

    private static final int MAGIC = 0x44484331; // "DHC1"
    private static final int MAX_PARTS = 4_096;

    static final HotCode NONE = new HotCode(List.of());

    private final Map<HotRegion.Key, HotRegion> regions = new HashMap<>();
    private final Map<Long, List<HotRegion>> byPage = new HashMap<>();

    private HotCode(Collection<HotRegion> all) {
        for (HotRegion region : all) {
            HotRegion.Key key = region.key();
            regions.put(key, region);
            byPage.computeIfAbsent(key.hash(), hash -> new ArrayList<>()).add(region);
        }
    }

    boolean isEmpty() {
        return regions.isEmpty();
    }

    int size() {
        return regions.size();
    }

    /** The regions that begin in a page. */
    List<HotRegion> in(CodePage page) {
        return isEmpty() ? List.of() : byPage.getOrDefault(page.hash(), List.of());
    }

    /**
     * This and what a run has shown, the hottest of both. What the run did not come to weighs half
     * of what it did.
     */
    HotCode and(Collection<HotRegion> seen) {
        Map<HotRegion.Key, HotRegion> merged = new HashMap<>();
        regions.forEach((key, region) -> merged.put(key, region.withWeight(region.weight() / 2)));
        for (HotRegion region : seen) {
            merged.merge(
                    region.key(),
                    region,
                    (old, now) -> now.withWeight(Math.max(old.weight(), now.weight())));
        }
        return new HotCode(
                merged.values().stream()
                        .sorted(Comparator.comparingLong(HotRegion::weight).reversed())
                        .limit(MAX_REGIONS)
                        .toList());
    }

    byte[] encode() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(MAGIC);
            out.writeInt(regions.size());
            for (HotRegion region : regions.values()) {
                out.writeInt(region.generation());
                out.writeLong(region.weight());
                out.writeInt(region.pages().size());
                for (HotRegion.Page page : region.pages()) {
                    out.writeInt(page.number());
                    out.writeLong(page.hash());
                }
                writeSlots(out, region.wanted());
                writeSlots(out, region.blocks());
            }
            out.writeInt(checksum(bytes.toByteArray(), bytes.size()));
        } catch (IOException e) {
            throw new IllegalStateException("memory cannot fail", e);
        }
        return bytes.toByteArray();
    }

    private static void writeSlots(DataOutputStream out, Collection<Integer> slots)
            throws IOException {
        out.writeInt(slots.size());
        for (int slot : slots) {
            out.writeInt(slot);
        }
    }

    /** What {@link #encode} gave; {@link #NONE} if the bytes are damaged or of another version. */
    static HotCode decode(byte[] bytes) {
        if (bytes.length < 12 || checksum(bytes, bytes.length - 4) != lastInt(bytes)) {
            return NONE;
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            if (in.readInt() != MAGIC) {
                return NONE;
            }
            int count = bounded(in.readInt(), MAX_REGIONS);
            List<HotRegion> regions = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                regions.add(readRegion(in));
            }
            return new HotCode(regions);
        } catch (IOException | RuntimeException damaged) {
            return NONE;
        }
    }

    private static HotRegion readRegion(DataInputStream in) throws IOException {
        int generation = bounded(in.readInt(), Byte.MAX_VALUE);
        long weight = Math.max(0, in.readLong());
        int count = bounded(in.readInt(), RegionPlan.MAX_PAGES);
        List<HotRegion.Page> pages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pages.add(new HotRegion.Page(in.readInt(), in.readLong()));
        }
        List<Integer> wanted = readSlots(in);
        var region = new HotRegion(pages, wanted, Set.copyOf(readSlots(in)), generation, weight);
        int first = region.key().slot();
        if (first < 0 || first >= CodePage.SLOTS) {
            throw new IOException("control comes in at slot " + first + " of the first page");
        }
        return region;
    }

    private static List<Integer> readSlots(DataInputStream in) throws IOException {
        int count = bounded(in.readInt(), MAX_PARTS);
        List<Integer> slots = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            slots.add(in.readInt());
        }
        return slots;
    }

    private static int bounded(int value, int most) throws IOException {
        if (value < 0 || value > most) {
            throw new IOException("expected at most " + most + ", found " + value);
        }
        return value;
    }

    private static int lastInt(byte[] bytes) {
        int value = 0;
        for (int i = bytes.length - 4; i < bytes.length; i++) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        return value;
    }

    private static int checksum(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
