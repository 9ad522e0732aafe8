package dev.dalang.passthrough;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Finds the capabilities in an image of a device's configuration space. The image is the device's
 * own, and may say anything: a list ends where it meets itself, leaves its part of the space, or
 * has more members than there is room for; no capability reaches into the next one.
 */
final class CapabilityWalk {
    private static final int STATUS = 0x06;
    private static final int STATUS_CAP_LIST = 0x10;
    private static final int POINTER = 0x34;
    private static final int FIRST = 0x40;
    private static final int CONVENTIONAL_BYTES = 0x100;

    /**
     * A capability of the device.
     *
     * @param id its id
     * @param version its version; of an extended one
     * @param offset its first byte
     * @param bytes up to the next one, or the end
     * @param isExtended whether it stands in the extended space
     */
    record Found(int id, int version, int offset, int bytes, boolean isExtended) {}

    private CapabilityWalk() {}

    /** All capabilities, in the order of the lists. */
    static List<Found> of(ConfigImage image) {
        List<Found> found = new ArrayList<>(conventional(image));
        if (image.bytes() > CONVENTIONAL_BYTES) {
            found.addAll(extended(image));
        }
        return found;
    }

    private static List<Found> conventional(ConfigImage image) {
        List<Found> found = new ArrayList<>();
        if ((image.get(STATUS, 2) & STATUS_CAP_LIST) == 0) {
            return found;
        }
        BitSet visited = new BitSet();
        int at = image.get(POINTER, 1) & ~3;
        while (at >= FIRST && !visited.get(at)) {
            visited.set(at);
            found.add(new Found(image.get(at, 1), 0, at, 0, false));
            at = image.get(at + 1, 1) & ~3;
        }
        return measured(found, CONVENTIONAL_BYTES);
    }

    private static List<Found> extended(ConfigImage image) {
        List<Found> found = new ArrayList<>();
        BitSet visited = new BitSet();
        int at = CONVENTIONAL_BYTES;
        while (at >= CONVENTIONAL_BYTES && at <= image.bytes() - 4 && !visited.get(at)) {
            visited.set(at);
            int header = image.get(at, 4);
            if (header == 0 || header == -1) {
                break;
            }
            found.add(new Found(header & 0xffff, header >>> 16 & 0xf, at, 0, true));
            at = header >>> 20 & ~3;
        }
        return measured(found, image.bytes());
    }

    private static List<Found> measured(List<Found> found, int end) {
        int[] starts =
                found.stream()
                        .sorted(Comparator.comparingInt(Found::offset))
                        .mapToInt(Found::offset)
                        .toArray();
        return found.stream()
                .map(
                        each -> {
                            int next = end;
                            for (int start : starts) {
                                if (start > each.offset) {
                                    next = start;
                                    break;
                                }
                            }
                            return new Found(
                                    each.id,
                                    each.version,
                                    each.offset,
                                    next - each.offset,
                                    each.isExtended);
                        })
                .toList();
    }
}
