package dev.dalang.vm.internal.plugin;

import dev.dalang.pci.PciDevice;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.rng.EntropySource;
import dev.dalang.virtio.rng.VirtioRng;

import java.util.Map;

/**
 * The virtio devices of the house. They come as PCI functions; the board puts them elsewhere where
 * that is asked for.
 */
public final class VirtioKinds {
    private static final String RATE = "rate";
    private static final String SEED = "seed";

    private VirtioKinds() {}

    /** The entropy device. */
    public static DeviceKind rng() {
        return DeviceKind.of(
                "virtio-rng",
                "a source of entropy",
                Map.of(
                        RATE, "bytes a second (default: 1048576)",
                        SEED, "a number, for bytes that are the same at each run"),
                VirtioKinds::rng);
    }

    private static PciDevice rng(Map<String, String> options) {
        long rate = number(options, RATE, VirtioRng.DEFAULT_BYTES_PER_SECOND);
        EntropySource source =
                options.containsKey(SEED)
                        ? EntropySource.seeded(number(options, SEED, 0))
                        : EntropySource.host();
        return VirtioPciDevice.of(VirtioRng.of(source, rate));
    }

    private static long number(Map<String, String> options, String key, long otherwise) {
        String text = options.get(key);
        if (text == null) {
            return otherwise;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException wrong) {
            throw new IllegalArgumentException(
                    "expected %s= with a number, found %s".formatted(key, text), wrong);
        }
    }
}
