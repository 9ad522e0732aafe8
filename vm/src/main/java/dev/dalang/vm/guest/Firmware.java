package dev.dalang.vm.guest;

import java.nio.file.Path;
import java.util.Map;

/**
 * Firmware that is ready to use: its files are on this machine and were checked when this value was
 * made. The files belong to the cache; what the guest may write (a bank of variables) is to be
 * copied first.
 *
 * @param name the firmware's name, as {@link Guests#firmware(String, FetchProgress)} takes it
 * @param version the version of the distribution's package
 * @param files by name, such as {@code fw_dynamic.bin}
 */
public record Firmware(String name, String version, Map<String, Path> files) {

    /** Copies the map. */
    public Firmware {
        files = Map.copyOf(files);
    }

    /**
     * One file of this firmware.
     *
     * @param fileName such as {@code fw_dynamic.bin}
     * @return the file
     * @throws GuestException when it has none of that name
     */
    public Path file(String fileName) {
        Path file = files.get(fileName);
        if (file == null) {
            throw new GuestException(
                    "the firmware %s has no file %s; it has %s"
                            .formatted(
                                    name,
                                    fileName,
                                    String.join(", ", files.keySet().stream().sorted().toList())));
        }
        return file;
    }
}
