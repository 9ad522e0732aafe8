package dev.dalang.bench.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The machine that measures. */
public final class Host {
    private Host() {}

    /** {@return processor, cores, memory, kernel} */
    public static String describe() {
        return "%s, %d cores, %s, %s %s"
                .formatted(
                        field("/proc/cpuinfo", "model name", System.getProperty("os.arch")),
                        Runtime.getRuntime().availableProcessors(),
                        memory(),
                        System.getProperty("os.name"),
                        System.getProperty("os.version"));
    }

    private static String memory() {
        String kibibytes = field("/proc/meminfo", "MemTotal", "").replaceAll("[^0-9]", "");
        return kibibytes.isEmpty()
                ? "memory unknown"
                : Math.round(Long.parseLong(kibibytes) / 1048576.0) + " GiB";
    }

    private static String field(String file, String key, String otherwise) {
        try {
            for (String line : Files.readAllLines(Path.of(file))) {
                if (line.startsWith(key)) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException _) {
            // Not every host has such a file, and the description is for people.
        }
        return otherwise;
    }
}
