package dev.dalang.vm.internal.board;

import dev.dalang.pci.PciFunction;
import dev.dalang.vm.ConfigurationException;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What firmware shall try to boot from, and in which order: the file {@code bootorder} of {@code
 * fw_cfg}, with a line for each device, a path as Open Firmware writes it. Firmware takes what it
 * does not find there last, or not at all.
 */
final class BootOrder {
    /** The file's name. */
    static final String FILE = "bootorder";

    /**
     * The root of the host bridge, by the port that it has on a PC: that is how firmware knows it.
     */
    private static final String ROOT = "/pci@i0cf8/";

    private final SortedMap<Integer, PciFunction> functions = new TreeMap<>();

    /**
     * Adds a function of the root bus.
     *
     * @param index its place; the lowest is tried first
     * @throws ConfigurationException if another one has that place
     */
    void add(int index, PciFunction function) {
        PciFunction other = functions.putIfAbsent(index, function);
        if (other != null) {
            throw new ConfigurationException(
                    "--device: expected each bootindex once, found %d for %s and for %s"
                            .formatted(index, other.id(), function.id()));
        }
    }

    /** The file's content; empty if no device has a place. */
    Optional<byte[]> toFile() {
        if (functions.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder lines = new StringBuilder();
        for (PciFunction function : functions.values()) {
            int device = function.devfn() >>> 3;
            int number = function.devfn() & 7;
            String unit = number == 0 ? "%x".formatted(device) : "%x,%x".formatted(device, number);
            lines.append(ROOT).append(function.device().bootorderNode(unit)).append('\n');
        }
        return Optional.of(lines.append('\0').toString().getBytes(StandardCharsets.US_ASCII));
    }
}
