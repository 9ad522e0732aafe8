package dev.dalang.vm;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes of memory, in bytes. */
public final class MemorySize {
    private static final Pattern TEXT = Pattern.compile("([0-9]{1,18})(K|M|G)?(i?B)?");

    private MemorySize() {}

    /**
     * Mebibytes.
     *
     * @param count how many, 0..2^43-1
     * @return the same in bytes
     */
    public static long MiB(long count) {
        return Math.multiplyExact(count, 1L << 20);
    }

    /**
     * Gibibytes.
     *
     * @param count how many, 0..2^33-1
     * @return the same in bytes
     */
    public static long GiB(long count) {
        return Math.multiplyExact(count, 1L << 30);
    }

    /**
     * Reads a size as people write it: {@code 512M}, {@code 2G}, {@code 2GiB}, {@code 536870912}.
     * All units are binary.
     *
     * @param option the option that the text comes from, for the message
     * @param text the size
     * @return the size in bytes
     * @throws ConfigurationException if the text is no size
     */
    public static long parse(String option, String text) {
        Matcher matcher = TEXT.matcher(text.strip().toUpperCase(Locale.ROOT).replace("IB", "iB"));
        if (matcher.matches()) {
            int shift =
                    switch (matcher.group(2)) {
                        case "K" -> 10;
                        case "M" -> 20;
                        case "G" -> 30;
                        case null, default -> 0;
                    };
            long count = Long.parseLong(matcher.group(1));
            if (count <= Long.MAX_VALUE >> shift) {
                return count << shift;
            }
        }
        throw new ConfigurationException(
                option + ": expected a size such as 512M or 2G, found " + text);
    }
}
